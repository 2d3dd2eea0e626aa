// Any bytes as a WAV file: an error or samples, never a crash; and these at another rate.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "media/wav.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto sound = pochade::parse_wav_file({reinterpret_cast<const std::byte*>(data), size});
  if (!sound) return 0;
  if (sound->samples.size() > size) std::abort();
  for (const float sample : sound->samples)
    if (!std::isfinite(sample)) std::abort();
  const auto other = pochade::resampled(*sound, 16000);
  if (!other || std::abs(other->seconds() - sound->seconds()) > 1e-4) std::abort();
  return 0;
}
