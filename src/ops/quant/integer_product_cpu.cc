// MatMulInteger, ConvInteger and DynamicQuantizeLinear on the CPU: the 8-bit kernels, which store their sums
// as they are. The zero point of the activations is read when the step runs.

#include <algorithm>
#include <cmath>

#include "kernels/quantized_args.h"
#include "ops/matrix/gemm.h"
#include "ops/phases.h"
#include "ops/quant/int8_conv.h"
#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {
namespace {

/// One zero point for a whole tensor: known beforehand, or one element of an input.
struct ZeroPoint {
  std::optional<int32_t> known;
  size_t input = 0;
  bool is_signed = false;

  int32_t read(const StepBuffers& b) const {
    return known ? *known : is_signed ? int32_t{*b.in<int8_t>(input)} : int32_t{*b.in<uint8_t>(input)};
  }
};

/// Of optional input `i`; empty if there are several.
std::optional<ZeroPoint> zero_point_of(const Lowering& at, size_t i) {
  if (!at.has(i)) return ZeroPoint{0};
  if (!at.in(i).is_constant()) {
    if (at.in_shape(i).elements() != 1) return std::nullopt;
    return ZeroPoint{std::nullopt, i, at.in(i).dtype == DType::kI8};
  }
  const std::vector<int64_t> values = to_int64s(at.in(i).constant);
  const bool same = std::ranges::all_of(values, [&](int64_t v) { return v == values[0]; });
  return same && !values.empty() ? std::optional(ZeroPoint{static_cast<int32_t>(values[0])}) : std::nullopt;
}

/// Of inputs 0 and 1.
Int8Numbers numbers_of(const Lowering& at) {
  Int8Numbers numbers;
  numbers.x_signed = at.in(0).dtype == DType::kI8;
  numbers.w_signed = at.in(1).dtype == DType::kI8;
  numbers.rounding = Int8Rounding::kSums;
  return numbers;
}

std::string key_of(std::string_view what, const Int8Kernels& kernels, const Int8Numbers& n,
                   const ConvShape& s, bool by_tap) {
  return format("{} sums {} x {} w {} {} k{}x{} s{} d{} g{} taps {}", what, kernels.isa, n.x_signed,
                n.w_signed, n.w_zero, s.kernel_h, s.kernel_w, s.stride_w, s.dilation_w, s.groups, by_tap);
}

std::string why(const char* algorithm, const Int8Kernels& kernels) {
  return format("{}, {} of {}, 32-bit sums", algorithm, kernels.form, kernels.isa);
}

/// A plan of a convolution or depthwise convolution for the zero point at hand.
template <typename Plan>
Plan with_zero(const Plan& plan, const ZeroPoint& x_zero, const StepBuffers& b) {
  Plan out = plan;
  out.numbers.x_zero = x_zero.read(b);
  return out;
}

/// Of weights O, kh, kw, I.
Int8Source source_of(const Tensor& w, const ConvShape& s) {
  const auto tap = static_cast<ptrdiff_t>(s.in_channels / s.groups),
             row = static_cast<ptrdiff_t>(s.kernel_w) * tap;
  return {w.bytes(), static_cast<ptrdiff_t>(s.kernel_h) * row, row, tap, 1, {}, {}, {}, {}, {}};
}

Result<Step> conv_step(const Lowering& at, const Int8Numbers& numbers, const ConvShape& shape,
                       const ZeroPoint& x_zero) {
  const Int8Kernels& kernels = *at.kernels.int8;
  const Tensor& w = at.in(1).constant;
  Int8ConvPlan plan;
  kernels.conv_plan(shape, numbers, &plan);
  TRY(const auto packed,
      at.pack(w, key_of("conv", kernels, numbers, plan.shape, plan.by_tap), plan.packed_bytes,
              [&](std::byte* out) { kernels.conv_pack(plan, source_of(w, shape), out); }));
  Step step;
  step.kernel = "conv_integer";
  step.why = why(plan.algorithm, kernels);
  step.thread_scratch_bytes = plan.scratch_bytes;
  step.phases.push_back(
      {static_cast<int64_t>(plan.tasks), [=, &kernels](const StepBuffers& b, int64_t begin, int64_t end) {
         const Int8Args args{b.inputs[0], packed.get(), b.outputs[0]};
         kernels.conv(with_zero(plan, x_zero, b), args, range(begin, end), b.thread_scratch);
       }});
  return step;
}

Result<Step> depthwise_step(const Lowering& at, const Int8Numbers& numbers, const ConvShape& conv,
                            const ZeroPoint& x_zero) {
  const Int8Kernels& kernels = *at.kernels.int8;
  const Tensor& w = at.in(1).constant;
  const DepthwiseShape shape = int8_depthwise_shape(conv);
  Int8DepthwisePlan plan;
  kernels.depthwise_plan(shape, numbers, &plan);
  TRY(const auto packed,
      at.pack(w, key_of("depthwise", kernels, numbers, conv, false), plan.packed_bytes,
              [&](std::byte* out) { kernels.depthwise_pack(plan, source_of(w, conv), out); }));
  Step step;
  step.kernel = "depthwise_integer";
  step.why = why(plan.algorithm, kernels);
  step.thread_scratch_bytes = plan.scratch_bytes;
  step.phases.push_back(divided(static_cast<int64_t>(shape.batch * shape.out_height),
                                int8_depthwise_row_cost(shape),
                                [=, &kernels](const StepBuffers& b, Range rows) {
                                  const Int8Args args{b.inputs[0], packed.get(), b.outputs[0]};
                                  kernels.depthwise(with_zero(plan, x_zero, b), args, rows, b.thread_scratch);
                                }));
  return step;
}

/// Matrices of weights K,N, one after the other, and their packed form.
struct Matrices {
  const Int8Kernels& kernels;
  Int8ConvPlan plan;
  int64_t k, n, count;

  size_t packed_bytes() const { return static_cast<size_t>(count) * plan.packed_bytes; }
  void pack(const std::byte* from, int32_t w_zero, int64_t i, std::byte* out) const {
    Int8ConvPlan own = plan;
    own.numbers.w_zero = w_zero;
    const Int8Source source{from + i * k * n, 1, 0, 0, static_cast<ptrdiff_t>(n), {}, {}, {}, {}, {}};
    kernels.conv_pack(own, source, out + static_cast<size_t>(i) * plan.packed_bytes);
  }
};

/// What the blocks of a range of numbers hold.
struct Extremes {
  float least, most;
};

/// 0 and all numbers of x but those that are none.
Extremes extremes_of(const Kernels& kernels, const float* x, size_t n) {
  Extremes out{0, 0};
  kernels.reduce_rows(Reduction::kMin, {x, &out.least, 1, n}, {0, 1});
  kernels.reduce_rows(Reduction::kMax, {x, &out.most, 1, n}, {0, 1});
  if (!std::isnan(out.least) && !std::isnan(out.most))
    return {std::min(out.least, 0.0f), std::max(out.most, 0.0f)};
  out = {0, 0};
  for (size_t i = 0; i < n; ++i) {
    out.least = std::fmin(out.least, x[i]);
    out.most = std::fmax(out.most, x[i]);
  }
  return out;
}

}  // namespace

Result<Step> lower(const ConvInteger& op, const Lowering& at) {
  const Shape x = at.in_shape(0), w = at.in_shape(1);
  if (x.elements() == 0 || w.elements() == 0 || at.out_shape(0).elements() == 0 || !at.in(1).is_constant())
    return Lowering::reference();
  TRY(const WindowAxes axes, resolve_axes(op.window, spatial_dims(w), spatial_dims(x)));
  const std::optional<ConvShape> shape = int8_conv_shape(axes, op.groups, x, w);
  const std::optional<ZeroPoint> x_zero = zero_point_of(at, 2), w_zero = zero_point_of(at, 3);
  if (!shape || !x_zero || !w_zero || !w_zero->known) return Lowering::reference();
  Int8Numbers numbers = numbers_of(at);
  numbers.w_zero = *w_zero->known;
  if (op.groups > 1 && op.groups == x.back()) return depthwise_step(at, numbers, *shape, *x_zero);
  return conv_step(at, numbers, *shape, *x_zero);
}

Result<Step> lower(const MatMulInteger&, const Lowering& at) {
  const Shape as = at.in_shape(0), bs = at.in_shape(1);
  const std::optional<ZeroPoint> a_zero = zero_point_of(at, 2), b_zero = zero_point_of(at, 3);
  if (!a_zero || !b_zero || as.elements() == 0 || bs.elements() == 0) return Lowering::reference();
  const MatMulShape shape(as, bs);
  const Int8Kernels& kernels = *at.kernels.int8;
  Matrices matrices{kernels, {}, shape.k, shape.n, bs.elements() / (shape.k * shape.n)};
  // All rows are one matrix where there is one to multiply them by.
  const bool is_one = matrices.count == 1;
  const int64_t rows = is_one ? as.elements() / shape.k : shape.m, batches = is_one ? 1 : shape.batches;
  ConvShape conv;
  conv.height = conv.out_height = 1;
  conv.width = conv.out_width = static_cast<size_t>(rows);
  conv.in_channels = static_cast<size_t>(shape.k);
  conv.out_channels = static_cast<size_t>(shape.n);
  Int8Numbers numbers = numbers_of(at);
  numbers.w_zero = b_zero->known.value_or(0);
  kernels.conv_plan(conv, numbers, &matrices.plan);
  const Int8ConvPlan plan = matrices.plan;
  Step step;
  step.kernel = "matmul_integer";
  step.why = why(plan.algorithm, kernels);
  step.thread_scratch_bytes = plan.scratch_bytes;
  PackedWeights::Buffer packed;
  if (at.in(1).is_constant() && b_zero->known) {
    const Tensor& b = at.in(1).constant;
    TRY(packed,
        at.pack(b, key_of(format("matmul {}x{}", shape.k, shape.n), kernels, numbers, plan.shape, false),
                matrices.packed_bytes(), [&](std::byte* out) {
                  for (int64_t i = 0; i < matrices.count; ++i)
                    matrices.pack(b.bytes(), numbers.w_zero, i, out);
                }));
  } else {
    step.why += ", packed first";
    step.shared_scratch_bytes = matrices.packed_bytes();
    step.phases.push_back(
        {matrices.count, [=, zero = *b_zero](const StepBuffers& b, int64_t begin, int64_t end) {
           for (int64_t i = begin; i < end; ++i)
             matrices.pack(b.inputs[1], zero.read(b), i, b.shared_scratch);
         }});
  }
  const auto tasks = static_cast<int64_t>(plan.tasks);
  step.phases.push_back(
      {batches * tasks, [=, &kernels, zero = *a_zero](const StepBuffers& b, int64_t begin, int64_t end) {
         const Int8ConvPlan own = with_zero(plan, zero, b);
         const std::byte* weights = packed ? packed.get() : b.shared_scratch;
         for (int64_t task = begin; task < end; ++task) {
           const int64_t batch = task / tasks;
           const int64_t a = is_one ? 0 : shape.a_offset(batch);
           const int64_t matrix = is_one ? 0 : shape.b_offset(batch) / (shape.k * shape.n);
           const Int8Args args{b.inputs[0] + a, weights + static_cast<size_t>(matrix) * plan.packed_bytes,
                               b.out<int32_t>(0) + batch * rows * shape.n};
           kernels.conv(own, args, range(task % tasks, task % tasks + 1), b.thread_scratch);
         }
       }});
  return step;
}

Result<Step> lower(const DynamicQuantizeLinear&, const Lowering& at) {
  const int64_t elements = at.out_shape(0).elements();
  if (elements == 0) return Lowering::reference();
  constexpr int64_t kMostBlocks = 32, kLeastBlock = 8192;
  const int64_t block = std::max(kLeastBlock, (elements + kMostBlocks - 1) / kMostBlocks);
  const int64_t blocks = (elements + block - 1) / block;
  Step step;
  step.kernel = "dynamic_quantize_8";
  step.why = format("the range of {} blocks, then levels", blocks);
  step.shared_scratch_bytes = static_cast<size_t>(blocks) * sizeof(Extremes);
  step.phases.push_back(divided(blocks, block / 4, [=, &kernels = at.kernels](const StepBuffers& b, Range r) {
    auto* extremes = reinterpret_cast<Extremes*>(b.shared_scratch);
    for (auto i = static_cast<int64_t>(r.begin); i < static_cast<int64_t>(r.end); ++i)
      extremes[i] = extremes_of(kernels, b.in<float>(0) + i * block,
                                static_cast<size_t>(std::min(block, elements - i * block)));
  }));
  step.phases.push_back({1, [=](const StepBuffers& b, int64_t, int64_t) {
                           const auto* extremes = reinterpret_cast<const Extremes*>(b.shared_scratch);
                           Extremes all = extremes[0];
                           for (int64_t i = 1; i < blocks; ++i)
                             all = {std::min(all.least, extremes[i].least),
                                    std::max(all.most, extremes[i].most)};
                           const DynamicRange range = dynamic_range(all.least, all.most);
                           *b.out<float>(1) = range.scale;
                           *b.out<uint8_t>(2) = range.zero_point;
                         }});
  step.phases.push_back(
      divided(elements, 2, [quantize = at.kernels.quantized->quantize](const StepBuffers& b, Range r) {
        quantize({.x = b.in<float>(0),
                  .y = b.outputs[0],
                  .is_signed = false,
                  .scale = *b.out<float>(1),
                  .zero = *b.out<uint8_t>(2),
                  .low = 0,
                  .high = 255,
                  .to_even = true},
                 r);
      }));
  return step;
}

}  // namespace pochade
