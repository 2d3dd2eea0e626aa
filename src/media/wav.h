#pragma once
// WAV files in and out, and changing the rate of sound.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace pochade {

/// One channel of sound.
struct Sound {
  int64_t rate = 16000;        ///< samples a second
  std::vector<float> samples;  ///< -1..1
  double seconds() const { return static_cast<double>(samples.size()) / static_cast<double>(rate); }
};

/// A RIFF WAVE file: PCM of 8, 16, 24 or 32 bits, or 32- or 64-bit float, plain or WAVE_FORMAT_EXTENSIBLE.
/// Channels are averaged. A file that was cut short gives what is there. Errors: no WAV file, another
/// encoding (named by its number), rates outside 1000..400000, more than 64 channels, samples that are no
/// numbers.
Result<Sound> parse_wav_file(std::span<const std::byte> bytes);

/// parse_wav_file of a file; "-" is standard input.
Result<Sound> read_wav(const std::filesystem::path& path);

/// A WAV file of one channel of 16 bits.
std::string wav_bytes(const Sound& sound);

/// The same sound with another rate, band-limited: a sinc of 32 zero crossings a side under a Kaiser window
/// (beta 9, the stop band 90 dB down). Error: no memory.
Result<Sound> resampled(const Sound& sound, int64_t rate);

}  // namespace pochade
