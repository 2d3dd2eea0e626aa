#include "ops/conv/conv.h"

namespace pochade {

int64_t padded_source(int64_t i, int64_t size, PadMode mode) {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PadMode::kZero:
      return -1;
    case PadMode::kReflect:
      return i < 0 ? -i : 2 * (size - 1) - i;
    case PadMode::kEdge:
      return i < 0 ? 0 : size - 1;
  }
  return -1;
}

Result<std::optional<Dims>> conv_dims(const Window& window, int64_t groups, const Fact& x, const Fact& w) {
  TRY(expect_rank(x, "x", 3, 5));
  TRY(expect_rank(w, "w", 3, 5));
  if (groups < 1) return Error::invalid_model("groups is {}, expected at least 1", groups);
  if (!w.rank_known()) {
    if (!x.rank_known()) return std::optional<Dims>();
    Dims dims(x.dims->size());
    dims[0] = x.dim(0);
    return std::optional<Dims>(dims);
  }
  const int rank = w.rank();
  if (x.rank_known() && x.rank() != rank)
    return Error::invalid_model("x has rank {} but the weights have rank {}", x.rank(), rank);
  const Dim& out_channels = w.dim(0);
  if (out_channels.is_number() && out_channels.number() % groups != 0)
    return Error::invalid_model("{} output channels do not divide into {} groups", out_channels.number(),
                                groups);
  Dims dims(static_cast<size_t>(rank));
  dims.back() = out_channels;
  std::vector<int64_t> kernel;
  for (int i = 1; i < rank - 1; ++i)
    if (w.dim(i).is_number()) kernel.push_back(w.dim(i).number());
  const bool kernel_known = static_cast<int>(kernel.size()) == rank - 2;
  if (kernel_known) TRY(window.check(kernel, rank - 2));
  if (!x.rank_known()) return std::optional<Dims>(dims);

  dims[0] = x.dim(0);
  const Dim& in_channels = x.dim(rank - 1);
  const Dim& group_channels = w.dim(rank - 1);
  if (in_channels.is_number() && group_channels.is_number() &&
      (in_channels.number() % groups != 0 || in_channels.number() / groups != group_channels.number()))
    return Error::invalid_model("x has {} channels, but {} groups of {} channels have weights",
                                in_channels.number(), groups, group_channels.number());
  for (int i = 1; kernel_known && i < rank - 1; ++i) {
    const auto axis = static_cast<size_t>(i - 1);
    TRY(dims[axis + 1], window.out_dim(axis, kernel[axis], x.dim(i)).context("spatial axis {}", i - 1));
  }
  return std::optional<Dims>(dims);
}

int64_t conv_macs(const Fact& w, const Fact& y) {
  const auto ws = w.shape(), ys = y.shape();
  if (!ws || !ys || (*ws)[0] == 0) return 0;
  return ys->elements() * (ws->elements() / (*ws)[0]);
}

Result<Facts> Conv::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 3));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_dtype(in[1], "w", {*in[0].dtype}));
  TRY(auto dims, conv_dims(window, groups, in[0], in[1]));
  if (in.size() > 2 && in[2].present()) {
    TRY(expect_dtype(in[2], "b", {*in[0].dtype}));
    TRY(expect_rank(in[2], "b", 1, 1));
    if (dims && in[2].dims && in[2].dim(0).is_number() && dims->back().is_number() &&
        in[2].dim(0) != dims->back())
      return Error::invalid_model("the bias has {} values for {} channels", in[2].dim(0).number(),
                                  dims->back().number());
  }
  if (pad_mode != PadMode::kZero && in[0].dims && dims) {
    for (int i = 1; i + 1 < in[0].rank(); ++i) {
      const Dim& size = in[0].dim(i);
      const auto axis = static_cast<size_t>(i - 1);
      const int64_t most = std::max(window.pad_begin(axis), window.pad_end(axis));
      if (size.is_number() && size.number() < (pad_mode == PadMode::kReflect ? most + 1 : 1))
        return Error::invalid_model("{} elements cannot be padded by {} in {} mode", size.number(), most,
                                    pad_mode);
    }
  }
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

Result<Tensors> Conv::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor wt, in[1].cast(DType::kF64));
  Tensor bt;
  if (in.size() > 2 && in[2].defined()) {
    TRY(bt, in[2].cast(DType::kF64));
  }
  const Shape &xs = xt.shape(), &ws = wt.shape();
  TRY(const WindowAxes axes, resolve_axes(window, spatial_dims(ws), spatial_dims(xs)));
  const auto& [depth, height, width] = axes;
  const int64_t out_channels = ws[0], in_channels = xs.back(), group_in = ws.back(),
                group_out = out_channels / groups;
  Shape ys = xs;
  for (int i = 1; i + 1 < xs.rank(); ++i) ys[i] = axes[static_cast<size_t>(3 - (xs.rank() - 2) + i - 1)].out;
  ys[xs.rank() - 1] = out_channels;
  TRY(Tensor yt, Tensor::make(DType::kF64, ys));
  const double* x = xt.data<double>().data();
  double* y = yt.mutable_data<double>().data();
  for (int64_t n = 0; n < xs[0]; ++n)
    for (int64_t od = 0; od < depth.out; ++od)
      for (int64_t oh = 0; oh < height.out; ++oh)
        for (int64_t ow = 0; ow < width.out; ++ow)
          for (int64_t o = 0; o < out_channels; ++o) {
            const double* w = wt.data<double>().data() + o * ws.product(1, ws.rank());
            double sum = bt.defined() ? bt.data<double>()[static_cast<size_t>(o)] : 0;
            for (int64_t kd = 0; kd < depth.kernel; ++kd)
              for (int64_t kh = 0; kh < height.kernel; ++kh)
                for (int64_t kw = 0; kw < width.kernel; ++kw, w += group_in) {
                  const int64_t d = padded_source(depth.at(od, kd), depth.in, pad_mode);
                  const int64_t h = padded_source(height.at(oh, kh), height.in, pad_mode);
                  const int64_t v = padded_source(width.at(ow, kw), width.in, pad_mode);
                  if (d < 0 || h < 0 || v < 0) continue;
                  const double* pixel = x +
                                        (((n * depth.in + d) * height.in + h) * width.in + v) * in_channels +
                                        o / group_out * group_in;
                  for (int64_t c = 0; c < group_in; ++c) sum += pixel[c] * w[c];
                }
            *y++ = is_none(act) ? sum : activate(static_cast<float>(sum), act);
          }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Cost Conv::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return {conv_macs(in[1], out[0]), bytes_of(in) + bytes_of(out)};
}

}  // namespace pochade
