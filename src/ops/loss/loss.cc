#include "ops/loss/loss.h"

#include <algorithm>
#include <cmath>

namespace pochade {
namespace {

Result<Fact> infer_loss(const LossFields& loss, std::span<const Fact> in) {
  TRY(expect_inputs(in, 2, 3));
  const Fact &x = in[0], &target = in[1];
  TRY(expect_dtype(x, "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_dtype(target, "target", {DType::kI32, DType::kI64}));
  TRY(expect_rank(x, "x", 2, kMaxRank));
  if (x.dims) {
    TRY(expect_rank(target, "target", x.rank() - 1, x.rank() - 1));
    for (int i = 0; target.dims && i < target.rank(); ++i) {
      const Dim& expected = x.dim(i == 0 ? 0 : i + 1);
      if (expected.is_number() && target.dim(i).is_number() && target.dim(i) != expected)
        return Error::invalid_model("target is {} for x of {}", join(*target.dims, "x"), join(*x.dims, "x"));
    }
  }
  if (in.size() > 2 && in[2].present()) {
    TRY(expect_dtype(in[2], "weight", {*x.dtype}));
    TRY(expect_rank(in[2], "weight", 1, 1));
    if (x.dims && in[2].dims && x.dim(1).is_number() && in[2].dim(0).is_number() && x.dim(1) != in[2].dim(0))
      return Error::invalid_model("{} weights for {} classes", in[2].dim(0).number(), x.dim(1).number());
  }
  if (loss.reduction != LossReduction::kEach) return Fact(*x.dtype, Shape{});
  return Fact(*x.dtype, target.dims);
}

/// `x` holds log-probabilities as double.
Result<Tensor> eval_loss(const LossFields& loss, const Tensor& x, std::span<const Tensor> in, DType dtype) {
  const int64_t classes = x.shape()[1], inner = x.shape().product(2, x.rank());
  const std::vector<int64_t> targets = to_int64s(in[1]);
  Tensor weights;
  if (in.size() > 2 && in[2].defined()) {
    TRY(weights, in[2].cast(DType::kF64));
  }
  TRY(Tensor losses, Tensor::make(DType::kF64, in[1].shape()));
  double sum = 0, weight_sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const int64_t target = targets[i];
    if (loss.has_ignore_index && target == loss.ignore_index) continue;
    if (target < 0 || target >= classes)
      return Error::invalid_argument("target {} is no class of {}", target, classes);
    const double weight = weights.defined() ? weights.data<double>()[static_cast<size_t>(target)] : 1;
    const auto position = static_cast<int64_t>(i);
    const int64_t at = (position / inner * classes + target) * inner + position % inner;
    losses.mutable_data<double>()[i] = -weight * x.data<double>()[static_cast<size_t>(at)];
    sum += losses.data<double>()[i];
    weight_sum += weight;
  }
  switch (loss.reduction) {
    case LossReduction::kEach:
      return losses.cast(dtype);
    case LossReduction::kSum:
      return Tensor::scalar(sum).cast(dtype);
    case LossReduction::kMean:
      return Tensor::scalar(sum / weight_sum).cast(dtype);
  }
  return losses;
}

}  // namespace

std::string_view to_string(LossReduction reduction) {
  switch (reduction) {
    case LossReduction::kEach:
      return "none";
    case LossReduction::kSum:
      return "sum";
    case LossReduction::kMean:
      return "mean";
  }
  return "";
}

Result<Facts> NegativeLogLikelihoodLoss::infer(std::span<const Fact> in) const {
  TRY(Fact out, infer_loss(loss, in));
  return Facts{std::move(out)};
}

Result<Tensors> NegativeLogLikelihoodLoss::eval(std::span<const Tensor> in) const {
  TRY(const Tensor x, in[0].cast(DType::kF64));
  TRY(Tensor out, eval_loss(loss, x, in, in[0].dtype()));
  return Tensors{std::move(out)};
}

Result<Facts> SoftmaxCrossEntropyLoss::infer(std::span<const Fact> in) const {
  TRY(Fact out, infer_loss(loss, in));
  return Facts{std::move(out), Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> SoftmaxCrossEntropyLoss::eval(std::span<const Tensor> in) const {
  TRY(Tensor scores, in[0].cast(DType::kF64));
  TRY(Tensor x, Tensor::make(DType::kF64, scores.shape()));
  const int64_t outer = x.shape()[0], classes = x.shape()[1], inner = x.shape().product(2, x.rank());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      const double* from = scores.data<double>().data() + o * classes * inner + i;
      double* to = x.mutable_data<double>().data() + o * classes * inner + i;
      double most = -INFINITY, sum = 0;
      for (int64_t c = 0; c < classes; ++c) most = std::max(most, from[c * inner]);
      for (int64_t c = 0; c < classes; ++c) sum += std::exp(from[c * inner] - most);
      for (int64_t c = 0; c < classes; ++c) to[c * inner] = from[c * inner] - most - std::log(sum);
    }
  TRY(Tensor out, eval_loss(loss, x, in, in[0].dtype()));
  TRY(Tensor log_probabilities, x.cast(in[0].dtype()));
  return Tensors{std::move(out), std::move(log_probabilities)};
}

}  // namespace pochade
