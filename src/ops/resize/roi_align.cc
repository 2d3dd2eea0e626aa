#include <algorithm>
#include <cmath>

#include "ops/resize/grid_sample.h"

namespace pochade {
namespace {

/// Bilinear sampling of an H x W picture at one point: four pixels and their weights.
struct Corners {
  bool inside = false;
  int64_t pixel[4] = {};
  double weight[4] = {};
};

Corners corners_at(double y, double x, int64_t height, int64_t width) {
  Corners out;
  // A point may lie one pixel outside, where the border is seen.
  if (!(y >= -1 && y <= static_cast<double>(height) && x >= -1 && x <= static_cast<double>(width)))
    return out;
  out.inside = true;
  y = std::max(y, 0.0);
  x = std::max(x, 0.0);
  auto y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
  int64_t y1 = y0 + 1, x1 = x0 + 1;
  if (y0 >= height - 1) {
    y0 = y1 = height - 1;
    y = static_cast<double>(y0);
  }
  if (x0 >= width - 1) {
    x0 = x1 = width - 1;
    x = static_cast<double>(x0);
  }
  const double ly = y - static_cast<double>(y0), lx = x - static_cast<double>(x0);
  const int64_t pixels[4] = {y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1};
  const double weights[4] = {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx};
  std::copy_n(pixels, 4, out.pixel);
  std::copy_n(weights, 4, out.weight);
  return out;
}

/// Samples of one cell along an axis. A region larger than any picture gains nothing from more.
int64_t samples(int64_t sampling_ratio, double cell) {
  if (sampling_ratio > 0) return sampling_ratio;
  return std::isnan(cell) ? 0 : static_cast<int64_t>(std::clamp(std::ceil(cell), 0.0, 4096.0));
}

}  // namespace

Result<Facts> RoiAlign::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_dtype(in[1], "rois", {*in[0].dtype}));
  TRY(expect_dtype(in[2], "batch_indices", {DType::kI64, DType::kI32}));
  TRY(expect_rank(in[0], "x", 4, 4));
  TRY(expect_rank(in[1], "rois", 2, 2));
  TRY(expect_rank(in[2], "batch_indices", 1, 1));
  if (out_h < 1 || out_w < 1 || out_h > 65536 || out_w > 65536)
    return Error::invalid_model("the output size is {}x{}", out_h, out_w);
  if (sampling_ratio < 0 || sampling_ratio > 4096)
    return Error::invalid_model("sampling_ratio is {}", sampling_ratio);
  const auto dim = [](const Fact& fact, int axis) { return fact.rank_known() ? fact.dim(axis) : Dim(); };
  if (dim(in[1], 1).is_number() && !dim(in[1], 1).is(4))
    return Error::invalid_model("rois have {} columns, expected 4", dim(in[1], 1).number());
  const Dim regions = dim(in[1], 0), indices = dim(in[2], 0);
  if (regions.is_number() && indices.is_number() && regions != indices)
    return Error::invalid_model("{} regions but {} batch_indices", regions.number(), indices.number());
  return Facts{Fact(*in[0].dtype,
                    Dims{regions.is_number() ? regions : indices, Dim(out_h), Dim(out_w), dim(in[0], 3)})};
}

Result<Tensors> RoiAlign::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor rt, in[1].cast(DType::kF64));
  const std::vector<int64_t> images = to_int64s(in[2]);
  const Shape& xs = xt.shape();
  const int64_t height = xs[1], width = xs[2], channels = xs[3], regions = rt.shape()[0];
  TRY(Tensor yt, Tensor::make(DType::kF64, Shape{regions, out_h, out_w, channels}));
  double* y = yt.mutable_data<double>().data();
  for (int64_t r = 0; r < regions; ++r) {
    const int64_t image = images[static_cast<size_t>(r)];
    if (image < 0 || image >= xs[0])
      return Error::invalid_argument("region {} is of image {}, but there are {}", r, image, xs[0]);
    const double* x = xt.data<double>().data() + image * height * width * channels;
    const double* roi = rt.data<double>().data() + r * 4;
    const double offset = half_pixel ? 0.5 : 0;
    const double left = roi[0] * spatial_scale - offset, top = roi[1] * spatial_scale - offset;
    double roi_w = roi[2] * spatial_scale - offset - left, roi_h = roi[3] * spatial_scale - offset - top;
    if (!half_pixel) {
      roi_w = std::max(roi_w, 1.0);
      roi_h = std::max(roi_h, 1.0);
    }
    const double cell_h = roi_h / static_cast<double>(out_h), cell_w = roi_w / static_cast<double>(out_w);
    const int64_t grid_h = samples(sampling_ratio, cell_h), grid_w = samples(sampling_ratio, cell_w);
    const double count = static_cast<double>(std::max<int64_t>(1, grid_h * grid_w));
    for (int64_t oh = 0; oh < out_h; ++oh)
      for (int64_t ow = 0; ow < out_w; ++ow, y += channels) {
        bool first = true;
        for (int64_t i = 0; i < grid_h; ++i)
          for (int64_t j = 0; j < grid_w; ++j) {
            const auto middle = [](int64_t cell, int64_t k, int64_t n, double size) {
              return (static_cast<double>(cell) + (static_cast<double>(k) + 0.5) / static_cast<double>(n)) *
                     size;
            };
            const Corners at = corners_at(top + middle(oh, i, grid_h, cell_h),
                                          left + middle(ow, j, grid_w, cell_w), height, width);
            for (int64_t c = 0; c < channels; ++c) {
              double sum = 0, most = at.weight[0] * x[at.pixel[0] * channels + c];
              for (int k = 0; k < 4 && at.inside; ++k) {
                const double value = at.weight[k] * x[at.pixel[k] * channels + c];
                sum += value;
                most = std::max(most, value);
              }
              if (take_max)
                y[c] = first ? most : std::max(y[c], most);
              else
                y[c] += sum / count;
            }
            first = false;
          }
      }
  }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace pochade
