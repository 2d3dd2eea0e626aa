#pragma once

#include "graph/op.h"
#include "ops/quant/rounding.h"
#include "plan/step.h"

namespace pochade {

/// Matrix product of 8-bit integers into int32: y = (a - a_zero_point)(b - b_zero_point).
///   a: ...,M,K   b: ...,K,N   a_zero_point: scalar, M, or ...,M,1 (optional)   b_zero_point: scalar, N, or
///   ...,1,N (optional)
///   ->   y: int32 ...,M,N   (leading axes broadcast; rank 1 as in numpy's matmul)
struct MatMulInteger final : OpOf<MatMulInteger> {
  static constexpr std::string_view kName = "MatMulInteger";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

Result<Step> lower(const MatMulInteger& op, const Lowering& at);

/// The same, requantized: y = saturate(round(product * a_scale * b_scale / y_scale) + y_zero_point).
///   a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point   ->   y: y_zero_point's dtype
///   Scales have the shapes of their zero points; those of y: scalar, M, or ...,M,1.
struct QLinearMatMul final : OpOf<QLinearMatMul> {
  static constexpr std::string_view kName = "QLinearMatMul";
  Rounding rounding = Rounding::kOnnx;
  static void fields(auto& self, auto&& f) { f("rounding", self.rounding); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

}  // namespace pochade
