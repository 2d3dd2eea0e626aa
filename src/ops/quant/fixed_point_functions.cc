#include "ops/quant/fixed_point_functions.h"

#include <bit>
#include <cmath>

namespace pochade {
namespace {

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

/// Product of Qa and Qb, as Q(a + b).
int32_t times(int32_t a, int32_t b) {
  return doubling_high_multiply(a, b);
}

int32_t plus(int32_t a, int32_t b) {
  return wrap_int32(int64_t{a} + b);
}
int32_t minus(int32_t a, int32_t b) {
  return wrap_int32(int64_t{a} - b);
}

/// (a + b) / 2, halves away from zero.
int32_t half_sum(int32_t a, int32_t b) {
  const int64_t sum = int64_t{a} + b;
  return static_cast<int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
}

int leading_zeros(int32_t x) {
  return std::countl_zero(static_cast<uint32_t>(x));
}

/// exp(x) of Q0.31 in [-1/4, 0): the Taylor polynomial of fourth degree around -1/8.
int32_t exp_near_zero(int32_t x) {
  constexpr int32_t kExpOfMinusEighth = 1895147668, kThird = 715827883;
  const int32_t d = plus(x, 1 << 28);
  const int32_t d2 = times(d, d), d3 = times(d2, d), d4 = times(d2, d2);
  const int32_t tail = scale_by_power(plus(times(plus(scale_by_power(d4, -2), d3), kThird), d2), -1);
  return plus(kExpOfMinusEighth, times(kExpOfMinusEighth, plus(d, tail)));
}

}  // namespace

int32_t scale_by_power(int32_t x, int exponent) {
  if (exponent < 0) return divide_by_power(x, -exponent);
  return saturate_int32(int64_t{x} * (int64_t{1} << exponent));
}

int32_t exp_of_negative(int32_t x) {
  if (x == 0) return kMost;
  constexpr int32_t kQuarter = 1 << 24;
  const int32_t rest = (x & (kQuarter - 1)) - kQuarter;
  int32_t result = exp_near_zero(scale_by_power(rest, 5));
  const int32_t whole = minus(rest, x);  // a multiple of a quarter, each bit of which is one factor
  // exp(-2^i) for i = -2, -1, ...
  constexpr int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  int bit = 24;
  for (const int32_t factor : kFactors) {
    if ((whole >> bit & 1) != 0) result = times(result, factor);
    ++bit;
  }
  return result;
}

int32_t one_over_one_plus(int32_t x) {
  // Newton's division, from the line through 48/17 and -32/17, in Q2.29.
  constexpr int32_t k48Over17 = 1515870810, kMinus32Over17 = -1010580540, kOne = 1 << 29;
  const int32_t half_denominator = half_sum(x, kMost);
  int32_t y = plus(k48Over17, times(half_denominator, kMinus32Over17));
  for (int i = 0; i < 3; ++i) {
    const int32_t error = minus(kOne, times(half_denominator, y));
    y = plus(y, scale_by_power(times(y, error), 2));
  }
  return scale_by_power(y, 1);
}

Reciprocal31 reciprocal_of(int32_t x, int integer_bits) {
  const int zeros = leading_zeros(x);
  const auto fraction =
      static_cast<int32_t>((zeros < 32 ? static_cast<uint32_t>(x) << zeros : 0u) - (uint32_t{1} << 31));
  return {one_over_one_plus(fraction), integer_bits - zeros};
}

int32_t log_of(int32_t x) {
  // log(x) = n log 2 + log(r) with r near the fourth root of 1/2, where a rational function stands for the
  // logarithm.
  constexpr int kInputBits = 12, kSumBits = 6;
  constexpr int32_t kLog2 = 1488522236, kFourthRootOfHalf = 1805811301, kRootOfHalf = 1518500250;
  constexpr int32_t kAlphaN = 117049297, kAlphaD = 127690142, kAlphaI = 1057819769, kAlphaF = 638450708;
  constexpr int32_t kQuarter = 1 << 23;  // in Q6.25
  const int zeros = leading_zeros(x);
  const int32_t r_a = scale_by_power(times(scale_by_power(x, zeros - 1), kRootOfHalf), 1);
  const int32_t n_a = saturate_int32(int64_t{scale_by_power(kInputBits - zeros, 31 - kSumBits)} + kQuarter);
  const int headroom = leading_zeros(times(x, kRootOfHalf)) - 1;
  const int32_t r_b = scale_by_power(x, headroom);
  const int32_t n_b =
      saturate_int32(int64_t{scale_by_power(kInputBits - headroom, 31 - kSumBits)} - kQuarter);
  const int32_t r = std::min(r_a, r_b), n = std::max(n_a, n_b);
  const int32_t p = half_sum(r, kFourthRootOfHalf);
  const int32_t difference = minus(r, kFourthRootOfHalf);
  const int32_t q = plus(difference, difference);
  const int32_t square = times(q, q);
  const int32_t numerator = plus(times(q, r), times(times(q, square), kAlphaN));
  const int32_t denominator =
      plus(times(p, plus(plus(kAlphaI, q), times(kAlphaD, square))), times(kAlphaF, q));
  const int32_t scaled = scale_by_power(numerator, -kSumBits);
  return scale_by_power(plus(times(n, kLog2), times(scaled, one_over_one_plus(denominator))), 1);
}

FixedPoint inverse_sqrt(int32_t x) {
  if (x <= 1) return {kMost, 0};
  int shift = 11;
  for (; x >= 1 << 29; x /= 4) ++shift;
  const int pairs = (leading_zeros(x) - 1) / 2 - 1;
  shift -= pairs;
  x <<= 2 * pairs;
  // Newton's iteration y = y (3 - x y^2) / 2, in Q3.28.
  const int32_t half = scale_by_power(x >> 1, -1);
  constexpr int32_t kThreeHalves = (1 << 28) + (1 << 27), kRootOfHalf = 1518500250;
  int32_t y = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = scale_by_power(times(times(y, y), y), 6);
    y = scale_by_power(minus(times(kThreeHalves, y), times(half, cube)), 3);
  }
  y = times(y, kRootOfHalf);
  if (shift < 0) {
    y = wrap_int32(int64_t{y} << -shift);
    shift = 0;
  }
  return {y, -shift};
}

}  // namespace pochade
