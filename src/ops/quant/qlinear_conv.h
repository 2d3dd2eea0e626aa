#pragma once

#include "ops/quant/rounding.h"
#include "ops/window.h"
#include "plan/step.h"

namespace pochade {

/// Convolution of 8-bit integers into int32: y = sum of (x - x_zero_point) * (w - w_zero_point). The padding
/// is x_zero_point.
///   x: N, spatial..., C   w: O, spatial..., C/groups   x_zero_point: scalar (optional)   w_zero_point:
///   scalar or O (optional)
///   ->   y: int32 N, spatial..., O
struct ConvInteger final : OpOf<ConvInteger> {
  static constexpr std::string_view kName = "ConvInteger";
  Window window;
  int64_t groups = 1;

  static void fields(auto& self, auto&& f) {
    f("window", self.window);
    if (self.groups != 1) f("groups", self.groups);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

Result<Step> lower(const ConvInteger& op, const Lowering& at);

/// The same, requantized: y = saturate(round((sum + b) * x_scale * w_scale / y_scale) + y_zero_point).
///   x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, b: int32 O (optional)
///   Scales and zero points are scalars; those of w may be O values.   ->   y: y_zero_point's dtype
struct QLinearConv final : OpOf<QLinearConv> {
  static constexpr std::string_view kName = "QLinearConv";
  Window window;
  int64_t groups = 1;
  Rounding rounding = Rounding::kOnnx;

  static void fields(auto& self, auto&& f) {
    f("window", self.window);
    if (self.groups != 1) f("groups", self.groups);
    f("rounding", self.rounding);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

}  // namespace pochade
