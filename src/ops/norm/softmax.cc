#include "ops/norm/softmax.h"

#include <cmath>

#include "ops/norm/norm.h"

namespace pochade {
namespace {

Result<Facts> infer_softmax(std::span<const Fact> in, int64_t axis, bool to_end) {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_float(in[0], "x"));
  // Flattening allows an axis behind the last one.
  if (in[0].rank_known() && !normal_axis(axis, in[0].rank()) && !(to_end && axis == in[0].rank()) &&
      in[0].rank() > 0)
    return Error::invalid_model("axis {} is outside the {} axes of x", axis, in[0].rank());
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

/// Calls f(first, count, stride) for each set of elements that sum to one.
template <typename F>
void for_each_row(const Shape& x, int64_t axis, bool to_end, F&& f) {
  if (x.elements() == 0) return;
  const int at = axis == x.rank() ? x.rank() : x.rank() == 0 ? 0 : *normal_axis(axis, x.rank());
  const int behind = to_end || x.rank() == 0 ? x.rank() : at + 1;
  const int64_t outer = x.product(0, at), count = x.product(at, behind), inner = x.product(behind, x.rank());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) f(o * count * inner + i, count, inner);
}

Result<Tensors> eval_softmax(const Tensor& in, int64_t axis, bool to_end, bool log) {
  TRY(const Tensor xt, in.cast(DType::kF64));
  TRY(Tensor yt, Tensor::make(DType::kF64, xt.shape()));
  for_each_row(xt.shape(), axis, to_end, [&](int64_t first, int64_t count, int64_t stride) {
    const double* x = xt.data<double>().data() + first;
    double* y = yt.mutable_data<double>().data() + first;
    double most = x[0], sum = 0;
    for (int64_t i = 0; i < count; ++i)
      if (x[i * stride] > most || std::isnan(x[i * stride])) most = x[i * stride];
    for (int64_t i = 0; i < count; ++i) sum += std::exp(x[i * stride] - most);
    for (int64_t i = 0; i < count; ++i) {
      const double shifted = x[i * stride] - most;
      y[i * stride] = log ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  });
  TRY(Tensor out, yt.cast(in.dtype()));
  return Tensors{out};
}

}  // namespace

Result<Facts> Softmax::infer(std::span<const Fact> in) const {
  return infer_softmax(in, axis, to_end);
}
Result<Tensors> Softmax::eval(std::span<const Tensor> in) const {
  return eval_softmax(in[0], axis, to_end, false);
}
Result<Facts> LogSoftmax::infer(std::span<const Fact> in) const {
  return infer_softmax(in, axis, to_end);
}
Result<Tensors> LogSoftmax::eval(std::span<const Tensor> in) const {
  return eval_softmax(in[0], axis, to_end, true);
}

}  // namespace pochade
