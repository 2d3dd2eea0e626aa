#pragma once

#include "ops/window.h"
#include "plan/step.h"

namespace pochade {

/// Convolution whose taps are moved by offsets that depend on the place, and weighted by a mask.
///   x: N, H, W, C   w: O, kh, kw, C/groups   offset: N, Ho, Wo, G * kh * kw * 2 (y, then x)   b: O
///   (optional) mask: N, Ho, Wo, G * kh * kw (optional)   ->   y: N, Ho, Wo, O
/// G is offset_groups: each serves C / G neighbouring channels. Between pixels x is interpolated, outside it
/// is zero. (Dai et al. 2017, arXiv:1703.06211; Zhu et al. 2018, arXiv:1811.11168)
struct DeformConv final : OpOf<DeformConv> {
  static constexpr std::string_view kName = "DeformConv";
  Window window;
  int64_t groups = 1;
  int64_t offset_groups = 1;

  static void fields(auto& self, auto&& f) {
    f("window", self.window);
    f("groups", self.groups);
    f("offset_groups", self.offset_groups);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

}  // namespace pochade
