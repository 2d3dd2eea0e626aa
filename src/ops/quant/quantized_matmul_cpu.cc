// Products of two matrices that are both computed while running (attention), in 8 and 16 bits.

#include <cstring>

#include "kernels/quantized_args.h"
#include "ops/matrix/gemm.h"
#include "ops/phases.h"
#include "ops/quant/quantized_kinds.h"

namespace pochade {
namespace {

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

/// K,N as N,K; and for each column -a_zero * (sum of b - b_zero), modulo 2^32.
void turn(const int8_t* b, int64_t k, int64_t n, int32_t a_zero, int32_t b_zero, int8_t* turned,
          int32_t* offsets) {
  std::fill_n(offsets, n, 0);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j) {
      turned[j * k + i] = b[i * n + j];
      offsets[j] += b[i * n + j] - b_zero;
    }
  for (int64_t j = 0; j < n; ++j) offsets[j] = wrap_int32(-int64_t{a_zero} * offsets[j]);
}

/// The same in 16 bits, where sums have 64.
Result<Step> lower_wide_matmul(const Quantized& quantized, const Lowering& at) {
  for (const Quantized::Type* type : {&quantized.in[0], &quantized.in[1], &quantized.out[0]})
    if (type->dtype != DType::kI16 || type->zero_point() != 0) return Lowering::reference();
  const Shape bs = at.in_shape(1);
  const MatMulShape shape(at.in_shape(0), bs);
  constexpr int64_t kDeepest = 1 << 16;  // whose sums stay below 2^47, as multiply_wide() wants them
  if (quantized.rounding != Rounding::kTflite || at.out_shape(0).elements() == 0 || bs.elements() == 0 ||
      shape.k > kDeepest)
    return Lowering::reference();
  const int64_t k = shape.k, n = shape.n, m = shape.m, matrices = bs.elements() / (k * n);
  Step step;
  step.kernel = "matmul_16";
  step.why = format("{} matrices are turned, then dot products", matrices);
  step.shared_scratch_bytes = size(bs.elements()) * sizeof(int16_t);
  step.phases.push_back(divided(matrices * k, n, [=](const StepBuffers& s, Range rows) {
    auto* turned = reinterpret_cast<int16_t*>(s.shared_scratch);
    for (auto row = static_cast<int64_t>(rows.begin); row < static_cast<int64_t>(rows.end); ++row)
      for (int64_t j = 0; j < n; ++j) turned[(row / k * n + j) * k + row % k] = s.in<int16_t>(1)[row * n + j];
  }));
  step.phases.push_back(divided(
      shape.batches * m, n * (k / 4 + 8),
      [=, multiplier = channel_multipliers(quantized)[0], bounds = output_bounds(quantized),
       dot = at.kernels.quantized->dot_16](const StepBuffers& s, Range rows) {
        for (auto row = static_cast<int64_t>(rows.begin); row < static_cast<int64_t>(rows.end); ++row) {
          const int64_t batch = row / m;
          const int16_t* x = s.in<int16_t>(0) + shape.a_offset(batch) + row % m * k;
          const auto* w = reinterpret_cast<const int16_t*>(s.shared_scratch) + shape.b_offset(batch);
          for (int64_t j = 0; j < n; ++j)
            s.out<int16_t>(0)[row * n + j] =
                static_cast<int16_t>(bounds.clamp(multiply_wide(dot(x, w + j * k, size(k)), multiplier)));
        }
      }));
  return step;
}

}  // namespace

Result<Step> lower_quantized_matmul(const Quantized& quantized, const Lowering& at) {
  if (quantized.in[0].dtype == DType::kI16) return lower_wide_matmul(quantized, at);
  if (at.in(1).is_constant()) {
    TRY(Step step, lower_constant_matmul(quantized, at));
    if (!step.is_reference()) return step;
  }
  const Quantized::Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const auto is_plain = [](const Quantized::Type& type) {
    return type.dtype == DType::kI8 && type.quantization && type.quantization->axis < 0;
  };
  const Shape bs = at.in_shape(1);
  if (quantized.rounding != Rounding::kTflite || !is_plain(a) || !is_plain(b) || !is_plain(y) ||
      at.out_shape(0).elements() == 0 || bs.elements() == 0)
    return Lowering::reference();
  const MatMulShape shape(at.in_shape(0), bs);
  const FixedPoint multiplier = channel_multipliers(quantized)[0];
  const IntegerBounds bounds = output_bounds(quantized);
  const int64_t k = shape.k, n = shape.n, m = shape.m, matrices = bs.elements() / (k * n);
  const int32_t a_zero = a.zero_point(), b_zero = b.zero_point();
  QuantizedDenseArgs dense{};
  dense.n = size(n);
  dense.k = size(k);
  dense.x_zero = a_zero;
  dense.w_zero = b_zero;
  dense.zero = y.zero_point();
  dense.low = bounds.low;
  dense.high = bounds.high;
  dense.fixed = {multiplier.value, std::clamp(-multiplier.exponent, 0, 31)};
  dense.left = std::clamp(multiplier.exponent, 0, 31);
  Step step;
  step.kernel = "matmul_8";
  step.why = format("{} matrices are turned, then dot products", matrices);
  const size_t offsets_at = (size(bs.elements()) + 63) / 64 * 64;
  step.shared_scratch_bytes = offsets_at + size(matrices * n) * sizeof(int32_t);
  step.phases.push_back(divided(matrices, 2 * k * n, [=](const StepBuffers& s, Range units) {
    auto* turned = reinterpret_cast<int8_t*>(s.shared_scratch);
    auto* offsets = reinterpret_cast<int32_t*>(s.shared_scratch + offsets_at);
    for (auto i = static_cast<int64_t>(units.begin); i < static_cast<int64_t>(units.end); ++i)
      turn(s.in<int8_t>(1) + i * k * n, k, n, a_zero, b_zero, turned + i * k * n, offsets + i * n);
  }));
  step.phases.push_back(divided(
      shape.batches * m, n * (k / 8 + 8),
      [=, run = at.kernels.quantized->dense](const StepBuffers& s, Range rows) {
        for (auto row = static_cast<int64_t>(rows.begin); row < static_cast<int64_t>(rows.end); ++row) {
          const int64_t batch = row / m, matrix = shape.b_offset(batch) / (k * n);
          QuantizedDenseArgs args = dense;
          args.x = s.in<int8_t>(0) + shape.a_offset(batch) + row % m * k;
          args.w = s.shared_scratch + matrix * k * n;
          args.y = s.out<int8_t>(0) + row * n;
          args.offset = reinterpret_cast<const int32_t*>(s.shared_scratch + offsets_at) + matrix * n;
          run(args, {0, dense.n});
        }
      }));
  return step;
}

}  // namespace pochade
