#pragma once
// Sums of long rows: single precision within a block, double precision across blocks. Only for *_simd.cc
// files.

#include "kernels/simd.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

struct SquaredDistance {
  F32 from;
  POCHADE_INLINE F32 operator()(F32 v) const {
    const F32 d = v - from;
    return d * d;
  }
};

/// The lanes of a partial vector beyond n, which hold zeros, are kept out.
POCHADE_INLINE F32 keep_first(F32 a, size_t n) {
  float values[kLanes];
  store(values, a);
  return load_first(values, n);
}

/// Sum of function(x[i]) over [0, n).
template <typename Function>
POCHADE_INLINE double sum_of(const float* x, size_t n, Function function) {
  constexpr size_t kBlock = 1024;
  double total = 0;
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t end = min_size(n, begin + kBlock);
    F32 sums[4] = {zero(), zero(), zero(), zero()};
    size_t i = begin;
    for (; i + 4 * kLanes <= end; i += 4 * kLanes)
      for (int v = 0; v < 4; ++v) sums[v] = sums[v] + function(load(x + i + v * kLanes));
    for (; i + kLanes <= end; i += kLanes) sums[0] = sums[0] + function(load(x + i));
    if (i < end) sums[1] = sums[1] + keep_first(function(load_first(x + i, end - i)), end - i);
    total += static_cast<double>(sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  return total;
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
