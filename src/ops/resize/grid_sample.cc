#include "ops/resize/grid_sample.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pochade {
namespace {

/// Mirrors `x` at both ends of [low, high] until it is inside.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0) || !std::isfinite(x)) return low;
  const double past = x < low ? low - x : x - high;
  if (past < 0) return x;
  const double turns = std::floor(past / range), rest = past - turns * range;
  const bool even = std::fmod(turns, 2) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

double cubic(double d) {
  constexpr double a = -0.75;
  d = std::fabs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/// What one axis contributes: up to 4 elements; index -1 is a zero.
struct Taps {
  int count = 0;
  std::array<int64_t, 4> index{};
  std::array<double, 4> weight{};
};

Taps taps_at(const GridSample& op, double grid, int64_t size) {
  using Mode = GridSample::Mode;
  using Padding = GridSample::Padding;
  const auto n = static_cast<double>(size);
  const double low = op.align_corners ? 0 : -0.5, high = op.align_corners ? n - 1 : n - 0.5;
  double x = op.align_corners ? (grid + 1) / 2 * (n - 1) : ((grid + 1) * n - 1) / 2;
  if (op.mode == Mode::kNearest) x = std::nearbyint(x);
  if (std::isnan(x)) x = op.padding == Padding::kZeros ? -10 : 0;
  if (x < low || x > high) {
    // A cubic curve goes on outside; its taps see the border.
    if (op.padding == Padding::kBorder && op.mode != Mode::kCubic) x = std::clamp(x, 0.0, n - 1);
    if (op.padding == Padding::kReflection) x = reflect(x, low, high);
  }
  const auto place = [&](double at) -> int64_t {
    if (at >= 0 && at <= n - 1) return static_cast<int64_t>(at);
    switch (op.padding) {
      case Padding::kZeros:
        return -1;
      case Padding::kBorder:
        return at < 0 ? 0 : size - 1;
      case Padding::kReflection:
        return static_cast<int64_t>(std::clamp(reflect(at, low, high), 0.0, n - 1));
    }
    return -1;
  };
  Taps taps;
  const double base = std::floor(x), ratio = x - base;
  switch (op.mode) {
    case Mode::kNearest:
      taps.count = 1;
      taps.index[0] = place(x);
      taps.weight[0] = 1;
      break;
    case Mode::kLinear:
      taps.count = 2;
      for (int i = 0; i < 2; ++i) {
        taps.index[static_cast<size_t>(i)] = place(base + i);
        taps.weight[static_cast<size_t>(i)] = i == 0 ? 1 - ratio : ratio;
      }
      break;
    case Mode::kCubic:
      taps.count = 4;
      for (int i = 0; i < 4; ++i) {
        taps.index[static_cast<size_t>(i)] = place(base + i - 1);
        taps.weight[static_cast<size_t>(i)] = cubic(ratio - (i - 1));
      }
      break;
  }
  return taps;
}

}  // namespace

std::string_view to_string(GridSample::Mode mode) {
  switch (mode) {
    case GridSample::Mode::kLinear:
      return "linear";
    case GridSample::Mode::kNearest:
      return "nearest";
    case GridSample::Mode::kCubic:
      return "cubic";
  }
  return "";
}

std::string_view to_string(GridSample::Padding padding) {
  switch (padding) {
    case GridSample::Padding::kZeros:
      return "zeros";
    case GridSample::Padding::kBorder:
      return "border";
    case GridSample::Padding::kReflection:
      return "reflection";
  }
  return "";
}

Result<Facts> GridSample::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  const Fact &x = in[0], &grid = in[1];
  TRY(expect_dtype(x, "x",
                   {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI8, DType::kU8, DType::kI32,
                    DType::kI64}));
  TRY(expect_dtype(grid, "grid", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_rank(x, "x", 4, 5));
  TRY(expect_rank(grid, "grid", 4, 5));
  if (!x.rank_known() || !grid.rank_known()) return Facts{Fact(*x.dtype, std::optional<Dims>())};
  if (x.rank() != grid.rank())
    return Error::invalid_model("x has rank {} but the grid has rank {}", x.rank(), grid.rank());
  const Dim& last = grid.dims->back();
  if (last.is_number() && !last.is(x.rank() - 2))
    return Error::invalid_model("the grid has {} coordinates, expected {}", last.number(), x.rank() - 2);
  if (x.dim(0).is_number() && grid.dim(0).is_number() && x.dim(0) != grid.dim(0))
    return Error::invalid_model("{} pictures but {} grids", x.dim(0).number(), grid.dim(0).number());
  for (int i = 1; i + 1 < x.rank(); ++i)
    if (x.dim(i).is(0)) return Error::invalid_model("x is empty");
  Dims dims = *grid.dims;
  if (x.dim(0).is_number()) dims[0] = x.dim(0);
  dims.back() = x.dims->back();
  return Facts{Fact(*x.dtype, std::move(dims))};
}

Result<Tensors> GridSample::eval(std::span<const Tensor> in) const {
  TRY(const Tensor xt, in[0].cast(DType::kF64));
  TRY(const Tensor gt, in[1].cast(DType::kF64));
  const Shape &xs = xt.shape(), &gs = gt.shape();
  const int axes = xs.rank() - 2;
  Shape ys = gs;
  ys[ys.rank() - 1] = xs.back();
  TRY(Tensor yt, Tensor::make(DType::kF64, ys));
  const int64_t channels = xs.back(), points = gs.product(1, gs.rank() - 1),
                pixels = xs.product(1, xs.rank() - 1);
  const double* grid = gt.data<double>().data();
  double* y = yt.mutable_data<double>().data();
  for (int64_t n = 0; n < gs[0]; ++n)
    for (int64_t point = 0; point < points; ++point, grid += axes, y += channels) {
      // Depth, height, width; a picture has one plane.
      std::array<Taps, 3> taps{};
      std::array<int64_t, 3> size{1, 1, 1};
      taps[0] = {1, {0}, {1}};
      for (int i = 0; i < axes; ++i) {
        const auto axis = static_cast<size_t>(3 - axes + i);
        size[axis] = xs[i + 1];
        taps[axis] = taps_at(*this, grid[axes - 1 - i], size[axis]);
      }
      for (int d = 0; d < taps[0].count; ++d)
        for (int h = 0; h < taps[1].count; ++h)
          for (int w = 0; w < taps[2].count; ++w) {
            const auto index = [&](size_t axis, int t) { return taps[axis].index[static_cast<size_t>(t)]; };
            if (index(0, d) < 0 || index(1, h) < 0 || index(2, w) < 0) continue;
            const double weight = taps[0].weight[static_cast<size_t>(d)] *
                                  taps[1].weight[static_cast<size_t>(h)] *
                                  taps[2].weight[static_cast<size_t>(w)];
            const int64_t pixel = (index(0, d) * size[1] + index(1, h)) * size[2] + index(2, w);
            const double* x = xt.data<double>().data() + (n * pixels + pixel) * channels;
            for (int64_t c = 0; c < channels; ++c) y[c] += weight * x[c];
          }
    }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Result<Facts> AffineGrid::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  const Fact& theta = in[0];
  TRY(expect_dtype(theta, "theta", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_dtype(in[1], "size", {DType::kI64}));
  TRY(expect_rank(theta, "theta", 3, 3));
  TRY(expect_rank(in[1], "size", 1, 1));
  const auto size = constant_ints(in[1]);
  if (!theta.rank_known() || !theta.dim(1).is_number())
    return Facts{Fact(*theta.dtype, std::optional<Dims>())};
  const int64_t axes = theta.dim(1).number();
  if (axes != 2 && axes != 3) return Error::invalid_model("theta has {} rows, expected 2 or 3", axes);
  if (theta.dim(2).is_number() && !theta.dim(2).is(axes + 1))
    return Error::invalid_model("theta is {}x{}, expected {}x{}", axes, theta.dim(2).number(), axes,
                                axes + 1);
  Dims dims(static_cast<size_t>(axes) + 2);
  dims[0] = theta.dim(0);
  dims.back() = axes;
  if (size) {
    if (static_cast<int64_t>(size->size()) != axes + 2)
      return Error::invalid_model("size has {} values, expected {}", size->size(), axes + 2);
    for (size_t i = 0; i < size->size(); ++i) {
      if ((*size)[i] < 0) return Error::invalid_model("size holds {}", (*size)[i]);
      if (i >= 2) dims[i - 1] = (*size)[i];
    }
    if (theta.dim(0).is_number() && !theta.dim(0).is((*size)[0]))
      return Error::invalid_model("{} maps for {} pictures", theta.dim(0).number(), (*size)[0]);
  }
  return Facts{Fact(*theta.dtype, std::move(dims))};
}

Result<Tensors> AffineGrid::eval(std::span<const Tensor> in) const {
  TRY(const Facts facts, infer(Facts{Fact(in[0].dtype(), in[0].shape()), Fact(in[1])}));
  const Shape ys = *facts[0].shape();
  TRY(const Tensor theta, in[0].cast(DType::kF64));
  TRY(Tensor yt, Tensor::make(DType::kF64, ys));
  const int64_t axes = ys.back(), points = ys.product(1, ys.rank() - 1);
  double* y = yt.mutable_data<double>().data();
  for (int64_t n = 0; n < ys[0]; ++n)
    for (int64_t point = 0; point < points; ++point) {
      std::array<double, 3> at{};  // x, y, z
      int64_t rest = point;
      for (int i = 0; i < axes; ++i) {
        const int64_t size = ys[ys.rank() - 2 - i], k = rest % size;
        rest /= size;
        const auto steps = static_cast<double>(size);
        if (align_corners)
          at[static_cast<size_t>(i)] = size > 1 ? 2.0 * static_cast<double>(k) / (steps - 1) - 1 : 0;
        else
          at[static_cast<size_t>(i)] = (2.0 * static_cast<double>(k) + 1) / steps - 1;
      }
      for (int64_t row = 0; row < axes; ++row) {
        const double* map = theta.data<double>().data() + (n * axes + row) * (axes + 1);
        double sum = map[axes];
        for (int64_t i = 0; i < axes; ++i) sum += map[i] * at[static_cast<size_t>(i)];
        *y++ = sum;
      }
    }
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace pochade
