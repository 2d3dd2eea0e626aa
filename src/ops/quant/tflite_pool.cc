// Pools, reductions and resizing, as TFLite's reference kernels compute them.

#include <bit>
#include <cmath>

#include "ops/pool/average_pool.h"
#include "ops/pool/pool.h"
#include "ops/quant/tflite_loops.h"
#include "ops/quant/tflite_parts.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

Status expect_same_scale(const Quantized& quantized) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  if (x.scale() == y.scale() && x.zero_point() == y.zero_point()) return {};
  return Error::not_supported("{} has different scales or zero points before and after",
                              quantized.op->name());
}

/// The nearest integer; halves away from zero.
int64_t divide_rounding(int64_t sum, int64_t count) {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

}  // namespace

Status check_quantized_average_pool(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  TRY(expect_same_scale(quantized));
  if (static_cast<const AveragePool&>(*quantized.op).count_include_pad)
    return Error::not_supported("AveragePool of integers counts the padding");
  return expect_bounds(quantized);
}

Result<Tensors> eval_quantized_average_pool(const Quantized& quantized, std::span<const Tensor> in) {
  const auto& pool = static_cast<const AveragePool&>(*quantized.op);
  const Shape& xs = in[0].shape();
  TRY(const WindowAxes axes, resolve_axes(pool.window, pool.kernel, spatial_dims(xs)));
  const std::vector<int64_t> x = to_int64s(in[0]);
  const Shape ys = pool_shape(xs, axes);
  std::vector<int64_t> y(static_cast<size_t>(ys.elements()));
  const IntegerBounds bounds = output_bounds(quantized);
  for_each_pooled(xs, axes, [&](size_t o, int64_t n, int64_t c, int64_t od, int64_t oh, int64_t ow) {
    int64_t sum = 0, count = 0;
    for_each_tap(axes, od, oh, ow, [&](int64_t d, int64_t h, int64_t w) {
      sum += x[pool_index(xs, axes, n, d, h, w, c)];
      ++count;
    });
    const int64_t mean = count == 0 ? quantized.out[0].zero_point() : divide_rounding(sum, count);
    y[o] = bounds.clamp(static_cast<int32_t>(mean));
  });
  TRY(Tensor out, integer_tensor(in[0].dtype(), ys, y));
  return Tensors{out};
}

// Mean and sum: exact sums, then one multiplier that holds the scales and 1 / count.
// ------------------------------------------------------------------------------------------------------

Status check_quantized_mean(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  return expect_no_activation(quantized);
}

FixedPoint mean_multiplier(const Quantized& quantized, int64_t count) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  FixedPoint multiplier = fixed_point(static_cast<double>(x.scale()) / static_cast<double>(y.scale()));
  if (op_as<ReduceMean>(*quantized.op) == nullptr) return multiplier;
  int shift = 63 - std::countl_zero(static_cast<uint64_t>(count));
  shift = std::max(std::min({shift, 32, 31 + multiplier.exponent}), 0);
  multiplier.value = static_cast<int32_t>((int64_t{multiplier.value} << shift) / count);
  multiplier.exponent -= shift;
  return multiplier;
}

Result<Tensors> eval_quantized_mean(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  // The sums are those of the reduction itself, on exact numbers.
  const auto& fields = dynamic_cast<const ReduceFields&>(*quantized.op);
  ReduceSum exact;
  static_cast<ReduceFields&>(exact) = fields;
  Tensors wide(in.begin(), in.end());
  TRY(wide[0], in[0].cast(DType::kI64));
  TRY(const Tensors sums, exact.eval(wide));
  const int64_t outputs = sums[0].elements();
  const int64_t count = outputs == 0 ? 0 : in[0].elements() / outputs;
  if (count == 0) return Tensors{sums[0].cast(in[0].dtype()).value()};

  const FixedPoint multiplier = mean_multiplier(quantized, count);
  const IntegerBounds bounds = output_bounds(quantized);
  return map_integers(quantized, sums[0], [&](int32_t sum) {
    const int32_t centred = wrap_int32(sum - count * x.zero_point());
    return bounds.clamp(wrap_int32(int64_t{multiply(centred, multiplier)} + y.zero_point()));
  });
}

// Resize.
// ------------------------------------------------------------------------------------------------------

namespace {

using Coordinates = Resize::Coordinates;

int64_t blend(const int64_t corner[4], const BetweenIntegers& y, const BetweenIntegers& x) {
  const int64_t dy = y.place - 1024 * y.first, dx = x.place - 1024 * x.first;
  const int64_t sum = corner[0] * (1024 - dy) * (1024 - dx) + corner[1] * (1024 - dy) * dx +
                      corner[2] * dy * (1024 - dx) + corner[3] * dy * dx;
  constexpr int64_t kOne = 1 << 20;
  return (sum + (sum > 0 ? kOne / 2 : -kOne / 2)) / kOne;
}

int64_t blend(const int64_t corner[4], const BetweenFloats& y, const BetweenFloats& x) {
  const float dy = y.place - static_cast<float>(y.first), dx = x.place - static_cast<float>(x.first);
  const auto at = [&](int k) { return static_cast<float>(corner[k]); };
  const float sum =
      at(0) * (1 - dy) * (1 - dx) + at(2) * dy * (1 - dx) + at(1) * (1 - dy) * dx + at(3) * dy * dx + 0.5f;
  return static_cast<int64_t>(sum);
}

/// x: N, H, W, C; the axes of `rows` and `columns` change.
template <typename Number>
void resize_bilinear(std::span<const int64_t> x, const Shape& xs, std::span<const Between<Number>> rows,
                     std::span<const Between<Number>> columns, std::vector<int64_t>& y) {
  const int64_t width = xs[2], channels = xs[3];
  size_t o = 0;
  for (int64_t n = 0; n < xs[0]; ++n)
    for (const Between<Number>& row : rows)
      for (const Between<Number>& column : columns) {
        const auto base = [&](int64_t h, int64_t w) { return ((n * xs[1] + h) * width + w) * channels; };
        const int64_t places[] = {base(row.first, column.first), base(row.first, column.second),
                                  base(row.second, column.first), base(row.second, column.second)};
        for (int64_t c = 0; c < channels; ++c) {
          int64_t corner[4];
          for (int k = 0; k < 4; ++k) corner[k] = x[static_cast<size_t>(places[k] + c)];
          y[o++] = blend(corner, row, column);
        }
      }
}

}  // namespace

BetweenIntegers between_integers(int64_t i, const ResizeAxis& axis, Resize::Coordinates coordinates) {
  int64_t scale = (1024 * axis.in + axis.out / 2) / axis.out;
  if (coordinates == Coordinates::kAlignCorners && axis.out > 1)
    scale = (1024 * (axis.in - 1) + (axis.out - 1) / 2) / (axis.out - 1);
  int64_t place = i * scale;
  if (coordinates == Coordinates::kHalfPixel) place += scale / 2 - 512;
  return {std::max<int64_t>(place / 1024, 0), std::min((place + 1023) / 1024, axis.in - 1), place};
}

BetweenFloats between_floats(int64_t i, const ResizeAxis& axis, Resize::Coordinates coordinates) {
  float scale = static_cast<float>(axis.in) / static_cast<float>(axis.out);
  if (coordinates == Coordinates::kAlignCorners && axis.out > 1)
    scale = static_cast<float>(axis.in - 1) / static_cast<float>(axis.out - 1);
  float place = static_cast<float>(i) * scale;
  if (coordinates == Coordinates::kHalfPixel) place = (static_cast<float>(i) + 0.5f) * scale - 0.5f;
  return {std::max<int64_t>(static_cast<int64_t>(std::floor(place)), 0),
          std::min(static_cast<int64_t>(std::ceil(place)), axis.in - 1), place};
}

Status check_quantized_resize(const Quantized& quantized, std::span<const Fact> in) {
  const auto& resize = static_cast<const Resize&>(*quantized.op);
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  TRY(expect_same_scale(quantized));
  TRY(expect_no_activation(quantized));
  if (resize.mode == Resize::Mode::kNearest) return {};
  TRY(expect_rank(in[0], "x", 4, 4));
  const bool known = resize.coordinates == Coordinates::kHalfPixel ||
                     resize.coordinates == Coordinates::kAlignCorners ||
                     resize.coordinates == Coordinates::kAsymmetric;
  if (resize.mode != Resize::Mode::kLinear || resize.antialias || resize.exclude_outside || !known)
    return Error::not_supported("Resize in the mode {} with coordinates {} has no integer arithmetic",
                                resize.mode, resize.coordinates);
  return {};
}

Result<Tensors> eval_quantized_resize(const Quantized& quantized, std::span<const Tensor> in) {
  const auto& resize = static_cast<const Resize&>(*quantized.op);
  if (resize.mode == Resize::Mode::kNearest) return eval_quantized_move(quantized, in);
  const Shape& xs = in[0].shape();
  const auto optional = [&](size_t i) { return i < in.size() ? in[i] : Tensor(); };
  TRY(const std::vector<ResizeAxis> axes, resize_axes(resize, xs, optional(1), optional(2), optional(3)));
  ResizeAxis rows{1, xs[1], xs[1], 1, {}, {}, {}}, columns{2, xs[2], xs[2], 1, {}, {}, {}};
  for (const ResizeAxis& axis : axes) {
    if (axis.axis == 1) rows = axis;
    if (axis.axis == 2) columns = axis;
    if (axis.axis != 1 && axis.axis != 2 && axis.in != axis.out)
      return Error::not_supported("bilinear resizing of axis {}, expected 1 and 2 only", axis.axis);
  }
  Shape ys = xs;
  ys[1] = rows.out;
  ys[2] = columns.out;
  const std::vector<int64_t> x = to_int64s(in[0]);
  std::vector<int64_t> y(static_cast<size_t>(ys.elements()));
  const auto run = [&]<typename Number>(auto&& between) {
    std::vector<Between<Number>> h, w;
    for (int64_t i = 0; i < rows.out; ++i) h.push_back(between(i, rows, resize.coordinates));
    for (int64_t i = 0; i < columns.out; ++i) w.push_back(between(i, columns, resize.coordinates));
    if (xs.elements() > 0) resize_bilinear<Number>(x, xs, h, w, y);
  };
  if (in[0].dtype() == DType::kU8)
    run.template operator()<float>(between_floats);
  else
    run.template operator()<int64_t>(between_integers);
  TRY(Tensor out, integer_tensor(in[0].dtype(), ys, y));
  return Tensors{out};
}

}  // namespace pochade
