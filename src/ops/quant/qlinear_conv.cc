#include "ops/quant/qlinear_conv.h"

#include "ops/conv/conv.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {
namespace {

const Fact kAbsent;

const Fact& optional(std::span<const Fact> in, size_t i) {
  return i < in.size() ? in[i] : kAbsent;
}

/// One element, or one for each output channel.
Status check_channel_values(const Fact& values, std::string_view what, const Fact& w, bool per_channel) {
  const auto shape = values.present() ? values.shape() : std::nullopt;
  if (!shape || (shape->rank() <= 1 && shape->elements() == 1)) return {};
  if (!per_channel) return Error::invalid_model("{} has the shape {}, expected a scalar", what, *shape);
  if (w.dims && w.dim(0).is_number() && (shape->rank() != 1 || !w.dim(0).is((*shape)[0])))
    return Error::invalid_model("{} has the shape {}, expected {} values", what, *shape, w.dim(0).number());
  return {};
}

struct IntegerConv {
  const Window& window;
  int64_t groups;
  const Tensor& x;
  int64_t x_zero_point;
  const Tensor& w;
  const std::vector<int64_t>& w_zero_points;  // one, or one a channel
};

/// Calls put(position in y, output channel, sum) for each output element; returns the shape of y first
/// through `begin`.
template <typename Begin, typename Put>
Status convolve(const IntegerConv& c, Begin&& begin, Put&& put) {
  TRY(const Tensor xt, c.x.cast(DType::kI64));
  TRY(const Tensor wt, c.w.cast(DType::kI64));
  const Shape &xs = xt.shape(), &ws = wt.shape();
  TRY(const WindowAxes axes, resolve_axes(c.window, spatial_dims(ws), spatial_dims(xs)));
  const auto& [depth, height, width] = axes;
  const int64_t out_channels = ws[0], in_channels = xs.back(), group_in = ws.back(),
                group_out = out_channels / c.groups;
  Shape ys = xs;
  for (int i = 1; i + 1 < xs.rank(); ++i) ys[i] = axes[static_cast<size_t>(3 - (xs.rank() - 2) + i - 1)].out;
  ys[xs.rank() - 1] = out_channels;
  TRY(begin(ys));
  int64_t position = 0;
  for (int64_t n = 0; n < xs[0]; ++n)
    for (int64_t od = 0; od < depth.out; ++od)
      for (int64_t oh = 0; oh < height.out; ++oh)
        for (int64_t ow = 0; ow < width.out; ++ow)
          for (int64_t o = 0; o < out_channels; ++o) {
            const int64_t* w = wt.data<int64_t>().data() + o * ws.product(1, ws.rank());
            const int64_t w_zero_point =
                c.w_zero_points[c.w_zero_points.size() == 1 ? 0 : static_cast<size_t>(o)];
            int64_t sum = 0;
            for (int64_t kd = 0; kd < depth.kernel; ++kd)
              for (int64_t kh = 0; kh < height.kernel; ++kh)
                for (int64_t kw = 0; kw < width.kernel; ++kw, w += group_in) {
                  const int64_t d = depth.at(od, kd), h = height.at(oh, kh), v = width.at(ow, kw);
                  if (!depth.inside(d) || !height.inside(h) || !width.inside(v)) continue;
                  const int64_t* pixel = xt.data<int64_t>().data() +
                                         (((n * depth.in + d) * height.in + h) * width.in + v) * in_channels +
                                         o / group_out * group_in;
                  for (int64_t i = 0; i < group_in; ++i)
                    sum += (pixel[i] - c.x_zero_point) * (w[i] - w_zero_point);
                }
            put(position++, static_cast<size_t>(o), sum);
          }
  return {};
}

std::vector<int64_t> zero_points(std::span<const Tensor> in, size_t i) {
  return i < in.size() && in[i].defined() ? to_int64s(in[i]) : std::vector<int64_t>{0};
}

}  // namespace

Result<Facts> ConvInteger::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 4));
  TRY(expect_dtype(in[0], "x", {DType::kU8, DType::kI8}));
  TRY(expect_dtype(in[1], "w", {DType::kU8, DType::kI8}));
  if (optional(in, 2).present()) TRY(expect_dtype(in[2], "x_zero_point", {*in[0].dtype}));
  if (optional(in, 3).present()) TRY(expect_dtype(in[3], "w_zero_point", {*in[1].dtype}));
  TRY(check_channel_values(optional(in, 2), "x_zero_point", in[1], false));
  TRY(check_channel_values(optional(in, 3), "w_zero_point", in[1], true));
  TRY(auto dims, conv_dims(window, groups, in[0], in[1]));
  return Facts{Fact(DType::kI32, std::move(dims))};
}

Result<Tensors> ConvInteger::eval(std::span<const Tensor> in) const {
  const std::vector<int64_t> w_zero_points = zero_points(in, 3);
  Tensor y;
  const auto begin = [&](const Shape& shape) -> Status {
    TRY(y, Tensor::make(DType::kI32, shape));
    return {};
  };
  const auto put = [&](int64_t i, size_t, int64_t sum) {
    y.mutable_data<int32_t>()[static_cast<size_t>(i)] = static_cast<int32_t>(static_cast<uint32_t>(sum));
  };
  TRY(convolve({window, groups, in[0], zero_points(in, 2)[0], in[1], w_zero_points}, begin, put));
  return Tensors{y};
}

Cost ConvInteger::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return {conv_macs(in[1], out[0]), bytes_of(in) + bytes_of(out)};
}

Result<Facts> QLinearConv::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 8, 9));
  TRY(expect_dtype(in[0], "x", {DType::kU8, DType::kI8}));
  TRY(expect_dtype(in[1], "x_scale", {DType::kF32}));
  TRY(expect_dtype(in[2], "x_zero_point", {*in[0].dtype}));
  TRY(expect_dtype(in[3], "w", {DType::kU8, DType::kI8}));
  TRY(expect_dtype(in[4], "w_scale", {DType::kF32}));
  TRY(expect_dtype(in[5], "w_zero_point", {*in[3].dtype}));
  TRY(expect_dtype(in[6], "y_scale", {DType::kF32}));
  TRY(expect_dtype(in[7], "y_zero_point", {DType::kU8, DType::kI8}));
  for (const size_t i : {1, 2, 6, 7})
    TRY(check_channel_values(in[i], "a scale or zero point of x or y", in[3], false));
  TRY(check_channel_values(in[4], "w_scale", in[3], true));
  TRY(check_channel_values(in[5], "w_zero_point", in[3], true));
  if (optional(in, 8).present()) {
    TRY(expect_dtype(in[8], "b", {DType::kI32}));
    TRY(expect_rank(in[8], "b", 1, 1));
    if (in[8].dims && in[3].dims && in[8].dim(0).is_number() && in[3].dim(0).is_number() &&
        in[8].dim(0) != in[3].dim(0))
      return Error::invalid_model("the bias has {} values for {} channels", in[8].dim(0).number(),
                                  in[3].dim(0).number());
  }
  TRY(auto dims, conv_dims(window, groups, in[0], in[3]));
  return Facts{Fact(*in[7].dtype, std::move(dims))};
}

Result<Tensors> QLinearConv::eval(std::span<const Tensor> in) const {
  const std::vector<int64_t> w_zero_points = zero_points(in, 5);
  const std::vector<float> w_scales = to_floats(in[4]);
  const float x_scale = to_floats(in[1])[0], y_scale = to_floats(in[6])[0];
  const int64_t y_zero_point = to_int64s(in[7])[0];
  const std::vector<int64_t> bias =
      in.size() > 8 && in[8].defined() ? to_int64s(in[8]) : std::vector<int64_t>();
  Tensor y;
  const auto begin = [&](const Shape& shape) -> Status {
    TRY(y, Tensor::make(in[7].dtype(), shape));
    return {};
  };
  const auto put = [&](int64_t i, size_t channel, int64_t sum) {
    if (!bias.empty()) sum += bias[channel];
    const float multiplier = x_scale * w_scales[w_scales.size() == 1 ? 0 : channel] / y_scale;
    const int64_t value =
        saturate_to(y.dtype(), static_cast<double>(requantize(sum, multiplier, rounding) + y_zero_point));
    y.mutable_bytes()[i] = static_cast<std::byte>(value);
  };
  TRY(convolve({window, groups, in[0], to_int64s(in[2])[0], in[3], w_zero_points}, begin, put));
  return Tensors{y};
}

Cost QLinearConv::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return {conv_macs(in[3], out[0]), bytes_of(in) + bytes_of(out)};
}

}  // namespace pochade
