#pragma once
// Functions that are left to the C library, one element at a time. Compiled once, for the plain ISA.

#include "kernels/elementwise_args.h"

namespace pochade {

/// op is kSin or later.
void libm_unary(Unary op, const float* x, float* y, size_t n);
/// y[i] = pow(a[i * a_step], b[i * b_step]). y may be a or b.
void libm_pow(const float* a, size_t a_step, const float* b, size_t b_step, float* y, size_t n);

}  // namespace pochade
