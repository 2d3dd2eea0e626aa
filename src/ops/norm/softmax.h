#pragma once

#include "plan/step.h"

namespace pochade {

/// exp(x) / sum of exp(x) along `axis`; with `to_end` over all axes from it to the last together, as ONNX had
/// it before opset 13.  x: any rank -> y like x
struct Softmax final : OpOf<Softmax> {
  static constexpr std::string_view kName = "Softmax";
  int64_t axis = -1;
  bool to_end = false;

  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    if (self.to_end) f("to_end", self.to_end);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// log of Softmax.
struct LogSoftmax final : OpOf<LogSoftmax> {
  static constexpr std::string_view kName = "LogSoftmax";
  int64_t axis = -1;
  bool to_end = false;

  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    if (self.to_end) f("to_end", self.to_end);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const Softmax& softmax, const Lowering& at);
Result<Step> lower(const LogSoftmax& softmax, const Lowering& at);

}  // namespace pochade
