#pragma once
// How register tiles cover the columns of a product. Only for *_simd.cc files.

#include "kernels/simd.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

/// The widest tile, in vectors.
inline constexpr size_t kMaxTileVectors = 4;

/// How many vectors wide the tiles are that cover n vectors: first `count` tiles of `wide`, then tiles of
/// `narrow`.
struct Tiling {
  uint32_t wide, count, narrow;
};

/// The cheapest one, if costs[v] is that of all rows times v vectors.
POCHADE_INLINE Tiling best_tiling(size_t vectors, const double (&costs)[kMaxTileVectors + 1]) {
  Tiling best = {1, static_cast<uint32_t>(vectors), 1};
  double best_cost = static_cast<double>(vectors) * costs[1];
  for (size_t wide = 1; wide <= kMaxTileVectors; ++wide)
    for (size_t less = 0; less <= kMaxTileVectors && less <= vectors / wide; ++less)
      for (size_t narrow = 1; narrow <= kMaxTileVectors; ++narrow) {
        const size_t count = vectors / wide - less;
        const size_t rest = vectors - count * wide;
        double cost =
            static_cast<double>(count) * costs[wide] + static_cast<double>(rest / narrow) * costs[narrow];
        if (rest % narrow != 0) cost += costs[rest % narrow];
        if (cost < best_cost) {
          best_cost = cost;
          best = {static_cast<uint32_t>(wide), static_cast<uint32_t>(count), static_cast<uint32_t>(narrow)};
        }
      }
  return best;
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
