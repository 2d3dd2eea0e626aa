#include "kernels/conv.h"
#include "kernels/families.h"
#include "kernels/kernels.h"

#define POCHADE_STRING_(x) #x
#define POCHADE_STRING(x) POCHADE_STRING_(x)

namespace pochade {
namespace POCHADE_KERNEL_ISA {

extern const Kernels kKernels;
constinit const Kernels kKernels = {
    .isa = POCHADE_STRING(POCHADE_KERNEL_ISA),
    .float_lanes = kLanes,
    .int8 = &kInt8Kernels,
    .quantized = &kQuantizedKernels,
    .gemm_plan = gemm_plan,
    .gemm_pack = gemm_pack,
    .gemm_pack_units = gemm_pack_units,
    .gemm = gemm,
    .conv_plan = conv_plan,
    .conv_pack = conv_pack,
    .conv = conv,
    .depthwise = depthwise,
    .max_pool = max_pool,
    .average_pool = average_pool,
    .resize = resize,
    .resize_scratch_bytes = resize_scratch_bytes,
    .channel_stats_blocks = channel_stats_blocks,
    .channel_stats = channel_stats,
    .channel_stats_finish = channel_stats_finish,
    .norm_coefficients = norm_coefficients,
    .scale_shift = scale_shift,
    .row_norm = row_norm,
    .softmax = softmax,
    .log_softmax = log_softmax,
    .reduce_rows = reduce_rows,
    .reduce_columns = reduce_columns,
    .unary = unary,
    .activate = activate,
    .binary = binary,
    .multiply_add = multiply_add,
    .fill = fill,
    .f16_to_f32 = f16_to_f32,
    .f32_to_f16 = f32_to_f16,
    .bf16_to_f32 = bf16_to_f32,
    .f32_to_bf16 = f32_to_bf16,
    .copy_simplify = copy_simplify,
    .copy = copy,
    .copy_units = copy_units,
    .pad = pad,
};

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
