#pragma once

#include "graph/op.h"

namespace pochade {

/// Strength of each frequency in windows of a sound.
///   x: samples, channels   ->   y: channels, frames, bins
/// frames = floor((samples - window) / stride) + 1, none for a sound shorter than the window; bins = n / 2 +
/// 1, n the power of two that holds the window. Each window is weighed by a periodic Hann window, and
/// followed by zeroes up to n. (TensorFlow AudioSpectrogram.)
struct AudioSpectrogram final : OpOf<AudioSpectrogram> {
  static constexpr std::string_view kName = "AudioSpectrogram";
  int64_t window = 1;    ///< samples
  int64_t stride = 1;    ///< samples from one window to the next
  bool squared = false;  ///< re^2 + im^2, else its root
  static void fields(auto& self, auto&& f) {
    f("window", self.window);
    f("stride", self.stride);
    f("squared", self.squared);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
