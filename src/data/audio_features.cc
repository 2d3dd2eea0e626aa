#include "data/audio_features.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>

#include "data/micro_front_end.h"
#include "data/picture_input.h"
#include "ops/signal/fft.h"

namespace pochade {
namespace {

/// |X[k]| of one frame under a periodic Hann window, k = 0 to size / 2.
std::vector<double> magnitudes(std::span<const float> frame, size_t size) {
  std::vector<std::complex<double>> values(size);
  const auto window = static_cast<double>(frame.size());
  for (size_t i = 0; i < frame.size(); ++i)
    values[i] =
        double{frame[i]} * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / window));
  const auto spectrum = fourier(values, false);
  std::vector<double> out(size / 2 + 1);
  for (size_t k = 0; k < out.size(); ++k) out[k] = std::abs(spectrum[k]);
  return out;
}

double htk_mel(double hertz) {
  return 1127.0 * std::log1p(hertz / 700.0);
}

/// Slaney's scale (Auditory Toolbox 1998): linear to 1000 Hz, then logarithmic.
double slaney_mel(double hertz) {
  const double step = std::log(6.4) / 27;
  return hertz < 1000 ? hertz * 3 / 200 : 15 + std::log(hertz / 1000) / step;
}
double slaney_hertz(double mel) {
  const double step = std::log(6.4) / 27;
  return mel < 15 ? mel * 200 / 3 : 1000 * std::exp(step * (mel - 15));
}

/// Weights of the spectrum's bins in each band: bands x bins.
using Bands = std::vector<std::vector<double>>;

/// Triangles whose corners lie evenly on the mel scale, and whose sides are straight there. The constant part
/// counts nowhere.
Bands htk_bands(const AudioFrontEnd& how, size_t bins) {
  const double low = htk_mel(how.low_hz), high = htk_mel(how.high_hz);
  const auto corner = [&](int64_t i) {
    return low + (high - low) * static_cast<double>(i) / static_cast<double>(how.mel_bins + 1);
  };
  Bands out(static_cast<size_t>(how.mel_bins), std::vector<double>(bins));
  for (int64_t band = 0; band < how.mel_bins; ++band)
    for (size_t k = 1; k < bins; ++k) {
      const double at =
          htk_mel(static_cast<double>(k) * static_cast<double>(how.rate) / 2 / static_cast<double>(bins - 1));
      const double rising = (at - corner(band)) / (corner(band + 1) - corner(band));
      const double falling = (corner(band + 2) - at) / (corner(band + 2) - corner(band + 1));
      out[static_cast<size_t>(band)][k] = std::max(0.0, std::min(rising, falling));
    }
  return out;
}

/// Triangles whose corners lie evenly on Slaney's scale, with straight sides over frequency and an area of 1.
Bands slaney_bands(const AudioFrontEnd& how, size_t bins) {
  const double low = slaney_mel(how.low_hz), high = slaney_mel(how.high_hz);
  const auto corner = [&](int64_t i) {
    return slaney_hertz(low + (high - low) * static_cast<double>(i) / static_cast<double>(how.mel_bins + 1));
  };
  Bands out(static_cast<size_t>(how.mel_bins), std::vector<double>(bins));
  for (int64_t band = 0; band < how.mel_bins; ++band) {
    const double from = corner(band), peak = corner(band + 1), to = corner(band + 2);
    for (size_t k = 0; k < bins; ++k) {
      const double at =
          static_cast<double>(k) * static_cast<double>(how.rate) / 2 / static_cast<double>(bins - 1);
      const double height = std::min((at - from) / (peak - from), (to - at) / (to - peak));
      out[static_cast<size_t>(band)][k] = std::max(0.0, height) * 2 / (to - from);
    }
  }
  return out;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void mfcc_frame(std::span<const float> frame, const AudioFrontEnd& how, const Bands& bands, size_t size,
                float* out) {
  const auto spectrum = magnitudes(frame, size);
  std::vector<double> logs;
  for (const auto& band : bands) logs.push_back(std::log(dot(band, spectrum) + 1e-6));
  const auto count = static_cast<double>(logs.size());
  for (int64_t k = 0; k < how.coefficients; ++k) {
    double sum = 0;
    for (size_t n = 0; n < logs.size(); ++n)
      sum += logs[n] *
             std::cos(std::numbers::pi / count * (static_cast<double>(n) + 0.5) * static_cast<double>(k));
    out[k] = static_cast<float>(2 * sum / std::sqrt(2 * count));
  }
}

void log_mel_frame(std::span<const float> frame, const Bands& bands, size_t size, float* out) {
  auto spectrum = magnitudes(frame, size);
  for (double& value : spectrum) value *= value;
  for (size_t band = 0; band < bands.size(); ++band)
    out[band] = static_cast<float>(10 * std::log10(dot(bands[band], spectrum) + 2.220446049250313e-16));
}

int16_t to_int16(float sample) {
  return static_cast<int16_t>(std::lround(std::clamp(sample * 32768.0f, -32768.0f, 32767.0f)));
}

/// The front end's integers, frames x bands.
std::vector<uint16_t> micro_features(const std::vector<float>& samples, const AudioFrontEnd& how) {
  MicroFrontEnd front_end(how.rate, how.window, how.mel_bins, how.low_hz, how.high_hz);
  std::vector<int16_t> integers(samples.size());
  std::ranges::transform(samples, integers.begin(), to_int16);
  std::vector<uint16_t> out;
  for (int64_t f = 0; f < how.frames; ++f) {
    const auto frame = front_end.frame(
        std::span(integers).subspan(static_cast<size_t>(f * how.stride), static_cast<size_t>(how.window)));
    out.insert(out.end(), frame.begin(), frame.end());
  }
  return out;
}

/// As many samples as the front end needs.
std::vector<float> padded(std::span<const float> samples, const AudioFrontEnd& how) {
  std::vector<float> out(static_cast<size_t>(samples_needed(how)));
  std::copy_n(samples.begin(), std::min(samples.size(), out.size()), out.begin());
  return out;
}

}  // namespace

int64_t samples_needed(const AudioFrontEnd& front_end) {
  return (front_end.frames - 1) * front_end.stride + front_end.window;
}

Result<Tensor> audio_features(std::span<const float> samples, const AudioFrontEnd& how) {
  const bool mfcc = how.kind == AudioFrontEnd::Kind::kMfcc;
  const int64_t columns = mfcc ? how.coefficients : how.mel_bins;
  TRY(Tensor out, Tensor::make(DType::kF32, {how.frames, columns}));
  std::vector<float> values = padded(samples, how);
  float* to = out.mutable_data<float>().data();
  if (how.kind == AudioFrontEnd::Kind::kMicro) {
    for (const uint16_t value : micro_features(values, how)) *to++ = static_cast<float>(value) / 25.6f;
    return out;
  }
  if (how.peak) {
    const float peak = *std::ranges::max_element(values);
    if (peak > 0)
      for (float& value : values) value /= peak;
  }
  const size_t size = std::bit_ceil(static_cast<size_t>(how.window));
  const Bands bands = mfcc ? htk_bands(how, size / 2 + 1) : slaney_bands(how, size / 2 + 1);
  for (int64_t f = 0; f < how.frames; ++f, to += columns) {
    const auto frame =
        std::span(values).subspan(static_cast<size_t>(f * how.stride), static_cast<size_t>(how.window));
    if (mfcc)
      mfcc_frame(frame, how, bands, size, to);
    else
      log_mel_frame(frame, bands, size, to);
  }
  return out;
}

Result<Tensor> enter_sound(std::span<const float> samples, const AudioFrontEnd& how, const Fact& input) {
  Shape shape;
  for (const Dim& dim : input.dims.value_or(Dims())) {
    if (!dim.is_number() && shape.rank() > 0)
      return Error::not_supported("an input of {}, expected a known size", input);
    shape.push_back(dim.is_number() ? dim.number() : 1);
  }
  const int64_t columns = how.kind == AudioFrontEnd::Kind::kMfcc ? how.coefficients : how.mel_bins;
  if (shape.checked_elements() != how.frames * columns)
    return Error::invalid_argument("{} frames of {} features do not fill an input of {}", how.frames, columns,
                                   input);
  const bool bytes = input.dtype == DType::kI8 || input.dtype == DType::kU8;
  if (how.kind == AudioFrontEnd::Kind::kMicro && bytes) {
    TRY(Tensor out, Tensor::make(*input.dtype, shape));
    std::byte* to = out.mutable_bytes();
    for (const uint16_t value : micro_features(padded(samples, how), how)) {
      const int q = std::min((value * 256 + 333) / 666, 255);
      *to++ = static_cast<std::byte>(input.dtype == DType::kI8 ? q - 128 : q);
    }
    return out;
  }
  TRY(const Tensor features, audio_features(samples, how));
  return quantized(features.reshaped(shape), *input.dtype, input.quantization.get());
}

}  // namespace pochade
