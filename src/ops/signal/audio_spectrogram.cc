#include "ops/signal/audio_spectrogram.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "ops/eval.h"
#include "ops/signal/fft.h"

namespace pochade {
namespace {

constexpr int64_t kMostSamples = int64_t{1} << 24;  ///< of a window: longer ones are a mistake in the file

}  // namespace

Result<Facts> AudioSpectrogram::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kF32}));
  TRY(expect_rank(in[0], "x", 2, 2));
  if (window < 2 || window > kMostSamples) return Error::invalid_model("the window has {} samples", window);
  if (stride < 1) return Error::invalid_model("the stride is {}", stride);
  const Dims x = in[0].dims.value_or(Dims(2));
  const Dim frames =
      derive(x[0], [this](int64_t n) { return n < window ? int64_t{0} : (n - window) / stride + 1; });
  const auto bins = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(window))) / 2 + 1;
  return Facts{Fact(DType::kF32, Dims{x[1], frames, bins})};
}

Result<Tensors> AudioSpectrogram::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const int64_t channels = in[0].shape()[1], frames = out[0].shape()[1], bins = out[0].shape()[2];
  const float* x = in[0].data<float>().data();
  float* y = out[0].mutable_data<float>().data();
  std::vector<double> hann(static_cast<size_t>(window));
  for (size_t i = 0; i < hann.size(); ++i)
    hann[i] =
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(window));
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t f = 0; f < frames; ++f) {
      std::vector<std::complex<double>> signal(static_cast<size_t>(2 * (bins - 1)));
      for (int64_t t = 0; t < window; ++t)
        signal[static_cast<size_t>(t)] =
            static_cast<double>(x[(f * stride + t) * channels + c]) * hann[static_cast<size_t>(t)];
      const auto spectrum = fourier(signal, false);
      for (int64_t k = 0; k < bins; ++k) {
        const double power = std::norm(spectrum[static_cast<size_t>(k)]);
        *y++ = static_cast<float>(squared ? power : std::sqrt(power));
      }
    }
  return out;
}

}  // namespace pochade
