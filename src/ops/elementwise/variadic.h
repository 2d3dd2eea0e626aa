#pragma once
// One or more inputs of one dtype that broadcast to a common shape.

#include "ops/elementwise/wide.h"

namespace pochade {

/// The smallest; NaN if any is NaN.
struct Min final : OpOf<Min> {
  static constexpr std::string_view kName = "Min";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

/// The largest; NaN if any is NaN.
struct Max final : OpOf<Max> {
  static constexpr std::string_view kName = "Max";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

struct Sum final : OpOf<Sum> {
  static constexpr std::string_view kName = "Sum";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

struct Mean final : OpOf<Mean> {
  static constexpr std::string_view kName = "Mean";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

}  // namespace pochade
