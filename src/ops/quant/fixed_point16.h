#pragma once
// Logistic function and hyperbolic tangent on 16-bit fixed-point numbers, as the gates of TFLite's integer
// LSTM compute them: gemmlowp's published polynomials with constants and products of 16 bits. Qm.n: m bits
// before the point.

#include <cstdint>

namespace pochade {

/// 1 / (1 + exp(-x)) of Q3.12 as Q0.15.
int16_t sigmoid_q3(int16_t x);

/// tanh(x) of Qm.(15-m) as Q0.15; m is 0 to 6.
int16_t tanh_q(int16_t x, int integer_bits);

}  // namespace pochade
