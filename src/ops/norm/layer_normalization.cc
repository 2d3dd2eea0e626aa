#include "ops/norm/layer_normalization.h"

#include <cmath>

#include "ops/norm/norm.h"

namespace pochade {
namespace {

/// Index into `parameter` (dense, broadcast to the last axes of x) of element `i` of the normalised axes.
int64_t broadcast_index(const Shape& parameter, const Shape& x, int64_t i) {
  int64_t index = 0, step = 1;
  for (int axis = x.rank() - 1, p = parameter.rank() - 1; p >= 0; --axis, --p) {
    if (parameter[p] != 1) index += i % x[axis] * step;
    step *= parameter[p];
    i /= x[axis];
  }
  return index;
}

}  // namespace

Result<Facts> LayerNormalization::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 3));
  TRY(expect_float(in[0], "x"));
  const bool has_bias = in.size() > 2 && in[2].present();
  TRY(expect_dtype(in[1], "scale", {*in[0].dtype}));
  if (has_bias) TRY(expect_dtype(in[2], "bias", {*in[0].dtype}));
  Facts out{Fact(*in[0].dtype, in[0].dims)};
  std::optional<Dims> statistics = in[0].dims;
  if (in[0].rank_known()) {
    const auto first = normal_axis(axis, in[0].rank());
    if (!first) return Error::invalid_model("axis {} is outside the {} axes of x", axis, in[0].rank());
    const Fact inner(*in[0].dtype, Dims(in[0].dims->begin() + *first, in[0].dims->end()));
    for (size_t i = 1; i < (has_bias ? 3u : 2u); ++i) {
      TRY(const auto dims, broadcast(std::array{inner, in[i]}).context(i == 1 ? "scale" : "bias"));
      const Fact together(*in[0].dtype, dims);
      if (dims && inner.shape() && together.shape() && *inner.shape() != *together.shape())
        return Error::invalid_model("{} is larger than the normalised axes of x", i == 1 ? "scale" : "bias");
    }
    for (auto i = static_cast<size_t>(*first); i < statistics->size(); ++i) (*statistics)[i] = 1;
  }
  if (with_statistics) {
    out.emplace_back(statistics_dtype, statistics);
    out.emplace_back(statistics_dtype, statistics);
  }
  return out;
}

Result<Tensors> LayerNormalization::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor scale, in[1].cast(DType::kF64));
  Tensor bias;
  if (in.size() > 2 && in[2].defined()) {
    TRY(bias, in[2].cast(DType::kF64));
  }
  const Shape& xs = xt.shape();
  const int first = *normal_axis(axis, xs.rank());
  const int64_t rows = xs.product(0, first), columns = xs.product(first, xs.rank());
  Shape statistics_shape = xs;
  for (int i = first; i < xs.rank(); ++i) statistics_shape[i] = 1;
  TRY(Tensor yt, Tensor::make(DType::kF64, xs));
  TRY(Tensor mean, Tensor::make(DType::kF64, statistics_shape));
  TRY(Tensor inverse, Tensor::make(DType::kF64, statistics_shape));
  for (int64_t r = 0; r < rows; ++r) {
    const double* x = xt.data<double>().data() + r * columns;
    double* y = yt.mutable_data<double>().data() + r * columns;
    const Moments row = moments(x, columns, 1);
    const double inverse_deviation = 1 / std::sqrt(row.variance + epsilon);
    mean.mutable_data<double>()[static_cast<size_t>(r)] = row.mean;
    inverse.mutable_data<double>()[static_cast<size_t>(r)] = inverse_deviation;
    for (int64_t i = 0; i < columns; ++i) {
      y[i] = (x[i] - row.mean) * inverse_deviation *
             scale.data<double>()[static_cast<size_t>(broadcast_index(scale.shape(), xs, i))];
      if (bias.defined())
        y[i] += bias.data<double>()[static_cast<size_t>(broadcast_index(bias.shape(), xs, i))];
    }
  }
  Tensors out(1);
  TRY(out[0], yt.cast(in[0].dtype()));
  if (with_statistics) {
    out.resize(3);
    TRY(out[1], mean.cast(statistics_dtype));
    TRY(out[2], inverse.cast(statistics_dtype));
  }
  return out;
}

}  // namespace pochade
