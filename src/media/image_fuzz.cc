// Any bytes as a picture: an error or a picture, never a crash. Run with -rss_limit_mb=512.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "media/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr pochade::DecodeLimits kLimits{.pixels = 1'000'000, .memory_bytes = 100'000'000};
  const auto decoded = pochade::decode_image({reinterpret_cast<const std::byte*>(data), size}, kLimits);
  if (decoded && (decoded->image.empty() || decoded->image.values().size() > 4'000'000u)) std::abort();
  return 0;
}
