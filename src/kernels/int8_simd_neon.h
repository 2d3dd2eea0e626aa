#pragma once
// Included by int8_simd.h only. With smmla and sdot (neon_i8mm), sdot (neon_dotprod) or without (neon).

namespace pochade {
namespace POCHADE_KERNEL_ISA {

inline constexpr bool kKernelSigned = true;
/// Four groups of a row are loaded at once, and weights are multiplied by one of them.
#define POCHADE_INT8_BY_LANE 1

POCHADE_INLINE I32 load_int(const void* p) {
  return {vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p)))};
}
POCHADE_INLINE void store_int(void* p, I32 a) {
  vst1q_u8(static_cast<uint8_t*>(p), vreinterpretq_u8_s32(a.v));
}
POCHADE_INLINE I32 broadcast_group(const void* p) {
  int32_t group;
  __builtin_memcpy(&group, p, sizeof(group));
  return {vdupq_n_s32(group)};
}

#if defined(POCHADE_KERNEL_ISA_neon_i8mm)
inline constexpr const char* kForm = "smmla";
/// Two rows are multiplied at once: each pair of groups (of every four) holds 8 values of lanes 0 and 1, then
/// of lanes 2 and 3.
#define POCHADE_INT8_ROW_PAIRS 1
/// Adds to 2x2 sums (first row, then second row) the products of two rows with two lanes, 8 values each.
POCHADE_INLINE I32 dot_pairs(I32 sums, int32x4_t rows, int32x4_t lanes) {
  return {vmmlaq_s32(sums.v, vreinterpretq_s8_s32(rows), vreinterpretq_s8_s32(lanes))};
}
#elif defined(POCHADE_KERNEL_ISA_neon_dotprod)
inline constexpr const char* kForm = "sdot";
#endif

#if defined(POCHADE_KERNEL_ISA_neon_dotprod) || defined(POCHADE_KERNEL_ISA_neon_i8mm)
#define POCHADE_INT8_QUADS 1
inline constexpr size_t kGroupValues = 4, kElementBytes = 1;
/// Lane kLane of a is the group.
template <int kLane>
POCHADE_INLINE I32 dot_lane(I32 sum, I32 a, I32 w) {
  return {vdotq_laneq_s32(sum.v, vreinterpretq_s8_s32(w.v), vreinterpretq_s8_s32(a.v), kLane)};
}
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
  return {vdotq_s32(sum.v, vreinterpretq_s8_s32(w.v), vreinterpretq_s8_s32(a.v))};
}
#else
inline constexpr const char* kForm = "smlal";
inline constexpr size_t kGroupValues = 2, kElementBytes = 2;
/// Weights: four lanes' first values of the pair, then their second ones.
#define POCHADE_INT8_PAIRS_APART 1
template <int kLane>
POCHADE_INLINE I32 dot_lane(I32 sum, I32 a, I32 w) {
  const int16x8_t weights = vreinterpretq_s16_s32(w.v), x = vreinterpretq_s16_s32(a.v);
  const int16x4_t group = kLane < 2 ? vget_low_s16(x) : vget_high_s16(x);
  const int32x4_t first = vmlal_lane_s16(sum.v, vget_low_s16(weights), group, kLane % 2 * 2);
  return {vmlal_lane_s16(first, vget_high_s16(weights), group, kLane % 2 * 2 + 1)};
}
/// All lanes of a hold the same group.
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
  return dot_lane<0>(sum, a, w);
}
#endif

template <Requant kMode>
struct Requantizer;

/// The rounding shift of ARM takes halves up: negative sums are moved by one first.
template <>
struct Requantizer<Requant::kFixedWide> {
  int32x4_t multiplier, minus_right, left;
  POCHADE_INLINE explicit Requantizer(const Columns& c)
      : multiplier(vld1q_s32(c.multiplier())),
        minus_right(vnegq_s32(vld1q_s32(c.right()))),
        left(vld1q_s32(c.left())) {}
  POCHADE_INLINE I32 operator()(I32 sum) const {
    const int32x4_t r = vqrdmulhq_s32(vshlq_s32(sum.v, left), multiplier);
    const int32x4_t away = vshrq_n_s32(vandq_s32(r, minus_right), 31);  // minus_right is negative or 0
    return {vrshlq_s32(vqaddq_s32(r, away), minus_right)};
  }
};
template <>
struct Requantizer<Requant::kFixed> : Requantizer<Requant::kFixedWide> {
  using Requantizer<Requant::kFixedWide>::Requantizer;
};

POCHADE_INLINE void store_eight(char* to, int8x8_t bytes, size_t n) {
  if (n >= 8) return vst1_s8(reinterpret_cast<int8_t*>(to), bytes);
  int8_t all[8];
  vst1_s8(all, bytes);
  __builtin_memcpy(to, all, n);
}
POCHADE_INLINE int8x8_t narrowed(int32x4_t q0, int32x4_t q1, const Narrow& n) {
  const int16x8_t wide = vqaddq_s16(vcombine_s16(vqmovn_s32(q0), vqmovn_s32(q1)), vdupq_n_s16(n.zero));
  const int8x8_t bytes = vmax_s8(vmin_s8(vqmovn_s16(wide), vdup_n_s8(n.high)), vdup_n_s8(n.low));
  return veor_s8(bytes, vdup_n_s8(static_cast<int8_t>(n.flip)));
}

/// The first n bytes of V vectors of results.
template <int V>
POCHADE_INLINE void store_row(const I32 (&q)[V], const Narrow& narrow, char* to, size_t n) {
  if (V <= 2) return store_eight(to, narrowed(q[0].v, q[V > 1 ? 1 : 0].v, narrow), n);
  store_eight(to, narrowed(q[0].v, q[V > 1 ? 1 : 0].v, narrow), 8);
  store_eight(to + 8, narrowed(q[V > 2 ? 2 : 0].v, q[V > 3 ? 3 : 0].v, narrow), n - 8);
}

/// Depthwise: a block is 8 channels, and taps come one by one.
inline constexpr size_t kBlockVectors = 2, kBlockTaps = 1;
POCHADE_INLINE size_t block_channel(size_t v, size_t lane) {
  return 4 * v + lane;
}
POCHADE_INLINE void block_sums(I32 (&sums)[2], const uint8_t* const* taps, size_t groups, size_t offset,
                               size_t n, const char* weights, const Int8Numbers& numbers) {
  for (size_t g = 0; g < groups; ++g, weights += 16) {
    uint8x8_t bytes;
    if (n >= 8) {
      bytes = vld1_u8(taps[g] + offset);
    } else {
      uint8_t all[8] = {};
      __builtin_memcpy(all, taps[g] + offset, n);
      bytes = vld1_u8(all);
    }
    const int16x8_t x =
        numbers.x_signed ? vmovl_s8(vreinterpret_s8_u8(bytes)) : vreinterpretq_s16_u16(vmovl_u8(bytes));
    const int16x8_t w = vreinterpretq_s16_u8(vld1q_u8(reinterpret_cast<const uint8_t*>(weights)));
    sums[0].v = vmlal_s16(sums[0].v, vget_low_s16(x), vget_low_s16(w));
    sums[1].v = vmlal_s16(sums[1].v, vget_high_s16(x), vget_high_s16(w));
  }
}
POCHADE_INLINE void store_block(const I32 (&q)[2], const Narrow& narrow, char* to, size_t n) {
  store_eight(to, narrowed(q[0].v, q[1].v, narrow), n);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
