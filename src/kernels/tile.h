#pragma once
// Register tiles: the innermost loops of matrix products and convolutions. Only for *_simd.cc files.
//
// A tile computes R rows times V vectors of C. A row of A is a list of segments, each contiguous in memory:
// one for a matrix, one for each row of the filter for a convolution. Weights are packed in panels one vector
// wide, [n / kLanes][k][kLanes], the last one filled up with zeros, so that any V reads the same packed form.
// Each output is one chain of additions in the order of k: its bits depend neither on R and V nor on where
// the loop over k is cut.

#include "kernels/conv_args.h"
#include "kernels/simd.h"
#include "kernels/tiling.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

struct Segment {
  const float* a;
  size_t length;
};

/// Where the rows of one tile, or of a strip of tiles, come from and go to.
struct TileArgs {
  const Segment* segments;
  size_t segment_count;
  size_t lda;       ///< floats between rows of A
  size_t a_offset;  ///< added to each segment's start
  const float* b;   ///< panel at the first k of the first segment
  size_t panel;     ///< floats between panels
  float* c;
  size_t ldc;
  const float* bias;      ///< at the first column, or null
  const float* residual;  ///< like c, or null
  size_t last_lanes;      ///< columns in the last vector, 1 to kLanes
  bool first;             ///< start from bias and residual, else from c
  bool last;              ///< apply the activation
  const Activation* activation;
};

using Tile = void (*)(const TileArgs& args);

/// V up to kMaxTileVectors. Rows up to tile_rows(V) (index 0 is V = 0: none).
size_t tile_rows(size_t vectors);
Tile tile(size_t rows, size_t vectors);

/// Estimated cycles of a tile for each k.
double tile_cost(size_t rows, size_t vectors);

/// Estimated cycles for each k of `rows` rows times `vectors` vectors, divided into tiles of nearly equal
/// height.
double strip_cost(size_t rows, size_t vectors);

Tiling choose_tiling(size_t rows, size_t vectors);

/// Computes all tiles of `rows` rows times `vectors` vectors (V <= kMaxTileVectors). `args` describes the
/// first row.
void run_strip(TileArgs args, size_t rows, size_t vectors);

// Few output columns: each output is a dot product over k with one vector of partial sums, so that no lane is
// wasted. Weights are [column][k]. Column count up to kMaxDotColumns.
inline constexpr size_t kMaxDotColumns = 8;
struct DotArgs {
  const Segment* segments;
  size_t segment_count;
  size_t lda;
  size_t a_offset;
  const float* b;   ///< at the first k of the first segment
  size_t b_column;  ///< floats between columns
  float* c;
  size_t ldc;
  const float* bias;
  const float* residual;
  const Activation* activation;
};
/// Estimated cycles of one row of `columns` columns over `segments` segments of `length`.
double dot_cost(size_t columns, size_t segments, size_t length);
void run_dot_strip(DotArgs args, size_t rows, size_t columns);

/// activation of y[0, n), in place. For any kind.
void activate_in_place(const Activation& activation, float* y, size_t n);

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
