#pragma once

#include "ops/window.h"
#include "plan/step.h"

namespace pochade {

/// Largest value of each window.  x: N, spatial..., C -> y: N, spatial..., C, and, if asked for, the places
/// of these values as int64. A place counts elements of x as ONNX lays it out, N, C, spatial...; with
/// `column_major` the spatial axes are counted innermost first. Padding never wins; NaN does; of equal values
/// the first. Floats, int8, uint8.
struct MaxPool final : OpOf<MaxPool> {
  static constexpr std::string_view kName = "MaxPool";
  std::vector<int64_t> kernel;
  Window window;
  bool with_indices = false;
  bool column_major = false;

  static void fields(auto& self, auto&& f) {
    f("kernel", self.kernel);
    f("window", self.window);
    if (self.with_indices) f("with_indices", self.with_indices);
    if (self.column_major) f("column_major", self.column_major);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

Result<Step> lower(const MaxPool& pool, const Lowering& at);

/// The reverse of MaxPool: zeros, and each x where its index says.
///   x: N, spatial..., C   indices: like x, as MaxPool counts them in y   output_shape: N, C, spatial...
///   (optional)
///   -> y: N, spatial..., C of size (in - 1) * stride + kernel - pads, or output_shape.
struct MaxUnpool final : OpOf<MaxUnpool> {
  static constexpr std::string_view kName = "MaxUnpool";
  std::vector<int64_t> kernel;
  Window window;

  static void fields(auto& self, auto&& f) {
    f("kernel", self.kernel);
    f("window", self.window);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Largest value of each cell of a grid laid over each region.
///   x: N, H, W, C   rois: R, 5 of (image, x1, y1, x2, y2), corners included, in pixels / spatial_scale
///   -> y: R, pooled_h, pooled_w, C.  (Girshick 2015, arXiv:1504.08083.)  An empty cell gives 0.
struct MaxRoiPool final : OpOf<MaxRoiPool> {
  static constexpr std::string_view kName = "MaxRoiPool";
  int64_t pooled_h = 1;
  int64_t pooled_w = 1;
  float spatial_scale = 1;

  static void fields(auto& self, auto&& f) {
    f("pooled_h", self.pooled_h);
    f("pooled_w", self.pooled_w);
    f("spatial_scale", self.spatial_scale);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
