#pragma once
// Kernels that move elements without looking at them.

#include "kernels/common.h"

namespace pochade {

inline constexpr size_t kMaxCopyRank = 10;

/// y[i0*y_stride0 + i1*y_stride1 + ...] = x[i0*x_stride0 + ...] for all i < dims. Strides in elements, may be
/// 0 or negative in x. Transpose, Slice, Concat, Split, Expand, Tile, DepthToSpace and SpaceToDepth are all
/// of this form.
struct CopyArgs {
  const void* x;
  void* y;
  size_t element_bytes;  ///< 1, 2, 4, 8 or 16
  size_t rank;           ///< 0 to kMaxCopyRank
  size_t dims[kMaxCopyRank];
  ptrdiff_t x_strides[kMaxCopyRank];
  ptrdiff_t y_strides[kMaxCopyRank];
};

/// Pads or crops the two spatial axes, NHWC: y[n,i,j,:] = x[n, i - pad_top, j - pad_left, :], outside x by
/// `mode`. For kZero, `fill` is what is outside (4-byte elements are f32 bits; else the low bytes of it).
struct PadArgs {
  const void* x;
  void* y;
  size_t element_bytes;  ///< 1, 2 or 4
  size_t batch;
  size_t height, width, channels;
  size_t out_height, out_width;
  ptrdiff_t pad_top, pad_left;  ///< may be negative
  PadMode mode;
  uint32_t fill;
};

}  // namespace pochade
