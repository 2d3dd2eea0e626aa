// Convolutions and matrix products of 8-bit integers on the CPU: the weights, the bias and what requantizes
// each channel are packed once.

#include <cmath>
#include <cstring>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/conv/sub_pixel.h"
#include "ops/matrix/gemm.h"
#include "ops/phases.h"
#include "ops/quant/int8_conv.h"
#include "ops/quant/quantized_kinds.h"

namespace pochade {
namespace {

bool is_8_bits(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8;
}

/// One scale and one zero point (or none) for the whole tensor of 8-bit integers.
bool is_plain(const Quantized::Type& type) {
  return type.dtype && is_8_bits(*type.dtype) && type.quantization && type.quantization->axis < 0;
}

/// What requantizes each output channel. Vectors, so that they can be a part of the key of packed weights.
struct Channels {
  std::vector<int32_t> bias, multiplier, exponent;
  std::vector<float> scale;
  std::vector<double> real;
};

/// Everything that a layer's kernel needs beside its shape.
struct Layer {
  Int8Numbers numbers;
  Channels channels;
};

/// Whether the bias counts in units of x scale * w scale, as sums do. TFLite's always does.
bool counts_sums(const Quantized& quantized, size_t channels) {
  if (quantized.rounding == Rounding::kTflite) return true;
  if (quantized.in.size() <= 2 || !quantized.in[2].quantization) return false;
  const Quantization &bias = *quantized.in[2].quantization, &w = *quantized.in[1].quantization;
  const float x = quantized.in[0].scale();
  for (const int32_t zero : bias.zero_point)
    if (zero != 0) return false;
  for (size_t o = 0; o < channels; ++o) {
    const float wanted = x * w.scale[w.scale.size() == 1 ? 0 : o];
    const float given = bias.scale[bias.scale.size() == 1 ? 0 : o];
    if (!(std::abs(given - wanted) <= 1e-6f * wanted)) return false;
  }
  return true;
}

/// Empty: these types have no kernel. The weights' scales lie along `axis`.
std::optional<Layer> layer_of(const Quantized& quantized, const Lowering& at, size_t channels, int axis = 0) {
  using Kind = Activation::Kind;
  const Kind act = quantized.act.kind;
  const Quantized::Type &x = quantized.in[0], &w = quantized.in[1], &y = quantized.out[0];
  const bool bounded = act == Kind::kNone || act == Kind::kRelu || act == Kind::kClip;
  if (!bounded || !is_plain(x) || !is_plain(y) || !w.dtype || !is_8_bits(*w.dtype) || !w.quantization)
    return {};
  const Quantization& q = *w.quantization;
  const bool same_zeros = std::all_of(q.zero_point.begin(), q.zero_point.end(),
                                      [&](int32_t zero) { return zero == q.zero_point[0]; });
  if (!same_zeros || (q.axis != axis && q.axis != -1) || (q.scale.size() != 1 && q.scale.size() != channels))
    return {};
  if (!at.in(1).is_constant()) return {};
  if (at.has(2) && (!at.in(2).is_constant() || at.in(2).dtype != DType::kI32)) return {};
  if (at.has(2) && !counts_sums(quantized, channels)) return {};

  Layer layer;
  const IntegerBounds bounds = output_bounds(quantized);
  layer.numbers = {.x_signed = *x.dtype == DType::kI8,
                   .w_signed = *w.dtype == DType::kI8,
                   .y_signed = *y.dtype == DType::kI8,
                   .x_zero = x.zero_point(),
                   .w_zero = w.zero_point(),
                   .y_zero = y.zero_point(),
                   .low = bounds.low,
                   .high = bounds.high,
                   .rounding = quantized.rounding == Rounding::kOnnx ? Int8Rounding::kFloat
                               : requantizes_by_real(quantized)      ? Int8Rounding::kReal
                                                                     : Int8Rounding::kFixedPoint};
  const auto of_channel = [&](const auto& values, size_t o) { return values[values.size() == 1 ? 0 : o]; };
  std::vector<FixedPoint> multipliers;
  std::vector<double> reals;
  if (quantized.rounding == Rounding::kTflite) {
    multipliers = channel_multipliers(quantized);
    reals = real_multipliers(quantized);
  }
  for (size_t o = 0; o < channels; ++o) {
    layer.channels.bias.push_back(at.has(2) ? at.in(2).constant.data<int32_t>()[o] : 0);
    if (layer.numbers.rounding == Int8Rounding::kReal) {
      layer.channels.real.push_back(of_channel(reals, o));
    } else if (layer.numbers.rounding == Int8Rounding::kFixedPoint) {
      const FixedPoint multiplier = of_channel(multipliers, o);
      layer.channels.multiplier.push_back(multiplier.value);
      layer.channels.exponent.push_back(std::clamp(multiplier.exponent, -31, 31));
    } else {
      // In single precision, as QLinearConv has it.
      layer.channels.scale.push_back(x.scale() * of_channel(q.scale, o) / y.scale());
    }
  }
  return layer;
}

template <typename T>
void append_bytes(std::string& text, const std::vector<T>& values) {
  text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

/// Everything that packed weights depend on: the shape in words, then the numbers as they are.
std::string key_of(const Layer& layer, std::string shape) {
  const Int8Numbers& n = layer.numbers;
  shape += format(" x {} {} w {} {} y {} {} in {}..{} rounding {};", n.x_signed, n.x_zero, n.w_signed,
                  n.w_zero, n.y_signed, n.y_zero, n.low, n.high, static_cast<int>(n.rounding));
  append_bytes(shape, layer.channels.bias);
  append_bytes(shape, layer.channels.multiplier);
  append_bytes(shape, layer.channels.exponent);
  append_bytes(shape, layer.channels.scale);
  append_bytes(shape, layer.channels.real);
  return shape;
}

/// Of weights O, kh, kw, I, or with rows of `inner` values for each tap.
Int8Source source_of(const Layer& layer, const Tensor& weights, int64_t kernel_h, int64_t kernel_w,
                     int64_t inner) {
  const Channels& channels = layer.channels;
  const auto tap = static_cast<ptrdiff_t>(inner), row = static_cast<ptrdiff_t>(kernel_w) * tap;
  return {.data = weights.bytes(),
          .o_stride = static_cast<ptrdiff_t>(kernel_h) * row,
          .r_stride = row,
          .s_stride = tap,
          .c_stride = 1,
          .bias = channels.bias.data(),
          .multiplier = channels.multiplier.data(),
          .exponent = channels.exponent.data(),
          .scale = channels.scale.data(),
          .real = channels.real.data()};
}

Int8Args args_of(const StepBuffers& buffers, const PackedWeights::Buffer& packed) {
  return {buffers.inputs[0], packed.get(), buffers.outputs[0]};
}

std::string why(const char* algorithm, const Int8Kernels& kernels) {
  return format("{}, {} of {}", algorithm, kernels.form, kernels.isa);
}

Result<Step> conv_step(const Lowering& at, const Layer& layer, const ConvShape& shape,
                       std::string_view kernel, const Int8Source& source) {
  const Int8Kernels& kernels = *at.kernels.int8;
  Int8ConvPlan plan;
  kernels.conv_plan(shape, layer.numbers, &plan);
  const ConvShape& s = plan.shape;
  const std::string key = key_of(layer, format("{} {} k{}x{} d{} g{} taps {}", kernel, kernels.isa,
                                               s.kernel_h, s.kernel_w, s.dilation_w, s.groups, plan.by_tap));
  TRY(const auto packed, at.pack(at.in(1).constant, key, plan.packed_bytes,
                                 [&](std::byte* out) { kernels.conv_pack(plan, source, out); }));
  Step step;
  step.kernel = kernel;
  step.why = why(plan.algorithm, kernels);
  step.thread_scratch_bytes = plan.scratch_bytes;
  step.phases.push_back({static_cast<int64_t>(plan.tasks),
                         [&kernels, plan, packed](const StepBuffers& buffers, int64_t begin, int64_t end) {
                           kernels.conv(plan, args_of(buffers, packed), range(begin, end),
                                        buffers.thread_scratch);
                         }});
  return step;
}

/// Neighbouring pixels of y as channels of one pixel: where channels are few, a vector of sums holds several
/// pixels. The window grows by the distance of the pixels; what it had not before has the weight of a zero.
struct JoinedPixels {
  size_t pixels = 1;
  ConvShape shape;
  std::vector<uint8_t> weights;
};

size_t pixels_to_join(const ConvShape& s, size_t lanes) {
  if (s.groups != 1 || s.dilation_w != 1) return 1;
  constexpr size_t kFinish = 12;  // groups of four products that a vector of results costs as much as
  const auto cost = [&](size_t pixels) {
    const size_t columns = s.kernel_w + (pixels - 1) * s.stride_w;
    const size_t groups = s.kernel_h * ((columns * s.in_channels + 3) / 4);
    return static_cast<double>(groups + kFinish) / static_cast<double>(pixels);
  };
  size_t best = 1;
  for (size_t pixels = 2; pixels * s.out_channels <= lanes; ++pixels)
    if (s.out_width % pixels == 0 && cost(pixels) < 0.8 * cost(best)) best = pixels;
  return best;
}

JoinedPixels join_pixels(const ConvShape& shape, const Tensor& weights, const Int8Numbers& numbers,
                         size_t pixels) {
  JoinedPixels joined{pixels, shape, {}};
  ConvShape& s = joined.shape;
  s.kernel_w = shape.kernel_w + (pixels - 1) * shape.stride_w;
  s.stride_w = shape.stride_w * pixels;
  s.out_width = shape.out_width / pixels;
  s.out_channels = shape.out_channels * pixels;
  const size_t row = shape.kernel_w * shape.in_channels, wide_row = s.kernel_w * s.in_channels;
  joined.weights.assign(s.out_channels * s.kernel_h * wide_row, static_cast<uint8_t>(numbers.w_zero));
  const auto* from = reinterpret_cast<const uint8_t*>(weights.bytes());
  for (size_t p = 0; p < pixels; ++p)
    for (size_t i = 0; i < shape.out_channels * s.kernel_h; ++i)
      std::memcpy(joined.weights.data() + (p * shape.out_channels * s.kernel_h + i) * wide_row +
                      p * shape.stride_w * s.in_channels,
                  from + i * row, row);
  return joined;
}

template <typename T>
void repeat(std::vector<T>& values, size_t times) {
  const std::vector<T> once = values;
  for (size_t i = 1; i < times; ++i) values.insert(values.end(), once.begin(), once.end());
}

Result<Step> joined_conv_step(const Lowering& at, Layer layer, const ConvShape& shape, size_t pixels) {
  const JoinedPixels joined = join_pixels(shape, at.in(1).constant, layer.numbers, pixels);
  Channels& c = layer.channels;
  repeat(c.bias, pixels);
  repeat(c.multiplier, pixels);
  repeat(c.exponent, pixels);
  repeat(c.scale, pixels);
  repeat(c.real, pixels);
  const auto inner = static_cast<int64_t>(shape.in_channels);
  Int8Source source = source_of(layer, at.in(1).constant, static_cast<int64_t>(shape.kernel_h),
                                static_cast<int64_t>(joined.shape.kernel_w), inner);
  source.data = joined.weights.data();
  TRY(Step step, conv_step(at, layer, joined.shape, "conv_int8", source));
  step.why += format(", {} pixels as channels of one", pixels);
  return step;
}

Result<Step> depthwise_step(const Lowering& at, const Layer& layer, const ConvShape& conv) {
  const Int8Kernels& kernels = *at.kernels.int8;
  const DepthwiseShape shape = int8_depthwise_shape(conv);
  Int8DepthwisePlan plan;
  kernels.depthwise_plan(shape, layer.numbers, &plan);
  const Int8Source source = source_of(layer, at.in(1).constant, static_cast<int64_t>(shape.kernel_h),
                                      static_cast<int64_t>(shape.kernel_w), 1);
  const std::string key = key_of(layer, format("int8 depthwise {} k{}x{} s{}", kernels.isa, shape.kernel_h,
                                               shape.kernel_w, shape.stride_w));
  TRY(const auto packed, at.pack(at.in(1).constant, key, plan.packed_bytes,
                                 [&](std::byte* out) { kernels.depthwise_pack(plan, source, out); }));
  Step step;
  step.kernel = "depthwise_int8";
  step.why = why(plan.algorithm, kernels);
  step.thread_scratch_bytes = plan.scratch_bytes;
  step.phases.push_back(divided(
      static_cast<int64_t>(shape.batch * shape.out_height), int8_depthwise_row_cost(shape),
      [&kernels, plan, packed](const StepBuffers& buffers, Range rows) {
        kernels.depthwise(plan, args_of(buffers, packed), rows, buffers.thread_scratch);
      },
      plan.pairs ? 2 : 1));
  return step;
}

bool has_pads(const WindowAxis& axis) {
  return axis.pad_begin != 0 || axis.pad_end != 0;
}

}  // namespace

std::optional<ConvShape> int8_conv_shape(const WindowAxes& axes, int64_t groups, const Shape& x,
                                         const Shape& w) {
  const auto& [depth, height, width] = axes;
  if (depth.kernel != 1 || depth.stride != 1 || has_pads(depth)) return std::nullopt;
  ConvShape shape;
  shape.batch = static_cast<size_t>(x[0] * depth.in);
  shape.height = static_cast<size_t>(height.in);
  shape.width = static_cast<size_t>(width.in);
  shape.in_channels = static_cast<size_t>(x.back());
  shape.out_height = static_cast<size_t>(height.out);
  shape.out_width = static_cast<size_t>(width.out);
  shape.out_channels = static_cast<size_t>(w[0]);
  shape.kernel_h = static_cast<size_t>(height.kernel);
  shape.kernel_w = static_cast<size_t>(width.kernel);
  shape.stride_h = static_cast<size_t>(height.stride);
  shape.stride_w = static_cast<size_t>(width.stride);
  shape.dilation_h = static_cast<size_t>(height.dilation);
  shape.dilation_w = static_cast<size_t>(width.dilation);
  shape.pad_top = height.pad_begin;
  shape.pad_left = width.pad_begin;
  shape.groups = static_cast<size_t>(groups);
  return shape;
}

DepthwiseShape int8_depthwise_shape(const ConvShape& conv) {
  DepthwiseShape shape;
  shape.batch = conv.batch;
  shape.height = conv.height;
  shape.width = conv.width;
  shape.channels = conv.in_channels;
  shape.multiplier = conv.out_channels / conv.in_channels;
  shape.out_height = conv.out_height;
  shape.out_width = conv.out_width;
  shape.kernel_h = conv.kernel_h;
  shape.kernel_w = conv.kernel_w;
  shape.stride_h = conv.stride_h;
  shape.stride_w = conv.stride_w;
  shape.dilation_h = conv.dilation_h;
  shape.dilation_w = conv.dilation_w;
  shape.pad_top = conv.pad_top;
  shape.pad_left = conv.pad_left;
  return shape;
}

int64_t int8_depthwise_row_cost(const DepthwiseShape& shape) {
  const size_t outputs = shape.channels * shape.multiplier;
  return static_cast<int64_t>(shape.out_width * outputs * (shape.kernel_h * shape.kernel_w + 8) / 8);
}

Result<Step> lower_quantized_conv(const Quantized& quantized, const Lowering& at) {
  if (quantized.in[0].dtype == DType::kI16) return lower_wide_conv(quantized, at);
  const auto& op = static_cast<const Conv&>(*quantized.op);
  const Shape x = at.in_shape(0), w = at.in_shape(1), y = at.out_shape(0);
  if (x.elements() == 0 || w.elements() == 0 || y.elements() == 0) return Lowering::reference();
  TRY(const WindowAxes axes, resolve_axes(op.window, spatial_dims(w), spatial_dims(x)));
  const std::optional<ConvShape> shape = int8_conv_shape(axes, op.groups, x, w);
  if (!shape || (op.pad_mode != PadMode::kZero && (has_pads(axes[1]) || has_pads(axes[2]))))
    return Lowering::reference();
  const std::optional<Layer> layer = layer_of(quantized, at, static_cast<size_t>(w[0]));
  if (!layer) return Lowering::reference();
  if (op.groups > 1 && op.groups == x.back()) return depthwise_step(at, *layer, *shape);
  if (const size_t pixels = pixels_to_join(*shape, at.kernels.float_lanes); pixels > 1)
    return joined_conv_step(at, *layer, *shape, pixels);
  return conv_step(at, *layer, *shape, "conv_int8",
                   source_of(*layer, at.in(1).constant, axes[1].kernel, axes[2].kernel, w.back()));
}

// Transposed convolutions: a convolution for each place of an output pixel between input pixels.
// ------------------------------------------------------------------------------------------------------

namespace {

struct TransposedPart {
  Int8ConvPlan plan;
  PackedWeights::Buffer packed;
  int64_t y_offset;    // bytes
  int64_t task_begin;  // of the tasks of all parts
};

/// Where no tap reaches, one that only reads padding gives the bias.
SubPixel with_a_tap(SubPixel sub) {
  if (sub.taps > 0) return sub;
  sub.taps = sub.tap_step = sub.dilation = 1;
  sub.last_tap = 0;
  sub.pad = sub.count;
  return sub;
}

Result<TransposedPart> transposed_part(const Lowering& at, const Layer& layer, ConvShape shape,
                                       const WindowAxis& h, const WindowAxis& w, const SubPixel& sub_h,
                                       const SubPixel& sub_w) {
  shape.out_height = static_cast<size_t>(sub_h.count);
  shape.out_width = static_cast<size_t>(sub_w.count);
  shape.kernel_h = static_cast<size_t>(sub_h.taps);
  shape.kernel_w = static_cast<size_t>(sub_w.taps);
  shape.dilation_h = static_cast<size_t>(sub_h.dilation);
  shape.dilation_w = static_cast<size_t>(sub_w.dilation);
  shape.pad_top = sub_h.pad;
  shape.pad_left = sub_w.pad;
  shape.y_pixel = static_cast<size_t>(w.stride) * shape.out_channels;
  shape.y_row = static_cast<size_t>(h.stride * w.out) * shape.out_channels;
  shape.y_image = static_cast<size_t>(h.out * w.out) * shape.out_channels;
  const Int8Kernels& kernels = *at.kernels.int8;
  const Tensor& weights = at.in(1).constant;
  TransposedPart part{};
  kernels.conv_plan(shape, layer.numbers, &part.plan);
  Int8Source source = source_of(layer, weights, h.kernel, w.kernel, weights.shape().back());
  source.data = weights.bytes() + sub_h.last_tap * source.r_stride + sub_w.last_tap * source.s_stride;
  source.r_stride *= -sub_h.tap_step;
  source.s_stride *= -sub_w.tap_step;
  const std::string key =
      key_of(layer, format("int8 {} transposed {},{} of {}x{} k{}x{} d{} g{} taps {}", kernels.isa,
                           sub_h.last_tap, sub_w.last_tap, h.stride, w.stride, sub_h.taps, sub_w.taps,
                           sub_w.dilation, shape.groups, part.plan.by_tap));
  TRY(part.packed, at.pack(weights, key, part.plan.packed_bytes,
                           [&](std::byte* out) { kernels.conv_pack(part.plan, source, out); }));
  part.y_offset = (sub_h.first * w.out + sub_w.first) * static_cast<int64_t>(shape.out_channels);
  return part;
}

}  // namespace

Result<Step> lower_quantized_conv_transpose(const Quantized& quantized, const Lowering& at) {
  const auto& op = static_cast<const ConvTranspose&>(*quantized.op);
  const Shape xs = at.in_shape(0), ws = at.in_shape(1), ys = at.out_shape(0);
  if (xs.rank() > 4 || xs.elements() == 0 || ys.elements() == 0) return Lowering::reference();
  TRY(const WindowAxes axes, op.resolve_all(spatial_dims(ws), spatial_dims(xs)));
  const WindowAxis &h = axes[1], &w = axes[2];
  const std::optional<Layer> layer = layer_of(quantized, at, static_cast<size_t>(ws[0]));
  if (h.stride * w.stride > 64 || !layer) return Lowering::reference();
  ConvShape shape;
  shape.batch = static_cast<size_t>(xs[0]);
  shape.height = static_cast<size_t>(h.in);
  shape.width = static_cast<size_t>(w.in);
  shape.in_channels = static_cast<size_t>(xs.back());
  shape.out_channels = static_cast<size_t>(ws[0]);
  shape.groups = static_cast<size_t>(op.groups);
  std::vector<TransposedPart> parts;
  int64_t tasks = 0;
  Step step;
  for (int64_t phase_h = 0; phase_h < h.stride; ++phase_h)
    for (int64_t phase_w = 0; phase_w < w.stride; ++phase_w) {
      const SubPixel sub_h = with_a_tap(sub_pixel(h, phase_h)), sub_w = with_a_tap(sub_pixel(w, phase_w));
      if (sub_h.count == 0 || sub_w.count == 0) continue;
      TRY(TransposedPart part, transposed_part(at, *layer, shape, h, w, sub_h, sub_w));
      part.task_begin = tasks;
      tasks += static_cast<int64_t>(part.plan.tasks);
      step.thread_scratch_bytes = std::max(step.thread_scratch_bytes, part.plan.scratch_bytes);
      parts.push_back(std::move(part));
    }
  const Int8Kernels& kernels = *at.kernels.int8;
  step.kernel = "conv_transpose_int8";
  step.why = format("{} sub-pixel convolutions, {}", parts.size(), why(parts[0].plan.algorithm, kernels));
  step.phases.push_back(
      {tasks, [&kernels, parts](const StepBuffers& buffers, int64_t begin, int64_t end) {
         for (const TransposedPart& part : parts) {
           const int64_t first = part.task_begin;
           const int64_t from = std::max(begin, first);
           const int64_t to = std::min(end, first + static_cast<int64_t>(part.plan.tasks));
           if (from >= to) continue;
           const Int8Args args{buffers.inputs[0], part.packed.get(), buffers.outputs[0] + part.y_offset};
           kernels.conv(part.plan, args, range(from - first, to - first), buffers.thread_scratch);
         }
       }});
  return step;
}

Result<Step> lower_quantized_gemm(const Quantized& quantized, const Lowering& at) {
  const auto& op = static_cast<const Gemm&>(*quantized.op);
  const Shape x = at.in_shape(0), w = at.in_shape(1);
  const bool plain = op.alpha == 1 && op.beta == 1 && !op.transpose_a && op.transpose_b && is_none(op.act);
  if (!plain || x.elements() == 0 || w.elements() == 0) return Lowering::reference();
  if (at.has(2) && at.in_shape(2) != Shape{w[0]}) return Lowering::reference();
  const std::optional<Layer> layer = layer_of(quantized, at, static_cast<size_t>(w[0]));
  if (!layer) return Lowering::reference();
  ConvShape shape;
  shape.height = shape.out_height = 1;
  shape.width = shape.out_width = static_cast<size_t>(x[0]);
  shape.in_channels = static_cast<size_t>(w[1]);
  shape.out_channels = static_cast<size_t>(w[0]);
  return conv_step(at, *layer, shape, "gemm_int8", source_of(*layer, at.in(1).constant, 1, 1, w[1]));
}

Result<Step> lower_constant_matmul(const Quantized& quantized, const Lowering& at) {
  const Shape x = at.in_shape(0), w = at.in_shape(1), y = at.out_shape(0);
  if (x.elements() == 0 || y.elements() == 0 || x.rank() < 2 || w.rank() != 2) return Lowering::reference();
  const std::optional<Layer> layer = layer_of(quantized, at, static_cast<size_t>(w[1]), 1);
  if (!layer) return Lowering::reference();
  ConvShape shape;
  shape.height = shape.out_height = 1;
  shape.width = shape.out_width = static_cast<size_t>(x.elements() / x.back());
  shape.in_channels = static_cast<size_t>(w[0]);
  shape.out_channels = static_cast<size_t>(w[1]);
  Int8Source source = source_of(*layer, at.in(1).constant, 1, 1, w[0]);
  source.o_stride = 1;
  source.c_stride = static_cast<ptrdiff_t>(w[1]);
  return conv_step(at, *layer, shape, "matmul_int8", source);
}

}  // namespace pochade
