#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

/// y[i] = f(a[i], b[i]) for operands of either stride. A single value is copied into a piece of a run, so
/// that one loop, which compilers make long, serves all.
template <typename T, typename F>
POCHADE_INLINE void map_runs(const QuantizedRun& run, F f) {
  constexpr size_t kPiece = 256;
  T same_a[kPiece], same_b[kPiece];
  const bool long_runs = run.a_stride != 0 && run.b_stride != 0;
  const size_t piece = long_runs ? run.n : min_size(run.n, kPiece);
  const T* all_a = static_cast<const T*>(run.a);
  const T* all_b = static_cast<const T*>(run.b);
  if (run.a_stride == 0)
    for (size_t i = 0; i < piece; ++i) same_a[i] = *all_a;
  if (run.b_stride == 0)
    for (size_t i = 0; i < piece; ++i) same_b[i] = *all_b;
  for (size_t at = 0; at < run.n; at += piece) {
    const T* a = run.a_stride != 0 ? all_a + at : same_a;
    const T* b = run.b_stride != 0 ? all_b + at : same_b;
    T* y = static_cast<T*>(run.y) + at;
    const size_t n = min_size(piece, run.n - at);
    POCHADE_INDEPENDENT
    for (size_t i = 0; i < n; ++i) y[i] = static_cast<T>(f(a[i], b[i]));
  }
}

template <typename T>
void sum_of(const QuantizedSum& args, const QuantizedRun& run) {
  const int32_t ma = args.multiplier_a, mb = args.multiplier_b, offset = args.offset, shift = args.shift;
  const int32_t half = 1 << (shift - 1), zero = args.zero, low = args.low, high = args.high;
  map_runs<T>(run, [=](int32_t a, int32_t b) __attribute__((always_inline)) {
    const int32_t s = a * ma + b * mb + offset;
    return clamp_int(((s + half + (s >> 31)) >> shift) + zero, low, high);
  });
}

/// Far beyond what 8 bits hold, and far below what the rounding of a float to an integer can take.
constexpr float kMost = 100000.0f;

/// x within [-kMost, kMost], rounded.
template <bool kToEven>
POCHADE_INLINE int32_t rounded(float x) {
  x = x < -kMost ? -kMost : x;
  x = x > kMost ? kMost : x;
  return kToEven ? round_even(x) : round_away(x);
}

template <typename T, bool kToEven>
void product_of(const QuantizedProduct& args, const QuantizedRun& run) {
  const int32_t zero_a = args.zero_a, zero_b = args.zero_b, zero = args.zero, low = args.low,
                high = args.high;
  const float scale = args.scale;
  map_runs<T>(run, [=](int32_t a, int32_t b) __attribute__((always_inline)) {
    const float x = static_cast<float>((a - zero_a) * (b - zero_b)) * scale;
    return clamp_int(rounded<kToEven>(x) + zero, low, high);
  });
}

template <typename T>
void real_sum_of(const QuantizedRealSum& args, const QuantizedRun& run) {
  const int32_t zero_a = args.zero_a, zero_b = args.zero_b, zero = args.zero, low = args.low,
                high = args.high;
  const float scale_a = args.scale_a, scale_b = args.scale_b;
  map_runs<T>(run, [=](int32_t a, int32_t b) __attribute__((always_inline)) {
    const float x = static_cast<float>(a - zero_a) * scale_a + static_cast<float>(b - zero_b) * scale_b;
    return clamp_int(rounded<true>(x) + zero, low, high);
  });
}

template <typename T>
void channel_line_of(const QuantizedChannelLine& args, Range rows) {
  const int32_t x_zero = args.x_zero, zero = args.zero, low = args.low, high = args.high;
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const float* scale = args.scale;
  const float* shift = args.shift;
  for (size_t row = rows.begin; row < rows.end; row += args.repeat) {
    const size_t n = min_size(args.repeat, rows.end - row) * args.channels;
    const T* from = x + row * args.channels;
    T* to = y + row * args.channels;
    POCHADE_INDEPENDENT
    for (size_t i = 0; i < n; ++i) {
      const float line = static_cast<float>(from[i] - x_zero) * scale[i] + shift[i];
      to[i] = static_cast<T>(clamp_int(rounded<true>(line) + zero, low, high));
    }
  }
}

/// Of d * 2^20 for |d| < 2^9: the upper 20 bits of the multiplier give whole numbers, the lower 11 the rest.
struct SmallScaler {
  explicit SmallScaler(const QuantizedScale& scale)
      : upper(scale.multiplier >> 11), lower(scale.multiplier & 0x7FF), shift(scale.right) {}
  POCHADE_INLINE int32_t operator()(int32_t d) const { return shift(d * upper + ((d * lower + 1024) >> 11)); }
  int32_t upper, lower;
  RightShift shift;
};

template <typename T>
void exact_sum_of(const QuantizedExactSum& args, const QuantizedRun& run) {
  const int32_t zero_a = args.zero_a, zero_b = args.zero_b, sign = args.sign;
  const int32_t zero = args.zero, low = args.low, high = args.high;
  const SmallScaler scaled_a(args.scale_a), scaled_b(args.scale_b);
  const Scaler scaled(args.scale);
  map_runs<T>(run, [=](int32_t a, int32_t b) __attribute__((always_inline)) {
    const int32_t sum = scaled_a(a - zero_a) + sign * scaled_b(b - zero_b);
    return clamp_int(scaled(sum) + zero, low, high);
  });
}

template <typename T>
void exact_product_of(const QuantizedExactProduct& args, const QuantizedRun& run) {
  const int32_t zero_a = args.zero_a, zero_b = args.zero_b, zero = args.zero, low = args.low,
                high = args.high;
  const Scaler scaled(args.scale);
  map_runs<T>(run, [=](int32_t a, int32_t b) __attribute__((always_inline)) {
    return clamp_int(scaled((a - zero_a) * (b - zero_b)) + zero, low, high);
  });
}

/// Of 16 bits: 15 bits to the left.
void exact_sum_16_of(const QuantizedExactSum& args, const QuantizedRun& run) {
  const int32_t sign = args.sign, zero = args.zero, low = args.low, high = args.high;
  const Scaler scaled_a(args.scale_a), scaled_b(args.scale_b), scaled(args.scale);
  map_runs<int16_t>(run, [=](int32_t a, int32_t b) __attribute__((always_inline)) {
    const int32_t sum = scaled_a(a * (1 << 15)) + sign * scaled_b(b * (1 << 15));
    return clamp_int(scaled(sum) + zero, low, high);
  });
}

template <typename T, bool kToEven>
void quantize_to(const QuantizeArgs& args, Range r) {
  const float* x = args.x;
  T* y = static_cast<T*>(args.y);
  const int32_t zero = args.zero, low = args.low, high = args.high;
  const float scale = args.scale;
  for (size_t i = r.begin; i < r.end; ++i) {
    float v = x[i] / scale;
    v = v == v ? v : 0.0f;
    y[i] = static_cast<T>(clamp_int(rounded<kToEven>(v) + zero, low, high));
  }
}

template <typename T>
void dequantize_from(const DequantizeArgs& args, Range r) {
  const T* x = static_cast<const T*>(args.x);
  float* y = args.y;
  const int32_t zero = args.zero;
  const float scale = args.scale;
  for (size_t i = r.begin; i < r.end; ++i) y[i] = static_cast<float>(x[i] - zero) * scale;
}

}  // namespace

void quantized_look_up(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {  // all reads before the writes, which may lie in the same array
    uint8_t values[8];
    for (size_t k = 0; k < 8; ++k) values[k] = table[x[i + k]];
    __builtin_memcpy(y + i, values, 8);
  }
  for (; i < n; ++i) y[i] = table[x[i]];
}

void quantized_flip(uint8_t bits, const uint8_t* x, uint8_t* y, size_t n) {
  POCHADE_INDEPENDENT
  for (size_t i = 0; i < n; ++i) y[i] = x[i] ^ bits;
}

void quantized_sum(const QuantizedSum& args, const QuantizedRun& run) {
  return args.is_signed ? sum_of<int8_t>(args, run) : sum_of<uint8_t>(args, run);
}

void quantized_product(const QuantizedProduct& args, const QuantizedRun& run) {
  if (args.to_even)
    return args.is_signed ? product_of<int8_t, true>(args, run) : product_of<uint8_t, true>(args, run);
  return args.is_signed ? product_of<int8_t, false>(args, run) : product_of<uint8_t, false>(args, run);
}

void quantized_channel_line(const QuantizedChannelLine& args, Range rows) {
  return args.is_signed ? channel_line_of<int8_t>(args, rows) : channel_line_of<uint8_t>(args, rows);
}

void quantized_real_sum(const QuantizedRealSum& args, const QuantizedRun& run) {
  return args.is_signed ? real_sum_of<int8_t>(args, run) : real_sum_of<uint8_t>(args, run);
}

void quantized_exact_sum(const QuantizedExactSum& args, const QuantizedRun& run) {
  return args.is_signed ? exact_sum_of<int8_t>(args, run) : exact_sum_of<uint8_t>(args, run);
}

void quantized_exact_product(const QuantizedExactProduct& args, const QuantizedRun& run) {
  return args.is_signed ? exact_product_of<int8_t>(args, run) : exact_product_of<uint8_t>(args, run);
}

void quantized_exact_sum_16(const QuantizedExactSum& args, const QuantizedRun& run) {
  return exact_sum_16_of(args, run);
}

void quantized_exact_product_16(const QuantizedExactProduct& args, const QuantizedRun& run) {
  return exact_product_of<int16_t>(args, run);
}

void quantize(const QuantizeArgs& args, Range elements) {
  if (args.to_even)
    return args.is_signed ? quantize_to<int8_t, true>(args, elements)
                          : quantize_to<uint8_t, true>(args, elements);
  return args.is_signed ? quantize_to<int8_t, false>(args, elements)
                        : quantize_to<uint8_t, false>(args, elements);
}

void dequantize(const DequantizeArgs& args, Range elements) {
  return args.is_signed ? dequantize_from<int8_t>(args, elements) : dequantize_from<uint8_t>(args, elements);
}

void quantized_to_float(const int32_t* x, float* y, size_t n) {
  POCHADE_INDEPENDENT
  for (size_t i = 0; i < n; ++i) {
    int32_t whole;  // copied: both may lie in the same memory
    __builtin_memcpy(&whole, x + i, sizeof(whole));
    const auto real = static_cast<float>(whole);
    __builtin_memcpy(y + i, &real, sizeof(real));
  }
}

void quantized_levels(const QuantizedLevels& args, const float* x, float* y, size_t n) {
  const float inverse = args.inverse, zero = args.zero, least = args.least, most = args.most;
  POCHADE_INDEPENDENT
  for (size_t i = 0; i < n; ++i) {
    const float exact = zero + x[i] * inverse;
    float level = exact == exact ? exact : 0.0f;
    level = level < least - 1 ? least - 1 : level;
    level = level > most + 1 ? most + 1 : level;
    level = static_cast<float>(round_away(level));
    level = level < least ? least : level;
    level = level > most ? most : level;
    y[i] = exact == exact ? level - zero : exact;
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
