#include "ops/pool/global_pool.h"

#include <cmath>
#include <limits>

namespace pochade {
namespace {

Result<Facts> infer_global(std::span<const Fact> in) {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_rank(in[0], "x", 2, kMaxRank));
  auto dims = in[0].dims;
  if (dims)
    for (size_t i = 1; i + 1 < dims->size(); ++i) (*dims)[i] = 1;
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

/// y = finish(add(...add(start, x0)..., xn), pixels) of each channel of each image.
template <typename Add, typename Finish>
Result<Tensors> reduce_pixels(const Tensor& in, double start, Add add, Finish finish) {
  TRY(const Tensor xt, in.cast(DType::kF64));
  Shape ys = in.shape();
  const int64_t images = ys[0], channels = ys.back(), pixels = ys.product(1, ys.rank() - 1);
  for (int i = 1; i + 1 < ys.rank(); ++i) ys[i] = 1;
  TRY(Tensor yt, Tensor::make(DType::kF64, ys));
  const double* x = xt.data<double>().data();
  for (int64_t n = 0; n < images; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      double value = start;
      for (int64_t p = 0; p < pixels; ++p) value = add(value, x[(n * pixels + p) * channels + c]);
      yt.mutable_data<double>()[static_cast<size_t>(n * channels + c)] =
          finish(value, static_cast<double>(pixels));
    }
  TRY(Tensor out, yt.cast(in.dtype()));
  return Tensors{out};
}

}  // namespace

Result<Facts> GlobalAveragePool::infer(std::span<const Fact> in) const {
  return infer_global(in);
}
Result<Facts> GlobalMaxPool::infer(std::span<const Fact> in) const {
  return infer_global(in);
}
Result<Facts> GlobalLpPool::infer(std::span<const Fact> in) const {
  if (p < 1) return Error::invalid_model("p is {}, expected at least 1", p);
  return infer_global(in);
}

Result<Tensors> GlobalAveragePool::eval(std::span<const Tensor> in) const {
  return reduce_pixels(
      in[0], 0, [](double sum, double x) { return sum + x; },
      [](double sum, double pixels) { return sum / pixels; });
}

Result<Tensors> GlobalMaxPool::eval(std::span<const Tensor> in) const {
  return reduce_pixels(
      in[0], -std::numeric_limits<double>::infinity(),
      [](double best, double x) { return x > best || std::isnan(x) ? x : best; },
      [](double best, double) { return best; });
}

Result<Tensors> GlobalLpPool::eval(std::span<const Tensor> in) const {
  const auto power = static_cast<double>(p);
  return reduce_pixels(
      in[0], 0, [&](double sum, double x) { return sum + std::pow(std::fabs(x), power); },
      [&](double sum, double) { return std::pow(sum, 1 / power); });
}

}  // namespace pochade
