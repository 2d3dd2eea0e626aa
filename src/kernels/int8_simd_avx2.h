#pragma once
// Included by int8_simd.h only. With vpdpbusd (avx_vnni) or without (avx2).

namespace pochade {
namespace POCHADE_KERNEL_ISA {

#if defined(POCHADE_KERNEL_ISA_avx_vnni)
#define POCHADE_INT8_QUADS 1
#define POCHADE_INT8_BLOCK_QUADS 1
inline constexpr const char* kForm = "vpdpbusd, 256 bits";
inline constexpr size_t kGroupValues = 4, kElementBytes = 1;
inline constexpr bool kKernelSigned = false;
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
#if defined(__AVXVNNI__)
  return {_mm256_dpbusd_avx_epi32(sum.v, a.v, w.v)};
#else
  return {_mm256_dpbusd_epi32(sum.v, a.v, w.v)};  // AVX-512 encodes the same; it tests this file
#endif
}
#else
inline constexpr const char* kForm = "vpmaddwd, 256 bits";
inline constexpr size_t kGroupValues = 2, kElementBytes = 2;
inline constexpr bool kKernelSigned = true;
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(a.v, w.v))};
}
#endif

POCHADE_INLINE I32 load_int(const void* p) {
  return {_mm256_loadu_si256(static_cast<const __m256i*>(p))};
}
POCHADE_INLINE void store_int(void* p, I32 a) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), a.v);
}
POCHADE_INLINE I32 broadcast_group(const void* p) {
  int32_t group;
  __builtin_memcpy(&group, p, sizeof(group));
  return {_mm256_set1_epi32(group)};
}

template <Requant kMode>
struct Requantizer;

/// r = round(s * m / 2^31) is the upper half of 2 s * m + 2^31; then round(r / 2^right), halves away from 0.
template <>
struct Requantizer<Requant::kFixed> {
  __m256i multiplier, odd_multiplier, half, right;
  POCHADE_INLINE explicit Requantizer(const Columns& c) {
    multiplier = load_int(c.multiplier()).v;
    odd_multiplier = _mm256_srli_epi64(multiplier, 32);
    right = load_int(c.right()).v;
    half = _mm256_srli_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), right), 1);
  }
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const __m256i twice = _mm256_add_epi32(sum.v, sum.v), round = _mm256_set1_epi64x(int64_t{1} << 31);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(twice, multiplier), round);
    const __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(twice, 32), odd_multiplier), round);
    const __m256i r = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    const __m256i away = _mm256_add_epi32(half, _mm256_srai_epi32(r, 31));
    return {_mm256_srav_epi32(_mm256_add_epi32(r, away), right)};
  }
};

template <>
struct Requantizer<Requant::kFixedWide> {
  __m256i multiplier, odd_multiplier, right, left, mask;
  POCHADE_INLINE explicit Requantizer(const Columns& c) {
    multiplier = load_int(c.multiplier()).v;
    odd_multiplier = _mm256_srli_epi64(multiplier, 32);
    right = load_int(c.right()).v;
    left = load_int(c.left()).v;
    const __m256i one = _mm256_set1_epi32(1);
    mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, right), one);
  }
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const __m256i s = _mm256_sllv_epi32(sum.v, left), round = _mm256_set1_epi64x(int64_t{1} << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(s, multiplier), round);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(s, 32), odd_multiplier), round);
    const __m256i r = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
    const __m256i threshold = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(r, 31));
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(r, mask), threshold);
    return {_mm256_sub_epi32(_mm256_srav_epi32(r, right), up)};
  }
};

POCHADE_INLINE __m256i narrowed(__m256i q0, __m256i q1, __m256i q2, __m256i q3, const Narrow& n) {
  const __m256i zero = _mm256_set1_epi16(n.zero);
  const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(q0, q1), zero);
  const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(q2, q3), zero);
  __m256i bytes = _mm256_packs_epi16(low, high);
  bytes = _mm256_max_epi8(_mm256_min_epi8(bytes, _mm256_set1_epi8(n.high)), _mm256_set1_epi8(n.low));
  return _mm256_xor_si256(bytes, _mm256_set1_epi8(static_cast<char>(n.flip)));
}
POCHADE_INLINE void store_bytes(char* to, __m256i bytes, size_t n) {
  if (n >= 32) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
  alignas(32) char all[32];
  _mm256_store_si256(reinterpret_cast<__m256i*>(all), bytes);
  __builtin_memcpy(to, all, n);
}

/// The first n bytes of V vectors of results.
template <int V>
POCHADE_INLINE void store_row(const I32 (&q)[V], const Narrow& narrow, char* to, size_t n) {
  const __m256i z = _mm256_setzero_si256();
  const __m256i q1 = V > 1 ? q[V > 1 ? 1 : 0].v : z;  // not reached: constant
  const __m256i q2 = V > 2 ? q[V > 2 ? 2 : 0].v : z;  // not reached: constant
  const __m256i q3 = V > 3 ? q[V > 3 ? 3 : 0].v : z;  // not reached: constant
  const __m256i bytes = narrowed(q[0].v, q1, q2, q3, narrow);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i sorted = _mm256_permutevar8x32_epi32(bytes, order);
  if (V == 1 && n == 8)
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(sorted));
  else if (V == 2 && n == 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(sorted));
  else
    store_bytes(to, sorted, n);
}

// Depthwise. Unpacking works within 128 bits, and so does packing: channels come back in order.
// ------------------------------------------

#if defined(POCHADE_INT8_QUADS)
/// A block is 32 channels. Vector v holds channels 16 i + 4 v + 0..3 in its part i of 128 bits.
inline constexpr size_t kBlockVectors = 4, kBlockTaps = 4;
POCHADE_INLINE size_t block_channel(size_t v, size_t lane) {
  return lane / 4 * 16 + 4 * v + lane % 4;
}
POCHADE_INLINE __m256i load_bytes(const uint8_t* p, size_t n) {
  if (n >= 32) return load_int(p).v;
  alignas(32) uint8_t all[32] = {};
  __builtin_memcpy(all, p, n);
  return load_int(all).v;
}
/// Four taps of n channels each, of which a lane of the result holds one of each.
POCHADE_INLINE void load_taps(const uint8_t* const* taps, size_t offset, size_t n, uint32_t flip,
                              I32 (&x)[4]) {
  const __m256i sign = _mm256_set1_epi32(static_cast<int32_t>(flip));
  const __m256i a = load_bytes(taps[0] + offset, n), b = load_bytes(taps[1] + offset, n);
  const __m256i c = load_bytes(taps[2] + offset, n), d = load_bytes(taps[3] + offset, n);
  const __m256i ab_low = _mm256_xor_si256(_mm256_unpacklo_epi8(a, b), sign);
  const __m256i ab_high = _mm256_xor_si256(_mm256_unpackhi_epi8(a, b), sign);
  const __m256i cd_low = _mm256_xor_si256(_mm256_unpacklo_epi8(c, d), sign);
  const __m256i cd_high = _mm256_xor_si256(_mm256_unpackhi_epi8(c, d), sign);
  x[0].v = _mm256_unpacklo_epi16(ab_low, cd_low);
  x[1].v = _mm256_unpackhi_epi16(ab_low, cd_low);
  x[2].v = _mm256_unpacklo_epi16(ab_high, cd_high);
  x[3].v = _mm256_unpackhi_epi16(ab_high, cd_high);
}
POCHADE_INLINE void store_block(const I32 (&q)[4], const Narrow& narrow, char* to, size_t n) {
  store_bytes(to, narrowed(q[0].v, q[1].v, q[2].v, q[3].v, narrow), n);
}
#else
/// A block is 16 channels. Vector v holds channels 8 i + 4 v + 0..3 in its part i of 128 bits.
inline constexpr size_t kBlockVectors = 2, kBlockTaps = 2;
POCHADE_INLINE size_t block_channel(size_t v, size_t lane) {
  return lane / 4 * 8 + 4 * v + lane % 4;
}
POCHADE_INLINE void block_sums(I32 (&sums)[2], const uint8_t* const* taps, size_t groups, size_t offset,
                               size_t n, const char* weights, const Int8Numbers& numbers) {
  const auto widen = [&](const uint8_t* p) __attribute__((always_inline)) {
    __m128i bytes;
    if (n >= 16) {
      bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + offset));
    } else {
      alignas(16) uint8_t all[16] = {};
      __builtin_memcpy(all, p + offset, n);
      bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(all));
    }
    return numbers.x_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
  };
  for (size_t g = 0; g < groups; ++g, taps += 2, weights += 64) {
    const __m256i a = widen(taps[0]), b = widen(taps[1]);
    sums[0] = dot(sums[0], {_mm256_unpacklo_epi16(a, b)}, load_int(weights));
    sums[1] = dot(sums[1], {_mm256_unpackhi_epi16(a, b)}, load_int(weights + 32));
  }
}
POCHADE_INLINE void store_block(const I32 (&q)[2], const Narrow& narrow, char* to, size_t n) {
  const __m256i bytes = narrowed(q[0].v, q[1].v, q[0].v, q[1].v, narrow);  // each 8 bytes twice
  const __m256i sorted = _mm256_permute4x64_epi64(bytes, 0x08);
  if (n >= 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(sorted));
  else
    store_bytes(to, sorted, n);
}
#endif

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
