#pragma once

#include "graph/op.h"

namespace pochade {

/// Reads a WAV file of 16-bit samples.
///   contents: uint8 n, the whole file   ->   audio: samples, channels in [-1, 1)   sample_rate: int32 scalar
/// A sample is divided by 32768. (TensorFlow DecodeWav.)  kInvalidArgument at run time: no such file.
struct DecodeWav final : OpOf<DecodeWav> {
  static constexpr std::string_view kName = "DecodeWav";
  int64_t channels =
      -1;  ///< more than the file has repeat its last one, fewer are its first ones; -1: its own
  int64_t samples = -1;  ///< cut, or followed by zeroes; -1: as many as there are
  static void fields(auto& self, auto&& f) {
    f("channels", self.channels);
    f("samples", self.samples);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// What the chunks of a WAV file say. https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
struct WavFile {
  int64_t channels = 1;
  int64_t sample_rate = 0;              ///< Hz
  int64_t samples = 0;                  ///< of each channel
  std::span<const std::byte> elements;  ///< 16 bits each, little-endian, channels side by side
};
Result<WavFile> parse_wav(std::span<const std::byte> file);

}  // namespace pochade
