#pragma once
// Matrix products and convolutions. Both have three parts:
//   plan(shape, &plan)  chooses the algorithm and says how large the packed weights and the scratch are, and
//   how many tasks; pack(...)           rearranges the weights once, when the model is loaded (or B of a
//   MatMul at run time); run(...)            computes tasks [begin, end) of [0, plan.tasks).
// The packed form depends on the ISA and the weights' own shape (for a convolution also on strides, dilations
// and groups), never on m, batch, height, width or pads: Plans of several picture sizes share it.

#include "kernels/common.h"

namespace pochade {

/// 2-D convolution. A 1-D one has height 1. All strides of memory are in floats.
///   y[n,oh,ow,o] = activation(bias[o] + residual[n,oh,ow,o] + sum_{r,s,c} x'[n, oh*stride_h + r*dilation_h -
///   pad_top,
///                                                      ow*stride_w + s*dilation_w - pad_left, c] *
///                                                      w[o,r,s,c])
/// where x' is x after the input transform, extended by pad_mode on all sides as far as needed.
struct ConvShape {
  size_t batch = 1;
  size_t height = 0, width = 0;  ///< of x as it is stored (before upsampling)
  size_t in_channels = 0;        ///< of all groups
  size_t out_height = 0, out_width = 0;
  size_t out_channels = 0;  ///< of all groups
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
  ptrdiff_t pad_top = 0,
            pad_left = 0;  ///< may be negative; bottom and right follow from out_height and out_width
  size_t groups = 1;       ///< divides in_channels and out_channels
  PadMode pad_mode = PadMode::kZero;
  size_t upsample =
      1;  ///< x' repeats each pixel so many times along both axes (nearest), before padding; 1 or more
  /// The caller gives ConvArgs::scale or ::activation_in: x is transformed while rows are copied.
  bool transforms_input = false;
  // Memory; 0 means dense. A wider pixel stride reads or writes a slice of the channels of a larger tensor.
  size_t x_pixel = 0, x_row = 0, x_image = 0;
  /// An y_pixel of 2 * C and y_row of 2 * W * C write every other pixel: one phase of a ConvTranspose.
  size_t y_pixel = 0, y_row = 0, y_image = 0;
};

struct ConvPlan {
  ConvShape shape;  ///< with the strides of memory filled in
  size_t packed_floats;
  size_t scratch_bytes;  ///< of each thread
  size_t tasks;
  const char* algorithm;  ///< for `why`
  // The rest is the kernel's own.
  size_t group_in, group_out, k, group_packed_floats;
  size_t images, strips, strip_width,
      last_strip_width;                              // a strip is an output row, or a run of pixels if `flat`
  size_t strips_per_task, strip_tasks, strip_group;  // strips of a group share their rows in scratch
  size_t vectors_per_block, n_blocks, k_block;
  size_t copied_pixel, copied_width, ring_rows;
  size_t segments_per_strip;
  uint32_t tiling[2][3];  // of a normal block and of the last one
  bool flat, copies, by_tap, dot;
};

struct ConvArgs {
  const float* x;
  const float* packed;
  const float* bias;      ///< [out_channels], or null
  const float* residual;  ///< like y, or null. May be y itself
  float* y;
  Activation activation;
  // Input transform, read only if shape.transforms_input: x' = activation_in(x * scale[n,c] + shift[n,c]).
  const float* scale = nullptr;  ///< null: 1 and 0
  const float* shift = nullptr;
  size_t scale_image =
      0;  ///< floats from one image's scale and shift to the next one's: 0 (shared) or in_channels
  Activation activation_in{};
};

/// w[o,r,s,c] is data[o*o_stride + r*r_stride + s*s_stride + c*c_stride]; c counts within the group (OHWI or
/// OIHW alike). Strides may be negative (the flipped filter of a ConvTranspose phase): data then points at
/// element (0,0,0,0).
struct ConvSource {
  const float* data;
  ptrdiff_t o_stride, r_stride, s_stride, c_stride;
};

/// C[m,n] = activation(bias[n] + residual[m,n] + sum_k A[m,k] * B[k,n])
struct GemmShape {
  size_t m, n, k;
  size_t lda;  ///< floats between rows of A, >= k
  size_t ldc;  ///< floats between rows of C, >= n
};

struct GemmPlan {
  GemmShape shape;
  size_t packed_floats;
  size_t scratch_bytes;  ///< of each thread
  size_t tasks;
  const char* algorithm;  ///< for `why`
  ConvPlan conv;          ///< the kernel's own: a product is a convolution by one pixel
};

struct GemmArgs {
  const float* a;
  const float* packed;
  const float* bias;      ///< [n], or null
  const float* residual;  ///< like C, or null. May be C itself
  float* c;
  Activation activation;
};

/// Where the weights to be packed lie. B[k,n] is data[k * k_stride + n * n_stride] (in elements), so that
/// both K x N (ONNX MatMul) and N x K (Gemm with transB) are packed without a transposed copy.
struct GemmSource {
  const float* data;
  ptrdiff_t k_stride, n_stride;
};

/// Depthwise convolution: output channel o = c * multiplier + m sees input channel c only. Memory is dense
/// NHWC; zero padding.
struct DepthwiseShape {
  size_t batch = 1;
  size_t height = 0, width = 0, channels = 0;  ///< of x
  size_t multiplier = 1;
  size_t out_height = 0, out_width = 0;
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
  ptrdiff_t pad_top = 0, pad_left = 0;
};

struct DepthwiseArgs {
  const float* x;
  const float* filter;  ///< [kernel_h, kernel_w, channels * multiplier], dense: no packing
  const float* bias;    ///< [channels * multiplier], or null
  float* y;
  Activation activation;
};

}  // namespace pochade
