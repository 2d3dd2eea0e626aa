#include "ops/pool/average_pool.h"

#include <cmath>

#include "ops/pool/pool.h"

namespace pochade {
namespace {

/// Taps that lie in the input or its padding: what count_include_pad divides by.
int64_t padded_taps(const WindowAxis& axis, int64_t o) {
  int64_t taps = 0;
  for (int64_t k = 0; k < axis.kernel; ++k) taps += axis.at(o, k) < axis.in + axis.pad_end;
  return taps;
}

Result<Facts> infer_pool(std::span<const Fact> in, const Window& window, std::span<const int64_t> kernel) {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(auto dims, pool_dims(in[0], window, kernel));
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

/// y = finish(sum of take(x) over the window, taps inside, window's place)
template <typename Take, typename Finish>
Result<Tensors> pool_sums(const Tensor& in, const Window& window, std::span<const int64_t> kernel, Take take,
                          Finish finish) {
  const Shape& xs = in.shape();
  TRY(const Tensor xt, in.cast(DType::kF64));
  TRY(const WindowAxes axes, resolve_axes(window, kernel, spatial_dims(xs)));
  TRY(Tensor yt, Tensor::make(DType::kF64, pool_shape(xs, axes)));
  const auto x = xt.data<double>();
  const auto y = yt.mutable_data<double>();
  for_each_pooled(xs, axes, [&](size_t o, int64_t n, int64_t c, int64_t od, int64_t oh, int64_t ow) {
    double sum = 0;
    int64_t taps = 0;
    for_each_tap(axes, od, oh, ow, [&](int64_t d, int64_t h, int64_t w) {
      sum += take(x[pool_index(xs, axes, n, d, h, w, c)]);
      ++taps;
    });
    y[o] = finish(sum, taps, axes, od, oh, ow);
  });
  TRY(Tensor out, yt.cast(in.dtype()));
  return Tensors{out};
}

}  // namespace

Result<Facts> AveragePool::infer(std::span<const Fact> in) const {
  return infer_pool(in, window, kernel);
}

Result<Tensors> AveragePool::eval(std::span<const Tensor> in) const {
  return pool_sums(
      in[0], window, kernel, [](double x) { return x; },
      [&](double sum, int64_t taps, const WindowAxes& axes, int64_t od, int64_t oh, int64_t ow) {
        if (count_include_pad)
          taps = padded_taps(axes[0], od) * padded_taps(axes[1], oh) * padded_taps(axes[2], ow);
        return taps == 0 ? 0.0 : sum / static_cast<double>(taps);
      });
}

Result<Facts> LpPool::infer(std::span<const Fact> in) const {
  if (p < 1) return Error::invalid_model("p is {}, expected at least 1", p);
  return infer_pool(in, window, kernel);
}

Result<Tensors> LpPool::eval(std::span<const Tensor> in) const {
  const auto power = static_cast<double>(p);
  return pool_sums(
      in[0], window, kernel, [&](double x) { return std::pow(std::fabs(x), power); },
      [&](double sum, int64_t, const WindowAxes&, int64_t, int64_t, int64_t) {
        return std::pow(sum, 1 / power);
      });
}

}  // namespace pochade
