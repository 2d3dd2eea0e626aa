#pragma once

#include "ops/activation.h"
#include "plan/step.h"

namespace pochade {

/// y = act((x - mean) / sqrt(variance + epsilon) * scale + bias), by channel.
///   x: N, spatial..., C (rank 2 or more)   scale, bias, mean, variance: C   ->   y like x
/// In training the mean and the biased variance of the batch itself are used, and two more outputs are the
/// running ones: old * momentum + batch's * (1 - momentum).  (Ioffe and Szegedy 2015, arXiv:1502.03167)
struct BatchNormalization final : OpOf<BatchNormalization> {
  static constexpr std::string_view kName = "BatchNormalization";
  float epsilon = 1e-5f;
  bool training = false;
  float momentum = 0.9f;  ///< read only in training
  Activation act;

  static void fields(auto& self, auto&& f) {
    f("epsilon", self.epsilon);
    if (self.training) {
      f("training", self.training);
      f("momentum", self.momentum);
    }
    if (!is_none(self.act)) f("act", self.act);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const BatchNormalization& norm, const Lowering& at);

}  // namespace pochade
