#pragma once
// Repeating elements.

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// x, shape (int64): x repeated to the shape that both broadcast to.
struct Expand final : OpOf<Expand> {
  static constexpr std::string_view kName = "Expand";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, repeats (int64, one an axis): x so many times along each axis.
struct Tile final : OpOf<Tile> {
  static constexpr std::string_view kName = "Tile";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
