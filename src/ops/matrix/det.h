#pragma once

#include "plan/step.h"

namespace pochade {

/// Determinant of the square matrices in the last two axes.  x: ..., M, M -> y: ...  By elimination with
/// pivots.
struct Det final : OpOf<Det> {
  static constexpr std::string_view kName = "Det";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
