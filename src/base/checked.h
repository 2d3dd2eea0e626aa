#pragma once
// Arithmetic on sizes that come from outside: nothing wraps silently.

#include <cstdint>
#include <optional>
#include <span>

namespace pochade {

inline std::optional<int64_t> checked_add(int64_t a, int64_t b) {
  int64_t out;
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}
inline std::optional<int64_t> checked_mul(int64_t a, int64_t b) {
  int64_t out;
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}
/// Product of all; 1 for none.
inline std::optional<int64_t> checked_product(std::span<const int64_t> factors) {
  int64_t out = 1;
  for (const int64_t factor : factors)
    if (__builtin_mul_overflow(out, factor, &out)) return std::nullopt;
  return out;
}

}  // namespace pochade
