#pragma once
// What all pools share: x: N, spatial..., C -> y: N, spatial..., C, each output channel from its input
// channel.

#include "ops/window.h"

namespace pochade {

/// Dims of y for a window over x (rank 3 to 5).
Result<std::optional<Dims>> pool_dims(const Fact& x, const Window& window, std::span<const int64_t> kernel);
/// Shape of y for resolved axes.
Shape pool_shape(const Shape& x, const WindowAxes& axes);

/// Calls f(output index, n, c, od, oh, ow) for each element of y, in memory order.
template <typename F>
void for_each_pooled(const Shape& x, const WindowAxes& axes, F&& f) {
  size_t index = 0;
  for (int64_t n = 0; n < x[0]; ++n)
    for (int64_t d = 0; d < axes[0].out; ++d)
      for (int64_t h = 0; h < axes[1].out; ++h)
        for (int64_t w = 0; w < axes[2].out; ++w)
          for (int64_t c = 0; c < x.back(); ++c) f(index++, n, c, d, h, w);
}

/// Calls f(d, h, w) with the input position of each tap that lies inside the input.
template <typename F>
void for_each_tap(const WindowAxes& axes, int64_t od, int64_t oh, int64_t ow, F&& f) {
  for (int64_t kd = 0; kd < axes[0].kernel; ++kd)
    for (int64_t kh = 0; kh < axes[1].kernel; ++kh)
      for (int64_t kw = 0; kw < axes[2].kernel; ++kw) {
        const int64_t d = axes[0].at(od, kd), h = axes[1].at(oh, kh), w = axes[2].at(ow, kw);
        if (axes[0].inside(d) && axes[1].inside(h) && axes[2].inside(w)) f(d, h, w);
      }
}

/// Place of x[n, d, h, w, c] in memory.
inline size_t pool_index(const Shape& x, const WindowAxes& axes, int64_t n, int64_t d, int64_t h, int64_t w,
                         int64_t c) {
  return static_cast<size_t>((((n * axes[0].in + d) * axes[1].in + h) * axes[2].in + w) * x.back() + c);
}

}  // namespace pochade
