#include "ops/pool/max_pool.h"

#include <cmath>
#include <limits>

#include "ops/pool/pool.h"

namespace pochade {
namespace {

/// How ONNX numbers x[n, c, d, h, w] (see MaxPool); the axes not there have size 1.
int64_t onnx_place(const Shape& x, const WindowAxes& axes, bool column_major, int64_t n, int64_t c, int64_t d,
                   int64_t h, int64_t w) {
  const int64_t plane = n * x.back() + c;
  const int64_t depth = axes[0].in, height = axes[1].in, width = axes[2].in;
  const int64_t inner = column_major ? (w * height + h) * depth + d : (d * height + h) * width + w;
  return plane * depth * height * width + inner;
}

}  // namespace

Result<Facts> MaxPool::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x",
                   {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI8, DType::kU8}));
  TRY(auto dims, pool_dims(in[0], window, kernel));
  Fact y(*in[0].dtype, dims);
  y.quantization = in[0].quantization;
  Facts out{std::move(y)};
  if (with_indices) out.emplace_back(DType::kI64, std::move(dims));
  return out;
}

Result<Tensors> MaxPool::eval(std::span<const Tensor> in) const {
  const Shape& xs = in[0].shape();
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const WindowAxes axes, resolve_axes(window, kernel, spatial_dims(xs)));
  TRY(Tensor yt, Tensor::make(DType::kF64, pool_shape(xs, axes)));
  Tensor places;
  if (with_indices) {
    TRY(places, Tensor::make(DType::kI64, yt.shape()));
  }
  const auto x = xt.data<double>();
  const auto y = yt.mutable_data<double>();
  for_each_pooled(xs, axes, [&](size_t o, int64_t n, int64_t c, int64_t od, int64_t oh, int64_t ow) {
    double best = -std::numeric_limits<double>::infinity();
    int64_t place = -1;
    const auto number = [&](int64_t d, int64_t h, int64_t w) {
      return onnx_place(xs, axes, column_major, n, c, d, h, w);
    };
    for_each_tap(axes, od, oh, ow, [&](int64_t d, int64_t h, int64_t w) {
      const double value = x[pool_index(xs, axes, n, d, h, w, c)];
      if (value > best || place < 0 || (std::isnan(value) && !std::isnan(best))) {
        best = value;
        place = number(d, h, w);
      }
    });
    y[o] = best;
    if (with_indices) places.mutable_data<int64_t>()[o] = place;
  });
  TRY(Tensor out, yt.cast(in[0].dtype()));
  if (with_indices) return Tensors{out, places};
  return Tensors{out};
}

Result<Facts> MaxUnpool::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 3));
  const Fact& x = in[0];
  TRY(expect_dtype(x, "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_dtype(in[1], "indices", {DType::kI64}));
  const int rank = static_cast<int>(kernel.size()) + 2;
  TRY(expect_rank(x, "x", 3, 5));
  TRY(expect_rank(x, "x", rank, rank));
  TRY(expect_rank(in[1], "indices", rank, rank));
  TRY(window.check(kernel, rank - 2));
  const auto xs = x.shape(), is = in[1].shape();
  if (xs && is && *xs != *is) return Error::invalid_model("indices are {}, but x is {}", *is, *xs);
  if (!x.rank_known()) return Facts{Fact(*x.dtype, std::optional<Dims>())};
  Dims dims = *x.dims;
  const bool has_shape = in.size() > 2 && in[2].present();
  if (has_shape) {
    const auto wanted = constant_ints(in[2]);
    if (wanted && static_cast<int>(wanted->size()) != rank)
      return Error::invalid_model("output_shape has {} values, expected {}", wanted->size(), rank);
    for (int i = 1; i + 1 < rank; ++i) {
      const auto axis = static_cast<size_t>(i);
      dims[axis] = wanted ? Dim((*wanted)[axis + 1]) : Dim();
      if (wanted && (*wanted)[axis + 1] < 0)
        return Error::invalid_model("output_shape holds {}", (*wanted)[axis + 1]);
    }
    return Facts{Fact(*x.dtype, std::move(dims))};
  }
  for (size_t i = 0; i < kernel.size(); ++i) {
    Dim& size = dims[i + 1];
    if (!size.is_number()) {
      size = Dim();
      continue;
    }
    if (size.number() > (int64_t{1} << 31))
      return Error::invalid_model("spatial size {} is too large", size.number());
    const int64_t out =
        (size.number() - 1) * window.stride(i) + kernel[i] - window.pad_begin(i) - window.pad_end(i);
    if (out < 0) return Error::invalid_model("the pads cut more than there is along spatial axis {}", i);
    size = out;
  }
  return Facts{Fact(*x.dtype, std::move(dims))};
}

Result<Tensors> MaxUnpool::eval(std::span<const Tensor> in) const {
  Facts facts{Fact(in[0].dtype(), in[0].shape()), Fact(in[1].dtype(), in[1].shape())};
  if (in.size() > 2 && in[2].defined()) facts.emplace_back(in[2]);
  TRY(const Facts out, infer(facts));
  const Shape ys = *out[0].shape();
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(Tensor yt, Tensor::make(DType::kF64, ys));
  const auto x = xt.data<double>();
  const auto y = yt.mutable_data<double>();
  const auto places = in[1].data<int64_t>();
  const int64_t pixels = ys.product(1, ys.rank() - 1), channels = ys.back();
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t place = places[i];
    if (place < 0 || place >= ys.elements())
      return Error::invalid_argument("index {} points outside the {} elements of the output", place,
                                     ys.elements());
    const int64_t plane = place / pixels;
    y[static_cast<size_t>((plane / channels * pixels + place % pixels) * channels + plane % channels)] = x[i];
  }
  TRY(Tensor result, yt.cast(in[0].dtype()));
  return Tensors{result};
}

Result<Facts> MaxRoiPool::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16}));
  TRY(expect_dtype(in[1], "rois", {*in[0].dtype}));
  TRY(expect_rank(in[0], "x", 4, 4));
  TRY(expect_rank(in[1], "rois", 2, 2));
  if (pooled_h < 1 || pooled_w < 1 || pooled_h > 65536 || pooled_w > 65536)
    return Error::invalid_model("pooled_shape is {}x{}", pooled_h, pooled_w);
  if (in[1].rank_known() && in[1].dim(1).is_number() && !in[1].dim(1).is(5))
    return Error::invalid_model("rois have {} columns, expected 5", in[1].dim(1).number());
  return Facts{Fact(*in[0].dtype, Dims{in[1].rank_known() ? in[1].dim(0) : Dim(), Dim(pooled_h),
                                       Dim(pooled_w), in[0].rank_known() ? in[0].dim(3) : Dim()})};
}

Result<Tensors> MaxRoiPool::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor rt, in[1].cast(DType::kF64));
  const Shape& xs = xt.shape();
  const int64_t height = xs[1], width = xs[2], channels = xs[3];
  TRY(Tensor yt, Tensor::make(DType::kF64, Shape{rt.shape()[0], pooled_h, pooled_w, channels}));
  double* y = yt.mutable_data<double>().data();
  for (int64_t r = 0; r < rt.shape()[0]; ++r) {
    const double* roi = rt.data<double>().data() + r * 5;
    if (!(roi[0] >= 0 && roi[0] < static_cast<double>(xs[0])))
      return Error::invalid_argument("region {} is of image {}, but there are {}", r, roi[0], xs[0]);
    const double* x = xt.data<double>().data() + static_cast<int64_t>(roi[0]) * height * width * channels;
    const auto corner = [&](int i) { return std::clamp(std::round(roi[i] * spatial_scale), -1e9, 1e9); };
    const double left = corner(1), top = corner(2);
    const double roi_h = std::max(1.0, corner(4) - top + 1), roi_w = std::max(1.0, corner(3) - left + 1);
    const auto border = [](double at, int64_t size) {
      return static_cast<int64_t>(std::clamp(at, 0.0, static_cast<double>(size)));
    };
    for (int64_t ph = 0; ph < pooled_h; ++ph)
      for (int64_t pw = 0; pw < pooled_w; ++pw, y += channels) {
        const double cell_h = roi_h / static_cast<double>(pooled_h),
                     cell_w = roi_w / static_cast<double>(pooled_w);
        const int64_t h0 = border(std::floor(static_cast<double>(ph) * cell_h) + top, height);
        const int64_t h1 = border(std::ceil(static_cast<double>(ph + 1) * cell_h) + top, height);
        const int64_t w0 = border(std::floor(static_cast<double>(pw) * cell_w) + left, width);
        const int64_t w1 = border(std::ceil(static_cast<double>(pw + 1) * cell_w) + left, width);
        if (h0 >= h1 || w0 >= w1) continue;
        for (int64_t c = 0; c < channels; ++c) {
          double best = -std::numeric_limits<double>::infinity();
          for (int64_t h = h0; h < h1; ++h)
            for (int64_t w = w0; w < w1; ++w) best = std::max(best, x[(h * width + w) * channels + c]);
          y[c] = best;
        }
      }
  }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace pochade
