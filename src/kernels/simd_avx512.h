#pragma once
// Included by simd.h only.

namespace pochade {
namespace POCHADE_KERNEL_ISA {

struct F32 {
  static constexpr size_t kLanes = 16;
  __m512 v;
};
struct I32 {
  __m512i v;
};
using Mask = __mmask16;

POCHADE_INLINE Mask first_mask(size_t n) {
  return static_cast<Mask>((1u << n) - 1);
}

POCHADE_INLINE F32 load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
POCHADE_INLINE F32 load_first(const float* p, size_t n) {
  return {_mm512_maskz_loadu_ps(first_mask(n), p)};
}
POCHADE_INLINE void store(float* p, F32 a) {
  _mm512_storeu_ps(p, a.v);
}
POCHADE_INLINE void store_first(float* p, F32 a, size_t n) {
  _mm512_mask_storeu_ps(p, first_mask(n), a.v);
}
POCHADE_INLINE F32 broadcast(float x) {
  return {_mm512_set1_ps(x)};
}

POCHADE_INLINE F32 operator+(F32 a, F32 b) {
  return {_mm512_add_ps(a.v, b.v)};
}
POCHADE_INLINE F32 operator-(F32 a, F32 b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
POCHADE_INLINE F32 operator*(F32 a, F32 b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
POCHADE_INLINE F32 operator/(F32 a, F32 b) {
  return {_mm512_div_ps(a.v, b.v)};
}
/// a * b + c
POCHADE_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
POCHADE_INLINE F32 max(F32 a, F32 b) {
  return {_mm512_max_ps(a.v, b.v)};
}
POCHADE_INLINE F32 min(F32 a, F32 b) {
  return {_mm512_min_ps(a.v, b.v)};
}
POCHADE_INLINE F32 sqrt(F32 a) {
  return {_mm512_sqrt_ps(a.v)};
}
POCHADE_INLINE F32 floor(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
POCHADE_INLINE F32 ceil(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
POCHADE_INLINE F32 round(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

POCHADE_INLINE Mask less(F32 a, F32 b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ);
}
POCHADE_INLINE Mask is_nan(F32 a) {
  return _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
}
POCHADE_INLINE F32 select(Mask m, F32 yes, F32 no) {
  return {_mm512_mask_blend_ps(m, no.v, yes.v)};
}

POCHADE_INLINE I32 broadcast_int(int32_t x) {
  return {_mm512_set1_epi32(x)};
}
POCHADE_INLINE I32 as_int(F32 a) {
  return {_mm512_castps_si512(a.v)};
}
POCHADE_INLINE F32 as_float(I32 a) {
  return {_mm512_castsi512_ps(a.v)};
}
/// To nearest; meaningful within the range of int32.
POCHADE_INLINE I32 to_int(F32 a) {
  return {_mm512_cvtps_epi32(a.v)};
}
POCHADE_INLINE F32 to_float(I32 a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
POCHADE_INLINE I32 operator+(I32 a, I32 b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
POCHADE_INLINE I32 operator-(I32 a, I32 b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
POCHADE_INLINE I32 bit_and(I32 a, I32 b) {
  return {_mm512_and_si512(a.v, b.v)};
}
POCHADE_INLINE I32 bit_or(I32 a, I32 b) {
  return {_mm512_or_si512(a.v, b.v)};
}
POCHADE_INLINE I32 bit_xor(I32 a, I32 b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
template <int kBits>
POCHADE_INLINE I32 shift_left(I32 a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
/// Arithmetic.
template <int kBits>
POCHADE_INLINE I32 shift_right(I32 a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}

POCHADE_INLINE F32 load_half(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
POCHADE_INLINE void store_half(uint16_t* p, F32 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

/// Neighbouring lanes change places.
POCHADE_INLINE F32 swap_pairs(F32 a) {
  return {_mm512_permute_ps(a.v, 0xb1)};
}

// Fixed order: halves are folded onto each other.
template <typename Fold>
POCHADE_INLINE float fold_lanes(F32 a, Fold fold) {
  a = fold(a, F32{_mm512_shuffle_f32x4(a.v, a.v, 0x4e)});
  a = fold(a, F32{_mm512_shuffle_f32x4(a.v, a.v, 0xb1)});
  a = fold(a, F32{_mm512_permute_ps(a.v, 0x4e)});
  a = fold(a, F32{_mm512_permute_ps(a.v, 0xb1)});
  return _mm512_cvtss_f32(a.v);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
