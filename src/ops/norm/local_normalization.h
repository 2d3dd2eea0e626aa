#pragma once
// Normalisations that have no parameters to learn.

#include "plan/step.h"

namespace pochade {

/// y = x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta.  x: N, spatial..., C ->
/// y like x The window goes from (size - 1) / 2 channels before to size / 2 behind.       (Krizhevsky et al.
/// 2012, section 3.3)
struct Lrn final : OpOf<Lrn> {
  static constexpr std::string_view kName = "LRN";
  int64_t size = 1;
  float alpha = 1e-4f;
  float beta = 0.75f;
  float bias = 1;

  static void fields(auto& self, auto&& f) {
    f("size", self.size);
    f("alpha", self.alpha);
    f("beta", self.beta);
    f("bias", self.bias);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const Lrn& lrn, const Lowering& at);

/// y = x / (sum |x|^p)^(1/p) along one axis, p 1 or 2; zeros stay zeros.
struct LpNormalization final : OpOf<LpNormalization> {
  static constexpr std::string_view kName = "LpNormalization";
  int64_t axis = -1;
  int64_t p = 2;

  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("p", self.p);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// y = (x - mean) / (deviation + 1e-9) over the named axes together.
struct MeanVarianceNormalization final : OpOf<MeanVarianceNormalization> {
  static constexpr std::string_view kName = "MeanVarianceNormalization";
  std::vector<int64_t> axes;

  static void fields(auto& self, auto&& f) { f("axes", self.axes); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
