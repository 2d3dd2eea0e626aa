#pragma once
// What the 8-bit kernels need of each instruction set. Only for int8_*_simd.cc files.
//
// A row of activations is read in groups of 4 bytes, and each lane of a vector of weights holds a group of
// the same k. A group is
// - a quad of 8-bit values, where there is an instruction that multiplies them and adds all four to a 32-bit
//   sum (vpdpbusd, sdot). On x86 one operand is unsigned, so int8 activations are read as q + 128;
// - else a pair of 16-bit values, from which the zero points are subtracted already (vpmaddwd, smlal).
//
// Each int8_simd_*.h defines
//   kGroupValues, kElementBytes   values in a group; bytes of a value of packed weights and of copied rows
//   kKernelSigned                 quads: activations are multiplied as signed values
//   dot(sum, a, w)                sum + products of the groups in each lane
//   Requantizer<kMode>            of one vector of channels
//   store_row<V>(...)             V vectors of results as bytes
//   and what depthwise convolutions need: kBlockVectors, kBlockTaps, block_channel, store_block, and
//   load_taps (with POCHADE_INT8_BLOCK_QUADS: kBlockTaps is 4) or block_sums.

#include "kernels/int8_args.h"
#include "kernels/simd.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

inline constexpr size_t kGroupBytes = 4;

POCHADE_INLINE const char* char_at(const void* p, size_t offset) {
  return static_cast<const char*>(p) + offset;
}

/// How 32-bit sums are requantized. A layer takes the first one that suits all of its channels.
enum class Requant : int32_t {
  kProvedUp,  ///< floats, proved to give the fixed-point result for all sums (int8_prove.h); results are >= 0
  kProved,    ///< the same for both signs
  kFixed,     ///< no left shift, a right shift of 1 to 30, |sum| < 2^30
  kFixedWide,  ///< any
  kReal,
  kFloat,
  kSums,  ///< stored as they are
};

/// What belongs to each channel: for each vector of channels several arrays of kLanes values.
struct Columns {
  static constexpr size_t kArrays = 6, kVectorInts = kArrays * kLanes;
  const int32_t* at;
  /// Those of the v-th vector from here.
  POCHADE_INLINE Columns vector(size_t v) const { return {at + v * kVectorInts}; }
  /// Where the first array's value of the i-th channel from here is.
  POCHADE_INLINE int32_t* channel(size_t i) const {
    return const_cast<int32_t*>(at) + i / kLanes * kVectorInts + i % kLanes;
  }
  POCHADE_INLINE const int32_t* array(size_t i) const { return at + i * kLanes; }
  POCHADE_INLINE const int32_t* bias() const { return at; }
  // kFixed, kFixedWide: the multiplier and the shifts. kFloat: the bits of the scale. kReal: the lower
  // and the upper half of the multiplier. kSums: the sum of w - w_zero.
  POCHADE_INLINE const int32_t* multiplier() const { return array(1); }
  POCHADE_INLINE const int32_t* right() const { return array(2); }
  POCHADE_INLINE const int32_t* left() const { return array(3); }
  // kFixed and kFixedWide, until the proof: what the window adds at most is in array 4.
  // kProved: see ProvedChannel.
  POCHADE_INLINE const int32_t* scale_high() const { return array(1); }
  POCHADE_INLINE const int32_t* scale_low() const { return array(2); }
  POCHADE_INLINE const int32_t* offset_up() const { return array(3); }
  POCHADE_INLINE const int32_t* offset_down() const { return array(4); }
  POCHADE_INLINE const int32_t* shift() const { return array(5); }
};

/// How a row of 32-bit results becomes bytes: saturated to 16 bits, moved by the zero point, saturated and
/// clamped as signed bytes, whose sign bit is flipped for unsigned outputs.
struct Narrow {
  int16_t zero;
  int8_t low, high;
  uint8_t flip;
};

POCHADE_INLINE Narrow narrow_for(const Int8Numbers& n) {
  const int32_t shift = n.y_signed ? 0 : 128;
  return {static_cast<int16_t>(n.y_zero - shift), static_cast<int8_t>(n.low - shift),
          static_cast<int8_t>(n.high - shift), static_cast<uint8_t>(n.y_signed ? 0 : 0x80)};
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

#if defined(POCHADE_KERNEL_ISA_avx512)
#include "kernels/int8_simd_avx512.h"
#elif defined(POCHADE_KERNEL_ISA_avx2)
#include "kernels/int8_simd_avx2.h"
#elif defined(POCHADE_KERNEL_ISA_neon)
#include "kernels/int8_simd_neon.h"
#else
#include "kernels/int8_simd_scalar.h"
#endif

namespace pochade {
namespace POCHADE_KERNEL_ISA {

/// `sum` times a multiplier of 0 or more, halves away from zero; far results are cut.
POCHADE_INLINE int32_t round_product(int32_t sum, double multiplier) {
  const double product = static_cast<double>(sum) * multiplier;
  if (product >= 1e9) return 1000000000;
  if (product <= -1e9) return -1000000000;
  const int32_t whole = static_cast<int32_t>(product);  // towards zero
  const double rest = product - static_cast<double>(whole);
  return whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
}

/// Lane by lane: matrix products that round so have few outputs.
template <>
struct Requantizer<Requant::kReal> {
  const Columns columns;
  POCHADE_INLINE explicit Requantizer(const Columns& c) : columns(c) {}
  POCHADE_INLINE I32 operator()(I32 sum) const {
    int32_t lanes[kLanes];
    store_int(lanes, sum);
    for (size_t i = 0; i < kLanes; ++i) {
      const uint64_t bits = static_cast<uint32_t>(columns.array(1)[i]) |
                            static_cast<uint64_t>(static_cast<uint32_t>(columns.array(2)[i])) << 32;
      double multiplier;
      __builtin_memcpy(&multiplier, &bits, sizeof(multiplier));
      lanes[i] = round_product(lanes[i], multiplier);
    }
    return load_int(lanes);
  }
};

template <>
struct Requantizer<Requant::kFloat> {
  F32 scale;
  POCHADE_INLINE explicit Requantizer(const Columns& c)
      : scale(load(reinterpret_cast<const float*>(c.multiplier()))) {}
  POCHADE_INLINE I32 operator()(I32 sum) const {
    // The greatest float below 2^31: what lies above could become negative.
    return to_int(min(broadcast(2147483520.0f), to_float(sum) * scale));
  }
};

/// What is added to an activation (or a zero point) q when it is read as the kernel multiplies it.
POCHADE_INLINE int32_t activation_shift(const Int8Numbers& n) {
  if (n.x_signed == kKernelSigned) return 0;
  return kKernelSigned ? -128 : 128;  // not reached: constant
}
/// The same for the bits of four activations.
POCHADE_INLINE uint32_t activation_flip(const Int8Numbers& n) {
  return n.x_signed == kKernelSigned ? 0 : 0x80808080u;
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
