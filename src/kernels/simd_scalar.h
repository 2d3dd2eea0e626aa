#pragma once
// Included by simd.h only. Four floats in plain C++: what runs where nothing better is compiled in.

#define POCHADE_HALF_BY_BITS 1

namespace pochade {
namespace POCHADE_KERNEL_ISA {

struct F32 {
  static constexpr size_t kLanes = 4;
  typedef float Vector __attribute__((vector_size(16)));
  Vector v;
};
struct I32 {
  typedef int32_t Vector __attribute__((vector_size(16)));
  Vector v;
};
using Mask = I32::Vector;

POCHADE_INLINE F32 load(const float* p) {
  F32 a;
  __builtin_memcpy(&a.v, p, sizeof(a.v));
  return a;
}
POCHADE_INLINE F32 load_first(const float* p, size_t n) {
  F32 a = {};
  for (size_t i = 0; i < 4 && i < n; ++i) a.v[i] = p[i];
  return a;
}
POCHADE_INLINE void store(float* p, F32 a) {
  __builtin_memcpy(p, &a.v, sizeof(a.v));
}
POCHADE_INLINE void store_first(float* p, F32 a, size_t n) {
  for (size_t i = 0; i < 4 && i < n; ++i) p[i] = a.v[i];
}
POCHADE_INLINE F32 broadcast(float x) {
  return {F32::Vector{x, x, x, x}};
}

POCHADE_INLINE F32 operator+(F32 a, F32 b) {
  return {a.v + b.v};
}
POCHADE_INLINE F32 operator-(F32 a, F32 b) {
  return {a.v - b.v};
}
POCHADE_INLINE F32 operator*(F32 a, F32 b) {
  return {a.v * b.v};
}
POCHADE_INLINE F32 operator/(F32 a, F32 b) {
  return {a.v / b.v};
}
/// a * b + c, rounded twice.
POCHADE_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return {a.v * b.v + c.v};
}

POCHADE_INLINE Mask less(F32 a, F32 b) {
  return a.v < b.v;
}
POCHADE_INLINE Mask is_nan(F32 a) {
  return a.v != a.v;
}
POCHADE_INLINE F32 select(Mask m, F32 yes, F32 no) {
  const Mask y = reinterpret_cast<Mask>(yes.v), n = reinterpret_cast<Mask>(no.v);
  return {reinterpret_cast<F32::Vector>((m & y) | (~m & n))};
}
POCHADE_INLINE F32 max(F32 a, F32 b) {
  return select(b.v < a.v, a, b);
}
POCHADE_INLINE F32 min(F32 a, F32 b) {
  return select(a.v < b.v, a, b);
}

template <typename Each>
POCHADE_INLINE F32 lane_by_lane(F32 a, Each each) {
  return {F32::Vector{each(a.v[0]), each(a.v[1]), each(a.v[2]), each(a.v[3])}};
}
POCHADE_INLINE F32 sqrt(F32 a) {
  return lane_by_lane(a, [](float x) { return __builtin_sqrtf(x); });
}
POCHADE_INLINE F32 floor(F32 a) {
  return lane_by_lane(a, [](float x) { return __builtin_floorf(x); });
}
POCHADE_INLINE F32 ceil(F32 a) {
  return lane_by_lane(a, [](float x) { return __builtin_ceilf(x); });
}
POCHADE_INLINE F32 round(F32 a) {
  return lane_by_lane(a, [](float x) { return __builtin_rintf(x); });
}

POCHADE_INLINE I32 broadcast_int(int32_t x) {
  return {I32::Vector{x, x, x, x}};
}
POCHADE_INLINE I32 as_int(F32 a) {
  return {reinterpret_cast<I32::Vector>(a.v)};
}
POCHADE_INLINE F32 as_float(I32 a) {
  return {reinterpret_cast<F32::Vector>(a.v)};
}
/// To nearest; meaningful within the range of int32, INT32_MIN beyond it and for NaN.
POCHADE_INLINE I32 to_int(F32 a) {
  I32 b;
  for (int i = 0; i < 4; ++i)
    b.v[i] = a.v[i] >= -2147483648.0f && a.v[i] < 2147483648.0f
                 ? static_cast<int32_t>(__builtin_rintf(a.v[i]))
                 : INT32_MIN;
  return b;
}
POCHADE_INLINE F32 to_float(I32 a) {
  return {F32::Vector{static_cast<float>(a.v[0]), static_cast<float>(a.v[1]), static_cast<float>(a.v[2]),
                      static_cast<float>(a.v[3])}};
}
typedef uint32_t UnsignedVector __attribute__((vector_size(16)));
// Through unsigned, which may wrap.
POCHADE_INLINE I32 operator+(I32 a, I32 b) {
  return {reinterpret_cast<I32::Vector>(reinterpret_cast<UnsignedVector>(a.v) +
                                        reinterpret_cast<UnsignedVector>(b.v))};
}
POCHADE_INLINE I32 operator-(I32 a, I32 b) {
  return {reinterpret_cast<I32::Vector>(reinterpret_cast<UnsignedVector>(a.v) -
                                        reinterpret_cast<UnsignedVector>(b.v))};
}
POCHADE_INLINE I32 bit_and(I32 a, I32 b) {
  return {a.v & b.v};
}
POCHADE_INLINE I32 bit_or(I32 a, I32 b) {
  return {a.v | b.v};
}
POCHADE_INLINE I32 bit_xor(I32 a, I32 b) {
  return {a.v ^ b.v};
}
template <int kBits>
POCHADE_INLINE I32 shift_left(I32 a) {
  return {reinterpret_cast<I32::Vector>(reinterpret_cast<UnsignedVector>(a.v) << kBits)};
}
/// Arithmetic.
template <int kBits>
POCHADE_INLINE I32 shift_right(I32 a) {
  return {a.v >> kBits};
}

/// Neighbouring lanes change places.
POCHADE_INLINE F32 swap_pairs(F32 a) {
  return {F32::Vector{a.v[1], a.v[0], a.v[3], a.v[2]}};
}

// Fixed order: halves are folded onto each other.
template <typename Fold>
POCHADE_INLINE float fold_lanes(F32 a, Fold fold) {
  a = fold(a, F32{F32::Vector{a.v[2], a.v[3], a.v[0], a.v[1]}});
  a = fold(a, F32{F32::Vector{a.v[1], a.v[0], a.v[3], a.v[2]}});
  return a.v[0];
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
