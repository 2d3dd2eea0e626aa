#include "ops/quant/rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pochade {
namespace {

int32_t clamp_to_int32(int64_t value) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

/// round(a * b / 2^31), halves up, as the instruction VQRDMULH of ARM.
int64_t multiply_high(int64_t a, int64_t b) {
  const int64_t product = a * b;
  const int64_t half = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return (product + half) / (int64_t{1} << 31);
}

/// round(value / 2^exponent), halves away from zero.
int64_t divide_by_power(int64_t value, int exponent) {
  if (exponent == 0) return value;
  if (exponent > 40) return 0;
  const int64_t mask = (int64_t{1} << exponent) - 1;
  const int64_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

}  // namespace

std::string_view to_string(Rounding rounding) {
  return rounding == Rounding::kOnnx ? "onnx" : "tflite";
}

double round_value(double value, Rounding rounding) {
  return rounding == Rounding::kOnnx ? std::nearbyint(value) : std::round(value);
}

int64_t requantize(int64_t accumulator, float multiplier, Rounding rounding) {
  if (rounding == Rounding::kOnnx) {
    const float product = static_cast<float>(clamp_to_int32(accumulator)) * multiplier;
    // Far beyond every integer type that a result may have; keeps the conversion defined for infinities.
    return std::isnan(product) ? 0 : static_cast<int64_t>(std::nearbyint(std::clamp(product, -1e15f, 1e15f)));
  }
  if (multiplier == 0 || !std::isfinite(multiplier)) return 0;
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(multiplier), &exponent);
  int64_t fixed = static_cast<int64_t>(std::round(fraction * 2147483648.0));
  if (fixed == int64_t{1} << 31) {
    fixed /= 2;
    ++exponent;
  }
  const int left = std::clamp(exponent, 0, 31);
  const int64_t shifted = clamp_to_int32(clamp_to_int32(accumulator) * (int64_t{1} << left));
  return divide_by_power(multiply_high(shifted, fixed), std::max(-exponent, 0));
}

}  // namespace pochade
