// Any bytes as a .keras archive: its three files within their limits, or an error; never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "formats/keras/reader/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kLimit = 1 << 20;
  uint64_t weights = 0;
  const auto archive = pochade::keras::read_archive({reinterpret_cast<const std::byte*>(data), size}, kLimit,
                                                    [&](std::string_view part) -> pochade::Status {
                                                      weights += part.size();
                                                      return {};
                                                    });
  if (weights > kLimit) std::abort();
  if (!archive && archive.error().text().empty()) std::abort();
  return 0;
}
