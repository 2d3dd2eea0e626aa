#pragma once

#include "ops/activation.h"
#include "ops/window.h"
#include "plan/step.h"

namespace pochade {

/// Transposed convolution over 1 to 3 spatial axes: each input element adds its multiple of w to the output.
///   x: N, spatial..., C   w: O, spatial..., C/groups   b: O (optional)   ->   y: N, spatial..., O
/// The filter is not flipped: y[i * stride + k * dilation - pad_begin] += x[i] * w[k].
/// Size: stride * (in - 1) + output_padding + extent - pad_begin - pad_end, or output_shape.
struct ConvTranspose final : OpOf<ConvTranspose> {
  static constexpr std::string_view kName = "ConvTranspose";
  Window window;                        ///< the pads are cut off the output; the kernel's size is that of w
  std::vector<int64_t> output_padding;  ///< empty: zeros
  /// Spatial sizes, or empty. The pads are then what remains, halved; what no input reaches is the bias.
  std::vector<int64_t> output_shape;
  int64_t groups = 1;
  Activation act;

  static void fields(auto& self, auto&& f) {
    f("window", self.window);
    if (!self.output_padding.empty()) f("output_padding", self.output_padding);
    if (!self.output_shape.empty()) f("output_shape", self.output_shape);
    if (self.groups != 1) f("groups", self.groups);
    if (!is_none(self.act)) f("act", self.act);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;

  /// Pads and output size of one spatial axis over `in` elements.
  Result<WindowAxis> resolve(size_t axis, int64_t kernel, int64_t in) const;
  /// All axes, as resolve_axes().
  Result<WindowAxes> resolve_all(std::span<const int64_t> kernel, std::span<const int64_t> spatial) const;
};

Result<Step> lower(const ConvTranspose& conv, const Lowering& at);

}  // namespace pochade
