#include "ops/norm/local_normalization.h"

#include <algorithm>
#include <cmath>

#include "ops/norm/norm.h"
#include "ops/phases.h"

namespace pochade {

Result<Facts> Lrn::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_float(in[0], "x"));
  TRY(expect_rank(in[0], "x", 2, kMaxRank));
  if (size < 1 || size > (int64_t{1} << 31))
    return Error::invalid_model("size is {}, expected at least 1", size);
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> Lrn::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(Tensor yt, Tensor::make(DType::kF64, xt.shape()));
  const int64_t channels = xt.shape().back(), pixels = channels == 0 ? 0 : xt.elements() / channels;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const double* x = xt.data<double>().data() + pixel * channels;
    double* y = yt.mutable_data<double>().data() + pixel * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t first = std::max<int64_t>(0, c - (size - 1) / 2),
                    last = std::min(channels - 1, c + size / 2);
      double sum = 0;
      for (int64_t i = first; i <= last; ++i) sum += x[i] * x[i];
      y[c] = x[c] / std::pow(bias + static_cast<double>(alpha) / static_cast<double>(size) * sum, beta);
    }
  }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Result<Step> lower(const Lrn& op, const Lowering& at) {
  const Shape xs = at.in_shape(0);
  if (!at.all_f32() || xs.elements() == 0) return Lowering::reference();
  const int64_t channels = xs.back(), before = (op.size - 1) / 2, behind = op.size / 2;
  Step step;
  step.kernel = "lrn_f32";
  step.why = format("{} neighbours", op.size);
  step.phases.push_back(divided(
      xs.elements() / channels, channels * (20 + std::min(op.size, channels)),
      [channels, before, behind, bias = op.bias, beta = op.beta,
       factor = op.alpha / static_cast<float>(op.size)](const StepBuffers& buffers, Range pixels) {
        for (auto pixel = static_cast<int64_t>(pixels.begin); pixel < static_cast<int64_t>(pixels.end);
             ++pixel) {
          const float* x = buffers.in<float>(0) + pixel * channels;
          float* y = buffers.out<float>(0) + pixel * channels;
          for (int64_t c = 0; c < channels; ++c) {
            float sum = 0;
            for (int64_t i = std::max<int64_t>(0, c - before); i <= std::min(channels - 1, c + behind); ++i)
              sum += x[i] * x[i];
            const float base = bias + factor * sum;
            y[c] = beta == 0.75f ? x[c] / (std::sqrt(base) * std::sqrt(std::sqrt(base)))
                                 : x[c] / std::pow(base, beta);
          }
        }
      }));
  return step;
}

Result<Facts> LpNormalization::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_float(in[0], "x"));
  if (p != 1 && p != 2) return Error::invalid_model("p is {}, expected 1 or 2", p);
  if (in[0].rank_known() && !normal_axis(axis, in[0].rank()))
    return Error::invalid_model("axis {} is outside the {} axes of x", axis, in[0].rank());
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> LpNormalization::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  const Shape& xs = xt.shape();
  TRY(Tensor yt, Tensor::make(DType::kF64, xs));
  const int at = *normal_axis(axis, xs.rank());
  const int64_t outer = xs.product(0, at), count = xs[at], inner = xs.product(at + 1, xs.rank());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      const double* x = xt.data<double>().data() + o * count * inner + i;
      double* y = yt.mutable_data<double>().data() + o * count * inner + i;
      double sum = 0;
      for (int64_t k = 0; k < count; ++k)
        sum += p == 1 ? std::fabs(x[k * inner]) : x[k * inner] * x[k * inner];
      const double norm = p == 1 ? sum : std::sqrt(sum);
      for (int64_t k = 0; k < count; ++k) y[k * inner] = norm == 0 ? 0 : x[k * inner] / norm;
    }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Result<Facts> MeanVarianceNormalization::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_float(in[0], "x"));
  if (in[0].rank_known())
    for (const int64_t axis : axes)
      if (!normal_axis(axis, in[0].rank()))
        return Error::invalid_model("axis {} is outside the {} axes of x", axis, in[0].rank());
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> MeanVarianceNormalization::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  const Shape& xs = xt.shape();
  TRY(Tensor yt, Tensor::make(DType::kF64, xs));
  Shape kept = xs;
  for (const int64_t axis : axes) kept[*normal_axis(axis, xs.rank())] = 1;
  const Shape kept_strides = kept.strides(), strides = xs.strides();
  const auto group = [&](int64_t element) {
    int64_t index = 0;
    for (int i = 0; i < xs.rank(); ++i)
      if (kept[i] != 1) index += element / strides[i] % xs[i] * kept_strides[i];
    return static_cast<size_t>(index);
  };
  const auto groups = static_cast<size_t>(kept.elements());
  const auto count = static_cast<double>(groups == 0 ? 0 : xs.elements() / kept.elements());
  std::vector<double> mean(groups), variance(groups);
  const auto x = xt.data<double>();
  for (int64_t i = 0; i < xs.elements(); ++i) mean[group(i)] += x[static_cast<size_t>(i)] / count;
  for (int64_t i = 0; i < xs.elements(); ++i) {
    const double d = x[static_cast<size_t>(i)] - mean[group(i)];
    variance[group(i)] += d * d / count;
  }
  for (int64_t i = 0; i < xs.elements(); ++i)
    yt.mutable_data<double>()[static_cast<size_t>(i)] =
        (x[static_cast<size_t>(i)] - mean[group(i)]) / (std::sqrt(variance[group(i)]) + 1e-9);
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace pochade
