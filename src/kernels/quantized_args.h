#pragma once
// Arguments of the kernels for quantized operators beside convolutions: 8-bit values q stand for (q - zero) *
// scale. `is_signed` chooses int8 or uint8 for all 8-bit arrays of a call. Results are exact, so all
// instruction sets and all divisions of the work give the same bits.

#include "kernels/pool_args.h"

namespace pochade {

/// y = clamp(round(s / 2^shift) + zero, low, high), halves away from zero, of s = a * multiplier_a + b *
/// multiplier_b + offset, for which |s| stays below 2^30.
struct QuantizedSum {
  bool is_signed = true;
  int32_t multiplier_a = 0, multiplier_b = 0, offset = 0;
  int32_t shift = 1;  ///< 1 to 30
  int32_t zero = 0, low = -128, high = 127;
};

/// y = clamp(round((a - zero_a) * (b - zero_b) * scale) + zero, low, high) in single precision, halves away
/// from zero, or to even.
struct QuantizedProduct {
  bool is_signed = true;
  bool to_even = false;
  int32_t zero_a = 0, zero_b = 0;
  float scale = 1;
  int32_t zero = 0, low = -128, high = 127;
};

/// y = clamp(round((a - zero_a) * scale_a + (b - zero_b) * scale_b) + zero, low, high) in single precision,
/// halves to even.
struct QuantizedRealSum {
  bool is_signed = true;
  int32_t zero_a = 0, zero_b = 0;
  float scale_a = 1, scale_b = 1;
  int32_t zero = 0, low = -128, high = 127;
};

/// A 32-bit number times a fixed-point multiplier, rounded twice: r = round(s * multiplier / 2^31), halves
/// up, then round(r / 2^right), halves away from zero.
struct QuantizedScale {
  int32_t multiplier = 0;  ///< 0 or in [2^30, 2^31)
  int32_t right = 0;       ///< 0 to 31
};

/// y = clamp(scaled(s) + zero, low, high) of s = scaled_a((a - zero_a) * 2^left) + sign * scaled_b((b -
/// zero_b) * 2^left), where left is 20: sums and differences as TFLite has them.
struct QuantizedExactSum {
  bool is_signed = true;
  int32_t zero_a = 0, zero_b = 0, sign = 1;
  QuantizedScale scale_a, scale_b, scale;
  int32_t zero = 0, low = -128, high = 127;
};

/// y = clamp(scaled((a - zero_a) * (b - zero_b)) + zero, low, high)
struct QuantizedExactProduct {
  bool is_signed = true;
  int32_t zero_a = 0, zero_b = 0;
  QuantizedScale scale;
  int32_t zero = 0, low = -128, high = 127;
};

/// y = clamp(round(zero + x * inverse), least, most) - zero, halves away from zero: whole numbers as floats.
struct QuantizedLevels {
  float inverse = 0, zero = 0, least = -128, most = 127;
};

/// A run of n elements of two operands, each read with stride 0 or 1. y may be a or b where that has
/// stride 1.
struct QuantizedRun {
  const void* a;
  size_t a_stride;
  const void* b;
  size_t b_stride;
  void* y;
  size_t n;
};

/// y = clamp(round(x / scale) + zero, low, high), halves away from zero, or to even; NaN counts as 0.
struct QuantizeArgs {
  const float* x;
  void* y;
  bool is_signed = true;
  float scale = 1;
  int32_t zero = 0, low = -128, high = 127;
  bool to_even = false;
};

/// y = (x - zero) * scale
struct DequantizeArgs {
  const void* x;
  float* y;
  bool is_signed = true;
  float scale = 1;
  int32_t zero = 0;
};

/// A window of PoolArgs (whose x and y are not read). Average: the rounded mean of the elements inside,
/// halves away from zero; `empty` where there are none. Both are clamped. Real averages are
/// round(float(sum of x - x_zero) * (scale / count)) + zero instead, in single precision, halves to even;
/// `count` is that of the whole window if `count_padding`.
struct QuantizedPoolArgs {
  PoolArgs window;
  const void* x;
  void* y;
  bool is_signed = true;
  int32_t empty = 0, low = -128, high = 127;
  bool wide = false;  ///< int16, and fewer than 32768 elements in a window
  bool real = false, count_padding = false;
  int32_t x_zero = 0, zero = 0;
  float scale = 1;
};

/// Bilinear resampling of one picture, dense H, W, C. Output row i and column j lie between two rows and two
/// columns of x; a second weight w goes with 1024 - w (signed), or with 1 - w in single precision (unsigned).
struct QuantizedResizeArgs {
  const void* x;
  void* y;
  bool is_signed = true;
  bool wide = false;  ///< int16, and signed
  size_t width = 0, channels = 0, out_width = 0;
  const int32_t* rows;            ///< [out_height, 2]
  const int32_t* columns;         ///< [out_width, 2]
  const int32_t* row_weights;     ///< [out_height], of the second row; read if signed
  const int32_t* column_weights;  ///< [out_width]
  const float* row_shares;        ///< the same; read if unsigned
  const float* column_shares;
};

/// y[m,n] = clamp(round(double(bias[n] + sum of (x - x_zero) * (w - w_zero)) * multiplier[n]) + zero, low,
/// high), halves away from zero.  x: M,K   w: N,K   y: M,N
struct QuantizedDenseArgs {
  const void* x;
  const void* w;
  void* y;
  bool is_signed = true;  ///< of x, w and y
  size_t m = 1, n = 0, k = 0;
  int32_t x_zero = 0, w_zero = 0, zero = 0, low = -128, high = 127;
  const int32_t* offset;     ///< [n]: bias - x_zero * sum of w + k * x_zero * w_zero, modulo 2^32
  const double* multiplier;  ///< [n], or null: then the sum times 2^left, modulo 2^32, is scaled by `fixed`
  QuantizedScale fixed = {};
  int32_t left = 0;
};

/// 16-bit activations and 8-bit weights, kept in 16 bits; sums are exact in 64 bits. A sum s becomes
/// clamp((s * fraction + 2^(shift - 1)) >> shift, modulo 2^32, low, high), or round(s * real) as above.
struct QuantizedWideChannels {
  const int64_t* bias;      ///< [n]
  const int32_t* fraction;  ///< [n], or null: `real` is read
  const int32_t* shift;     ///< [n], 1 to 62
  const double* real;       ///< [n]
  int32_t low = -32768, high = 32767;
};

/// y[m,n] of the sum over k of x[m,k] * w[n,k].  x: M,K   w: N,K   y: M rows of N, y_row apart.
struct QuantizedWideDenseArgs {
  const int16_t* x;
  const int16_t* w;
  int16_t* y;
  size_t m = 1, n = 0, k = 0, y_row = 0;
  QuantizedWideChannels channels;
};

/// One pixel of a depthwise convolution: y[c] of the sum over the taps of x[tap][c] * w[tap][c]; fixed point
/// only, at most 256 taps.
struct QuantizedWideTapsArgs {
  const int16_t* const* x;
  const int16_t* const* w;
  size_t taps = 0, n = 0;
  int16_t* y;
  QuantizedWideChannels channels;
};

/// y[row] = saturated to 16 bits (before + scaled(bias[row] + sum of w[row,:] * x)), where before is y[row],
/// or 0 if `starts`.  x: K   w: N,K
struct QuantizedGateArgs {
  const int8_t* x;
  const int8_t* w;
  const int32_t* bias;
  int16_t* y;
  size_t n = 0, k = 0;
  QuantizedScale scale;
  int32_t left = 0;  ///< the sum is shifted so before, modulo 2^32
  bool starts = true;
};

/// y[row,c] = clamp(round((x[row,c] - x_zero) * scale[c] + shift[c]) + zero, low, high) in single precision,
/// halves to even.
struct QuantizedChannelLine {
  const void* x;
  void* y;
  bool is_signed = true;
  size_t channels = 0;
  int32_t x_zero = 0, zero = 0, low = -128, high = 127;
  const float* scale;  ///< [repeat, channels], the same in each of `repeat`: loops are long where channels
                       ///< are few
  const float* shift;
  size_t repeat = 1;
};

struct QuantizedKernels {
  /// y[i] = table[x[i]], 256 entries; for int8 the entry of q is table[q & 255]. y may be x.
  void (*look_up)(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n);
  /// y[i] = x[i] ^ bits: int8 from uint8 of the same scale, if bits is 0x80. y may be x.
  void (*flip)(uint8_t bits, const uint8_t* x, uint8_t* y, size_t n);
  void (*sum)(const QuantizedSum& args, const QuantizedRun& run);
  void (*product)(const QuantizedProduct& args, const QuantizedRun& run);
  /// Units: rows.
  void (*channel_line)(const QuantizedChannelLine& args, Range rows);
  void (*real_sum)(const QuantizedRealSum& args, const QuantizedRun& run);
  void (*exact_sum)(const QuantizedExactSum& args, const QuantizedRun& run);
  void (*exact_product)(const QuantizedExactProduct& args, const QuantizedRun& run);
  /// Units: elements.
  void (*quantize)(const QuantizeArgs& args, Range elements);
  void (*dequantize)(const DequantizeArgs& args, Range elements);
  /// y[i] = x[i], rounded to the nearest even number. y may be x.
  void (*to_float)(const int32_t* x, float* y, size_t n);
  void (*levels)(const QuantizedLevels& args, const float* x, float* y, size_t n);
  /// Units: output rows of all images.
  void (*average_pool)(const QuantizedPoolArgs& args, Range rows);
  void (*max_pool)(const QuantizedPoolArgs& args, Range rows);
  /// sums[column] = sum over rows of x [rows, columns].
  void (*sum_columns)(const void* x, bool is_signed, size_t rows, size_t columns, int32_t* sums);
  /// The same of int16; at most 65536 rows.
  void (*sum_columns_16)(const int16_t* x, size_t rows, size_t columns, int32_t* sums);
  /// Units: output rows. Scratch: 2 * width * channels floats or int32.
  void (*resize)(const QuantizedResizeArgs& args, Range rows, void* scratch);
  /// Units: rows m times columns n of y, row by row.
  void (*dense)(const QuantizedDenseArgs& args, Range outputs);
  /// y[row] = place of the first greatest of x[row,:]; at most 256 columns.
  /// The same steps for int16, with left = 15.
  void (*exact_sum_16)(const QuantizedExactSum& args, const QuantizedRun& run);
  void (*exact_product_16)(const QuantizedExactProduct& args, const QuantizedRun& run);
  /// y[column] = flip ^ the greatest x[row,column] ^ flip: with the bits 0x80 of int8, and 0xFF for the
  /// least.
  void (*greatest)(const uint8_t* x, uint8_t flip, size_t rows, size_t columns, uint8_t* y);
  /// Units: rows m.
  void (*wide_dense)(const QuantizedWideDenseArgs& args, Range rows);
  void (*wide_taps)(const QuantizedWideTapsArgs& args);
  /// The sum of a[i] * b[i], exact for n up to 2^32.
  int64_t (*dot_16)(const int16_t* a, const int16_t* b, size_t n);
  void (*gate_sums)(const QuantizedGateArgs& args);
  /// In place: Q3.12 to Q0.15, and Qm.(15-m), m 0 to 6, to Q0.15 (ops/quant/fixed_point16.h).
  void (*gate_sigmoid)(int16_t* values, size_t n);
  void (*gate_tanh)(int16_t* values, size_t n, int32_t integer_bits);
  void (*arg_max)(const uint8_t* x, bool is_signed, size_t columns, int64_t* y, Range rows);
};

}  // namespace pochade
