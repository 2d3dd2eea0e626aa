// Copies rows of a convolution's input to scratch, with their padding, and transforms them on the way.

#include "kernels/conv.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

void zero_fill(float* to, size_t n) {
  __builtin_memset(to, 0, n * sizeof(float));
}

void copy_floats(float* to, const float* from, size_t n) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
  if (i < n) store_first(to + i, load_first(from + i, n - i), n - i);
}

/// One picture row, from which pixels are taken.
struct SourceRow {
  const float* x;
  size_t pixel;     // floats between pixels
  size_t channels;  // of one group
  const float* scale;
  const float* shift;
  const Activation* activation;  // null: none

  POCHADE_INLINE void scaled(size_t i, float* to) const {
    const float* from = x + i * pixel;
    if (scale == nullptr) return copy_floats(to, from, channels);
    for (size_t c = 0; c < channels; c += kLanes) {
      const size_t lanes = min_size(kLanes, channels - c);
      store_up_to(
          to + c,
          fma(load_up_to(from + c, lanes), load_up_to(scale + c, lanes), load_up_to(shift + c, lanes)),
          lanes);
    }
  }
  void copy_pixel(size_t i, float* to) const {
    scaled(i, to);
    if (activation != nullptr) activate_in_place(*activation, to, channels);
  }
  /// Pixels [first, first + n) to places `to_pixel` floats apart.
  void copy_run(size_t first, size_t n, float* to, size_t to_pixel) const {
    if (scale == nullptr && pixel == channels && to_pixel == channels) {
      __builtin_memcpy(to, x + first * pixel, n * channels * sizeof(float));
    } else {
      for (size_t i = 0; i < n; ++i) scaled(first + i, to + i * to_pixel);
    }
    if (activation == nullptr) return;
    if (to_pixel == channels) return activate_in_place(*activation, to, n * channels);
    for (size_t i = 0; i < n; ++i) activate_in_place(*activation, to + i * to_pixel, channels);
  }
};

}  // namespace

ptrdiff_t padded_index(PadMode mode, ptrdiff_t i, ptrdiff_t n) {
  if (mode == PadMode::kReflect) {
    if (i < 0) i = -i;
    if (i >= n) i = 2 * (n - 1) - i;
  }
  // Clamped for every mode: rows and columns that no output needs may lie further out.
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}

void copy_input_row(const ConvPlan& p, const ConvArgs& args, size_t image, size_t group,
                    ptrdiff_t virtual_row, float* to) {
  const ConvShape& s = p.shape;
  SourceRow row;
  row.pixel = s.x_pixel;
  row.channels = p.group_in;
  row.scale = row.shift = nullptr;
  row.activation = nullptr;
  if (p.flat) {
    const size_t first = static_cast<size_t>(virtual_row) * p.strip_width;
    const size_t n = static_cast<size_t>(virtual_row) + 1 == p.strips ? p.last_strip_width : p.strip_width;
    row.x = args.x + image * s.x_image + first * s.x_pixel + group * p.group_in;
    return row.copy_run(0, n, to, p.copied_pixel);
  }

  const ptrdiff_t height = static_cast<ptrdiff_t>(s.height * s.upsample);
  const ptrdiff_t width = static_cast<ptrdiff_t>(s.width * s.upsample);
  const size_t source_row = static_cast<size_t>(padded_index(s.pad_mode, virtual_row, height)) / s.upsample;
  row.x = args.x + image * s.x_image + source_row * s.x_row + group * p.group_in;
  if (s.transforms_input) {
    if (args.scale != nullptr) {
      row.scale = args.scale + image * args.scale_image + group * p.group_in;
      row.shift = args.shift + image * args.scale_image + group * p.group_in;
    }
    if (args.activation_in.kind != ActivationKind::kNone) row.activation = &args.activation_in;
  }

  // Columns before, within and after the picture.
  const size_t columns = p.copied_width;
  const size_t before = s.pad_left <= 0 ? 0 : min_size(columns, static_cast<size_t>(s.pad_left));
  const ptrdiff_t inside_end = width + s.pad_left;
  const size_t end = inside_end <= static_cast<ptrdiff_t>(before)
                         ? before
                         : min_size(columns, static_cast<size_t>(inside_end));
  const auto outside = [&](size_t first, size_t last) {
    if (s.pad_mode == PadMode::kZero)
      return zero_fill(to + first * p.copied_pixel, (last - first) * p.copied_pixel);
    for (size_t i = first; i < last; ++i) {
      const ptrdiff_t column = padded_index(s.pad_mode, static_cast<ptrdiff_t>(i) - s.pad_left, width);
      row.copy_pixel(static_cast<size_t>(column) / s.upsample, to + i * p.copied_pixel);
    }
  };
  outside(0, before);
  outside(end, columns);
  const size_t first = static_cast<size_t>(static_cast<ptrdiff_t>(before) - s.pad_left);
  if (end == before) return;
  float* inside = to + before * p.copied_pixel;
  if (s.upsample == 1) return row.copy_run(first, end - before, inside, p.copied_pixel);
  for (size_t i = before; i < end; ++i) {
    const size_t column = static_cast<size_t>(static_cast<ptrdiff_t>(i) - s.pad_left);
    if (i > before && column % s.upsample != 0)
      copy_floats(to + i * p.copied_pixel, to + (i - 1) * p.copied_pixel, p.group_in);
    else
      row.copy_pixel(column / s.upsample, to + i * p.copied_pixel);
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
