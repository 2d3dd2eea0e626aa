#include "ops/quant/fixed_point16.h"

#include <algorithm>

#include "ops/quant/fixed_point.h"

namespace pochade {
namespace {

constexpr int32_t kMost = 32767;

int32_t saturate(int32_t x) {
  return std::clamp(x, -32768, 32767);
}

/// Product of Qa and Qb, as Q(a + b); halves go up.
int32_t times(int32_t a, int32_t b) {
  return saturate((a * b + (1 << 14)) >> 15);
}

/// (a + b) / 2 of numbers above 0, halves go up.
int32_t half_sum(int32_t a, int32_t b) {
  return (a + b + 1) / 2;
}

/// exp(x) of Q0.15 in [-1/4, 0): the Taylor polynomial of fourth degree around -1/8.
int32_t exp_near_zero(int32_t x) {
  constexpr int32_t kExpOfMinusEighth = 28918, kThird = 10923;
  const int32_t d = x + (1 << 12);
  const int32_t d2 = times(d, d), d3 = times(d2, d), d4 = times(d2, d2);
  const int32_t tail = divide_by_power(times(divide_by_power(d4, 2) + d3, kThird) + d2, 1);
  return saturate(kExpOfMinusEighth + times(kExpOfMinusEighth, d + tail));
}

/// exp(x) of Qm.(15-m) in [-2^m, 0] as Q0.15; exp(0) is the largest number.
int32_t exp_of_negative(int32_t x, int integer_bits) {
  if (x == 0) return kMost;
  const int fraction_bits = 15 - integer_bits;
  if (integer_bits > 5 && x < -(32 << fraction_bits)) return 0;
  const int32_t quarter = 1 << (fraction_bits - 2);
  const int32_t rest = (x & (quarter - 1)) - quarter;
  int32_t result = exp_near_zero(rest << integer_bits);
  const int32_t whole = rest - x;  // a multiple of a quarter, each bit of which is one factor
  // exp(-2^i) for i = -2, -1, ...
  constexpr int32_t kFactors[] = {25520, 19875, 12055, 4435, 600, 11, 0};
  for (int i = -2; i < std::min(integer_bits, 5); ++i)
    if ((whole >> (fraction_bits + i) & 1) != 0) result = times(result, kFactors[i + 2]);
  return result;
}

/// 2 / (1 + x) of Q0.15 in [0, 1) as Q2.13: Newton's division, from the line through 48/17 and -32/17.
int32_t twice_over_one_plus(int32_t x) {
  constexpr int32_t k48Over17 = 23130, kMinus32Over17 = -15420, kOne = 1 << 13;
  const int32_t half_denominator = half_sum(x, kMost);
  int32_t y = k48Over17 + times(half_denominator, kMinus32Over17);
  for (int i = 0; i < 3; ++i) y += saturate(times(y, kOne - times(half_denominator, y)) * 4);
  return y;
}

}  // namespace

int16_t sigmoid_q3(int16_t x) {
  if (x == 0) return 1 << 14;
  const int32_t exponential = exp_of_negative(x > 0 ? -x : x, 3);
  const int32_t positive = saturate(twice_over_one_plus(exponential) * 2);
  return static_cast<int16_t>(x > 0 ? positive : kMost - positive);
}

int16_t tanh_q(int16_t x, int integer_bits) {
  if (x == 0) return 0;
  // (1 - exp(-2x)) / (1 + exp(-2x)); the numbers of one more integer bit are twice as large.
  const int32_t exponential = exp_of_negative(x > 0 ? -x : x, integer_bits + 1);
  const int32_t positive = saturate((twice_over_one_plus(exponential) - (1 << 13)) * 4);
  return static_cast<int16_t>(x > 0 ? positive : -positive);
}

}  // namespace pochade
