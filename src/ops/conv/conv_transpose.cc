#include "ops/conv/conv_transpose.h"

#include <algorithm>

namespace pochade {

Result<WindowAxis> ConvTranspose::resolve(size_t axis, int64_t kernel, int64_t in) const {
  WindowAxis out{
      kernel, window.stride(axis), window.dilation(axis), window.pad_begin(axis), window.pad_end(axis), in,
      0};
  if (in > (int64_t{1} << 31)) return Error::invalid_model("spatial size {} is too large", in);
  const int64_t extra = output_padding.empty() ? 0 : output_padding[axis];
  const int64_t full = out.stride * (in - 1) + extra + out.extent();
  if (!output_shape.empty()) {
    out.out = output_shape[axis];
  } else if (window.auto_pad != AutoPad::kExplicit) {
    out.out = in * out.stride;
  } else {
    out.out = full - out.pad_begin - out.pad_end;
    if (out.out < 0)
      return Error::invalid_model("pads {} and {} cut more than the {} elements that there are",
                                  out.pad_begin, out.pad_end, full);
    return out;
  }
  const int64_t total = std::max<int64_t>(0, full - out.out);
  out.pad_begin = window.auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
  out.pad_end = total - out.pad_begin;
  return out;
}

Result<WindowAxes> ConvTranspose::resolve_all(std::span<const int64_t> kernel,
                                              std::span<const int64_t> spatial) const {
  CHECK(spatial.size() <= 3 && kernel.size() == spatial.size());
  WindowAxes axes;
  for (size_t i = 0; i < spatial.size(); ++i) {
    TRY(axes[3 - spatial.size() + i], resolve(i, kernel[i], spatial[i]));
  }
  return axes;
}

Result<Facts> ConvTranspose::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 3));
  const Fact &x = in[0], &w = in[1];
  TRY(expect_dtype(x, "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_dtype(w, "w", {*x.dtype}));
  TRY(expect_rank(x, "x", 3, 5));
  TRY(expect_rank(w, "w", 3, 5));
  if (groups < 1) return Error::invalid_model("groups is {}, expected at least 1", groups);
  if (!w.shape()) return Error::not_supported("the shape of the weights is not known");
  const Shape ws = *w.shape();
  const int rank = ws.rank();
  const auto spatial_rank = static_cast<size_t>(rank - 2);
  if (x.rank_known() && x.rank() != rank)
    return Error::invalid_model("x has rank {} but the weights have rank {}", x.rank(), rank);
  TRY(window.check(spatial_dims(ws), rank - 2));
  for (const auto* list : {&output_padding, &output_shape}) {
    if (!list->empty() && list->size() != spatial_rank)
      return Error::invalid_model("{} has {} values, expected {}",
                                  list == &output_padding ? "output_padding" : "output_shape", list->size(),
                                  spatial_rank);
    for (const int64_t v : *list)
      if (v < 0 || v > (int64_t{1} << 31)) return Error::invalid_model("an output size or padding of {}", v);
  }
  if (ws[0] % groups != 0)
    return Error::invalid_model("{} output channels do not divide into {} groups", ws[0], groups);
  if (in.size() > 2 && in[2].present()) {
    TRY(expect_dtype(in[2], "b", {*x.dtype}));
    TRY(expect_rank(in[2], "b", 1, 1));
    if (in[2].dims && in[2].dim(0).is_number() && !in[2].dim(0).is(ws[0]))
      return Error::invalid_model("the bias has {} values for {} channels", in[2].dim(0).number(), ws[0]);
  }
  Dims dims(static_cast<size_t>(rank));
  dims.back() = ws[0];
  for (size_t i = 0; i < output_shape.size(); ++i) dims[i + 1] = output_shape[i];
  if (x.rank_known()) {
    const Dim& channels = x.dim(rank - 1);
    if (channels.is_number() && (channels.number() % groups != 0 || channels.number() / groups != ws.back()))
      return Error::invalid_model("x has {} channels, but {} groups of {} channels have weights",
                                  channels.number(), groups, ws.back());
    dims[0] = x.dim(0);
    for (size_t i = 0; i < spatial_rank; ++i) {
      const Dim& size = x.dim(static_cast<int>(i) + 1);
      if (!size.is_number()) continue;
      TRY(const WindowAxis axis,
          resolve(i, ws[static_cast<int>(i) + 1], size.number()).context("spatial axis {}", i));
      dims[i + 1] = axis.out;
    }
  }
  return Facts{Fact(*x.dtype, std::move(dims))};
}

Result<Tensors> ConvTranspose::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor wt, in[1].cast(DType::kF64));
  const Shape &xs = xt.shape(), &ws = wt.shape();
  TRY(const WindowAxes axes, resolve_all(spatial_dims(ws), spatial_dims(xs)));
  const auto& [depth, height, width] = axes;
  const int64_t out_channels = ws[0], in_channels = xs.back(), group_in = ws.back(),
                group_out = out_channels / groups;
  Shape ys = xs;
  for (int i = 1; i + 1 < xs.rank(); ++i) ys[i] = axes[static_cast<size_t>(3 - (xs.rank() - 2) + i - 1)].out;
  ys[xs.rank() - 1] = out_channels;
  TRY(Tensor yt, Tensor::make(DType::kF64, ys));
  const auto y = yt.mutable_data<double>();
  if (in.size() > 2 && in[2].defined()) {
    TRY(const Tensor bias, in[2].cast(DType::kF64));
    for (size_t i = 0; i < y.size(); ++i) y[i] = bias.data<double>()[i % static_cast<size_t>(out_channels)];
  }
  const double* x = xt.data<double>().data();
  const auto inside = [](int64_t o, const WindowAxis& axis) { return o >= 0 && o < axis.out; };
  for (int64_t n = 0; n < xs[0]; ++n)
    for (int64_t d = 0; d < depth.in; ++d)
      for (int64_t h = 0; h < height.in; ++h)
        for (int64_t v = 0; v < width.in; ++v, x += in_channels)
          for (int64_t o = 0; o < out_channels; ++o) {
            const double* w = wt.data<double>().data() + o * ws.product(1, ws.rank());
            const double* channels = x + o / group_out * group_in;
            for (int64_t kd = 0; kd < depth.kernel; ++kd)
              for (int64_t kh = 0; kh < height.kernel; ++kh)
                for (int64_t kw = 0; kw < width.kernel; ++kw, w += group_in) {
                  const int64_t od = depth.at(d, kd), oh = height.at(h, kh), ow = width.at(v, kw);
                  if (!inside(od, depth) || !inside(oh, height) || !inside(ow, width)) continue;
                  double sum = 0;
                  for (int64_t c = 0; c < group_in; ++c) sum += channels[c] * w[c];
                  const int64_t pixel = ((n * depth.out + od) * height.out + oh) * width.out + ow;
                  y[static_cast<size_t>(pixel * out_channels + o)] += sum;
                }
          }
  if (!is_none(act))
    for (double& value : y) value = activate(static_cast<float>(value), act);
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Cost ConvTranspose::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  Cost cost{0, bytes_of(in) + bytes_of(out)};
  const auto xs = in[0].shape(), ws = in[1].shape();
  if (xs && ws && xs->back() > 0) cost.macs = xs->elements() / xs->back() * ws->elements();
  return cost;
}

}  // namespace pochade
