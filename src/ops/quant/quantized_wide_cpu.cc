// Quantized operators of 16-bit activations on the CPU; weights have 8 bits, and are kept in 16.

#include <cmath>
#include <cstring>

#include "kernels/quantized_args.h"
#include "ops/broadcast_loop.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/binary.h"
#include "ops/matrix/gemm.h"
#include "ops/phases.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/quant/tflite_parts.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

/// What requantizes each output channel.
struct WideLayer {
  std::vector<int64_t> bias;
  std::vector<int32_t> fraction, shift;
  std::vector<double> real;
  IntegerBounds bounds;

  /// From a channel on.
  QuantizedWideChannels channels(size_t first) const {
    const bool by_real = fraction.empty();
    return {.bias = bias.data() + first,
            .fraction = by_real ? nullptr : fraction.data() + first,
            .shift = by_real ? nullptr : shift.data() + first,
            .real = by_real ? real.data() + first : nullptr,
            .low = bounds.low,
            .high = bounds.high};
  }
};

/// Empty: these types have no kernel.
std::optional<WideLayer> layer_of(const Quantized& quantized, const Lowering& at, size_t channels) {
  const bool constant = at.in(1).is_constant() && (!at.has(2) || at.in(2).is_constant());
  if (quantized.rounding != Rounding::kTflite || quantized.in[0].dtype != DType::kI16 ||
      quantized.in[1].dtype != DType::kI8 || quantized.in[1].zero_point() != 0 || !constant)
    return {};
  WideLayer layer;
  layer.bounds = output_bounds(quantized);
  layer.bias.assign(channels, 0);
  if (at.has(2)) layer.bias = to_int64s(at.in(2).constant);
  if (layer.bias.size() != channels) return {};
  if (requantizes_by_real(quantized)) {
    layer.real = real_multipliers(quantized);
    layer.real.resize(channels, layer.real[0]);
    return layer;
  }
  std::vector<FixedPoint> multipliers = channel_multipliers(quantized);
  multipliers.resize(channels, multipliers[0]);
  for (const FixedPoint& m : multipliers) {  // as multiply_wide() has them
    layer.fraction.push_back(m.value < 0x7FFF0000 ? (m.value + (1 << 15)) >> 16 : 0x7FFF);
    layer.shift.push_back(std::clamp(15 - m.exponent, 1, 62));
  }
  return layer;
}

/// The weights in 16 bits: as they stand, or with output channels last.
Result<PackedWeights::Buffer> wide_weights(const Lowering& at, bool channels_last) {
  const Tensor& w = at.in(1).constant;
  const int64_t channels = w.shape()[0], inner = w.shape().product(1, w.shape().rank());
  return at.pack(w, channels_last ? "int16, channels last" : "int16", size(w.elements()) * sizeof(int16_t),
                 [&](std::byte* out) {
                   auto* to = reinterpret_cast<int16_t*>(out);
                   const int8_t* from = w.data<int8_t>().data();
                   for (int64_t o = 0; o < channels; ++o)
                     for (int64_t i = 0; i < inner; ++i)
                       to[channels_last ? i * channels + o : o * inner + i] = from[o * inner + i];
                 });
}

const int16_t* weights_in(const PackedWeights::Buffer& packed) {
  return reinterpret_cast<const int16_t*>(packed.get());
}

/// A convolution of pictures.
struct WideConv {
  Shape xs, ys;
  WindowAxis height, width;
  int64_t groups = 1, group_in = 1, group_out = 1;

  int64_t window() const { return height.kernel * width.kernel * group_in; }
  /// The pixel that a tap of an output reads, or null.
  const int16_t* source(const int16_t* image, int64_t oh, int64_t ow, int64_t kh, int64_t kw) const {
    const int64_t h = height.at(oh, kh), w = width.at(ow, kw);
    if (h < 0 || h >= height.in || w < 0 || w >= width.in) return nullptr;
    return image + (h * width.in + w) * xs.back();
  }
  /// Where output row `row` of all images reads and writes.
  const int16_t* image_of(const StepBuffers& b, int64_t row) const {
    return b.in<int16_t>(0) + row / height.out * height.in * width.in * xs.back();
  }
};

constexpr int64_t kPixels = 16;  // whose windows are gathered at once

/// The windows of `count` pixels from `first` on, one after the other.
void gather_windows(const WideConv& conv, const int16_t* image, int64_t oh, int64_t first, int64_t count,
                    int64_t group, int16_t* to) {
  const size_t bytes = size(conv.group_in) * sizeof(int16_t);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t kh = 0; kh < conv.height.kernel; ++kh)
      for (int64_t kw = 0; kw < conv.width.kernel; ++kw, to += conv.group_in) {
        const int16_t* pixel = conv.source(image, oh, first + i, kh, kw);
        if (pixel == nullptr)
          std::memset(to, 0, bytes);
        else
          std::memcpy(to, pixel + group * conv.group_in, bytes);
      }
}

Result<Step> windows_step(const WideConv& conv, const Lowering& at, WideLayer layer) {
  TRY(const auto packed, wide_weights(at, false));
  Step step;
  step.kernel = "conv_int16";
  step.why = "dot products of gathered windows";
  step.thread_scratch_bytes = size(kPixels * conv.window()) * sizeof(int16_t);
  step.phases.push_back(divided(
      conv.ys[0] * conv.height.out, conv.width.out * conv.groups * conv.group_out * conv.window() / 8 + 1,
      [conv, packed, layer = std::move(layer), run = at.kernels.quantized->wide_dense](const StepBuffers& b,
                                                                                       Range rows) {
        auto* windows = reinterpret_cast<int16_t*>(b.thread_scratch);
        const int64_t channels = conv.ys.back();
        for (auto row = static_cast<int64_t>(rows.begin); row < static_cast<int64_t>(rows.end); ++row)
          for (int64_t ow = 0; ow < conv.width.out; ow += kPixels)
            for (int64_t g = 0; g < conv.groups; ++g) {
              const int64_t count = std::min(kPixels, conv.width.out - ow);
              gather_windows(conv, conv.image_of(b, row), row % conv.height.out, ow, count, g, windows);
              run({.x = windows,
                   .w = weights_in(packed) + g * conv.group_out * conv.window(),
                   .y = b.out<int16_t>(0) + (row * conv.width.out + ow) * channels + g * conv.group_out,
                   .m = size(count),
                   .n = size(conv.group_out),
                   .k = size(conv.window()),
                   .y_row = size(channels),
                   .channels = layer.channels(size(g * conv.group_out))},
                  range(0, count));
            }
      }));
  return step;
}

constexpr int64_t kMostTaps = 256;  // whose sums stay within 31 bits

Result<Step> taps_step(const WideConv& conv, const Lowering& at, WideLayer layer) {
  TRY(const auto packed, wide_weights(at, true));
  Step step;
  step.kernel = "depthwise_int16";
  step.why = "tap by tap";
  step.phases.push_back(
      divided(conv.ys[0] * conv.height.out, conv.width.out * conv.groups * (conv.window() + 8) / 8 + 1,
              [conv, packed, layer = std::move(layer), run = at.kernels.quantized->wide_taps](
                  const StepBuffers& b, Range rows) {
                const int16_t *x[kMostTaps], *w[kMostTaps];
                for (auto row = static_cast<int64_t>(rows.begin); row < static_cast<int64_t>(rows.end); ++row)
                  for (int64_t ow = 0; ow < conv.width.out; ++ow) {
                    size_t taps = 0;
                    for (int64_t kh = 0; kh < conv.height.kernel; ++kh)
                      for (int64_t kw = 0; kw < conv.width.kernel; ++kw) {
                        x[taps] = conv.source(conv.image_of(b, row), row % conv.height.out, ow, kh, kw);
                        w[taps] = weights_in(packed) + (kh * conv.width.kernel + kw) * conv.groups;
                        taps += x[taps] != nullptr ? 1 : 0;
                      }
                    run({.x = x,
                         .w = w,
                         .taps = taps,
                         .n = size(conv.groups),
                         .y = b.out<int16_t>(0) + (row * conv.width.out + ow) * conv.groups,
                         .channels = layer.channels(0)});
                  }
              }));
  return step;
}

bool is_wide(const Type& type) {
  return type.dtype == DType::kI16 && type.quantization && type.quantization->axis < 0;
}

bool fits(const FixedPoint& scale) {
  return scale.value >= 0 && scale.exponent <= 0 && scale.exponent >= -31;
}
QuantizedScale kernel_scale(const FixedPoint& scale) {
  return {scale.value, -scale.exponent};
}

using RunFunction = std::function<void(const QuantizedRun&)>;

/// y = f(a, b) of runs of 16-bit values.
Step binary_step(const Lowering& at, std::string kernel, RunFunction f) {
  const Shape out = at.out_shape(0);
  const Shape operands[] = {at.in_shape(0), at.in_shape(1)};
  const BroadcastLoop loop = broadcast_loop(out, operands);
  const auto last = size(loop.rank - 1);
  Step step = element_step(
      std::move(kernel), "TFLite's steps", out.elements(), 3,
      [loop, last, f = std::move(f)](const StepBuffers& b, Range r) {
        for_each_run(loop, r, [&](int64_t i, int64_t n, const auto& offsets) {
          f({b.in<int16_t>(0) + offsets[0], size(loop.strides[0][last]), b.in<int16_t>(1) + offsets[1],
             size(loop.strides[1][last]), b.out<int16_t>(0) + i, size(n)});
        });
      });
  for (size_t i = 0; i < 2; ++i)
    if (operands[i] == out) step.in_place_inputs.push_back(static_cast<int>(i));
  return step;
}

bool is_wide_binary(const Quantized& quantized, const Lowering& at) {
  const Type* types[] = {&quantized.in[0], &quantized.in[1], &quantized.out[0]};
  for (const Type* type : types)
    if (!is_wide(*type) || type->zero_point() != 0) return false;
  return quantized.rounding == Rounding::kTflite && at.out_shape(0).elements() > 0;
}

}  // namespace

Result<Step> lower_wide_conv(const Quantized& quantized, const Lowering& at) {
  const auto& op = static_cast<const Conv&>(*quantized.op);
  const Shape xs = at.in_shape(0), ws = at.in_shape(1), ys = at.out_shape(0);
  if (xs.elements() == 0 || ws.elements() == 0 || ys.elements() == 0 || xs.rank() > 4 ||
      op.pad_mode != PadMode::kZero)
    return Lowering::reference();
  TRY(const WindowAxes axes, resolve_axes(op.window, spatial_dims(ws), spatial_dims(xs)));
  const WideConv conv{xs, ys, axes[1], axes[2], op.groups, ws.back(), ws[0] / op.groups};
  std::optional<WideLayer> layer = layer_of(quantized, at, size(ws[0]));
  if (!layer) return Lowering::reference();
  const bool depthwise = conv.group_in == 1 && conv.group_out == 1 && conv.groups > 1;
  if (depthwise && conv.window() <= kMostTaps) return taps_step(conv, at, std::move(*layer));
  return windows_step(conv, at, std::move(*layer));
}

Result<Step> lower_wide_gemm(const Quantized& quantized, const Lowering& at) {
  const Shape xs = at.in_shape(0), ws = at.in_shape(1);
  if (xs.elements() == 0 || ws.elements() == 0 || xs.rank() != 2) return Lowering::reference();
  std::optional<WideLayer> layer = layer_of(quantized, at, size(ws[0]));
  if (!layer) return Lowering::reference();
  TRY(const auto packed, wide_weights(at, false));
  Step step;
  step.kernel = "dense_int16";
  step.why = "dot products, a real multiplier";
  // Columns by fours, so that they stay together in the kernel.
  constexpr int64_t kColumns = 4;
  const int64_t columns = ws[0], blocks = (columns + kColumns - 1) / kColumns, depth = ws[1];
  step.phases.push_back(divided(xs[0] * blocks, kColumns * depth / 8 + 8,
                                [=, layer = std::move(*layer), run = at.kernels.quantized->wide_dense](
                                    const StepBuffers& b, Range units) {
                                  for (size_t u = units.begin; u < units.end; ++u) {
                                    const int64_t row = static_cast<int64_t>(u) / blocks;
                                    const int64_t first = static_cast<int64_t>(u) % blocks * kColumns;
                                    run({.x = b.in<int16_t>(0) + row * depth,
                                         .w = weights_in(packed) + first * depth,
                                         .y = b.out<int16_t>(0) + row * columns + first,
                                         .n = size(std::min(kColumns, columns - first)),
                                         .k = size(depth),
                                         .y_row = size(columns),
                                         .channels = layer.channels(size(first))},
                                        {0, 1});
                                  }
                                }));
  return step;
}

namespace {

template <typename From, typename To>
void look_up(const Tensor& table, const StepBuffers& b, Range r) {
  const To* values = table.data<To>().data();
  const auto* x = b.in<std::make_unsigned_t<From>>(0);
  for (size_t i = r.begin; i < r.end; ++i) b.out<To>(0)[i] = values[x[i]];
}

using LookUp = void (*)(const Tensor& table, const StepBuffers& b, Range r);

template <typename From>
LookUp look_up_to(DType to) {
  return to == DType::kI16  ? look_up<From, int16_t>
         : to == DType::kI8 ? look_up<From, int8_t>
         : to == DType::kU8 ? look_up<From, uint8_t>
                            : nullptr;
}

}  // namespace

/// All results of a function of one value. Reading 65536 of them is bound by memory, not by instructions.
Result<Step> lower_wide_table(const Quantized& quantized, const Lowering& at) {
  const Type &from = quantized.in[0], &to = quantized.out[0];
  const bool wide = from.dtype == DType::kI16, byte = from.dtype == DType::kI8 || from.dtype == DType::kU8;
  if ((!wide && !byte) || !to.dtype || !from.quantization || !to.quantization ||
      from.quantization->axis >= 0 || to.quantization->axis >= 0 || quantized.rounding != Rounding::kTflite ||
      at.out_shape(0) != at.in_shape(0) || at.out_shape(0).elements() == 0)
    return Lowering::reference();
  const LookUp run = wide ? look_up_to<int16_t>(*to.dtype) : look_up_to<int8_t>(*to.dtype);
  if (run == nullptr) return Lowering::reference();
  const int64_t count = wide ? 65536 : 256;
  Tensors in;
  TRY(Tensor every, Tensor::make(*from.dtype, Shape{count}));
  for (int64_t i = 0; i < count; ++i) {
    if (wide)
      every.mutable_data<int16_t>()[size(i)] = static_cast<int16_t>(i);
    else
      every.mutable_bytes()[i] = static_cast<std::byte>(i);
  }
  in.push_back(every);
  for (size_t i = 1; i < at.inputs.size(); ++i) {
    if (at.has(i) && !at.in(i).is_constant()) return Lowering::reference();
    in.push_back(at.in(i).constant);
  }
  TRY(const Tensors out, quantized.eval(in));
  Step step = element_step(wide ? "table_16" : "table_8_to_16", format("{} entries", count),
                           at.out_shape(0).elements(), 2,
                           [table = out[0], run](const StepBuffers& b, Range r) { run(table, b, r); });
  if (from.dtype == to.dtype) step.in_place_inputs = {0};
  return step;
}

Result<Step> lower_wide_real(const Quantized& quantized, const Lowering& at) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const int64_t elements = at.out_shape(0).elements();
  if (elements == 0 || quantized.rounding != Rounding::kTflite) return Lowering::reference();
  if (is_wide(x) && !y.dtype)
    return element_step(
        "dequantize_16", "16 bits to float", elements, 2,
        [scale = static_cast<double>(x.scale()), zero = x.zero_point()](const StepBuffers& b, Range r) {
          for (size_t i = r.begin; i < r.end; ++i)
            b.out<float>(0)[i] = static_cast<float>(scale * (b.in<int16_t>(0)[i] - zero));
        });
  if (!is_wide(y) || !at.in_is(0, DType::kF32)) return Lowering::reference();
  return element_step("quantize_16", "float to 16 bits", elements, 8,
                      [scale = y.scale(), zero = y.zero_point(), bounds = output_bounds(quantized)](
                          const StepBuffers& b, Range r) {
                        for (size_t i = r.begin; i < r.end; ++i) {
                          const float steps = std::round(b.in<float>(0)[i] / scale);
                          const float whole = std::isnan(steps) ? 0 : std::clamp(steps, -1e6f, 1e6f);
                          b.out<int16_t>(0)[i] =
                              static_cast<int16_t>(bounds.clamp(static_cast<int32_t>(whole) + zero));
                        }
                      });
}

Result<Step> lower_wide_add(const Quantized& quantized, const Lowering& at) {
  const CommonScale scale = common_scale(quantized, 15, false);
  if (!is_wide_binary(quantized, at) || !fits(scale.a) || !fits(scale.b) || !fits(scale.out))
    return Lowering::reference();
  const IntegerBounds bounds = output_bounds(quantized);
  const QuantizedExactSum sum{.sign = op_as<Sub>(*quantized.op) != nullptr ? -1 : 1,
                              .scale_a = kernel_scale(scale.a),
                              .scale_b = kernel_scale(scale.b),
                              .scale = kernel_scale(scale.out),
                              .low = bounds.low,
                              .high = bounds.high};
  return binary_step(at, "add_16",
                     [sum, run = at.kernels.quantized->exact_sum_16](const QuantizedRun& r) { run(sum, r); });
}

Result<Step> lower_wide_mul(const Quantized& quantized, const Lowering& at) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  if (!is_wide_binary(quantized, at)) return Lowering::reference();
  const FixedPoint scale = fixed_point(static_cast<double>(a.scale() * b.scale() / y.scale()));
  if (!fits(scale)) return Lowering::reference();
  const IntegerBounds bounds = output_bounds(quantized);
  const QuantizedExactProduct product{.scale = kernel_scale(scale), .low = bounds.low, .high = bounds.high};
  return binary_step(
      at, "mul_16",
      [product, run = at.kernels.quantized->exact_product_16](const QuantizedRun& r) { run(product, r); });
}

}  // namespace pochade
