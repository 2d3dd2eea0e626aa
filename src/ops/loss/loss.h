#pragma once

#include "graph/op.h"

namespace pochade {

enum class LossReduction {
  kEach,  ///< no reduction: a loss for each element
  kSum,
  kMean,  ///< the sum of losses divided by the sum of their weights
};
std::string_view to_string(LossReduction reduction);

/// What both losses have in common. The classes stand along axis 1, as in ONNX.
struct LossFields {
  LossReduction reduction = LossReduction::kMean;
  bool has_ignore_index = false;
  int64_t ignore_index = 0;  ///< targets of this class count nothing

  static void fields(auto& self, auto&& f) {
    f("reduction", self.reduction);
    f("has_ignore_index", self.has_ignore_index);
    f("ignore_index", self.ignore_index);
  }
};

/// loss = -weight[target] * x[target].
///   x: N,C,d..   target: int32 or int64 N,d..   weight: C (optional)   ->   N,d.., or a scalar
struct NegativeLogLikelihoodLoss final : OpOf<NegativeLogLikelihoodLoss> {
  static constexpr std::string_view kName = "NegativeLogLikelihoodLoss";
  LossFields loss;
  static void fields(auto& self, auto&& f) { f("loss", self.loss); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// The same of x = log(softmax(scores)).   ->   loss, x
struct SoftmaxCrossEntropyLoss final : OpOf<SoftmaxCrossEntropyLoss> {
  static constexpr std::string_view kName = "SoftmaxCrossEntropyLoss";
  LossFields loss;
  static void fields(auto& self, auto&& f) { f("loss", self.loss); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
