#include "ops/conv/deform_conv.h"

#include <cmath>

#include "ops/conv/conv.h"

namespace pochade {
namespace {

/// x[h, w, c] between pixels; what lies outside is zero.
double sample(const double* x, int64_t height, int64_t width, int64_t channels, double h, double w,
              int64_t c) {
  if (!(h > -1 && h < static_cast<double>(height) && w > -1 && w < static_cast<double>(width))) return 0;
  const auto h0 = static_cast<int64_t>(std::floor(h)), w0 = static_cast<int64_t>(std::floor(w));
  const double lh = h - static_cast<double>(h0), lw = w - static_cast<double>(w0);
  const auto pixel = [&](int64_t i, int64_t j) {
    return i >= 0 && i < height && j >= 0 && j < width ? x[(i * width + j) * channels + c] : 0;
  };
  return (1 - lh) * ((1 - lw) * pixel(h0, w0) + lw * pixel(h0, w0 + 1)) +
         lh * ((1 - lw) * pixel(h0 + 1, w0) + lw * pixel(h0 + 1, w0 + 1));
}

/// Whether `fact` can be N, Ho, Wo, last.
Status expect_map(const Fact& fact, std::string_view what, const std::optional<Dims>& y, int64_t last) {
  TRY(expect_rank(fact, what, 4, 4));
  if (!fact.rank_known()) return {};
  for (int i = 0; i < 3; ++i)
    if (y && fact.dim(i).is_number() && (*y)[static_cast<size_t>(i)].is_number() &&
        fact.dim(i) != (*y)[static_cast<size_t>(i)])
      return Error::invalid_model("{} has size {} along axis {}, expected {}", what, fact.dim(i).number(), i,
                                  (*y)[static_cast<size_t>(i)].number());
  if (fact.dim(3).is_number() && !fact.dim(3).is(last))
    return Error::invalid_model("{} has {} channels, expected {}", what, fact.dim(3).number(), last);
  return {};
}

}  // namespace

Result<Facts> DeformConv::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 5));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  for (size_t i = 1; i < in.size(); ++i)
    if (in[i].present() && in[i].dtype != in[0].dtype)
      return Error::invalid_model("inputs 0 and {} have different types", i);
  TRY(expect_rank(in[0], "x", 4, 4));
  TRY(expect_rank(in[1], "w", 4, 4));
  const auto ws = in[1].shape();
  if (!ws) return Error::not_supported("the shape of the weights is not known");
  if (window.auto_pad != AutoPad::kExplicit) return Error::not_supported("DeformConv with automatic padding");
  TRY(auto dims, conv_dims(window, groups, in[0], in[1]));
  if (offset_groups < 1 || ws->back() * groups % offset_groups != 0)
    return Error::invalid_model("{} channels do not divide into {} offset groups", ws->back() * groups,
                                offset_groups);
  const int64_t taps = (*ws)[1] * (*ws)[2];
  TRY(expect_map(in[2], "offset", dims, offset_groups * taps * 2));
  if (in.size() > 3 && in[3].present()) {
    TRY(expect_rank(in[3], "b", 1, 1));
    if (in[3].rank_known() && in[3].dim(0).is_number() && !in[3].dim(0).is((*ws)[0]))
      return Error::invalid_model("the bias has {} values for {} channels", in[3].dim(0).number(), (*ws)[0]);
  }
  if (in.size() > 4 && in[4].present()) TRY(expect_map(in[4], "mask", dims, offset_groups * taps));
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

Result<Tensors> DeformConv::eval(std::span<const Tensor> in) const {
  const auto input = [&](size_t i) -> Result<Tensor> {
    if (i >= in.size() || !in[i].defined()) return Tensor();
    return in[i].cast(DType::kF64);
  };
  TRY(const Tensor xt, input(0));
  TRY(const Tensor wt, input(1));
  TRY(const Tensor offsets, input(2));
  TRY(const Tensor bias, input(3));
  TRY(const Tensor mask, input(4));
  const Shape &xs = xt.shape(), &ws = wt.shape();
  TRY(const WindowAxes axes, resolve_axes(window, spatial_dims(ws), spatial_dims(xs)));
  const WindowAxis &h = axes[1], &w = axes[2];
  const int64_t out_channels = ws[0], group_in = ws.back(), group_out = out_channels / groups,
                channels = xs.back();
  const int64_t taps = h.kernel * w.kernel, offset_channels = channels / offset_groups;
  TRY(Tensor yt, Tensor::make(DType::kF64, Shape{xs[0], h.out, w.out, out_channels}));
  double* y = yt.mutable_data<double>().data();
  std::vector<double> seen(static_cast<size_t>(taps * channels));  // x as the moved taps see it
  for (int64_t n = 0; n < xs[0]; ++n)
    for (int64_t oh = 0; oh < h.out; ++oh)
      for (int64_t ow = 0; ow < w.out; ++ow, y += out_channels) {
        const int64_t place = (n * h.out + oh) * w.out + ow;
        for (int64_t t = 0; t < taps; ++t)
          for (int64_t c = 0; c < channels; ++c) {
            const int64_t tap = c / offset_channels * taps + t;
            const double* move = offsets.data<double>().data() + (place * offset_groups * taps + tap) * 2;
            const double value = sample(xt.data<double>().data() + n * h.in * w.in * channels, h.in, w.in,
                                        channels, static_cast<double>(h.at(oh, t / w.kernel)) + move[0],
                                        static_cast<double>(w.at(ow, t % w.kernel)) + move[1], c);
            const double weight =
                mask.defined() ? mask.data<double>()[static_cast<size_t>(place * offset_groups * taps + tap)]
                               : 1;
            seen[static_cast<size_t>(t * channels + c)] = value * weight;
          }
        for (int64_t o = 0; o < out_channels; ++o) {
          double sum = bias.defined() ? bias.data<double>()[static_cast<size_t>(o)] : 0;
          const double* filter = wt.data<double>().data() + o * taps * group_in;
          for (int64_t t = 0; t < taps; ++t)
            for (int64_t c = 0; c < group_in; ++c)
              sum += filter[t * group_in + c] *
                     seen[static_cast<size_t>(t * channels + o / group_out * group_in + c)];
          y[o] = sum;
        }
      }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Cost DeformConv::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return {conv_macs(in[1], out[0]), bytes_of(in) + bytes_of(out)};
}

}  // namespace pochade
