#pragma once

#include "ops/activation.h"
#include "plan/step.h"

namespace pochade {

/// y = act(alpha * A' B' + beta * C).  a: M,K (or K,M if transpose_a)   b: K,N (or N,K if transpose_b)
///   c: broadcast to M,N (optional)   ->   y: M,N.  Floats and 32 and 64-bit integers.
struct Gemm final : OpOf<Gemm> {
  static constexpr std::string_view kName = "Gemm";
  float alpha = 1;
  float beta = 1;
  bool transpose_a = false;
  bool transpose_b = false;
  Activation act;

  static void fields(auto& self, auto&& f) {
    if (self.alpha != 1) f("alpha", self.alpha);
    if (self.beta != 1) f("beta", self.beta);
    if (self.transpose_a) f("transpose_a", self.transpose_a);
    if (self.transpose_b) f("transpose_b", self.transpose_b);
    if (!is_none(self.act)) f("act", self.act);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

/// numpy.matmul: matrices in the last two axes, the others broadcast.  a: ...,M,K   b: ...,K,N   ->   y:
/// ...,M,N. A vector a stands for 1,K, a vector b for K,1; that axis is then dropped from y. Floats and 32
/// and 64-bit integers.
struct MatMul final : OpOf<MatMul> {
  static constexpr std::string_view kName = "MatMul";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

/// Dims of MatMul's output, whatever the dtypes. For integer products too.
Result<std::optional<Dims>> matmul_dims(const Fact& a, const Fact& b);

/// Both shapes as matrices, and where each product of the batch lies.
struct MatMulShape {
  int64_t m = 1, n = 1, k = 1;
  int64_t batches = 1;
  Shape y;
  /// The shapes have passed matmul_dims().
  MatMulShape(const Shape& a, const Shape& b);
  /// Where the matrices of product number `batch` begin, in elements.
  int64_t a_offset(int64_t batch) const { return offset(a_steps_, batch); }
  int64_t b_offset(int64_t batch) const { return offset(b_steps_, batch); }

 private:
  int64_t offset(const Shape& steps, int64_t batch) const;
  Shape batch_dims_, a_steps_, b_steps_;  // elements from one index to the next along each axis of the batch
};

Result<Step> lower(const Gemm& gemm, const Lowering& at);
Result<Step> lower(const MatMul& matmul, const Lowering& at);

}  // namespace pochade
