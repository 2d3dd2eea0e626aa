#pragma once
// Fixed-point requantization by floats, proved for each channel. Only for int8_*_simd.cc files.
//
// For a right shift of e >= 1, the fixed-point arithmetic of Int8Numbers is
//   q(s) = floor((floor((s m + 2^30) / 2^31) + 2^(e-1) - [s < 0]) / 2^e)
//        = floor(s scale + 1/2 + h)  for s >= 0,   floor(s scale + 1/2 - h)  for s < 0
// with scale = m / 2^(31+e) and h = 2^-(e+1): floors of integers nest, and where only the inner one is 0
// while s is negative, both give 0. Without a right shift, h is 0. A bias that is c larger gives
//   floor((s + c) scale + (1/2 +- h - c scale)).
// What is computed never decreases when s grows, so that it equals q for every s that the channel can have if
// it does so at both ends of their range and on both sides of each of the steps within the bounds of the
// output. That is what is checked, by the vector code itself, for two choices of c:
// - c = round(1/2 / scale) leaves offsets of the size of a scale, which a float holds well: scale is the sum
//   of two floats, and the last addition rounds down, as floor does;
// - where the bias is far greater than what the window adds to it, floats near it are too coarse for that.
//   Then few steps are in reach, and c brings one of them to s + c = 0.

#include "kernels/int8.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

/// One channel's values, in the order of Columns.
struct ProvedChannel {
  int32_t shift;  ///< c, which the bias must be raised by
  float scale_high, scale_low, offset_up, offset_down;
};

/// The least and the greatest sum of a channel.
struct Reach {
  int64_t low, high;
};

/// Whether `channel` was found: for a multiplier of [2^30, 2^31), a right shift (a left one if negative), and
/// results within [low, high] before the zero point is added. `mode` is kProvedUp (low is 0 or more) or
/// kProved.
bool prove(int32_t multiplier, int32_t right, int32_t low, int32_t high, Requant mode, Reach reach,
           ProvedChannel* channel);
/// The same for a multiplier that sums are multiplied with in double precision: see round_product().
bool prove_real(double multiplier, int32_t low, int32_t high, Requant mode, ProvedChannel* channel);

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
