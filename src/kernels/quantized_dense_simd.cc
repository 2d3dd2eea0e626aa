#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

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
    const auto exact = static_cast<int32_t>(sum);
    const int32_t scaled = args.multiplier == nullptr
                               ? scale_shifted(exact, args.left, args.fixed)
                               : round_away_double(static_cast<double>(exact) * args.multiplier[i % args.n]);
    const int64_t moved = int64_t{scaled} + args.zero;
    y[i] = static_cast<T>(moved < args.low ? args.low : moved > args.high ? args.high : moved);
  }
}

}  // namespace

void quantized_dense(const QuantizedDenseArgs& args, Range outputs) {
  return args.is_signed ? dense<int8_t>(args, outputs) : dense<uint8_t>(args, outputs);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
