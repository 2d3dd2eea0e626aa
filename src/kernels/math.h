#pragma once
// Elementary functions of vectors, within about 2 units in the last place. Polynomials are own minimax fits
// (Lawson's iteratively reweighted least squares) on the ranges that are named. Only for *_simd.cc files.

#include "kernels/simd.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

POCHADE_INLINE F32 polynomial(F32, F32 sum) {
  return sum;
}
/// Horner's scheme, highest coefficient first.
template <typename... Rest>
POCHADE_INLINE F32 polynomial(F32 x, F32 sum, float next, Rest... rest) {
  return polynomial(x, fma(sum, x, broadcast(next)), rest...);
}

/// x = n ln 2 + r with |r| <= ln(2) / 2, and q = e^r - 1.
struct ExpParts {
  F32 n, q;
};
POCHADE_INLINE ExpParts exp_parts(F32 x) {
  const F32 n = round(x * broadcast(1.44269504f));
  // ln 2 in two parts, the first with few enough bits that n times it is exact.
  F32 r = fma(n, broadcast(-0.693359375f), x);
  r = fma(n, broadcast(2.12194440e-4f), r);
  // e^r = 1 + r + r^2 P(r)
  const F32 p = polynomial(r, broadcast(0.00139508338f), 0.00836908817f, 0.0416662022f, 0.166665167f, 0.5f);
  return {n, fma(p, r * r, r)};
}

/// 2^n for a whole n in [-126, 127].
POCHADE_INLINE F32 power_of_two(F32 n) {
  return as_float(shift_left<23>(to_int(n) + broadcast_int(127)));
}

/// Overflows to infinity, underflows through the subnormal numbers to 0.
POCHADE_INLINE F32 exp(F32 x) {
  x = min(broadcast(89.0f), max(broadcast(-104.0f), x));
  const ExpParts parts = exp_parts(x);
  const F32 half = floor(parts.n * broadcast(0.5f));
  return (parts.q + broadcast(1.0f)) * power_of_two(half) * power_of_two(parts.n - half);
}

/// e^x - 1 for x <= 0 or a little above, without cancellation.
POCHADE_INLINE F32 expm1_nonpositive(F32 x) {
  x = max(broadcast(-87.0f), x);
  const ExpParts parts = exp_parts(x);
  const F32 scale = power_of_two(parts.n);
  return fma(scale, parts.q, scale - broadcast(1.0f));
}

POCHADE_INLINE F32 sigmoid(F32 x) {
  return broadcast(1.0f) / (broadcast(1.0f) + exp(neg(x)));
}

/// With t = e^(-2|x|) - 1:  tanh |x| = -t / (2 + t)
POCHADE_INLINE F32 tanh(F32 x) {
  const F32 t = expm1_nonpositive(abs(x) * broadcast(-2.0f));
  return copy_sign(t / (t + broadcast(2.0f)), x);
}

POCHADE_INLINE F32 log(F32 x) {
  const F32 smallest = broadcast(1.17549435e-38f);
  const Mask subnormal = less(x, smallest);
  const F32 scaled = select(subnormal, x * broadcast(8388608.0f), x);  // 2^23
  // Mantissa in [sqrt(1/2), sqrt(2)).
  const I32 bits = as_int(scaled);
  const I32 shifted = bits - broadcast_int(0x3f3504f3);
  F32 e = to_float(shift_right<23>(shifted));
  e = select(subnormal, e - broadcast(23.0f), e);
  const F32 f =
      as_float(bit_and(shifted, broadcast_int(0x007fffff)) + broadcast_int(0x3f3504f3)) - broadcast(1.0f);
  // log(1 + f) = f - f^2 / 2 + f^3 P(f)
  const F32 p = polynomial(f, broadcast(-0.0785954595f), 0.128816217f, -0.131287679f, 0.141811967f,
                           -0.166245535f, 0.200022861f, -0.250008106f, 0.333333164f);
  const F32 square = f * f;
  F32 tail = fma(p, square * f, e * broadcast(-2.12194440e-4f));
  tail = fma(square, broadcast(-0.5f), tail);
  F32 y = fma(e, broadcast(0.693359375f), f + tail);
  const F32 infinity = broadcast(__builtin_inff());
  y = select(less(x, infinity), y, x);                                  // infinity and NaN
  y = select(less(zero(), x), y, select(is_nan(x), x, neg(infinity)));  // 0
  return select(less(x, zero()), broadcast(__builtin_nanf("")), y);
}

/// log(1 + u) for u in [0, 1], accurate for small u (the rounding error of 1 + u is divided out).
POCHADE_INLINE F32 log1p_of_unit(F32 u) {
  const F32 w = u + broadcast(1.0f);
  const F32 difference = w - broadcast(1.0f);
  const F32 y = log(w) * (u / difference);
  return select(less(zero(), difference), y, u);
}

POCHADE_INLINE F32 erf(F32 x) {
  const F32 a = abs(x);
  // |x| < 1: x P(x^2)
  const F32 near = x * polynomial(x * x, broadcast(7.8891193e-05f), -0.000802084105f, 0.00518953521f,
                                  -0.0268544443f, 0.112836003f, -0.37612626f, 1.12837911f);
  // Else 1 - e^Q(|x|); beyond 4 it is 1 in single precision.
  const F32 b = min(broadcast(4.0f), a);
  const F32 q = polynomial(b, broadcast(-0.000187972546f), 0.00296401419f, -0.0219065081f, 0.10325627f,
                           0.637964904f, 1.12720227f, 0.000312459742f);
  const F32 far = copy_sign(neg(expm1_nonpositive(neg(q))), x);
  return select(less(a, broadcast(1.0f)), near, far);
}

POCHADE_INLINE F32 relu(F32 x) {
  return max(zero(), x);
}
POCHADE_INLINE F32 clip(F32 x, F32 low, F32 high) {
  return min(high, max(low, x));
}
POCHADE_INLINE F32 softplus(F32 x) {
  return relu(x) + log1p_of_unit(exp(neg(abs(x))));
}
POCHADE_INLINE F32 hard_sigmoid(F32 x, F32 a, F32 b) {
  return clip(fma(a, x, b), zero(), broadcast(1.0f));
}
POCHADE_INLINE F32 hard_swish(F32 x) {
  return x * hard_sigmoid(x, broadcast(1.0f / 6), broadcast(0.5f));
}
POCHADE_INLINE F32 gelu(F32 x) {
  return broadcast(0.5f) * x * (broadcast(1.0f) + erf(x * broadcast(0.70710678f)));
}
POCHADE_INLINE F32 elu(F32 x, F32 a) {
  return select(less(x, zero()), a * expm1_nonpositive(x), x);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
