#pragma once
// Writing by index: a copy of x with some elements replaced. Indices are int32 or int64 and may count from
// the end; one outside is kInvalidArgument at run time. Updates apply in order.

#include "graph/op.h"

namespace pochade {

enum class ScatterReduction { kReplace, kAdd, kMul, kMax, kMin };
std::string_view to_string(ScatterReduction reduction);

/// x, indices, updates, all of one rank: y[i with indices[i] at `axis`] = updates[i].
struct ScatterElements final : OpOf<ScatterElements> {
  static constexpr std::string_view kName = "ScatterElements";
  int64_t axis = 0;
  ScatterReduction reduction = ScatterReduction::kReplace;
  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("reduction", self.reduction);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, indices i..,n, updates i..,rest: y[indices[i.., :], ..] = updates[i.., ..].
struct ScatterND final : OpOf<ScatterND> {
  static constexpr std::string_view kName = "ScatterND";
  ScatterReduction reduction = ScatterReduction::kReplace;
  static void fields(auto& self, auto&& f) { f("reduction", self.reduction); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
