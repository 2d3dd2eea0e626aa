#pragma once
// Pooling and resizing, dense NHWC.

#include "kernels/common.h"

namespace pochade {

struct PoolArgs {
  const float* x = nullptr;
  float* y = nullptr;
  size_t batch = 1;
  size_t height = 0, width = 0, channels = 0;
  size_t out_height = 0, out_width = 0;
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
  ptrdiff_t pad_top = 0, pad_left = 0;
  // A window that sees nothing (ceil_mode can make one) has average 0 and maximum -infinity.
  /// Average only: divide by the part of the window that lies within the padded picture, which ends
  /// pad_bottom below and pad_right beyond x (ONNX count_include_pad = 1), else by the part within x. Max
  /// never counts padding.
  bool count_include_pad = false;
  ptrdiff_t pad_bottom = 0, pad_right = 0;
};

/// Separable resampling by tables: nearest (1 tap), bilinear (2), bicubic (4), antialiased (more).
///   y[n,i,j,c] = sum_{p,q} row_weight[i,p] * column_weight[j,q] * x[n, row_index[i,p], column_index[j,q], c]
struct ResizeArgs {
  const float* x = nullptr;
  float* y = nullptr;
  size_t batch = 1;
  size_t height = 0, width = 0, channels = 0;
  size_t out_height = 0, out_width = 0;
  size_t row_taps = 1, column_taps = 1;
  const int32_t* row_index = nullptr;     ///< [out_height, row_taps], each in [0, height)
  const int32_t* column_index = nullptr;  ///< [out_width, column_taps], each in [0, width)
  const float* row_weight = nullptr;      ///< like row_index; null with 1 tap: weight 1, pixels are copied
  const float* column_weight = nullptr;
};

}  // namespace pochade
