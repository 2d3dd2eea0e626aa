#pragma once
// The table of kernels of one instruction set (see isa.h for how to get one). The arguments are described
// where their structs stand; common.h has the conventions that hold for all. Kernels know no tensor and
// cannot fail: whoever fills in the arguments has checked them.

#include "kernels/common.h"
#include "kernels/conv_args.h"
#include "kernels/elementwise_args.h"
#include "kernels/int8_args.h"
#include "kernels/move_args.h"
#include "kernels/norm_args.h"
#include "kernels/pool_args.h"

namespace pochade {

struct QuantizedKernels;  // quantized_args.h

struct Kernels {
  const char* isa;     ///< as name(Isa)
  size_t float_lanes;  ///< floats in a vector
  /// Of 8-bit integers. Their instruction set may be wider than that of the rest.
  const Int8Kernels* int8;
  /// Of quantized operators beside these.
  const QuantizedKernels* quantized;

  // Matrix product.
  // --------------------------------------------------------------------------------------------------
  void (*gemm_plan)(const GemmShape& shape, GemmPlan* plan);
  /// Units: 0 to gemm_pack_units(plan). Every float of packed [plan.packed_floats] is written.
  void (*gemm_pack)(const GemmPlan& plan, const GemmSource& source, float* packed, Range units);
  size_t (*gemm_pack_units)(const GemmPlan& plan);
  void (*gemm)(const GemmPlan& plan, const GemmArgs& args, Range tasks, void* scratch);

  // Convolution.
  // -----------------------------------------------------------------------------------------------------
  void (*conv_plan)(const ConvShape& shape, ConvPlan* plan);
  /// Units: 0 to shape.groups.
  void (*conv_pack)(const ConvPlan& plan, const ConvSource& source, float* packed, Range groups);
  void (*conv)(const ConvPlan& plan, const ConvArgs& args, Range tasks, void* scratch);
  /// Units: output rows of all images, 0 to batch * out_height.
  void (*depthwise)(const DepthwiseShape& shape, const DepthwiseArgs& args, Range rows);

  // Pooling and resizing. Units: output rows of all images, 0 to batch * out_height.
  // ------------------------------------
  void (*max_pool)(const PoolArgs& args, Range rows);
  void (*average_pool)(const PoolArgs& args, Range rows);
  /// Scratch: resize_scratch_bytes(args).
  void (*resize)(const ResizeArgs& args, Range rows, void* scratch);
  size_t (*resize_scratch_bytes)(const ResizeArgs& args);

  // Normalisation.
  // ---------------------------------------------------------------------------------------------------
  size_t (*channel_stats_blocks)(size_t rows, size_t channels);
  /// Units: 0 to channel_stats_blocks(rows, channels).
  void (*channel_stats)(const ChannelStatsArgs& args, Range blocks);
  /// mean[c] and the biased variance[c] (divided by rows).
  void (*channel_stats_finish)(const ChannelStatsArgs& args, float* mean, float* variance);
  /// scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale, for n channels; gamma null: 1,
  /// beta null: 0.
  void (*norm_coefficients)(const float* mean, const float* variance, const float* gamma, const float* beta,
                            float epsilon, size_t n, float* scale, float* shift);
  /// Units: rows.
  void (*scale_shift)(const ScaleShiftArgs& args, Range rows);
  /// Units: rows.
  void (*row_norm)(const RowNormArgs& args, Range rows);
  /// y[row,:] = exp(x - max) / sum exp(x - max), over contiguous rows [rows, columns]. Units: rows. y may be
  /// x.
  void (*softmax)(const float* x, float* y, size_t columns, Range rows);
  /// y[row,:] = x - max - log(sum exp(x - max)). Units: rows. y may be x.
  void (*log_softmax)(const float* x, float* y, size_t columns, Range rows);

  // Reductions. Sums are blocked (error grows with the logarithm of the length).
  // ------------------------------------------
  /// y[row] = reduction of x[row,:]. Units: rows. No columns: the neutral element (mean: NaN, max: -inf, min:
  /// +inf).
  void (*reduce_rows)(Reduction reduction, const ReduceArgs& args, Range rows);
  /// y[column] = reduction of x[:,column]. Units: columns (divide at multiples of 64 for speed). Global
  /// average pooling of one image is kMean with rows = H*W.
  void (*reduce_columns)(Reduction reduction, const ReduceArgs& args, Range columns);

  // Elementwise. Units: elements. y may be x.
  // ---------------------------------------------------------------------------
  void (*unary)(Unary op, const float* x, float* y, float a, float b, Range elements);
  void (*activate)(const Activation& activation, const float* x, float* y, Range elements);
  void (*binary)(Binary op, const BinaryArgs& args, Range elements);
  /// y[i] = a[i] * b[i] + c[i], rounded once where the ISA has FMA.
  void (*multiply_add)(const float* a, const float* b, const float* c, float* y, Range elements);
  void (*fill)(float value, float* y, Range elements);

  // Number formats. Units: elements. Rounding is to nearest even; NaN stays NaN.
  // ------------------------------------------
  void (*f16_to_f32)(const uint16_t* x, float* y, Range elements);
  void (*f32_to_f16)(const float* x, uint16_t* y, Range elements);
  void (*bf16_to_f32)(const uint16_t* x, float* y, Range elements);
  void (*f32_to_bf16)(const float* x, uint16_t* y, Range elements);

  // Moving.
  // ----------------------------------------------------------------------------------------------------------
  /// Drops axes of length 1, joins axes that are contiguous in both, and orders them by y's strides; the
  /// result means the same and is what copy() wants. `args` may be `*simplified`.
  void (*copy_simplify)(const CopyArgs& args, CopyArgs* simplified);
  /// Units: 0 to copy_units(args).
  void (*copy)(const CopyArgs& args, Range units);
  size_t (*copy_units)(const CopyArgs& args);
  /// Units: output rows of all images, 0 to batch * out_height.
  void (*pad)(const PadArgs& args, Range rows);
};

}  // namespace pochade
