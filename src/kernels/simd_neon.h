#pragma once
// Included by simd.h only. 32-bit ARM lacks some instructions: those go lane by lane.

namespace pochade {
namespace POCHADE_KERNEL_ISA {

struct F32 {
  static constexpr size_t kLanes = 4;
  float32x4_t v;
};
struct I32 {
  int32x4_t v;
};
using Mask = uint32x4_t;

POCHADE_INLINE F32 load(const float* p) {
  return {vld1q_f32(p)};
}
POCHADE_INLINE F32 load_first(const float* p, size_t n) {
  if (n >= 4) return {vld1q_f32(p)};
  float32x4_t v = vdupq_n_f32(0.0f);
  if (n == 1) return {vld1q_lane_f32(p, v, 0)};
  if (n == 0) return {v};
  v = vcombine_f32(vld1_f32(p), vdup_n_f32(0.0f));
  return {n == 2 ? v : vld1q_lane_f32(p + 2, v, 2)};
}
POCHADE_INLINE void store(float* p, F32 a) {
  vst1q_f32(p, a.v);
}
POCHADE_INLINE void store_first(float* p, F32 a, size_t n) {
  if (n >= 4) return vst1q_f32(p, a.v);
  if (n == 1) return vst1q_lane_f32(p, a.v, 0);
  if (n >= 2) vst1_f32(p, vget_low_f32(a.v));
  if (n == 3) vst1q_lane_f32(p + 2, a.v, 2);
}
POCHADE_INLINE F32 broadcast(float x) {
  return {vdupq_n_f32(x)};
}

POCHADE_INLINE F32 operator+(F32 a, F32 b) {
  return {vaddq_f32(a.v, b.v)};
}
POCHADE_INLINE F32 operator-(F32 a, F32 b) {
  return {vsubq_f32(a.v, b.v)};
}
POCHADE_INLINE F32 operator*(F32 a, F32 b) {
  return {vmulq_f32(a.v, b.v)};
}
/// a * b + c
POCHADE_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
POCHADE_INLINE F32 max(F32 a, F32 b) {
  return {vmaxq_f32(a.v, b.v)};
}
POCHADE_INLINE F32 min(F32 a, F32 b) {
  return {vminq_f32(a.v, b.v)};
}

#if defined(__aarch64__)
POCHADE_INLINE F32 operator/(F32 a, F32 b) {
  return {vdivq_f32(a.v, b.v)};
}
POCHADE_INLINE F32 sqrt(F32 a) {
  return {vsqrtq_f32(a.v)};
}
POCHADE_INLINE F32 floor(F32 a) {
  return {vrndmq_f32(a.v)};
}
POCHADE_INLINE F32 ceil(F32 a) {
  return {vrndpq_f32(a.v)};
}
POCHADE_INLINE F32 round(F32 a) {
  return {vrndnq_f32(a.v)};
}
POCHADE_INLINE I32 to_int(F32 a) {
  return {vcvtnq_s32_f32(a.v)};
}
#else
template <typename Each>
POCHADE_INLINE F32 lane_by_lane(F32 a, F32 b, Each each) {
  float x[4], y[4];
  vst1q_f32(x, a.v);
  vst1q_f32(y, b.v);
  for (int i = 0; i < 4; ++i) x[i] = each(x[i], y[i]);
  return {vld1q_f32(x)};
}
POCHADE_INLINE F32 operator/(F32 a, F32 b) {
  return lane_by_lane(a, b, [](float x, float y) { return x / y; });
}
POCHADE_INLINE F32 sqrt(F32 a) {
  return lane_by_lane(a, a, [](float x, float) { return __builtin_sqrtf(x); });
}
POCHADE_INLINE F32 floor(F32 a) {
  return lane_by_lane(a, a, [](float x, float) { return __builtin_floorf(x); });
}
POCHADE_INLINE F32 ceil(F32 a) {
  return lane_by_lane(a, a, [](float x, float) { return __builtin_ceilf(x); });
}
POCHADE_INLINE F32 round(F32 a) {
  return lane_by_lane(a, a, [](float x, float) { return __builtin_rintf(x); });
}
POCHADE_INLINE I32 to_int(F32 a) {
  return {vcvtq_s32_f32(round(a).v)};
}
#endif

POCHADE_INLINE Mask less(F32 a, F32 b) {
  return vcltq_f32(a.v, b.v);
}
POCHADE_INLINE Mask is_nan(F32 a) {
  return vmvnq_u32(vceqq_f32(a.v, a.v));
}
POCHADE_INLINE F32 select(Mask m, F32 yes, F32 no) {
  return {vbslq_f32(m, yes.v, no.v)};
}

POCHADE_INLINE I32 broadcast_int(int32_t x) {
  return {vdupq_n_s32(x)};
}
POCHADE_INLINE I32 as_int(F32 a) {
  return {vreinterpretq_s32_f32(a.v)};
}
POCHADE_INLINE F32 as_float(I32 a) {
  return {vreinterpretq_f32_s32(a.v)};
}
POCHADE_INLINE F32 to_float(I32 a) {
  return {vcvtq_f32_s32(a.v)};
}
POCHADE_INLINE I32 operator+(I32 a, I32 b) {
  return {vaddq_s32(a.v, b.v)};
}
POCHADE_INLINE I32 operator-(I32 a, I32 b) {
  return {vsubq_s32(a.v, b.v)};
}
POCHADE_INLINE I32 bit_and(I32 a, I32 b) {
  return {vandq_s32(a.v, b.v)};
}
POCHADE_INLINE I32 bit_or(I32 a, I32 b) {
  return {vorrq_s32(a.v, b.v)};
}
POCHADE_INLINE I32 bit_xor(I32 a, I32 b) {
  return {veorq_s32(a.v, b.v)};
}
template <int kBits>
POCHADE_INLINE I32 shift_left(I32 a) {
  return {vshlq_n_s32(a.v, kBits)};
}
/// Arithmetic.
template <int kBits>
POCHADE_INLINE I32 shift_right(I32 a) {
  return {vshrq_n_s32(a.v, kBits)};
}

#if defined(__aarch64__)
POCHADE_INLINE F32 load_half(const uint16_t* p) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))};
}
POCHADE_INLINE void store_half(uint16_t* p, F32 a) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v)));
}
#else
#define POCHADE_HALF_BY_BITS 1
#endif

/// Neighbouring lanes change places.
POCHADE_INLINE F32 swap_pairs(F32 a) {
  return {vrev64q_f32(a.v)};
}

// Fixed order: halves are folded onto each other.
template <typename Fold>
POCHADE_INLINE float fold_lanes(F32 a, Fold fold) {
  a = fold(a, F32{vextq_f32(a.v, a.v, 2)});
  a = fold(a, F32{vrev64q_f32(a.v)});
  return vgetq_lane_f32(a.v, 0);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
