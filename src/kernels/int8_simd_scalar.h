#pragma once
// Included by int8_simd.h only. Plain C++: what runs where nothing better is compiled in.

namespace pochade {
namespace POCHADE_KERNEL_ISA {

inline constexpr const char* kForm = "plain C++";
inline constexpr size_t kGroupValues = 2, kElementBytes = 2;
inline constexpr bool kKernelSigned = true;

POCHADE_INLINE I32 load_int(const void* p) {
  I32 a;
  __builtin_memcpy(&a.v, p, sizeof(a.v));
  return a;
}
POCHADE_INLINE void store_int(void* p, I32 a) {
  __builtin_memcpy(p, &a.v, sizeof(a.v));
}
POCHADE_INLINE I32 broadcast_group(const void* p) {
  int32_t group;
  __builtin_memcpy(&group, p, sizeof(group));
  return broadcast_int(group);
}
/// The lower and the upper 16 bits of each lane, of whichever value stands first in memory.
POCHADE_INLINE I32 dot(I32 sum, I32 a, I32 w) {
  const I32::Vector low = (shift_left<16>(a).v >> 16) * (shift_left<16>(w).v >> 16);
  const I32::Vector high = (a.v >> 16) * (w.v >> 16);
  return sum + I32{low} + I32{high};
}

template <Requant kMode>
struct Requantizer;

template <>
struct Requantizer<Requant::kFixedWide> {
  const Columns columns;
  POCHADE_INLINE explicit Requantizer(const Columns& c) : columns(c) {}
  POCHADE_INLINE I32 operator()(I32 sum) const {
    for (size_t i = 0; i < 4; ++i) {
      const auto s = static_cast<int32_t>(static_cast<uint32_t>(sum.v[i]) << columns.left()[i]);
      const int64_t product = static_cast<int64_t>(s) * columns.multiplier()[i];
      const int64_t r = (product + (int64_t{1} << 30)) >> 31;
      const int right = columns.right()[i];
      const int64_t half = (int64_t{1} << right) >> 1;
      sum.v[i] = static_cast<int32_t>((r + half - (right > 0 && r < 0 ? 1 : 0)) >> right);
    }
    return sum;
  }
};
template <>
struct Requantizer<Requant::kFixed> : Requantizer<Requant::kFixedWide> {
  using Requantizer<Requant::kFixedWide>::Requantizer;
};

/// The first n bytes of V vectors of results.
template <int V>
POCHADE_INLINE void store_row(const I32 (&q)[V], const Narrow& narrow, char* to, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    int64_t y = static_cast<int64_t>(q[i / 4].v[i % 4]) + narrow.zero;
    if (y < narrow.low) y = narrow.low;
    if (y > narrow.high) y = narrow.high;
    to[i] = static_cast<char>(static_cast<uint8_t>(y) ^ narrow.flip);
  }
}

/// Depthwise: a block is one vector, and taps come one by one.
inline constexpr size_t kBlockVectors = 1, kBlockTaps = 1;
POCHADE_INLINE size_t block_channel(size_t, size_t lane) {
  return lane;
}
POCHADE_INLINE void block_sums(I32 (&sums)[1], const uint8_t* const* taps, size_t groups, size_t offset,
                               size_t n, const char* weights, const Int8Numbers& numbers) {
  for (size_t g = 0; g < groups; ++g, weights += 4 * sizeof(int16_t)) {
    int16_t w[4];
    __builtin_memcpy(w, weights, sizeof(w));
    for (size_t i = 0; i < n; ++i) {
      const uint8_t byte = taps[g][offset + i];
      const int32_t x = numbers.x_signed ? static_cast<int8_t>(byte) : byte;
      sums[0].v[i] =
          static_cast<int32_t>(static_cast<uint32_t>(sums[0].v[i]) + static_cast<uint32_t>(x * w[i]));
    }
  }
}
POCHADE_INLINE void store_block(const I32 (&q)[1], const Narrow& narrow, char* to, size_t n) {
  store_row(q, narrow, to, n);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
