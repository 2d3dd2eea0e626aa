#pragma once
// The integer arithmetic of quantized networks: a real multiplier is a 31-bit fraction and a power of two.
// (Jacob et al. 2017, arXiv:1712.05877, section 2.2, and the gemmlowp library's published definition of it.)

#include <algorithm>
#include <cstdint>
#include <limits>

namespace pochade {

/// value / 2^31 * 2^exponent. 0, or a value of [2^30, 2^31) times a sign.
struct FixedPoint {
  int32_t value = 0;
  int exponent = 0;
  bool operator==(const FixedPoint&) const = default;
};

/// The nearest one; multipliers below 2^-32 become 0, infinite ones and NaN 0, too.
FixedPoint fixed_point(double multiplier);

inline int32_t saturate_int32(int64_t value) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}
/// Modulo 2^32, as accumulators overflow.
inline int32_t wrap_int32(int64_t value) {
  return static_cast<int32_t>(static_cast<uint32_t>(value));
}

/// round(a * b / 2^31); halves of positive products go up, of negative ones up, too. Only -2^31 * -2^31
/// saturates.
inline int32_t doubling_high_multiply(int32_t a, int32_t b) {
  if (a == b && a == std::numeric_limits<int32_t>::min()) return std::numeric_limits<int32_t>::max();
  const int64_t product = static_cast<int64_t>(a) * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

/// round(x / 2^exponent), halves away from zero; exponent 0 to 31.
inline int32_t divide_by_power(int32_t x, int exponent) {
  const auto mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t rest = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (rest > threshold ? 1 : 0);
}

/// x * multiplier of a 32-bit accumulator, rounded twice: by the product, then by the shift.
inline int32_t multiply(int32_t x, FixedPoint multiplier) {
  const int left = std::clamp(multiplier.exponent, 0, 31), right = std::clamp(-multiplier.exponent, 0, 31);
  const int32_t shifted = wrap_int32(static_cast<int64_t>(x) * (int64_t{1} << left));
  return divide_by_power(doubling_high_multiply(shifted, multiplier.value), right);
}

/// x * multiplier of a 64-bit accumulator below 2^47 (16-bit activations): the fraction has 15 bits only, and
/// halves go up.
inline int32_t multiply_wide(int64_t x, FixedPoint multiplier) {
  const int64_t fraction =
      multiplier.value < 0x7FFF0000 ? (static_cast<int64_t>(multiplier.value) + (1 << 15)) >> 16 : 0x7FFF;
  const int shift = std::clamp(15 - multiplier.exponent, 1, 62);
  return wrap_int32((x * fraction + (int64_t{1} << (shift - 1))) >> shift);
}

/// Least and greatest value of an output, both included.
struct IntegerBounds {
  int32_t low = std::numeric_limits<int32_t>::min();
  int32_t high = std::numeric_limits<int32_t>::max();
  int32_t clamp(int32_t x) const { return std::min(std::max(x, low), high); }
};

}  // namespace pochade
