#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

extern const QuantizedKernels kQuantizedKernels;
constinit const QuantizedKernels kQuantizedKernels = {
    .look_up = quantized_look_up,
    .flip = quantized_flip,
    .sum = quantized_sum,
    .product = quantized_product,
    .channel_line = quantized_channel_line,
    .real_sum = quantized_real_sum,
    .exact_sum = quantized_exact_sum,
    .exact_product = quantized_exact_product,
    .quantize = quantize,
    .dequantize = dequantize,
    .to_float = quantized_to_float,
    .levels = quantized_levels,
    .average_pool = quantized_average_pool,
    .max_pool = quantized_max_pool,
    .sum_columns = quantized_sum_columns,
    .sum_columns_16 = quantized_sum_columns_16,
    .resize = quantized_resize,
    .dense = quantized_dense,
    .exact_sum_16 = quantized_exact_sum_16,
    .exact_product_16 = quantized_exact_product_16,
    .greatest = quantized_greatest,
    .wide_dense = quantized_wide_dense,
    .wide_taps = quantized_wide_taps,
    .dot_16 = quantized_dot_16,
    .gate_sums = quantized_gate_sums,
    .gate_sigmoid = quantized_gate_sigmoid,
    .gate_tanh = quantized_gate_tanh,
    .arg_max = quantized_arg_max,
};

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
