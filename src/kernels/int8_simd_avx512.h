#pragma once
// Included by int8_simd.h only. With vpdpbusd (avx512_vnni) or without (avx512).

namespace pochade {
namespace POCHADE_KERNEL_ISA {

#if defined(POCHADE_KERNEL_ISA_avx512_vnni)
#define POCHADE_INT8_QUADS 1
#define POCHADE_INT8_BLOCK_QUADS 1
inline constexpr const char* kForm = "vpdpbusd, 512 bits";
inline constexpr size_t kGroupValues = 4, kElementBytes = 1;
inline constexpr bool kKernelSigned = false;
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
  return {_mm512_dpbusd_epi32(sum.v, a.v, w.v)};
}
#else
inline constexpr const char* kForm = "vpmaddwd, 512 bits";
inline constexpr size_t kGroupValues = 2, kElementBytes = 2;
inline constexpr bool kKernelSigned = true;
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(a.v, w.v))};
}
#endif

POCHADE_INLINE I32 load_int(const void* p) {
  return {_mm512_loadu_si512(p)};
}
POCHADE_INLINE void store_int(void* p, I32 a) {
  _mm512_storeu_si512(p, a.v);
}
POCHADE_INLINE I32 broadcast_group(const void* p) {
  int32_t group;
  __builtin_memcpy(&group, p, sizeof(group));
  return {_mm512_set1_epi32(group)};
}

template <Requant kMode>
struct Requantizer;

#define POCHADE_INT8_PROVED 1
/// floor(s * scale + offset) in two steps, of which the last one rounds down: see int8_prove.h.
template <>
struct Requantizer<Requant::kProvedUp> {
  static constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  __m512 high, low, up;
  POCHADE_INLINE explicit Requantizer(const Columns& c)
      : high(_mm512_loadu_ps(c.scale_high())),
        low(_mm512_loadu_ps(c.scale_low())),
        up(_mm512_loadu_ps(c.offset_up())) {}
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const __m512 x = _mm512_cvtepi32_ps(sum.v);
    const __m512 y = _mm512_fmadd_round_ps(x, high, _mm512_fmadd_ps(x, low, up), kDown);
    return {_mm512_cvt_roundps_epi32(y, kDown)};
  }
};
template <>
struct Requantizer<Requant::kProved> : Requantizer<Requant::kProvedUp> {
  __m512 down;
  __m512i shift;
  POCHADE_INLINE explicit Requantizer(const Columns& c)
      : Requantizer<Requant::kProvedUp>(c),
        down(_mm512_loadu_ps(c.offset_down())),
        shift(_mm512_loadu_si512(c.shift())) {}
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const __m512 x = _mm512_cvtepi32_ps(sum.v);
    const __m512 offset = _mm512_mask_blend_ps(_mm512_cmplt_epi32_mask(sum.v, shift), up, down);
    const __m512 y = _mm512_fmadd_round_ps(x, high, _mm512_fmadd_ps(x, low, offset), kDown);
    return {_mm512_cvt_roundps_epi32(y, kDown)};
  }
};

/// r = round(s * m / 2^31) is the upper half of 2 s * m + 2^31; then round(r / 2^right), halves away from 0.
template <>
struct Requantizer<Requant::kFixed> {
  __m512i multiplier, odd_multiplier, half, right;
  POCHADE_INLINE explicit Requantizer(const Columns& c) {
    multiplier = _mm512_loadu_si512(c.multiplier());
    odd_multiplier = _mm512_srli_epi64(multiplier, 32);
    right = _mm512_loadu_si512(c.right());
    half = _mm512_srli_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), right), 1);
  }
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const __m512i twice = _mm512_add_epi32(sum.v, sum.v), round = _mm512_set1_epi64(int64_t{1} << 31);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, multiplier), round);
    const __m512i odd =
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(twice, 32), odd_multiplier), round);
    const __m512i r = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    const __m512i away = _mm512_add_epi32(half, _mm512_srai_epi32(r, 31));
    return {_mm512_srav_epi32(_mm512_add_epi32(r, away), right)};
  }
};

template <>
struct Requantizer<Requant::kFixedWide> {
  __m512i multiplier, odd_multiplier, right, left, mask;
  POCHADE_INLINE explicit Requantizer(const Columns& c) {
    multiplier = _mm512_loadu_si512(c.multiplier());
    odd_multiplier = _mm512_srli_epi64(multiplier, 32);
    right = _mm512_loadu_si512(c.right());
    left = _mm512_loadu_si512(c.left());
    const __m512i one = _mm512_set1_epi32(1);
    mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, right), one);
  }
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const __m512i s = _mm512_sllv_epi32(sum.v, left), round = _mm512_set1_epi64(int64_t{1} << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(s, multiplier), round);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(s, 32), odd_multiplier), round);
    const __m512i r = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
    const __m512i threshold = _mm512_sub_epi32(_mm512_srli_epi32(mask, 1), _mm512_srai_epi32(r, 31));
    const __m512i low = _mm512_srav_epi32(r, right);
    const __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(r, mask), threshold);
    return {_mm512_mask_add_epi32(low, up, low, _mm512_set1_epi32(1))};
  }
};

POCHADE_INLINE __m512i narrowed(__m512i q0, __m512i q1, __m512i q2, __m512i q3, const Narrow& n) {
  const __m512i zero = _mm512_set1_epi16(n.zero);
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(q0, q1), zero);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(q2, q3), zero);
  __m512i bytes = _mm512_packs_epi16(low, high);
  bytes = _mm512_max_epi8(_mm512_min_epi8(bytes, _mm512_set1_epi8(n.high)), _mm512_set1_epi8(n.low));
  return _mm512_xor_si512(bytes, _mm512_set1_epi8(static_cast<char>(n.flip)));
}
POCHADE_INLINE __mmask64 byte_mask(size_t n) {
  return ~uint64_t{0} >> (64 - n);
}

/// The first n bytes of V vectors of results.
template <int V>
POCHADE_INLINE void store_row(const I32 (&q)[V], const Narrow& narrow, char* to, size_t n) {
  const __m512i z = _mm512_setzero_si512();
  const __m512i q1 = V > 1 ? q[V > 1 ? 1 : 0].v : z;  // not reached: constant
  const __m512i q2 = V > 2 ? q[V > 2 ? 2 : 0].v : z;  // not reached: constant
  const __m512i q3 = V > 3 ? q[V > 3 ? 3 : 0].v : z;  // not reached: constant
  const __m512i bytes = narrowed(q[0].v, q1, q2, q3, narrow);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_mask_storeu_epi8(to, byte_mask(n), _mm512_permutexvar_epi32(order, bytes));
}

// Depthwise. Unpacking works within 128 bits, and so does packing: channels come back in order.
// ------------------------------------------

#if defined(POCHADE_INT8_QUADS)
/// A block is 64 channels. Vector v holds channels 16 i + 4 v + 0..3 in its part i of 128 bits.
inline constexpr size_t kBlockVectors = 4, kBlockTaps = 4;
POCHADE_INLINE size_t block_channel(size_t v, size_t lane) {
  return lane / 4 * 16 + 4 * v + lane % 4;
}
/// Four taps of n channels each, of which a lane of the result holds one of each.
POCHADE_INLINE void load_taps(const uint8_t* const* taps, size_t offset, size_t n, uint32_t flip,
                              I32 (&x)[4]) {
  const __mmask64 lanes = byte_mask(n);
  const __m512i sign = _mm512_set1_epi32(static_cast<int32_t>(flip));
  const __m512i a = _mm512_maskz_loadu_epi8(lanes, taps[0] + offset);
  const __m512i b = _mm512_maskz_loadu_epi8(lanes, taps[1] + offset);
  const __m512i c = _mm512_maskz_loadu_epi8(lanes, taps[2] + offset);
  const __m512i d = _mm512_maskz_loadu_epi8(lanes, taps[3] + offset);
  const __m512i ab_low = _mm512_xor_si512(_mm512_unpacklo_epi8(a, b), sign);
  const __m512i ab_high = _mm512_xor_si512(_mm512_unpackhi_epi8(a, b), sign);
  const __m512i cd_low = _mm512_xor_si512(_mm512_unpacklo_epi8(c, d), sign);
  const __m512i cd_high = _mm512_xor_si512(_mm512_unpackhi_epi8(c, d), sign);
  x[0].v = _mm512_unpacklo_epi16(ab_low, cd_low);
  x[1].v = _mm512_unpackhi_epi16(ab_low, cd_low);
  x[2].v = _mm512_unpacklo_epi16(ab_high, cd_high);
  x[3].v = _mm512_unpackhi_epi16(ab_high, cd_high);
}
POCHADE_INLINE void store_block(const I32 (&q)[4], const Narrow& narrow, char* to, size_t n) {
  _mm512_mask_storeu_epi8(to, byte_mask(n), narrowed(q[0].v, q[1].v, q[2].v, q[3].v, narrow));
}
#else
/// A block is 32 channels. Vector v holds channels 8 i + 4 v + 0..3 in its part i of 128 bits.
inline constexpr size_t kBlockVectors = 2, kBlockTaps = 2;
POCHADE_INLINE size_t block_channel(size_t v, size_t lane) {
  return lane / 4 * 8 + 4 * v + lane % 4;
}
POCHADE_INLINE void block_sums(I32 (&sums)[2], const uint8_t* const* taps, size_t groups, size_t offset,
                               size_t n, const char* weights, const Int8Numbers& numbers) {
  const __mmask32 lanes = static_cast<__mmask32>(byte_mask(n));
  const auto widen = [&](const uint8_t* p) __attribute__((always_inline)) {
    const __m256i bytes = _mm256_maskz_loadu_epi8(lanes, p + offset);
    return numbers.x_signed ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes);
  };
  for (size_t g = 0; g < groups; ++g, taps += 2, weights += 128) {
    const __m512i a = widen(taps[0]), b = widen(taps[1]);
    sums[0] = dot(sums[0], {_mm512_unpacklo_epi16(a, b)}, load_int(weights));
    sums[1] = dot(sums[1], {_mm512_unpackhi_epi16(a, b)}, load_int(weights + 64));
  }
}
POCHADE_INLINE void store_block(const I32 (&q)[2], const Narrow& narrow, char* to, size_t n) {
  const __m512i bytes = narrowed(q[0].v, q[1].v, q[0].v, q[1].v, narrow);  // each 8 bytes twice
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6);
  _mm512_mask_storeu_epi8(to, byte_mask(n), _mm512_permutexvar_epi64(order, bytes));
}
#endif

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
