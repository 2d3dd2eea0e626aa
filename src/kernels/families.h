#pragma once
// What the kernel files beside the convolutions define. kernels.h describes each. Only for *_simd.cc files.

#include "kernels/conv_args.h"
#include "kernels/elementwise_args.h"
#include "kernels/int8_args.h"
#include "kernels/move_args.h"
#include "kernels/norm_args.h"
#include "kernels/pool_args.h"
#include "kernels/simd.h"

namespace pochade {

struct QuantizedKernels;

namespace POCHADE_KERNEL_ISA {

extern const Int8Kernels kInt8Kernels;
extern const QuantizedKernels kQuantizedKernels;

void depthwise(const DepthwiseShape& shape, const DepthwiseArgs& args, Range rows);

void max_pool(const PoolArgs& args, Range rows);
void average_pool(const PoolArgs& args, Range rows);
void resize(const ResizeArgs& args, Range rows, void* scratch);
size_t resize_scratch_bytes(const ResizeArgs& args);

size_t channel_stats_blocks(size_t rows, size_t channels);
void channel_stats(const ChannelStatsArgs& args, Range blocks);
void channel_stats_finish(const ChannelStatsArgs& args, float* mean, float* variance);
void norm_coefficients(const float* mean, const float* variance, const float* gamma, const float* beta,
                       float epsilon, size_t n, float* scale, float* shift);
void scale_shift(const ScaleShiftArgs& args, Range rows);
void row_norm(const RowNormArgs& args, Range rows);
void softmax(const float* x, float* y, size_t columns, Range rows);
void log_softmax(const float* x, float* y, size_t columns, Range rows);
void reduce_rows(Reduction reduction, const ReduceArgs& args, Range rows);
void reduce_columns(Reduction reduction, const ReduceArgs& args, Range columns);

void unary(Unary op, const float* x, float* y, float a, float b, Range elements);
void activate(const Activation& activation, const float* x, float* y, Range elements);
void binary(Binary op, const BinaryArgs& args, Range elements);
void multiply_add(const float* a, const float* b, const float* c, float* y, Range elements);
void fill(float value, float* y, Range elements);

void f16_to_f32(const uint16_t* x, float* y, Range elements);
void f32_to_f16(const float* x, uint16_t* y, Range elements);
void bf16_to_f32(const uint16_t* x, float* y, Range elements);
void f32_to_bf16(const float* x, uint16_t* y, Range elements);

void copy_simplify(const CopyArgs& args, CopyArgs* simplified);
void copy(const CopyArgs& args, Range units);
size_t copy_units(const CopyArgs& args);
void pad(const PadArgs& args, Range rows);

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
