#pragma once

#include "ops/activation.h"
#include "ops/window.h"
#include "plan/step.h"

namespace pochade {

/// Convolution over 1 to 3 spatial axes.
///   x: N, spatial..., C   w: O, spatial..., C/groups   b: O (optional)   ->   y: N, spatial..., O
/// y = act(b + sum of x over the window and the channels of the group * w). Depthwise is groups = C.
/// Floating-point types; sums are exact to double precision.
struct Conv final : OpOf<Conv> {
  static constexpr std::string_view kName = "Conv";
  Window window;  ///< the kernel's size is that of w
  PadMode pad_mode =
      PadMode::kZero;  ///< what stands in the padding; reflected pads are smaller than the axis
  int64_t groups = 1;
  Activation act;

  static void fields(auto& self, auto&& f) {
    f("window", self.window);
    if (self.pad_mode != PadMode::kZero) f("pad_mode", self.pad_mode);
    if (self.groups != 1) f("groups", self.groups);
    if (!is_none(self.act)) f("act", self.act);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

Result<Step> lower(const Conv& conv, const Lowering& at);

/// The part of infer() that does not look at dtypes: the dims of y. For integer convolutions too.
Result<std::optional<Dims>> conv_dims(const Window& window, int64_t groups, const Fact& x, const Fact& w);
/// Multiply-accumulates of one run, given the facts of w and y: every output sees every weight of its
/// channel.
int64_t conv_macs(const Fact& w, const Fact& y);

/// Where padded position `i` reads in an axis of `size` elements; -1: a zero.
int64_t padded_source(int64_t i, int64_t size, PadMode mode);

}  // namespace pochade
