#include "kernels/families.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

/// to = sum of `taps` rows of n floats, each times its weight.
void blend_rows(const float* image, size_t row, const int32_t* index, const float* weight, size_t taps,
                size_t n, float* to) {
  const auto vector = [&](size_t i, size_t lanes) __attribute__((always_inline)) {
    F32 sum = zero();
    for (size_t t = 0; t < taps; ++t)
      sum =
          fma(broadcast(weight[t]), load_up_to(image + static_cast<size_t>(index[t]) * row + i, lanes), sum);
    store_up_to(to + i, sum, lanes);
  };
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) vector(i, kLanes);
  if (i < n) vector(i, n - i);
}

void copy_pixels(const ResizeArgs& a, const float* row, float* y) {
  for (size_t j = 0; j < a.out_width; ++j, y += a.channels) {
    const float* x = row + static_cast<size_t>(a.column_index[j]) * a.channels;
    size_t c = 0;
    for (; c + kLanes <= a.channels; c += kLanes) store(y + c, load(x + c));
    if (c < a.channels) store_first(y + c, load_first(x + c, a.channels - c), a.channels - c);
  }
}

void blend_pixels(const ResizeArgs& a, const float* row, float* y) {
  const int32_t* index = a.column_index;
  const float* weight = a.column_weight;
  for (size_t j = 0; j < a.out_width; ++j, y += a.channels, index += a.column_taps, weight += a.column_taps)
    blend_rows(row, a.channels, index, weight, a.column_taps, a.channels, y);
}

}  // namespace

size_t resize_scratch_bytes(const ResizeArgs& args) {
  return args.row_weight == nullptr ? 0 : args.width * args.channels * sizeof(float);
}

void resize(const ResizeArgs& a, Range rows, void* scratch) {
  const size_t row_floats = a.width * a.channels;
  for (size_t i = rows.begin; i < rows.end; ++i) {
    const float* image = a.x + i / a.out_height * a.height * row_floats;
    const int32_t* index = a.row_index + i % a.out_height * a.row_taps;
    const float* row = image + static_cast<size_t>(index[0]) * row_floats;
    if (a.row_weight != nullptr) {
      float* blended = static_cast<float*>(scratch);
      blend_rows(image, row_floats, index, a.row_weight + i % a.out_height * a.row_taps, a.row_taps,
                 row_floats, blended);
      row = blended;
    }
    float* y = a.y + i * a.out_width * a.channels;
    if (a.column_weight != nullptr)
      blend_pixels(a, row, y);
    else
      copy_pixels(a, row, y);
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
