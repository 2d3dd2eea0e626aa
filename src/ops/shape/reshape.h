#pragma once
// The same elements under another shape.

#include "graph/op.h"

namespace pochade {

/// x, shape (int64): -1 stands for what is left, and 0 for x's size along the same axis unless allow_zero.
struct Reshape final : OpOf<Reshape> {
  static constexpr std::string_view kName = "Reshape";
  bool allow_zero = false;
  static void fields(auto& self, auto&& f) { f("allow_zero", self.allow_zero); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool only_reshapes() const override { return true; }
};

/// Two axes: the product of the sizes before `axis`, and of the others.
struct Flatten final : OpOf<Flatten> {
  static constexpr std::string_view kName = "Flatten";
  int64_t axis = 1;  ///< in [-rank, rank]
  static void fields(auto& self, auto&& f) { f("axis", self.axis); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool only_reshapes() const override { return true; }
};

/// x, axes (int64, optional): drops these axes, each of size 1; without axes, all of size 1.
struct Squeeze final : OpOf<Squeeze> {
  static constexpr std::string_view kName = "Squeeze";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool only_reshapes() const override { return true; }
};

/// x, axes (int64): puts axes of size 1 where the output has these indices.
struct Unsqueeze final : OpOf<Unsqueeze> {
  static constexpr std::string_view kName = "Unsqueeze";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool only_reshapes() const override { return true; }
};

}  // namespace pochade
