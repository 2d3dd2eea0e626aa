#pragma once
// Included by simd.h only.

namespace pochade {
namespace POCHADE_KERNEL_ISA {

struct F32 {
  static constexpr size_t kLanes = 8;
  __m256 v;
};
struct I32 {
  __m256i v;
};
using Mask = __m256;

alignas(32) static const int32_t kFirstMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

POCHADE_INLINE __m256i first_mask(size_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstMasks + 8 - n));
}

POCHADE_INLINE F32 load(const float* p) {
  return {_mm256_loadu_ps(p)};
}
POCHADE_INLINE F32 load_first(const float* p, size_t n) {
  return {_mm256_maskload_ps(p, first_mask(n))};
}
POCHADE_INLINE void store(float* p, F32 a) {
  _mm256_storeu_ps(p, a.v);
}
// Not maskstore, which takes tens of cycles on some CPUs.
POCHADE_INLINE void store_first(float* p, F32 a, size_t n) {
  __m128 rest = _mm256_castps256_ps128(a.v);
  if (n & 4) {
    _mm_storeu_ps(p, rest);
    p += 4;
    rest = _mm256_extractf128_ps(a.v, 1);
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
    p += 2;
    rest = _mm_movehl_ps(rest, rest);
  }
  if (n & 1) _mm_store_ss(p, rest);
}
POCHADE_INLINE F32 broadcast(float x) {
  return {_mm256_set1_ps(x)};
}

POCHADE_INLINE F32 operator+(F32 a, F32 b) {
  return {_mm256_add_ps(a.v, b.v)};
}
POCHADE_INLINE F32 operator-(F32 a, F32 b) {
  return {_mm256_sub_ps(a.v, b.v)};
}
POCHADE_INLINE F32 operator*(F32 a, F32 b) {
  return {_mm256_mul_ps(a.v, b.v)};
}
POCHADE_INLINE F32 operator/(F32 a, F32 b) {
  return {_mm256_div_ps(a.v, b.v)};
}
/// a * b + c
POCHADE_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
POCHADE_INLINE F32 max(F32 a, F32 b) {
  return {_mm256_max_ps(a.v, b.v)};
}
POCHADE_INLINE F32 min(F32 a, F32 b) {
  return {_mm256_min_ps(a.v, b.v)};
}
POCHADE_INLINE F32 sqrt(F32 a) {
  return {_mm256_sqrt_ps(a.v)};
}
POCHADE_INLINE F32 floor(F32 a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
POCHADE_INLINE F32 ceil(F32 a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
POCHADE_INLINE F32 round(F32 a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

POCHADE_INLINE Mask less(F32 a, F32 b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ);
}
POCHADE_INLINE Mask is_nan(F32 a) {
  return _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q);
}
POCHADE_INLINE F32 select(Mask m, F32 yes, F32 no) {
  return {_mm256_blendv_ps(no.v, yes.v, m)};
}

POCHADE_INLINE I32 broadcast_int(int32_t x) {
  return {_mm256_set1_epi32(x)};
}
POCHADE_INLINE I32 as_int(F32 a) {
  return {_mm256_castps_si256(a.v)};
}
POCHADE_INLINE F32 as_float(I32 a) {
  return {_mm256_castsi256_ps(a.v)};
}
/// To nearest; meaningful within the range of int32.
POCHADE_INLINE I32 to_int(F32 a) {
  return {_mm256_cvtps_epi32(a.v)};
}
POCHADE_INLINE F32 to_float(I32 a) {
  return {_mm256_cvtepi32_ps(a.v)};
}
POCHADE_INLINE I32 operator+(I32 a, I32 b) {
  return {_mm256_add_epi32(a.v, b.v)};
}
POCHADE_INLINE I32 operator-(I32 a, I32 b) {
  return {_mm256_sub_epi32(a.v, b.v)};
}
POCHADE_INLINE I32 bit_and(I32 a, I32 b) {
  return {_mm256_and_si256(a.v, b.v)};
}
POCHADE_INLINE I32 bit_or(I32 a, I32 b) {
  return {_mm256_or_si256(a.v, b.v)};
}
POCHADE_INLINE I32 bit_xor(I32 a, I32 b) {
  return {_mm256_xor_si256(a.v, b.v)};
}
template <int kBits>
POCHADE_INLINE I32 shift_left(I32 a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
/// Arithmetic.
template <int kBits>
POCHADE_INLINE I32 shift_right(I32 a) {
  return {_mm256_srai_epi32(a.v, kBits)};
}

POCHADE_INLINE F32 load_half(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
POCHADE_INLINE void store_half(uint16_t* p, F32 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

/// Neighbouring lanes change places.
POCHADE_INLINE F32 swap_pairs(F32 a) {
  return {_mm256_permute_ps(a.v, 0xb1)};
}

// Fixed order: halves are folded onto each other.
template <typename Fold>
POCHADE_INLINE float fold_lanes(F32 a, Fold fold) {
  a = fold(a, F32{_mm256_permute2f128_ps(a.v, a.v, 1)});
  a = fold(a, F32{_mm256_permute_ps(a.v, 0x4e)});
  a = fold(a, F32{_mm256_permute_ps(a.v, 0xb1)});
  return _mm256_cvtss_f32(a.v);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
