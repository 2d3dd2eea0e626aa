#pragma once

#include "graph/op.h"

namespace pochade {

/// Mel-frequency cepstral coefficients: what an ear hears of a spectrum, in few numbers.
///   spectrogram: channels, frames, bins of squared magnitudes   sample_rate: int32 scalar
///   ->   y: channels, frames, coefficients
/// Magnitudes are gathered in overlapping triangular bands of equal width on the mel scale, 1127 * ln(1 + Hz
/// / 700) (Davis and Mermelstein 1980); y is the discrete cosine transform of the logarithms of the bands.
/// (TensorFlow Mfcc.)
struct Mfcc final : OpOf<Mfcc> {
  static constexpr std::string_view kName = "Mfcc";
  float upper_hertz = 4000;
  float lower_hertz = 20;
  int64_t bands = 40;
  int64_t coefficients = 13;
  static void fields(auto& self, auto&& f) {
    f("upper_hertz", self.upper_hertz);
    f("lower_hertz", self.lower_hertz);
    f("bands", self.bands);
    f("coefficients", self.coefficients);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
