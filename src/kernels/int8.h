#pragma once
// Shared by the parts of the 8-bit kernels. Only for int8_*_simd.cc files.

#include "kernels/int8_simd.h"
#include "kernels/tiling.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

/// What stands before packed weights.
struct alignas(64) Int8Header {
  Requant mode;
  int32_t row_factor;  ///< times the sum of a row's activations is added to the row's sums; quads only
};

/// What one output channel adds up to, for its bias and the choice of Requant.
struct ChannelSums {
  int64_t weights;    ///< sum of w - w_zero
  int64_t magnitude;  ///< the greatest |sum| that 8-bit activations can give
};

/// Fills in channel `o` at place `at` of the columns. `x_zero` is the zero point of the activations as they
/// are multiplied. Returns the least Requant that suits the channel.
Requant pack_column(const Int8Numbers& numbers, const Int8Source& source, size_t o, const ChannelSums& sums,
                    int32_t x_zero, const Columns& columns, size_t at);
/// Replaces a column's fixed-point multiplier by floats, if that is proved to be the same.
bool prove_column(const Int8Numbers& numbers, const Int8Source& source, size_t o, Requant mode,
                  const Columns& columns, size_t at);
/// Takes that back.
void unprove_column(const Int8Numbers& numbers, const Int8Source& source, size_t o, const Columns& columns,
                    size_t at);

/// Where an output channel's column is.
struct Place {
  Columns columns;
  size_t at;
  size_t channel;  ///< of the source
};
/// All n columns, unless their `mode` is kFloat or kSums; place(i) is the Place of one. Returns the mode of
/// the layer.
template <typename PlaceOf>
Requant prove_all(const Int8Numbers& numbers, const Int8Source& source, size_t n, Requant mode,
                  PlaceOf place) {
  if (mode >= Requant::kFloat) return mode;
  const Requant proved = numbers.low >= numbers.y_zero ? Requant::kProvedUp : Requant::kProved;
  for (size_t i = 0; i < n; ++i) {  // by ISA
    const Place here = place(i);
    if (prove_column(numbers, source, here.channel, proved, here.columns, here.at)) continue;  // by ISA
    while (i-- > 0) {                                                                          // by ISA
      const Place before = place(i);
      unprove_column(numbers, source, before.channel, before.columns, before.at);
    }
    return mode;
  }
  return proved;  // by ISA
}

/// Bytes of an output.
POCHADE_INLINE size_t output_bytes(const Int8Numbers& numbers) {
  return numbers.rounding == Int8Rounding::kSums ? sizeof(int32_t) : 1;
}

/// Less what the zero point of the activations adds to a sum of products.
POCHADE_INLINE uint32_t centred_sum(int32_t sum, int32_t x_zero, int32_t weights) {
  return static_cast<uint32_t>(sum) - static_cast<uint32_t>(x_zero) * static_cast<uint32_t>(weights);
}

POCHADE_INLINE Requant worse(Requant a, Requant b) {
  return a > b ? a : b;
}

POCHADE_INLINE int32_t weight_at(const Int8Numbers& numbers, const void* data, ptrdiff_t index) {
  return numbers.w_signed ? static_cast<const int8_t*>(data)[index]
                          : static_cast<const uint8_t*>(data)[index];
}

/// One tile, or a strip of tiles below each other.
struct Int8TileArgs {
  const char* const* segments;  ///< of the window of row 0
  size_t segment_count;
  size_t groups;  ///< in a segment
  size_t lda;     ///< bytes between rows
  size_t a_offset;
  uint32_t flip;
  const char* b;  ///< panel of the first vector of channels
  size_t panel;   ///< bytes between panels
  Columns columns;
  const int32_t* row_terms;  ///< one a row, or null
  int32_t x_zero;            ///< of the activations as they are multiplied; read if kSums
  char* y;
  size_t ldy;
  size_t channels;  ///< of all vectors
  Requant mode;
  Narrow narrow;
};

/// Computes `rows` rows times `vectors` vectors (up to kMaxTileVectors). `args` move on to the row behind
/// them: a copy of what was just written would wait for it.
void int8_strip(Int8TileArgs& args, size_t rows, size_t vectors);
/// Rows of a tile that is `vectors` wide, at most.
size_t int8_tile_rows(size_t vectors);
Tiling int8_tiling(size_t rows, size_t vectors);

void int8_conv_plan(const ConvShape& shape, const Int8Numbers& numbers, Int8ConvPlan* plan);
void int8_conv_pack(const Int8ConvPlan& plan, const Int8Source& source, void* packed);
void int8_conv(const Int8ConvPlan& plan, const Int8Args& args, Range tasks, void* scratch);
void int8_depthwise_plan(const DepthwiseShape& shape, const Int8Numbers& numbers, Int8DepthwisePlan* plan);
void int8_depthwise_pack(const Int8DepthwisePlan& plan, const Int8Source& source, void* packed);
void int8_depthwise(const Int8DepthwisePlan& plan, const Int8Args& args, Range rows, void* scratch);

/// What a task keeps in scratch. Offsets in bytes.
struct Int8Scratch {
  size_t ring;       ///< ring_rows rows of copied pixels, and one of padding
  size_t segments;   ///< of each strip of a group
  size_t row_terms;  ///< the same
  size_t bytes;
};
POCHADE_INLINE Int8Scratch int8_scratch(const Int8ConvPlan& p) {
  Int8Scratch s;
  s.ring = 0;
  s.segments = p.copies ? (p.ring_rows + 1) * p.row_bytes : 0;  // by ISA
  s.row_terms = s.segments + round_up(p.strip_group * p.segments * sizeof(const char*), 64);
  s.bytes = s.row_terms + round_up(p.strip_group * p.strip_width * sizeof(int32_t), 64);
  return s;
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
