#pragma once
// CHECK is for our own bugs only: never for anything that a file or a user can cause.

#include <cstdio>
#include <cstdlib>

namespace pochade::detail {
[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "pochade: internal error: %s is false (%s:%d). Please report it.\n", condition, file,
               line);
  std::abort();
}
}  // namespace pochade::detail

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::pochade::detail::check_failed(#condition, __FILE__, __LINE__))
