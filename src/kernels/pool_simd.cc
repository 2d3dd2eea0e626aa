#include "kernels/families.h"
#include "kernels/window.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr int kWide = 4;  // vectors of channels at once

struct Window {
  const float* x;  // of the first tap (which may lie outside the picture)
  Taps rows, columns;
  size_t row_step, column_step;  // floats between taps
};

/// Folds the taps of one window, V vectors of channels at a time; the last vector has `lanes` of them.
template <int V, typename Fold>
POCHADE_INLINE void fold_window(const Window& w, size_t c, size_t lanes, F32 start, Fold fold,
                                F32 (&sums)[V]) {
  for (int v = 0; v < V; ++v) sums[v] = start;
  for (size_t r = w.rows.begin; r < w.rows.end; ++r)
    for (size_t k = w.columns.begin; k < w.columns.end; ++k) {
      const float* x = w.x + r * w.row_step + k * w.column_step + c;
      for (int v = 0; v < V - 1; ++v) sums[v] = fold(sums[v], load(x + v * kLanes));
      sums[V - 1] = fold(sums[V - 1], load_up_to(x + (V - 1) * kLanes, lanes));
    }
}

template <typename Fold, typename Finish>
POCHADE_INLINE void pool(const PoolArgs& a, Range rows, F32 start, Fold fold, Finish finish) {
  const ptrdiff_t height = static_cast<ptrdiff_t>(a.height), width = static_cast<ptrdiff_t>(a.width);
  Window w;
  w.row_step = a.dilation_h * a.width * a.channels;
  w.column_step = a.dilation_w * a.channels;
  for (size_t i = rows.begin; i < rows.end; ++i) {
    const ptrdiff_t top = static_cast<ptrdiff_t>(i % a.out_height * a.stride_h) - a.pad_top;
    w.rows = taps_within(top, a.kernel_h, a.dilation_h, 0, height);
    const Taps padded_rows = taps_within(top, a.kernel_h, a.dilation_h, -a.pad_top, height + a.pad_bottom);
    const ptrdiff_t image = static_cast<ptrdiff_t>(i / a.out_height) * height;
    for (size_t j = 0; j < a.out_width; ++j) {
      const ptrdiff_t left = static_cast<ptrdiff_t>(j * a.stride_w) - a.pad_left;
      w.columns = taps_within(left, a.kernel_w, a.dilation_w, 0, width);
      const Taps padded_columns =
          taps_within(left, a.kernel_w, a.dilation_w, -a.pad_left, width + a.pad_right);
      w.x = a.x + ((image + top) * width + left) * static_cast<ptrdiff_t>(a.channels);
      const Taps& r = a.count_include_pad ? padded_rows : w.rows;
      const Taps& k = a.count_include_pad ? padded_columns : w.columns;
      const size_t count = (r.end - r.begin) * (k.end - k.begin);
      float* y = a.y + (i * a.out_width + j) * a.channels;
      size_t c = 0;
      for (; c + kWide * kLanes <= a.channels; c += kWide * kLanes) {
        F32 sums[kWide];
        fold_window(w, c, kLanes, start, fold, sums);
        for (int v = 0; v < kWide; ++v) store(y + c + v * kLanes, finish(sums[v], count));
      }
      for (; c < a.channels; c += kLanes) {
        const size_t lanes = min_size(kLanes, a.channels - c);
        F32 sums[1];
        fold_window(w, c, lanes, start, fold, sums);
        store_up_to(y + c, finish(sums[0], count), lanes);
      }
    }
  }
}

}  // namespace

void max_pool(const PoolArgs& args, Range rows) {
  pool(
      args, rows, broadcast(-__builtin_inff()), [](F32 a, F32 b) { return max_nan(a, b); },
      [](F32 a, size_t) { return a; });
}

void average_pool(const PoolArgs& args, Range rows) {
  pool(
      args, rows, zero(), [](F32 a, F32 b) { return a + b; },
      [](F32 a, size_t count) { return a / broadcast(count == 0 ? 1.0f : static_cast<float>(count)); });
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
