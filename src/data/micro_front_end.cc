#include "data/micro_front_end.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace pochade {
namespace {

constexpr int kWindowBits = 12;
constexpr int kWeightBits = 12;
constexpr int kNoiseBits = 14;
constexpr int kNoiseScaleBits = 10;
constexpr uint32_t kNoiseSmoothing[2] = {409, 983};  // of even and odd bands: 0.025 and 0.06 in Q14
constexpr uint32_t kLeastSignal = 819;               // 0.05 in Q14
constexpr int kGainBits = 21;
constexpr int kSnrBits = 12;
constexpr int kGainOutputBits = 6;
constexpr int kLogBits = 16;
constexpr int kLogOutputShift = 6;
constexpr int kLogSegmentBits = 7;

/// Place of the highest bit, counted from 1; 0 of 0.
int bit_width(uint64_t value) {
  return static_cast<int>(std::bit_width(value));
}

/// A Q15 product's upper half, rounded.
int16_t rounded_q15(int32_t product) {
  return static_cast<int16_t>((product + (1 << 14)) >> 15);
}

using Complex = std::array<int16_t, 2>;

Complex divided(const Complex& x, int divisor) {
  const int32_t factor = 32767 / divisor;
  return {rounded_q15(x[0] * factor), rounded_q15(x[1] * factor)};
}
Complex product(const Complex& a, const Complex& b) {
  return {rounded_q15(a[0] * b[0] - a[1] * b[1]), rounded_q15(a[0] * b[1] + a[1] * b[0])};
}
Complex sum(const Complex& a, const Complex& b) {
  return {static_cast<int16_t>(a[0] + b[0]), static_cast<int16_t>(a[1] + b[1])};
}
Complex difference(const Complex& a, const Complex& b) {
  return {static_cast<int16_t>(a[0] - b[0]), static_cast<int16_t>(a[1] - b[1])};
}
/// exp(i phase) in Q15.
Complex unit(double phase) {
  const auto q15 = [](double v) { return static_cast<int16_t>(std::floor(0.5 + 32767 * v)); };
  return {q15(std::cos(phase)), q15(std::sin(phase))};
}

float mel(float hertz) {
  return 1127.0f * std::log1p(hertz / 700.0f);
}

/// The whole root, rounded up where the remainder says so.
uint32_t root(uint64_t value) {
  const bool narrow = value >> 32 == 0;
  auto out = static_cast<uint64_t>(std::sqrt(static_cast<double>(value)));
  while (out * out > value) --out;
  while ((out + 1) * (out + 1) <= value) ++out;
  const uint64_t largest = narrow ? 0xffff : 0xffffffff;
  if (value - out * out > out && out != largest) ++out;
  return static_cast<uint32_t>(out);
}

/// 65536 * (log2(1 + i / 128) - i / 128), i = 0 to 128: what a straight line lacks between powers of two.
const std::array<int32_t, 129>& log_table() {
  static const std::array<int32_t, 129> table = [] {
    std::array<int32_t, 129> out{};
    for (size_t i = 0; i < out.size(); ++i) {
      const double x = static_cast<double>(i) / 128;
      out[i] = static_cast<int32_t>(std::lround(65536 * (std::log2(1 + x) - x)));
    }
    return out;
  }();
  return table;
}

/// The gain for a noise estimate of so many input_bits after the point.
int16_t gain_of(uint32_t noise, int input_bits) {
  const float x = static_cast<float>(noise) / static_cast<float>(1u << input_bits);
  const float gain = static_cast<float>(1u << kGainBits) * std::pow(x + 80.0f, -0.95f);
  return gain > 32767.0f ? int16_t{32767} : static_cast<int16_t>(gain + 0.5f);
}

}  // namespace

MicroFrontEnd::MicroFrontEnd(int64_t rate, int64_t window, int64_t mel_bins, double low_hz, double high_hz)
    : mel_bins_(static_cast<size_t>(mel_bins)), noise_(mel_bins_) {
  const float step = std::numbers::pi_v<float> * 2.0f / static_cast<float>(window);
  for (int64_t i = 0; i < window; ++i) {
    const float value = 0.5f - 0.5f * std::cos(step * (static_cast<float>(i) + 0.5f));
    window_.push_back(static_cast<int16_t>(std::floor(value * (1 << kWindowBits) + 0.5f)));
  }
  fft_size_ = std::max<size_t>(4, std::bit_ceil(static_cast<size_t>(window)));
  const size_t half = fft_size_ / 2;
  for (size_t k = 0; k < half; ++k)
    twiddles_.push_back(unit(-2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(half)));
  for (size_t k = 1; k <= half / 2; ++k)
    real_twiddles_.push_back(
        unit(-std::numbers::pi * (static_cast<double>(k) / static_cast<double>(half) + 0.5)));

  const float low = mel(static_cast<float>(low_hz)), high = mel(static_cast<float>(high_hz));
  const float spacing = (high - low) / static_cast<float>(mel_bins_ + 1);
  const auto center = [&](size_t band) { return low + spacing * static_cast<float>(band + 1); };
  const float bin_hz = 0.5f * static_cast<float>(rate) / static_cast<float>(half);
  first_bin_ = static_cast<size_t>(1.5f + static_cast<float>(low_hz) / bin_hz);  // never the constant part
  size_t band = 0;
  for (size_t bin = first_bin_; bin < half; ++bin) {
    const float at = mel(static_cast<float>(bin) * bin_hz);
    while (band <= mel_bins_ && at > center(band)) ++band;
    if (band > mel_bins_) break;
    const float below = band == 0 ? low : center(band - 1);
    const float falling = (center(band) - at) / (center(band) - below);
    const auto q12 = [](float v) { return static_cast<int16_t>(std::floor(v * (1 << kWeightBits) + 0.5f)); };
    bins_.push_back({band, q12(falling), q12(1.0f - falling)});
  }

  correction_bits_ = bit_width(fft_size_) - 1 - kWeightBits / 2;
  const int input_bits = kNoiseScaleBits - correction_bits_;
  small_gain_ = {gain_of(0, input_bits), gain_of(1, input_bits)};
  gain_.resize(33);
  for (int power = 2; power <= 32; ++power) {
    const uint32_t x0 = 1u << (power - 1), x1 = x0 + (x0 >> 1), x2 = power == 32 ? x0 + (x0 - 1) : 2 * x0;
    const int32_t y0 = gain_of(x0, input_bits);
    const int32_t middle = gain_of(x1, input_bits) - y0, end = gain_of(x2, input_bits) - y0;
    const int32_t slope = 4 * middle - end;  // of the parabola through the three
    gain_[static_cast<size_t>(power)] = {static_cast<int16_t>(y0), static_cast<int16_t>(slope),
                                         static_cast<int16_t>(end - slope)};
  }
}

// Decimation in time: radix 4 from the outside in, radix 2 innermost where the size asks for it. Every stage
// divides by its radix first, so that nothing overflows.
void MicroFrontEnd::transform(const int16_t* from, size_t stride, size_t size, Complex* to) const {
  if (size == 1) {
    to[0] = {from[0], from[1]};
    return;
  }
  const size_t radix = size % 4 == 0 ? 4 : 2, part = size / radix;
  for (size_t r = 0; r < radix; ++r) transform(from + 2 * stride * r, stride * radix, part, to + r * part);
  const size_t step = twiddles_.size() / size;
  for (size_t k = 0; k < part; ++k) {
    Complex* x = to + k;
    if (radix == 2) {
      const Complex a = divided(x[0], 2), b = product(divided(x[part], 2), twiddles_[k * step]);
      x[part] = difference(a, b);
      x[0] = sum(a, b);
      continue;
    }
    const Complex a = divided(x[0], 4), b = product(divided(x[part], 4), twiddles_[k * step]),
                  c = product(divided(x[2 * part], 4), twiddles_[2 * k * step]),
                  d = product(divided(x[3 * part], 4), twiddles_[3 * k * step]);
    const Complex even = sum(a, c), odd = difference(a, c), both = sum(b, d), turn = difference(b, d);
    x[0] = sum(even, both);
    x[2 * part] = difference(even, both);
    const Complex quarter = {turn[1], static_cast<int16_t>(-turn[0])};  // turn * -i
    x[part] = sum(odd, quarter);
    x[3 * part] = difference(odd, quarter);
  }
}

// A real transform by a complex one of half the size: even samples are its real, odd ones its imaginary
// parts.
std::vector<MicroFrontEnd::Complex> MicroFrontEnd::spectrum(std::span<const int16_t> samples) const {
  const size_t half = fft_size_ / 2;
  std::vector<Complex> packed(half), out(half + 1);
  transform(samples.data(), 1, half, packed.data());
  const Complex constant = divided(packed[0], 2);
  out[0] = {static_cast<int16_t>(constant[0] + constant[1]), 0};
  out[half] = {static_cast<int16_t>(constant[0] - constant[1]), 0};
  for (size_t k = 1; k <= half / 2; ++k) {
    const Complex mirror = {packed[half - k][0], static_cast<int16_t>(-packed[half - k][1])};
    const Complex a = divided(packed[k], 2), b = divided(mirror, 2);
    const Complex even = sum(a, b), odd = product(difference(a, b), real_twiddles_[k - 1]);
    out[k] = {static_cast<int16_t>((even[0] + odd[0]) >> 1), static_cast<int16_t>((even[1] + odd[1]) >> 1)};
    out[half - k] = {static_cast<int16_t>((even[0] - odd[0]) >> 1),
                     static_cast<int16_t>((odd[1] - even[1]) >> 1)};
  }
  return out;
}

std::vector<uint32_t> MicroFrontEnd::bands(const std::vector<Complex>& spectrum, int shift) const {
  // A bin between the peaks of bands b - 2 and b - 1 (counted from the edge below the first) belongs to both.
  std::vector<uint64_t> sums(mel_bins_ + 2);
  for (size_t i = 0; i < bins_.size(); ++i) {
    const Complex& x = spectrum[first_bin_ + i];
    const auto energy =
        static_cast<uint64_t>(static_cast<uint32_t>(x[0] * x[0]) + static_cast<uint32_t>(x[1] * x[1]));
    sums[bins_[i].band] += static_cast<uint64_t>(bins_[i].falling) * energy;
    sums[bins_[i].band + 1] += static_cast<uint64_t>(bins_[i].rising) * energy;
  }
  std::vector<uint32_t> out(mel_bins_);
  for (size_t band = 0; band < mel_bins_; ++band) out[band] = root(sums[band + 1]) >> shift;
  return out;
}

uint32_t MicroFrontEnd::without_noise(size_t band, uint32_t signal) {
  const uint32_t smoothing = kNoiseSmoothing[band & 1];
  const uint32_t scaled = signal << kNoiseScaleBits;
  const auto estimate = static_cast<uint32_t>(
      (uint64_t{scaled} * smoothing + uint64_t{noise_[band]} * ((1u << kNoiseBits) - smoothing)) >>
      kNoiseBits);
  noise_[band] = estimate;
  const auto least = static_cast<uint32_t>((uint64_t{signal} * kLeastSignal) >> kNoiseBits);
  return std::max((scaled - std::min(estimate, scaled)) >> kNoiseScaleBits, least);
}

uint32_t MicroFrontEnd::with_gain(size_t band, uint32_t signal) const {
  const uint32_t noise = noise_[band];
  int32_t gain = 0;
  if (noise < 2) {
    gain = small_gain_[noise];
  } else {
    const int power = bit_width(noise);
    const auto& [value, slope, curvature] = gain_[static_cast<size_t>(power)];
    const auto part =
        static_cast<int32_t>((power < 11 ? noise << (11 - power) : noise >> (power - 11)) & 0x3ff);
    int32_t change = (int32_t{curvature} * part) >> 5;
    change = (change + int32_t{slope} * 32) * part;
    gain = static_cast<int16_t>(((change + (1 << 14)) >> 15) + value);
  }
  const int snr_shift = kGainBits - correction_bits_ - kSnrBits;
  const auto snr = static_cast<uint32_t>((uint64_t{signal} * static_cast<uint32_t>(gain)) >> snr_shift);
  if (snr < (2u << kSnrBits)) return (snr * snr) >> (2 + 2 * kSnrBits - kGainOutputBits);
  return (snr >> (kSnrBits - kGainOutputBits)) - (1u << kGainOutputBits);
}

uint16_t MicroFrontEnd::logarithm(uint32_t signal) const {
  signal = correction_bits_ < 0 ? signal >> -correction_bits_ : signal << correction_bits_;
  if (signal <= 1) return 0;
  const int whole = bit_width(signal) - 1;
  const auto above = static_cast<uint32_t>(signal - (uint64_t{1} << whole));
  const auto part =
      static_cast<int32_t>(whole < kLogBits ? above << (kLogBits - whole) : above >> (whole - kLogBits));
  const int32_t segment = part >> (kLogBits - kLogSegmentBits);
  const int32_t from = log_table()[static_cast<size_t>(segment)],
                to = log_table()[static_cast<size_t>(segment) + 1];
  const int32_t inside = part - (segment << (kLogBits - kLogSegmentBits));
  const int32_t fraction = part + from + (((to - from) * inside) >> kLogBits);
  const uint32_t log2 = (static_cast<uint32_t>(whole) << kLogBits) + static_cast<uint32_t>(fraction);
  constexpr uint64_t kLn2 = 45426;  // ln 2 in Q16
  constexpr uint32_t kHalf = 1u << (kLogBits - 1);
  const auto natural = static_cast<uint32_t>((kLn2 * log2 + kHalf) >> kLogBits);
  return static_cast<uint16_t>(std::min(((natural << kLogOutputShift) + kHalf) >> kLogBits, 65535u));
}

std::vector<uint16_t> MicroFrontEnd::frame(std::span<const int16_t> samples) {
  CHECK(samples.size() == window_.size());
  std::vector<int16_t> windowed(fft_size_);
  int16_t largest = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    windowed[i] = static_cast<int16_t>((samples[i] * window_[i]) >> kWindowBits);
    largest = std::max(largest, static_cast<int16_t>(std::abs(windowed[i])));
  }
  const int shift = 15 - bit_width(static_cast<uint64_t>(largest));  // all of the 16 bits are used
  for (int16_t& value : windowed) value = static_cast<int16_t>(static_cast<uint16_t>(value) << shift);
  const auto signals = bands(spectrum(windowed), shift);
  std::vector<uint16_t> out(mel_bins_);
  for (size_t band = 0; band < mel_bins_; ++band) {
    const uint32_t clean = without_noise(band, signals[band]);
    out[band] = logarithm(with_gain(band, clean));
  }
  return out;
}

}  // namespace pochade
