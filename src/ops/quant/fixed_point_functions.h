#pragma once
// Exponential, reciprocal, logarithm and inverse root on 32-bit fixed-point numbers, as TFLite's reference
// kernels compute them (the polynomials and constants are those that gemmlowp publishes). Qm.n: m bits before
// the point.

#include "ops/quant/fixed_point.h"

namespace pochade {

/// x * 2^exponent; a positive exponent saturates, a negative one rounds halves away from zero.
int32_t scale_by_power(int32_t x, int exponent);

/// exp(x) of Q5.26 in [-32, 0] as Q0.31; exp(0) is the largest Q0.31.
int32_t exp_of_negative(int32_t x);

/// 1 / (1 + x) of Q0.31 in [0, 1) as Q0.31.
int32_t one_over_one_plus(int32_t x);

/// 1 / x as a fraction: result / 2^31 / 2^exponent, for x > 0 with `integer_bits` bits before the point.
struct Reciprocal31 {
  int32_t value;
  int exponent;
};
Reciprocal31 reciprocal_of(int32_t x, int integer_bits);

/// log(x) of Q12.19, x at least 1, as Q5.26.
int32_t log_of(int32_t x);

/// 1 / sqrt(x) of an integer; of 0 and 1 about 1.
FixedPoint inverse_sqrt(int32_t x);

}  // namespace pochade
