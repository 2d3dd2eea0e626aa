#pragma once
// Shared by the parts of the convolution. Only for *_simd.cc files.

#include "kernels/tile.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

/// One strip's A, within the whole K.
struct Strip {
  Segment* segments;
  size_t count;
  size_t k_begin, k_end;  // padding rows above and below are left out
  size_t width;
  float* y;
  const float* residual;
};

/// What a task keeps in scratch. Offsets in bytes.
struct ConvScratch {
  size_t ring;      ///< ring_rows rows of copied pixels
  size_t segments;  ///< of each strip of a group
  size_t cut;       ///< one strip's segments within a block of k
  size_t strips;    ///< of a group
  size_t bytes;
};

POCHADE_INLINE ConvScratch conv_scratch(const ConvPlan& p) {
  const size_t ring_bytes = p.copies ? p.ring_rows * p.copied_width * p.copied_pixel * sizeof(float) : 0;
  ConvScratch s;
  s.ring = 0;
  s.segments = round_up(ring_bytes, 64);
  s.cut = s.segments + p.strip_group * p.segments_per_strip * sizeof(Segment);
  s.strips = s.cut + (p.segments_per_strip + 1) * sizeof(Segment);
  s.bytes = round_up(s.strips + p.strip_group * sizeof(Strip), 64);
  return s;
}

/// Writes row `virtual_row` of the transformed, padded input (before the filter's steps) to `to`. The row
/// must exist: with zero padding it lies within the picture.
void copy_input_row(const ConvPlan& plan, const ConvArgs& args, size_t image, size_t group,
                    ptrdiff_t virtual_row, float* to);

/// Index of the pixel that stands at i of an axis of n pixels, for reflect and edge.
ptrdiff_t padded_index(PadMode mode, ptrdiff_t i, ptrdiff_t n);

void conv_plan(const ConvShape& shape, ConvPlan* plan);
void conv_pack(const ConvPlan& plan, const ConvSource& source, float* packed, Range groups);
void conv(const ConvPlan& plan, const ConvArgs& args, Range tasks, void* scratch);
void gemm_plan(const GemmShape& shape, GemmPlan* plan);
void gemm_pack(const GemmPlan& plan, const GemmSource& source, float* packed, Range units);
size_t gemm_pack_units(const GemmPlan& plan);
void gemm(const GemmPlan& plan, const GemmArgs& args, Range tasks, void* scratch);

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
