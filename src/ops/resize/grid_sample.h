#pragma once

#include "plan/step.h"

namespace pochade {

/// Reads a picture (or a volume) where a grid says, and interpolates.                    (Jaderberg et al.
/// 2015, arXiv:1506.02025)
///   x: N, spatial..., C   grid: N, out..., R with R = number of spatial axes   ->   y: N, out..., C
/// The grid's last axis is (x, y) or (x, y, z), innermost spatial axis first; -1 and 1 are the borders of the
/// picture, or, with align_corners, the middles of its outermost elements.
struct GridSample final : OpOf<GridSample> {
  static constexpr std::string_view kName = "GridSample";
  enum class Mode { kLinear, kNearest, kCubic };
  enum class Padding { kZeros, kBorder, kReflection };
  Mode mode = Mode::kLinear;
  Padding padding = Padding::kZeros;
  bool align_corners = false;

  static void fields(auto& self, auto&& f) {
    f("mode", self.mode);
    f("padding", self.padding);
    f("align_corners", self.align_corners);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};
std::string_view to_string(GridSample::Mode mode);
std::string_view to_string(GridSample::Padding padding);

/// The grid that GridSample reads for affine maps.
///   theta: N, R, R + 1   size: N, C, spatial... as ONNX orders it   ->   grid: N, spatial..., R.  R is 2
///   or 3.
struct AffineGrid final : OpOf<AffineGrid> {
  static constexpr std::string_view kName = "AffineGrid";
  bool align_corners = false;

  static void fields(auto& self, auto&& f) { f("align_corners", self.align_corners); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Cuts regions out of pictures and samples each down to the same size.                      (He et al. 2017,
/// arXiv:1703.06870)
///   x: N, H, W, C   rois: R, 4 of (x1, y1, x2, y2) in pixels / spatial_scale   images: R, int64   ->   y: R,
///   out_h, out_w, C
struct RoiAlign final : OpOf<RoiAlign> {
  static constexpr std::string_view kName = "RoiAlign";
  int64_t out_h = 1;
  int64_t out_w = 1;
  int64_t sampling_ratio = 0;  ///< samples of a cell along each axis; 0: as many as it has pixels
  float spatial_scale = 1;
  bool take_max = false;   ///< the largest weighted pixel instead of the mean
  bool half_pixel = true;  ///< regions are moved by half a pixel, and may be smaller than one

  static void fields(auto& self, auto&& f) {
    f("out_h", self.out_h);
    f("out_w", self.out_w);
    f("sampling_ratio", self.sampling_ratio);
    f("spatial_scale", self.spatial_scale);
    f("take_max", self.take_max);
    f("half_pixel", self.half_pixel);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
