#pragma once

#include "plan/step.h"

namespace pochade {

/// Mean of each channel of each image.  x: N, spatial..., C (rank 2 or more) -> y: N, 1..., C
struct GlobalAveragePool final : OpOf<GlobalAveragePool> {
  static constexpr std::string_view kName = "GlobalAveragePool";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Largest value of each channel of each image.  x: N, spatial..., C -> y: N, 1..., C.  NaN wins.
struct GlobalMaxPool final : OpOf<GlobalMaxPool> {
  static constexpr std::string_view kName = "GlobalMaxPool";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// (sum |x|^p)^(1/p) of each channel of each image.  x: N, spatial..., C -> y: N, 1..., C
struct GlobalLpPool final : OpOf<GlobalLpPool> {
  static constexpr std::string_view kName = "GlobalLpPool";
  int64_t p = 2;
  static void fields(auto& self, auto&& f) { f("p", self.p); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const GlobalAveragePool& pool, const Lowering& at);
Result<Step> lower(const GlobalMaxPool& pool, const Lowering& at);

}  // namespace pochade
