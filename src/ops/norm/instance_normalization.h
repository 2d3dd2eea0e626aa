#pragma once

#include "ops/activation.h"
#include "plan/step.h"

namespace pochade {

/// y = act((x - mean) / sqrt(variance + epsilon) * scale + bias) with mean and variance of each channel of
/// each image.
///   x: N, spatial..., C (rank 3 or more)   scale, bias: C   ->   y like x      (Ulyanov et al. 2016,
///   arXiv:1607.08022)
struct InstanceNormalization final : OpOf<InstanceNormalization> {
  static constexpr std::string_view kName = "InstanceNormalization";
  float epsilon = 1e-5f;
  Activation act;

  static void fields(auto& self, auto&& f) {
    f("epsilon", self.epsilon);
    if (!is_none(self.act)) f("act", self.act);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const InstanceNormalization& norm, const Lowering& at);

/// The same with mean and variance over C / groups neighbouring channels at a time.
///   x: N, spatial..., C   scale, bias: C each, or one value for each group   ->   y like x    (Wu and He
///   2018, arXiv:1803.08494)
struct GroupNormalization final : OpOf<GroupNormalization> {
  static constexpr std::string_view kName = "GroupNormalization";
  int64_t groups = 1;
  float epsilon = 1e-5f;

  static void fields(auto& self, auto&& f) {
    f("groups", self.groups);
    f("epsilon", self.epsilon);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const GroupNormalization& norm, const Lowering& at);

}  // namespace pochade
