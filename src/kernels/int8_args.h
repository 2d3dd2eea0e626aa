#pragma once
// Arguments of the kernels for 8-bit integers: convolution, matrix product, depthwise convolution.
//
// An activation or a weight q stands for (q - zero) * scale. The sum of (x - x_zero) * (w - w_zero) over the
// window, plus the bias, is exact modulo 2^32; it becomes an 8-bit output before it leaves the registers:
//   y = clamp(y_zero + requantize(bias + sum), low, high)
// or it is stored as it is, in 32 bits. Padding is x_zero, a real zero. Because the sums are exact, all
// instruction sets and all divisions of the work give the same result.

#include "kernels/conv_args.h"

namespace pochade {

/// How the sum of a channel becomes an output, before the zero point is added.
enum class Int8Rounding : uint8_t {
  /// round(round((sum << left) * multiplier / 2^31) / 2^right), where the inner rounding takes halves up and
  /// the
  /// outer one away from zero (gemmlowp's rounding doubling high multiply and rounding shift). sum << left is
  /// taken modulo 2^32.
  kFixedPoint,
  kReal,   ///< double(sum) * real, rounded to nearest, halves away from zero
  kFloat,  ///< float(sum) * scale, rounded to nearest even
  /// Not at all: y is int32, and y_signed, y_zero, low and high mean nothing. Packed weights do not depend on
  /// x_zero then: a plan may run with another one than it was packed with.
  kSums,
};

/// What the integers mean. The zero points of 8-bit values lie within their type.
struct Int8Numbers {
  bool x_signed = true, w_signed = true, y_signed = true;  ///< int8, else uint8
  int32_t x_zero = 0, w_zero = 0, y_zero = 0;
  int32_t low = -128, high = 127;  ///< bounds of y, within its type
  Int8Rounding rounding = Int8Rounding::kFixedPoint;
};

/// Weights and what belongs to each output channel. w[o,r,s,c] is data[o*o_stride + r*r_stride + s*s_stride +
/// c*c_stride] of int8 or uint8; c counts within the group. Strides may be negative, as in ConvSource.
struct Int8Source {
  const void* data;
  ptrdiff_t o_stride, r_stride, s_stride, c_stride;
  const int32_t* bias;        ///< [out_channels], or null
  const int32_t* multiplier;  ///< [out_channels], 0 or in [2^30, 2^31); read if kFixedPoint
  const int32_t* exponent;    ///< [out_channels], left shift if positive, right shift if not; -31 to 31
  const float* scale;         ///< [out_channels], finite; read if kFloat
  const double* real;         ///< [out_channels], 0 or more, finite; read if kReal
};

struct Int8Args {
  const void* x;
  const void* packed;
  void* y;
};

/// Of a ConvShape without input transform, upsampling and other padding than kZero. A matrix product is a
/// convolution by one pixel: height 1, width m.
struct Int8ConvPlan {
  ConvShape shape;  ///< with the strides of memory filled in
  Int8Numbers numbers;
  size_t packed_bytes;
  size_t scratch_bytes;  ///< of each thread
  size_t tasks;
  const char* algorithm;  ///< for `why`
  // The rest is the kernel's own.
  size_t group_in, group_out, vectors;  // vectors of output channels in a group
  size_t segments, segment, k_bytes;    // of each window; values of each; bytes of a column of weights
  size_t group_packed_bytes;
  size_t images, strips, strip_width, last_strip_width, strips_per_task, strip_tasks, strip_group;
  size_t vectors_per_block, n_blocks;
  size_t copied_width, ring_rows, row_bytes;
  uint32_t tiling[2][3];  // of a normal block and of the last one
  bool flat, copies, by_tap;
};

/// Of a DepthwiseShape.
struct Int8DepthwisePlan {
  DepthwiseShape shape;
  Int8Numbers numbers;
  size_t packed_bytes;
  size_t scratch_bytes;  ///< of each thread
  const char* algorithm;
  // The kernel's own.
  size_t outputs;              // channels of a pixel of y
  size_t pixels;               // that whole blocks of channels are made of
  size_t blocks, block_bytes;  // of all these pixels' channels
  size_t taps, groups;
  size_t row_slots;  // places for the taps of one row of the window
  bool pairs;        // two rows of y at once
  bool rearranges;   // rows are copied first
};

/// The integer kernels of one instruction set.
struct Int8Kernels {
  const char* isa;   ///< whose these are: an instruction set without its own takes the next lower ones
  const char* form;  ///< the instruction that multiplies, for `why`

  void (*conv_plan)(const ConvShape& shape, const Int8Numbers& numbers, Int8ConvPlan* plan);
  /// Every byte of packed [plan.packed_bytes] is written.
  void (*conv_pack)(const Int8ConvPlan& plan, const Int8Source& source, void* packed);
  /// Units: 0 to plan.tasks.
  void (*conv)(const Int8ConvPlan& plan, const Int8Args& args, Range tasks, void* scratch);

  void (*depthwise_plan)(const DepthwiseShape& shape, const Int8Numbers& numbers, Int8DepthwisePlan* plan);
  /// The source's strides: o, r and s are read, c is not.
  void (*depthwise_pack)(const Int8DepthwisePlan& plan, const Int8Source& source, void* packed);
  /// Units: output rows of all images, 0 to batch * out_height.
  void (*depthwise)(const Int8DepthwisePlan& plan, const Int8Args& args, Range rows, void* scratch);
};

}  // namespace pochade
