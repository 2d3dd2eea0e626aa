#pragma once

#include <string>

#include "plan/step.h"

namespace pochade {

/// Sum of products over named axes, as numpy.einsum: "bij,bjk->bik", "...ii->...i", "i,i". Letters name axes,
/// an ellipsis those that broadcast; without "->" the letters that occur once are kept, in the order of the
/// alphabet, after the ellipsis. Any number of inputs of one floating-point or 32 or 64-bit integer type.
struct Einsum final : OpOf<Einsum> {
  static constexpr std::string_view kName = "Einsum";
  std::string equation;

  static void fields(auto& self, auto&& f) { f("equation", self.equation); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

/// An equation for inputs of known ranks: every axis of every input, and of the output, has a number; those
/// of the output come first, in order, then those that are summed over.
struct EinsumAxes {
  std::vector<std::vector<int>> inputs;
  int output_rank = 0;
  int count = 0;
};
Result<EinsumAxes> parse_einsum(std::string_view equation, std::span<const int> ranks);

}  // namespace pochade
