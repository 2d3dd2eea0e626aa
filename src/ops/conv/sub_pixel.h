#pragma once
// A transposed convolution as stride_h * stride_w small convolutions, one for each place of an output pixel
// between input pixels.  (Shi et al. 2016, arXiv:1609.07009)

#include <numeric>

#include "ops/window.h"

namespace pochade {

/// The outputs o = first + stride * u of one axis: y[o] = sum over j of x[u - pad + j * dilation] *
/// w[last_tap - j * tap_step].
struct SubPixel {
  int64_t first = 0, count = 0;  ///< of the outputs
  int64_t taps = 0, tap_step = 1, last_tap = 0, dilation = 1, pad = 0;
};

/// With q = o + pad_begin, x[i] reaches y[o] by tap k if q = i * stride + k * dilation: k is one of every
/// stride / gcd taps, and i falls by dilation / gcd from each to the next.
inline SubPixel sub_pixel(const WindowAxis& axis, int64_t phase) {
  SubPixel out;
  const int64_t common = std::gcd(axis.stride, axis.dilation);
  out.tap_step = axis.stride / common;
  out.dilation = axis.dilation / common;
  out.first = ((phase - axis.pad_begin) % axis.stride + axis.stride) % axis.stride;
  out.count = out.first < axis.out ? (axis.out - out.first + axis.stride - 1) / axis.stride : 0;
  int64_t k = 0;
  while (k < axis.kernel && k * axis.dilation % axis.stride != phase) ++k;
  if (k >= axis.kernel) return out;
  out.taps = (axis.kernel - 1 - k) / out.tap_step + 1;
  out.last_tap = k + (out.taps - 1) * out.tap_step;
  const int64_t first_input =
      (out.first + axis.pad_begin - phase) / axis.stride;  // of tap k with k * dilation = phase
  out.pad = (out.last_tap * axis.dilation - phase) / axis.stride - first_input;
  return out;
}

}  // namespace pochade
