// Quantized pools, reductions, resizing and fully connected layers on the CPU.

#include <cmath>
#include <cstring>

#include "kernels/quantized_args.h"
#include "ops/matrix/gemm.h"
#include "ops/phases.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/quant/tflite_parts.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

bool is_plain_tflite(const Quantized& quantized, const Lowering& at) {
  return quantized.rounding == Rounding::kTflite && is_plain_bytes(quantized, at);
}

/// The same of int16.
bool is_plain_wide(const Quantized& quantized, const Lowering& at) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  return quantized.rounding == Rounding::kTflite && x.dtype == DType::kI16 && y.dtype == DType::kI16 &&
         at.in_shape(0).elements() > 0 && at.out_shape(0).elements() > 0;
}

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

/// Empty if the window is deep.
std::optional<PoolArgs> window_of(const Shape& xs, const WindowAxes& axes) {
  const auto& [d, h, w] = axes;
  if (d.kernel != 1 || d.stride != 1 || d.pad_begin != 0 || d.pad_end != 0) return std::nullopt;
  PoolArgs args;
  args.batch = size(xs[0] * d.in);
  args.height = size(h.in);
  args.width = size(w.in);
  args.channels = size(xs.back());
  args.out_height = size(h.out);
  args.out_width = size(w.out);
  args.kernel_h = size(h.kernel);
  args.kernel_w = size(w.kernel);
  args.stride_h = size(h.stride);
  args.stride_w = size(w.stride);
  args.dilation_h = size(h.dilation);
  args.dilation_w = size(w.dilation);
  args.pad_top = h.pad_begin;
  args.pad_left = w.pad_begin;
  return args;
}

Result<Step> pool_step(const Quantized& quantized, const Lowering& at, const Window& window,
                       std::span<const int64_t> kernel, bool average, bool count_padding) {
  TRY(const WindowAxes axes, resolve_axes(window, kernel, spatial_dims(at.in_shape(0))));
  const auto args = window_of(at.in_shape(0), axes);
  const IntegerBounds bounds = output_bounds(quantized);
  // The mean of 8-bit values is exact in single precision up to here.
  const bool wide = quantized.in[0].dtype == DType::kI16;
  if (!args || args->kernel_h * args->kernel_w > (wide ? 32767 : 65536)) return Lowering::reference();
  const Type &from = quantized.in[0], &to = quantized.out[0];
  const bool real = average && quantized.rounding == Rounding::kOnnx;
  const QuantizedPoolArgs pool{.window = *args,
                               .x = nullptr,
                               .y = nullptr,
                               .is_signed = from.dtype == DType::kI8,
                               .empty = average ? to.zero_point() : bounds.low,
                               .low = bounds.low,
                               .high = bounds.high,
                               .wide = wide,
                               .real = real,
                               .count_padding = count_padding,
                               .x_zero = from.zero_point(),
                               .zero = to.zero_point(),
                               .scale = from.scale() / to.scale()};
  const auto run = average ? at.kernels.quantized->average_pool : at.kernels.quantized->max_pool;
  Step step;
  step.kernel = format("{}_pool_{}", average ? "average" : "max", wide ? 16 : 8);
  step.why = real ? "2-D window, real scales" : "2-D window";
  const size_t cost = args->out_width * args->channels * args->kernel_h * args->kernel_w / 4 + 1;
  step.phases.push_back(divided(static_cast<int64_t>(args->batch * args->out_height),
                                static_cast<int64_t>(cost), [run, pool](const StepBuffers& b, Range rows) {
                                  QuantizedPoolArgs own = pool;
                                  own.x = b.inputs[0];
                                  own.y = b.outputs[0];
                                  run(own, rows);
                                }));
  return step;
}

// Mean and sum: exact sums of blocks of rows, then one multiplier.
// ------------------------------------------------------------------------------------------------------

/// x as outer, rows, inner, where the rows go.
struct Reduced {
  int64_t outer = 1, rows = 1, inner = 1;
};

/// Empty unless the reduced axes are neighbours.
std::optional<Reduced> neighbours(const Shape& xs, std::span<const int> axes) {
  if (axes.empty()) return std::nullopt;
  for (size_t i = 1; i < axes.size(); ++i)
    if (axes[i] != axes[i - 1] + 1) return std::nullopt;
  return Reduced{xs.product(0, axes[0]), xs.product(axes[0], axes.back() + 1),
                 xs.product(axes.back() + 1, xs.rank())};
}

constexpr int64_t kMostBlocks = 32;

/// From a sum to the output, as the oracle does it; ONNX's in single precision.
struct MeanOutput {
  FixedPoint multiplier;
  std::optional<float> real;
  IntegerBounds bounds;
  int64_t zeros = 0;  ///< count * the zero point of x
  int32_t zero = 0;
  int32_t operator()(int64_t sum) const {
    if (real) {
      const auto mean = static_cast<double>(static_cast<float>(sum - zeros) * *real);
      const double rounded = std::clamp(round_value(mean, Rounding::kOnnx), -1e6, 1e6);
      return bounds.clamp(static_cast<int32_t>(rounded) + zero);
    }
    const int32_t centred = wrap_int32(sum - zeros);
    return bounds.clamp(wrap_int32(int64_t{multiply(centred, multiplier)} + zero));
  }
};

MeanOutput mean_output(const Quantized& quantized, int64_t count) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const bool is_mean = op_as<ReduceMean>(*quantized.op) != nullptr;  // a sum is not divided
  const int64_t zeros = count * x.zero_point();
  if (quantized.rounding == Rounding::kOnnx)
    return {{},
            x.scale() / y.scale() / static_cast<float>(is_mean ? count : 1),
            output_bounds(quantized),
            zeros,
            y.zero_point()};
  return {mean_multiplier(quantized, count), {}, output_bounds(quantized), zeros, y.zero_point()};
}

// Resize.
// ------------------------------------------------------------------------------------------------------

/// Two places and the weight of the second, for each output along an axis.
struct AxisTable {
  std::vector<int32_t> places, weights;
  std::vector<float> shares;
};

AxisTable axis_table(const ResizeAxis& axis, Resize::Coordinates coordinates, bool is_signed) {
  AxisTable out;
  for (int64_t i = 0; i < axis.out; ++i) {
    if (is_signed) {
      const BetweenIntegers at = between_integers(i, axis, coordinates);
      out.places.insert(out.places.end(), {static_cast<int32_t>(at.first), static_cast<int32_t>(at.second)});
      out.weights.push_back(static_cast<int32_t>(at.place - 1024 * at.first));
    } else {
      const BetweenFloats at = between_floats(i, axis, coordinates);
      out.places.insert(out.places.end(), {static_cast<int32_t>(at.first), static_cast<int32_t>(at.second)});
      out.shares.push_back(at.place - static_cast<float>(at.first));
    }
  }
  return out;
}

}  // namespace

Result<Step> lower_quantized_average_pool(const Quantized& quantized, const Lowering& at) {
  if (!is_plain_bytes(quantized, at) && !is_plain_wide(quantized, at)) return Lowering::reference();
  const auto& pool = static_cast<const AveragePool&>(*quantized.op);
  // What ceil_mode adds beyond the padding does not count: the windows are of several sizes.
  if (pool.count_include_pad && (pool.window.ceil_mode || quantized.rounding == Rounding::kTflite))
    return Lowering::reference();
  return pool_step(quantized, at, pool.window, pool.kernel, true, pool.count_include_pad);
}

Result<Step> lower_quantized_max_pool(const Quantized& quantized, const Lowering& at) {
  const auto& pool = static_cast<const MaxPool&>(*quantized.op);
  const bool plain = is_plain_bytes(quantized, at) || is_plain_wide(quantized, at);
  const bool same = quantized.rounding == Rounding::kTflite || quantized.in[0] == quantized.out[0];
  if (!plain || pool.with_indices || !same) return Lowering::reference();
  return pool_step(quantized, at, pool.window, pool.kernel, false, false);
}

Result<Step> lower_quantized_mean(const Quantized& quantized, const Lowering& at) {
  const bool wide = is_plain_wide(quantized, at);
  if (!wide && !is_plain_bytes(quantized, at)) return Lowering::reference();
  TRY(const auto axes, reduced_axes(dynamic_cast<const ReduceFields&>(*quantized.op), at.inputs));
  const auto reduced = axes ? neighbours(at.in_shape(0), *axes) : std::nullopt;
  if (!reduced || reduced->rows > (wide ? 1 << 20 : 1 << 22)) return Lowering::reference();
  const auto [outer, rows, inner] = *reduced;
  const int64_t per_block = std::max<int64_t>((rows + kMostBlocks - 1) / kMostBlocks, 16384 / inner + 1);
  const int64_t blocks = (rows + per_block - 1) / per_block;
  const bool is_signed = quantized.in[0].dtype == DType::kI8;
  Step step;
  step.kernel = format("{}_{}", op_as<ReduceMean>(*quantized.op) != nullptr ? "mean" : "sum", wide ? 16 : 8);
  step.why = format("{} blocks of {} rows of {}", blocks, per_block, inner);
  step.shared_scratch_bytes = size(outer * blocks * inner) * sizeof(int32_t);
  step.phases.push_back(divided(
      outer * blocks, per_block * inner / 4 + 1,
      [=, kernels = at.kernels.quantized](const StepBuffers& b, Range units) {
        auto* sums = reinterpret_cast<int32_t*>(b.shared_scratch);
        for (auto u = static_cast<int64_t>(units.begin); u < static_cast<int64_t>(units.end); ++u) {
          const int64_t begin = u % blocks * per_block, n = std::min(per_block, rows - begin);
          const int64_t first = (u / blocks * rows + begin) * inner;
          if (wide)
            kernels->sum_columns_16(b.in<int16_t>(0) + first, size(n), size(inner), sums + u * inner);
          else
            kernels->sum_columns(b.in<uint8_t>(0) + first, is_signed, size(n), size(inner), sums + u * inner);
        }
      }));
  step.phases.push_back(
      divided(outer * inner, 8 + blocks,
              [=, output = mean_output(quantized, rows)](const StepBuffers& b, Range units) {
                const auto* sums = reinterpret_cast<const int32_t*>(b.shared_scratch);
                for (auto u = static_cast<int64_t>(units.begin); u < static_cast<int64_t>(units.end); ++u) {
                  int64_t sum = 0;
                  for (int64_t k = 0; k < blocks; ++k)
                    sum += sums[(u / inner * blocks + k) * inner + u % inner];
                  if (wide)
                    b.out<int16_t>(0)[u] = static_cast<int16_t>(output(sum));
                  else
                    b.out<uint8_t>(0)[u] = static_cast<uint8_t>(output(sum));
                }
              }));
  return step;
}

Result<Step> lower_quantized_extreme(const Quantized& quantized, const Lowering& at) {
  if (!is_plain_tflite(quantized, at) || !is_none(quantized.act)) return Lowering::reference();
  TRY(const auto axes, reduced_axes(dynamic_cast<const ReduceFields&>(*quantized.op), at.inputs));
  const auto reduced = axes ? neighbours(at.in_shape(0), *axes) : std::nullopt;
  if (!reduced) return Lowering::reference();
  const bool least = op_as<ReduceMin>(*quantized.op) != nullptr;
  const auto flip =
      static_cast<uint8_t>((quantized.in[0].dtype == DType::kI8 ? 0x80 : 0) ^ (least ? 0xFF : 0));
  Step step;
  step.kernel = least ? "least_8" : "greatest_8";
  step.why = format("{} rows of {}", reduced->rows, reduced->inner);
  step.phases.push_back(
      divided(reduced->outer, reduced->rows * reduced->inner / 8 + 1,
              [=, r = *reduced, run = at.kernels.quantized->greatest](const StepBuffers& b, Range units) {
                for (size_t u = units.begin; u < units.end; ++u)
                  run(b.in<uint8_t>(0) + u * size(r.rows * r.inner), flip, size(r.rows), size(r.inner),
                      b.out<uint8_t>(0) + u * size(r.inner));
              }));
  return step;
}

Result<Step> lower_quantized_resize(const Quantized& quantized, const Lowering& at) {
  const auto& resize = static_cast<const Resize&>(*quantized.op);
  if (resize.mode == Resize::Mode::kNearest) return lower_quantized_nearest(quantized, at);
  const bool wide = is_plain_wide(quantized, at);
  if ((!wide && !is_plain_tflite(quantized, at)) || resize.mode != Resize::Mode::kLinear)
    return Lowering::reference();
  const auto constant = [&](size_t i) { return at.has(i) ? at.in(i).constant : Tensor(); };
  for (size_t i = 1; i < at.inputs.size(); ++i)
    if (at.has(i) && !at.in(i).is_constant()) return Lowering::reference();
  const Shape xs = at.in_shape(0), ys = at.out_shape(0);
  TRY(const std::vector<ResizeAxis> axes, resize_axes(resize, xs, constant(1), constant(2), constant(3)));
  ResizeAxis rows{1, xs[1], xs[1], 1, {}, {}, {}}, columns{2, xs[2], xs[2], 1, {}, {}, {}};
  for (const ResizeAxis& axis : axes) {
    if (axis.axis == 1) rows = axis;
    if (axis.axis == 2) columns = axis;
    if (axis.axis != 1 && axis.axis != 2 && axis.in != axis.out) return Lowering::reference();
  }
  const bool is_signed = quantized.in[0].dtype != DType::kU8;
  Step step;
  step.kernel = wide ? "resize_bilinear_16" : "resize_bilinear_8";
  step.why = is_signed ? "rows first, in 1/1024" : "rows first, in single precision";
  step.thread_scratch_bytes = size(2 * xs[2] * xs[3]) * sizeof(float);
  step.phases.push_back(divided(
      ys[0] * ys[1], (ys[2] + xs[2]) * ys[3],
      [=, kernels = at.kernels.quantized, h = axis_table(rows, resize.coordinates, is_signed),
       w = axis_table(columns, resize.coordinates, is_signed)](const StepBuffers& b, Range units) {
        for (size_t begin = units.begin; begin < units.end;) {
          const size_t image = begin / size(ys[1]), first = begin % size(ys[1]);
          const size_t end = std::min(size(ys[1]), first + (units.end - begin));
          const size_t pixel_bytes = size(xs[3]) * (wide ? sizeof(int16_t) : 1);
          const QuantizedResizeArgs args{.x = b.inputs[0] + image * size(xs[1] * xs[2]) * pixel_bytes,
                                         .y = b.outputs[0] + image * size(ys[1] * ys[2]) * pixel_bytes,
                                         .is_signed = is_signed,
                                         .wide = wide,
                                         .width = size(xs[2]),
                                         .channels = size(xs[3]),
                                         .out_width = size(ys[2]),
                                         .rows = h.places.data(),
                                         .columns = w.places.data(),
                                         .row_weights = h.weights.data(),
                                         .column_weights = w.weights.data(),
                                         .row_shares = h.shares.data(),
                                         .column_shares = w.shares.data()};
          kernels->resize(args, {first, end}, b.thread_scratch);
          begin += end - first;
        }
      }));
  return step;
}

Result<Step> lower_quantized_dense(const Quantized& quantized, const Lowering& at) {
  if (quantized.in[0].dtype == DType::kI16) return lower_wide_gemm(quantized, at);
  TRY(Step product, lower_quantized_gemm(quantized, at));
  if (!product.is_reference() || !requantizes_by_real(quantized) || quantized.rounding != Rounding::kTflite)
    return product;
  const Shape xs = at.in_shape(0), ws = at.in_shape(1);
  const bool fits = is_plain_bytes(quantized, at) && quantized.in[1].dtype == quantized.in[0].dtype &&
                    at.in(1).is_constant();
  if (!fits || (at.has(2) && (!at.in(2).is_constant() || at.in_shape(2) != Shape{ws[0]})))
    return Lowering::reference();
  QuantizedDenseArgs dense{};
  const IntegerBounds bounds = output_bounds(quantized);
  dense.is_signed = quantized.in[0].dtype == DType::kI8;
  dense.m = size(xs[0]);
  dense.n = size(ws[0]);
  dense.k = size(ws[1]);
  dense.x_zero = quantized.in[0].zero_point();
  dense.w_zero = quantized.in[1].zero_point();
  dense.zero = quantized.out[0].zero_point();
  dense.low = bounds.low;
  dense.high = bounds.high;
  std::vector<double> multipliers = real_multipliers(quantized);
  multipliers.resize(dense.n, multipliers[0]);
  const std::vector<int64_t> w = to_int64s(at.in(1).constant);
  std::vector<int64_t> offsets(dense.n, 0);
  if (at.has(2)) offsets = to_int64s(at.in(2).constant);
  for (size_t n = 0; n < dense.n; ++n)
    for (size_t k = 0; k < dense.k; ++k) offsets[n] -= dense.x_zero * (w[n * dense.k + k] - dense.w_zero);
  std::vector<int32_t> wrapped;
  for (const int64_t offset : offsets) wrapped.push_back(wrap_int32(offset));
  Step step;
  step.kernel = "dense_8";
  step.why = "dot products, a real multiplier";
  step.phases.push_back(divided(static_cast<int64_t>(dense.m * dense.n),
                                static_cast<int64_t>(dense.k / 8 + 4),
                                [dense, multipliers, wrapped, weights = at.in(1).constant,
                                 run = at.kernels.quantized->dense](const StepBuffers& b, Range outputs) {
                                  QuantizedDenseArgs args = dense;
                                  args.x = b.inputs[0];
                                  args.w = weights.bytes();
                                  args.y = b.outputs[0];
                                  args.offset = wrapped.data();
                                  args.multiplier = multipliers.data();
                                  run(args, outputs);
                                }));
  return step;
}

}  // namespace pochade
