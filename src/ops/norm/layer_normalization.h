#pragma once

#include "plan/step.h"

namespace pochade {

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias with mean and variance over the axes from `axis`
/// to the last.
///   x: any   scale, bias (optional): broadcast to the normalised axes   ->   y like x, and, if asked for,
///   the mean and 1 / sqrt(variance + epsilon) with those axes of size 1.                         (Ba et al.
///   2016, arXiv:1607.06450)
struct LayerNormalization final : OpOf<LayerNormalization> {
  static constexpr std::string_view kName = "LayerNormalization";
  int64_t axis = -1;
  float epsilon = 1e-5f;
  bool with_statistics = false;          ///< the second and the third output
  DType statistics_dtype = DType::kF32;  ///< of these

  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("epsilon", self.epsilon);
    if (self.with_statistics) {
      f("with_statistics", self.with_statistics);
      f("statistics_dtype", self.statistics_dtype);
    }
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const LayerNormalization& norm, const Lowering& at);

}  // namespace pochade
