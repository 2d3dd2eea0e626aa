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

/// The nearest integer, halves away from zero, of a number between -2^22 and 2^22. What is added is the
/// greatest float below a half: a half itself would lift the number before 0.5 to 1.
POCHADE_INLINE int32_t round_away(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  bits = (bits & 0x80000000u) | 0x3EFFFFFFu;
  float half;
  __builtin_memcpy(&half, &bits, sizeof half);
  return static_cast<int32_t>(x + half);
}

/// round(x / 2^right), halves away from zero.
struct RightShift {
  explicit RightShift(int32_t right)
      : bits(right), half(right > 0 ? 1 << (right - 1) : 0), nudge(right > 0 ? -1 : 0) {}
  POCHADE_INLINE int32_t operator()(int32_t x) const { return (x + half + ((x >> 31) & nudge)) >> bits; }
  int32_t bits, half, nudge;
};

/// Of any 32-bit number.
struct Scaler {
  explicit Scaler(const QuantizedScale& scale) : multiplier(scale.multiplier), shift(scale.right) {}
  POCHADE_INLINE int32_t operator()(int32_t x) const {
    const int64_t product = static_cast<int64_t>(x) * multiplier + (int64_t{1} << 30);
    return shift(static_cast<int32_t>(static_cast<uint64_t>(product) >> 31));
  }
  int32_t multiplier;
  RightShift shift;
};

/// The same of x * 2^left, modulo 2^32, for any shift to the right.
POCHADE_INLINE int32_t scale_shifted(int32_t x, int32_t left, const QuantizedScale& scale) {
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  const int64_t high = (static_cast<int64_t>(shifted) * scale.multiplier + (int64_t{1} << 30)) >> 31;
  if (scale.right == 0) return static_cast<int32_t>(high);
  return static_cast<int32_t>((high + (int64_t{1} << (scale.right - 1)) - (high < 0 ? 1 : 0)) >> scale.right);
}

/// To the nearest integer, halves away from zero; beyond 32 bits saturated.
POCHADE_INLINE int32_t round_away_double(double x) {
  x = x < -2147483648.0 ? -2147483648.0 : x;
  x = x > 2147483647.0 ? 2147483647.0 : x;
  const auto whole = static_cast<int64_t>(x);
  const double rest = x - static_cast<double>(whole);
  return static_cast<int32_t>(whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0));
}

/// Unsigned arithmetic: sums wrap. At most 2^16 products of 8 bits stay within 31.
template <typename T>
POCHADE_INLINE uint32_t dot_product(const T* a, const T* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<int16_t>(a[i]) * static_cast<int16_t>(b[i]);
  return static_cast<uint32_t>(sum);
}

/// The nearest integer, halves to even, of a number between -2^22 and 2^22: adding 1.5 * 2^23 leaves no
/// place for a fraction.
POCHADE_INLINE int32_t round_even(float x) {
  const float shifted = x + 12582912.0f;
  int32_t bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  return bits - 0x4B400000;
}

void quantized_look_up(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n);
void quantized_flip(uint8_t bits, const uint8_t* x, uint8_t* y, size_t n);
void quantized_sum(const QuantizedSum& args, const QuantizedRun& run);
void quantized_product(const QuantizedProduct& args, const QuantizedRun& run);
void quantized_channel_line(const QuantizedChannelLine& args, Range rows);
void quantized_real_sum(const QuantizedRealSum& args, const QuantizedRun& run);
void quantized_exact_sum(const QuantizedExactSum& args, const QuantizedRun& run);
void quantized_exact_product(const QuantizedExactProduct& args, const QuantizedRun& run);
void quantize(const QuantizeArgs& args, Range elements);
void dequantize(const DequantizeArgs& args, Range elements);
void quantized_to_float(const int32_t* x, float* y, size_t n);
void quantized_levels(const QuantizedLevels& args, const float* x, float* y, size_t n);
void quantized_average_pool(const QuantizedPoolArgs& args, Range rows);
void quantized_max_pool(const QuantizedPoolArgs& args, Range rows);
void quantized_sum_columns(const void* x, bool is_signed, size_t rows, size_t columns, int32_t* sums);
void quantized_sum_columns_16(const int16_t* x, size_t rows, size_t columns, int32_t* sums);
void quantized_resize(const QuantizedResizeArgs& args, Range rows, void* scratch);
void quantized_dense(const QuantizedDenseArgs& args, Range outputs);
void quantized_exact_sum_16(const QuantizedExactSum& args, const QuantizedRun& run);
void quantized_exact_product_16(const QuantizedExactProduct& args, const QuantizedRun& run);
void quantized_greatest(const uint8_t* x, uint8_t flip, size_t rows, size_t columns, uint8_t* y);
void quantized_wide_dense(const QuantizedWideDenseArgs& args, Range rows);
void quantized_wide_taps(const QuantizedWideTapsArgs& args);
int64_t quantized_dot_16(const int16_t* a, const int16_t* b, size_t n);
void quantized_gate_sums(const QuantizedGateArgs& args);
void quantized_gate_sigmoid(int16_t* values, size_t n);
void quantized_gate_tanh(int16_t* values, size_t n, int32_t integer_bits);
void quantized_arg_max(const uint8_t* x, bool is_signed, size_t columns, int64_t* y, Range rows);

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
