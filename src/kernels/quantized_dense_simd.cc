#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

/// To the nearest integer, halves away from zero; beyond 32 bits saturated.
POCHADE_INLINE int32_t round_away_double(double x) {
  x = x < -2147483648.0 ? -2147483648.0 : x;
  x = x > 2147483647.0 ? 2147483647.0 : x;
  const auto whole = static_cast<int64_t>(x);
  const double rest = x - static_cast<double>(whole);
  const int64_t rounded = whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
  return static_cast<int32_t>(rounded > INT32_MAX ? INT32_MAX : rounded < INT32_MIN ? INT32_MIN : rounded);
}

/// Unsigned arithmetic: sums wrap.
template <typename T>
POCHADE_INLINE uint32_t dot_product(const T* a, const T* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<int16_t>(a[i]) * static_cast<int16_t>(b[i]);
  return static_cast<uint32_t>(sum);
}

template <typename T>
void dense(const QuantizedDenseArgs& args, Range r) {
  const T* x = static_cast<const T*>(args.x);
  const T* w = static_cast<const T*>(args.w);
  T* y = static_cast<T*>(args.y);
  constexpr size_t kPiece = 8192;  // products of 8 bits whose sum stays within 32
  for (size_t i = r.begin; i < r.end; ++i) {
    const T* row = x + i / args.n * args.k;
    const T* column = w + i % args.n * args.k;
    auto sum = static_cast<uint32_t>(args.offset[i % args.n]);
    for (size_t at = 0; at < args.k; at += kPiece) {
      const size_t n = min_size(kPiece, args.k - at);
      sum += dot_product(row + at, column + at, n);
      if (args.w_zero == 0) continue;
      int32_t activations = 0;
      for (size_t k = 0; k < n; ++k) activations += row[at + k];
      sum -= static_cast<uint32_t>(activations) * static_cast<uint32_t>(args.w_zero);
    }
    const double product = static_cast<double>(static_cast<int32_t>(sum)) * args.multiplier[i % args.n];
    const int64_t moved = int64_t{round_away_double(product)} + args.zero;
    y[i] = static_cast<T>(moved < args.low ? args.low : moved > args.high ? args.high : moved);
  }
}

}  // namespace

void quantized_dense(const QuantizedDenseArgs& args, Range outputs) {
  return args.is_signed ? dense<int8_t>(args, outputs) : dense<uint8_t>(args, outputs);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
