#pragma once

#include "plan/step.h"

namespace pochade {

/// Resamples any axes of a tensor, one axis at a time.
///   x: any rank   roi: 2 * axes (start of each axis, then end of each; read by kTfCropAndResize only)
///   scales: one an axis, or absent   sizes: one an axis, or absent   ->   y
/// Exactly one of scales (y = floor(x * scale)) and sizes is there; both are float32 and int64 vectors.
/// Upsample is the mode kAsymmetric. Antialiasing widens the filter as the axis shrinks.
struct Resize final : OpOf<Resize> {
  static constexpr std::string_view kName = "Resize";
  enum class Mode { kNearest, kLinear, kCubic };
  /// Where the middle of an output element lies in the input; the formulas stand in ONNX's Resize.
  enum class Coordinates {
    kHalfPixel,
    kHalfPixelSymmetric,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kTfHalfPixelForNn,
    kTfCropAndResize,
  };
  enum class Nearest {
    kRoundPreferFloor,
    kRoundPreferCeil,
    kFloor,
    kCeil,
    kCeilIfShrinking,  ///< else floor: what Resize of opset 10 did
  };
  enum class AspectRatio { kStretch, kNotLarger, kNotSmaller };

  Mode mode = Mode::kNearest;
  Coordinates coordinates = Coordinates::kHalfPixel;
  Nearest nearest = Nearest::kRoundPreferFloor;
  std::vector<int64_t> axes;  ///< those that roi, scales and sizes speak of, in their order; empty: all
  AspectRatio aspect_ratio = AspectRatio::kStretch;  ///< keeps one scale for all axes, so that y fits sizes
  float cubic_coefficient = -0.75f;
  bool exclude_outside = false;  ///< taps outside weigh nothing, else they see the border
  bool antialias = false;
  float extrapolation_value = 0;  ///< of what kTfCropAndResize sees outside

  static void fields(auto& self, auto&& f) {
    f("mode", self.mode);
    f("coordinates", self.coordinates);
    if (self.mode == Mode::kNearest) f("nearest", self.nearest);
    if (!self.axes.empty()) f("axes", self.axes);
    if (self.aspect_ratio != AspectRatio::kStretch) f("aspect_ratio", self.aspect_ratio);
    if (self.mode == Mode::kCubic) f("cubic_coefficient", self.cubic_coefficient);
    if (self.exclude_outside) f("exclude_outside", self.exclude_outside);
    if (self.antialias) f("antialias", self.antialias);
    if (self.coordinates == Coordinates::kTfCropAndResize) f("extrapolation_value", self.extrapolation_value);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

std::string_view to_string(Resize::Mode mode);
std::string_view to_string(Resize::Coordinates coordinates);
std::string_view to_string(Resize::Nearest nearest);
std::string_view to_string(Resize::AspectRatio aspect_ratio);

/// What one axis of y reads: output i is the sum of weight[i * taps + t] * x[index[i * taps + t]], or the
/// extrapolation value where outside[i].
struct ResizeAxis {
  int axis = 0;
  int64_t in = 1;
  int64_t out = 1;
  int64_t taps = 1;
  std::vector<int32_t> index;  ///< each in [0, in)
  std::vector<float> weight;
  std::vector<bool> outside;  ///< empty: nowhere

  /// Copies its input, element by element.
  bool is_identity() const;
};

/// The axes that may change, in their order in x. The inputs but x are undefined where absent.
Result<std::vector<ResizeAxis>> resize_axes(const Resize& resize, const Shape& x, const Tensor& roi,
                                            const Tensor& scales, const Tensor& sizes);

/// floor(size * scale), as ONNX rounds it; the scale is more than 0. Error: nothing that a tensor could have.
Result<int64_t> scaled_size(int64_t size, float scale);

Result<Step> lower(const Resize& resize, const Lowering& at);

}  // namespace pochade
