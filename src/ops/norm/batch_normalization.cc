#include "ops/norm/batch_normalization.h"

#include <cmath>

#include "ops/norm/norm.h"

namespace pochade {

Result<Facts> BatchNormalization::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 5, 5));
  TRY(expect_float(in[0], "x"));
  TRY(expect_rank(in[0], "x", 2, kMaxRank));
  Dim channels = in[0].rank_known() ? in[0].dims->back() : Dim();
  // The types of the parameters may differ from that of x (opset 14 and later), but not within a pair.
  TRY(expect_float(in[1], "scale"));
  TRY(expect_float(in[3], "mean"));
  TRY(expect_vector(in[1], "scale", *in[1].dtype, channels));
  TRY(expect_vector(in[2], "bias", *in[1].dtype, channels));
  TRY(expect_vector(in[3], "mean", *in[3].dtype, channels));
  TRY(expect_vector(in[4], "variance", *in[3].dtype, channels));
  Facts out{Fact(*in[0].dtype, in[0].dims)};
  if (training) {
    out.emplace_back(*in[3].dtype, in[3].dims);
    out.emplace_back(*in[4].dtype, in[4].dims);
  }
  return out;
}

Result<Tensors> BatchNormalization::eval(std::span<const Tensor> in) const {
  TRY(Tensor y, in[0].cast(DType::kF64));
  Tensor parameters[4];  // scale, bias, mean, variance
  for (size_t i = 0; i < 4; ++i) {
    TRY(Tensor parameter, in[i + 1].cast(DType::kF64));
    TRY(parameters[i], Tensor::make(DType::kF64, parameter.shape()));
    std::ranges::copy(parameter.data<double>(), parameters[i].mutable_data<double>().begin());
  }
  TRY(Tensor result, Tensor::make(DType::kF64, y.shape()));
  const int64_t channels = y.shape().back(), pixels = channels == 0 ? 0 : y.elements() / channels;
  const auto scale = parameters[0].data<double>(), bias = parameters[1].data<double>();
  Tensors out(1);
  if (training) {
    Tensor running[2] = {Tensor::make(DType::kF64, parameters[2].shape()).value(),
                         Tensor::make(DType::kF64, parameters[3].shape()).value()};
    for (int64_t c = 0; c < channels; ++c) {
      const auto i = static_cast<size_t>(c);
      const Moments batch = moments(y.data<double>().data() + c, pixels, channels);
      const double statistics[2] = {batch.mean, batch.variance};
      for (size_t k = 0; k < 2; ++k) {
        double& value = parameters[k + 2].mutable_data<double>()[i];
        running[k].mutable_data<double>()[i] =
            value * momentum + statistics[k] * (1 - static_cast<double>(momentum));
        value = statistics[k];
      }
    }
    for (size_t k = 0; k < 2; ++k) {
      TRY(Tensor converted, running[k].cast(in[k + 3].dtype()));
      out.push_back(std::move(converted));
    }
  }
  const auto mean = parameters[2].data<double>(), variance = parameters[3].data<double>();
  const auto x = y.data<double>();
  const auto to = result.mutable_data<double>();
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % static_cast<size_t>(channels);
    const double value = (x[i] - mean[c]) / std::sqrt(variance[c] + epsilon) * scale[c] + bias[c];
    to[i] = is_none(act) ? value : activate(static_cast<float>(value), act);
  }
  TRY(out[0], result.cast(in[0].dtype()));
  return out;
}

}  // namespace pochade
