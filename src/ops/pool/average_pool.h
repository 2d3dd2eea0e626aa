#pragma once

#include "ops/window.h"
#include "plan/step.h"

namespace pochade {

/// Mean of each window.  x: N, spatial..., C -> y: N, spatial..., C.  With count_include_pad the padding
/// counts as zeros (but what ceil_mode adds beyond it does not). A window without any element gives 0.
struct AveragePool final : OpOf<AveragePool> {
  static constexpr std::string_view kName = "AveragePool";
  std::vector<int64_t> kernel;
  Window window;
  bool count_include_pad = false;

  static void fields(auto& self, auto&& f) {
    f("kernel", self.kernel);
    f("window", self.window);
    if (self.count_include_pad) f("count_include_pad", self.count_include_pad);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const AveragePool& pool, const Lowering& at);

/// (sum |x|^p)^(1/p) of each window.  x: N, spatial..., C -> y: N, spatial..., C.
struct LpPool final : OpOf<LpPool> {
  static constexpr std::string_view kName = "LpPool";
  std::vector<int64_t> kernel;
  Window window;
  int64_t p = 2;

  static void fields(auto& self, auto&& f) {
    f("kernel", self.kernel);
    f("window", self.window);
    f("p", self.p);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
