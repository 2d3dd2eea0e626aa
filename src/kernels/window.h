#pragma once
// Which taps of a window lie within the picture. Only for *_simd.cc files.

#include "kernels/simd.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

/// Taps [begin, end) of `kernel` taps, `dilation` apart, from `start`, that lie within [low, high).
struct Taps {
  size_t begin, end;
};
POCHADE_INLINE Taps taps_within(ptrdiff_t start, size_t kernel, size_t dilation, ptrdiff_t low,
                                ptrdiff_t high) {
  const ptrdiff_t step = static_cast<ptrdiff_t>(dilation);
  const ptrdiff_t taps = static_cast<ptrdiff_t>(kernel);
  ptrdiff_t begin = start >= low ? 0 : (low - start + step - 1) / step;
  ptrdiff_t end = start >= high ? 0 : (high - 1 - start) / step + 1;
  if (end > taps) end = taps;
  if (begin > end) begin = end;
  return {static_cast<size_t>(begin), static_cast<size_t>(end)};
}

/// Outputs [begin, end) of `outputs` whose whole window lies within [0, size).
POCHADE_INLINE Taps whole_windows(size_t outputs, size_t stride, ptrdiff_t pad, size_t reach, size_t size) {
  const ptrdiff_t step = static_cast<ptrdiff_t>(stride);
  ptrdiff_t begin = pad <= 0 ? 0 : (pad + step - 1) / step;
  const ptrdiff_t room = static_cast<ptrdiff_t>(size) + pad - static_cast<ptrdiff_t>(reach);
  ptrdiff_t end = room < 0 ? 0 : room / step + 1;
  if (end > static_cast<ptrdiff_t>(outputs)) end = static_cast<ptrdiff_t>(outputs);
  if (begin > end) begin = end;
  return {static_cast<size_t>(begin), static_cast<size_t>(end)};
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
