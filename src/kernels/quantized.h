#pragma once
// The kernels of quantized operators, for quantized_*_simd.cc files only. Their loops are plain, so that the
// compiler makes the vectors of each instruction set.

#include "kernels/quantized_args.h"
#include "kernels/simd.h"

/// Before a loop in which no element depends on another one, also if an output is an input.
#if defined(__clang__)
#define POCHADE_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define POCHADE_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace pochade {
namespace POCHADE_KERNEL_ISA {

POCHADE_INLINE int32_t clamp_int(int32_t x, int32_t low, int32_t high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

/// The nearest integer, halves away from zero, of a number far below 2^31.
POCHADE_INLINE int32_t round_away(float x) {
  const auto whole = static_cast<int32_t>(x);
  const float rest = x - static_cast<float>(whole);
  return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

void quantized_look_up(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n);
void quantized_flip(uint8_t bits, const uint8_t* x, uint8_t* y, size_t n);
void quantized_sum(const QuantizedSum& args, const QuantizedRun& run);
void quantized_product(const QuantizedProduct& args, const QuantizedRun& run);
void quantized_exact_sum(const QuantizedExactSum& args, const QuantizedRun& run);
void quantized_exact_product(const QuantizedExactProduct& args, const QuantizedRun& run);
void quantize(const QuantizeArgs& args, Range elements);
void dequantize(const DequantizeArgs& args, Range elements);
void quantized_average_pool(const QuantizedPoolArgs& args, Range rows);
void quantized_max_pool(const QuantizedPoolArgs& args, Range rows);
void quantized_sum_columns(const void* x, bool is_signed, size_t rows, size_t columns, int32_t* sums);
void quantized_resize(const QuantizedResizeArgs& args, Range rows, void* scratch);
void quantized_dense(const QuantizedDenseArgs& args, Range outputs);
void quantized_arg_max(const uint8_t* x, bool is_signed, size_t columns, int64_t* y, Range rows);

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
