#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

extern const QuantizedKernels kQuantizedKernels;
constinit const QuantizedKernels kQuantizedKernels = {
    .look_up = quantized_look_up,
    .flip = quantized_flip,
    .sum = quantized_sum,
    .product = quantized_product,
    .exact_sum = quantized_exact_sum,
    .exact_product = quantized_exact_product,
    .quantize = quantize,
    .dequantize = dequantize,
    .average_pool = quantized_average_pool,
    .max_pool = quantized_max_pool,
    .sum_columns = quantized_sum_columns,
    .resize = quantized_resize,
    .dense = quantized_dense,
    .arg_max = quantized_arg_max,
};

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
