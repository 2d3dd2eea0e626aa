#include "ops/norm/instance_normalization.h"

#include <cmath>

#include "ops/norm/norm.h"

namespace pochade {
namespace {

/// One oracle for both: a group of one channel is an instance.
Result<Tensors> normalize_groups(std::span<const Tensor> in, int64_t groups, float epsilon,
                                 const Activation& act) {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor scale_tensor, in[1].cast(DType::kF64));
  TRY(const Tensor bias_tensor, in[2].cast(DType::kF64));
  const Shape& xs = xt.shape();
  TRY(Tensor yt, Tensor::make(DType::kF64, xs));
  const int64_t channels = xs.back(), pixels = xs.product(1, xs.rank() - 1);
  const int64_t group_channels = channels / groups;
  const auto scale = scale_tensor.data<double>(), bias = bias_tensor.data<double>();
  const auto parameter = [&](std::span<const double> values, int64_t c) {
    return values[static_cast<size_t>(static_cast<int64_t>(values.size()) == channels ? c
                                                                                      : c / group_channels)];
  };
  for (int64_t n = 0; n < xs[0]; ++n)
    for (int64_t g = 0; g < groups; ++g) {
      const double* x = xt.data<double>().data() + n * pixels * channels + g * group_channels;
      double* y = yt.mutable_data<double>().data() + n * pixels * channels + g * group_channels;
      const auto count = static_cast<double>(pixels * group_channels);
      double mean = 0, variance = 0;
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < group_channels; ++c) mean += x[p * channels + c] / count;
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < group_channels; ++c) {
          const double d = x[p * channels + c] - mean;
          variance += d * d / count;
        }
      const double inverse = 1 / std::sqrt(variance + epsilon);
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < group_channels; ++c) {
          const int64_t channel = g * group_channels + c;
          const double value =
              (x[p * channels + c] - mean) * inverse * parameter(scale, channel) + parameter(bias, channel);
          y[p * channels + c] = is_none(act) ? value : activate(static_cast<float>(value), act);
        }
    }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace

Result<Facts> InstanceNormalization::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  TRY(expect_float(in[0], "x"));
  TRY(expect_rank(in[0], "x", 3, kMaxRank));
  const Dim channels = in[0].rank_known() ? in[0].dims->back() : Dim();
  TRY(expect_vector(in[1], "scale", *in[0].dtype, channels));
  TRY(expect_vector(in[2], "bias", *in[0].dtype, channels));
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> InstanceNormalization::eval(std::span<const Tensor> in) const {
  return normalize_groups(in, in[0].shape().back(), epsilon, act);
}

Result<Facts> GroupNormalization::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  TRY(expect_float(in[0], "x"));
  TRY(expect_rank(in[0], "x", 2, kMaxRank));
  if (groups < 1) return Error::invalid_model("groups is {}, expected at least 1", groups);
  const Dim channels = in[0].rank_known() ? in[0].dims->back() : Dim();
  if (channels.is_number() && channels.number() % groups != 0)
    return Error::invalid_model("{} channels do not divide into {} groups", channels.number(), groups);
  for (size_t i = 1; i < 3; ++i) {
    const std::string_view what = i == 1 ? "scale" : "bias";
    const bool by_group = in[i].rank_known() && in[i].rank() == 1 && in[i].dim(0).is(groups);
    TRY(expect_vector(in[i], what, *in[0].dtype, by_group ? Dim(groups) : channels));
  }
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> GroupNormalization::eval(std::span<const Tensor> in) const {
  return normalize_groups(in, groups, epsilon, Activation{});
}

}  // namespace pochade
