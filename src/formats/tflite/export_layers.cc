// Layers that compute: convolutions, products, pools, normalisations, interpolation.

#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/tflite/export_scope.h"
#include "ops/conv/conv.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/resize/resize.h"
#include "passes/move_axes.h"

namespace pochade::tflite {
namespace {

Status expect_picture(ExportScope& node) {
  if (node.fact(0).rank_known() && node.fact(0).rank() == 4) return {};
  return Error::not_supported("its input is {}, TFLite has this operator for N,H,W,C only", node.fact(0));
}

/// What a window does to the borders.
struct Padding {
  schema::Padding kind = schema::Padding::VALID;
  std::vector<int64_t> begin, end;  ///< to be added before the operator; empty: nothing
};

/// SAME, VALID, or VALID behind a padding of its own.
Result<Padding> padding_of(const Window& window, const std::vector<int64_t>& kernel, const Fact& x) {
  Padding out;
  if (window.auto_pad == AutoPad::kSameUpper) {
    out.kind = schema::Padding::SAME;
    return out;
  }
  bool none = window.auto_pad == AutoPad::kExplicit, same = true, known = true;
  for (size_t axis = 0; axis < kernel.size(); ++axis) {
    const Dim& size = x.dim(static_cast<int>(axis) + 1);
    if (!size.is_number() && window.auto_pad == AutoPad::kSameLower)
      return Error::not_supported("its padding depends on a size that is not known");
    int64_t begin = window.pad_begin(axis), end = window.pad_end(axis);
    known &= size.is_number();
    if (size.is_number()) {
      TRY(const WindowAxis given, window.resolve(axis, kernel[axis], size.number()));
      Window upper = window;
      upper.auto_pad = AutoPad::kSameUpper;
      TRY(const WindowAxis wanted, upper.resolve(axis, kernel[axis], size.number()));
      begin = given.pad_begin, end = given.pad_end;
      same &= begin == wanted.pad_begin && given.out == wanted.out;
    }
    if (begin < 0 || end < 0) return Error::not_supported("it has a negative padding");
    none &= begin == 0 && end == 0;
    out.begin.push_back(begin);
    out.end.push_back(end);
  }
  if (none) return Padding{};
  if (same && known) return Padding{schema::Padding::SAME, {}, {}};
  return out;
}

/// The input behind a PAD (or PADV2 with a value), if there is something to pad.
TensorIndex padded(ExportScope& node, const Padding& padding, std::optional<TensorIndex> value = {}) {
  const TensorIndex x = node.input(0);
  if (padding.begin.empty()) return x;
  const Fact fact = node.fact(0);
  Dims dims = *fact.dims;
  std::vector<int32_t> pads{0, 0};
  for (size_t i = 0; i < padding.begin.size(); ++i) {
    pads.push_back(static_cast<int32_t>(padding.begin[i]));
    pads.push_back(static_cast<int32_t>(padding.end[i]));
    dims[i + 1] = derive(dims[i + 1], [&](int64_t n) { return n + padding.begin[i] + padding.end[i]; });
  }
  pads.insert(pads.end(), {0, 0});
  const TensorIndex list = node.constant(Tensor::of<int32_t>({static_cast<int64_t>(dims.size()), 2}, pads));
  const TensorIndex y = node.between(std::move(dims));
  if (value)
    node.write(BuiltinOperator::PADV2, node.type_version(), {x, list, *value}, {y},
               node.options(OptionsType::PadV2Options, schema::CreatePadV2Options(node.flat())));
  else
    node.write(BuiltinOperator::PAD, node.type_version(), {x, list}, {y},
               node.options(OptionsType::PadOptions, schema::CreatePadOptions(node.flat())));
  return y;
}

/// Weights with their axes in another order; their scales go along.
Result<TensorIndex> turned_weights(ExportScope& node, size_t input, const Permutation& order) {
  TRY(const Tensor tensor, transposed(node.fact(input).constant, order));
  Quantized::Type type = node.input_type(input);
  if (type.quantization && type.quantization->axis >= 0) {
    Quantization turned = *type.quantization;
    turned.axis = static_cast<int>(std::find(order.begin(), order.end(), turned.axis) - order.begin());
    type.quantization = std::make_shared<const Quantization>(std::move(turned));
  }
  return node.constant(tensor, type);
}

/// A bias of zeros where there is none.
Result<TensorIndex> bias_or_zeros(ExportScope& node, int64_t channels) {
  if (node.has_input(2)) return node.input(2);
  const DType dtype = !node.is_quantized()                 ? *node.fact(0).dtype
                      : *node.fact(0).dtype == DType::kI16 ? DType::kI64
                                                           : DType::kI32;
  TRY(const Tensor zeros, Tensor::make(dtype, Shape{channels}));
  Quantized::Type type;
  const Quantized::Type x = node.input_type(0), w = node.input_type(1);
  if (x.quantization && w.quantization) {
    Quantization product;
    for (const float scale : w.quantization->scale) product.scale.push_back(x.scale() * scale);
    product.axis = product.scale.size() > 1 ? 0 : -1;
    type = {dtype, std::make_shared<const Quantization>(std::move(product))};
  }
  return node.constant(zeros, type);
}

Status conv(ExportScope& node) {
  const auto& op = node.as<Conv>();
  TRY(expect_picture(node));
  const Fact w = node.fact(1);
  if (!w.is_constant()) return Error::not_supported("its weights are computed");
  const Shape shape = w.constant.shape();
  const std::vector<int64_t> kernel{shape[1], shape[2]};
  TRY(const Padding padding, padding_of(op.window, kernel, node.fact(0)));
  TRY(const auto act, node.activation());
  const auto stride_h = static_cast<int>(op.window.stride(0)),
             stride_w = static_cast<int>(op.window.stride(1));
  const auto dilation_h = static_cast<int>(op.window.dilation(0)),
             dilation_w = static_cast<int>(op.window.dilation(1));
  const bool depthwise = op.groups > 1 && shape[3] == 1 && node.fact(0).dim(3).is(op.groups);
  TRY(const TensorIndex bias, bias_or_zeros(node, shape[0]));
  const int integers = node.type_version();
  if (depthwise) {
    TRY(const TensorIndex weights, turned_weights(node, 1, {3, 1, 2, 0}));
    const auto options = schema::CreateDepthwiseConv2DOptions(node.flat(), padding.kind, stride_w, stride_h,
                                                              static_cast<int>(shape[0] / op.groups), act,
                                                              dilation_w, dilation_h);
    const int version = integers == 3 ? 5 : integers == 2 ? 3 : dilation_h > 1 || dilation_w > 1 ? 2 : 1;
    const Options written = node.options(OptionsType::DepthwiseConv2DOptions, options);
    const TensorIndex x = padded(node, padding);
    node.write(BuiltinOperator::DEPTHWISE_CONV_2D, version, {x, weights, bias}, {node.output()}, written);
    return {};
  }
  const TensorIndex x = padded(node, padding), weights = node.input(1);
  const auto options =
      schema::CreateConv2DOptions(node.flat(), padding.kind, stride_w, stride_h, act, dilation_w, dilation_h);
  const int version = integers == 3 ? 4 : integers == 2 ? 3 : op.groups > 1 ? 6 : 1;
  node.write(BuiltinOperator::CONV_2D, version, {x, weights, bias}, {node.output()},
             node.options(OptionsType::Conv2DOptions, options));
  return {};
}

/// FULLY_CONNECTED: rows times constant weights O,I.
Status gemm(ExportScope& node) {
  const auto& op = node.as<Gemm>();
  const Fact w = node.fact(1), b = node.fact(2);
  if (op.transpose_a || op.alpha != 1 || (op.beta != 1 && node.has_input(2)))
    return Error::not_supported("TFLite has no such factors or transposed rows; --simplify may fold them");
  if (!w.is_constant()) return Error::not_supported("its weights are computed");
  const int64_t channels = w.constant.shape()[op.transpose_b ? 0 : 1];
  TensorIndex bias = kLeftOut;
  if (node.has_input(2) && b.is_constant() && b.constant.elements() == channels) {
    bias = b.rank() == 1 ? node.input(2) : node.constant(b.constant.reshaped({channels}), node.input_type(2));
  } else if (node.has_input(2)) {
    return Error::not_supported("its third input is {}, TFLite has one number a column", b);
  }
  TRY(const auto act, node.activation());
  TensorIndex weights = node.input(1);
  if (!op.transpose_b) {
    TRY(weights, turned_weights(node, 1, {1, 0}));
  }
  const auto options = schema::CreateFullyConnectedOptions(node.flat(), act);
  const int integers = node.type_version();
  const int version = integers == 3 ? 7 : integers == 2 ? 4 : bias == kLeftOut ? 6 : 1;
  node.write(BuiltinOperator::FULLY_CONNECTED, version, {node.input(0), weights, bias}, {node.output()},
             node.options(OptionsType::FullyConnectedOptions, options));
  return {};
}

Status matmul(ExportScope& node) {
  if (!node.fact(0).rank_known() || !node.fact(1).rank_known() || node.fact(0).rank() < 2 ||
      node.fact(1).rank() < 2)
    return Error::not_supported("TFLite multiplies matrices only");
  return node.emit(
      BuiltinOperator::BATCH_MATMUL, node.type_version(),
      node.options(OptionsType::BatchMatMulOptions, schema::CreateBatchMatMulOptions(node.flat())));
}

template <typename D>
Status pool(ExportScope& node, BuiltinOperator code, std::optional<double> value) {
  const auto& op = node.as<D>();
  TRY(expect_picture(node));
  if (op.window.dilation(0) != 1 || op.window.dilation(1) != 1)
    return Error::not_supported("TFLite has no dilated pools");
  TRY(Padding padding, padding_of(op.window, op.kernel, node.fact(0)));
  if (op.window.ceil_mode) {
    // A last window that is cut is what SAME has; else it must not be there at all.
    Window floor = op.window;
    floor.ceil_mode = false;
    for (size_t axis = 0; axis < 2; ++axis) {
      const Dim& size = node.fact(0).dim(static_cast<int>(axis) + 1);
      if (!size.is_number()) return Error::not_supported("it rounds up a size that is not known");
      TRY(const WindowAxis up, op.window.resolve(axis, op.kernel[axis], size.number()));
      TRY(const WindowAxis down, floor.resolve(axis, op.kernel[axis], size.number()));
      if (up.out != down.out && padding.kind != schema::Padding::SAME)
        return Error::not_supported("it rounds sizes up in a way that TFLite has not");
    }
  }
  TRY(const auto act, node.activation());
  TensorIndex x = node.input(0);
  if (!padding.begin.empty()) {
    if (!value) return Error::not_supported("TFLite has no such padding of a mean");
    if (*value == 0) {
      x = padded(node, padding);
    } else {
      if (node.is_quantized()) return Error::not_supported("TFLite has no such padding of integers");
      TRY(const TensorIndex lowest, node.number(*value));
      x = padded(node, padding, lowest);
    }
  }
  const auto options = schema::CreatePool2DOptions(
      node.flat(), padding.kind, static_cast<int>(op.window.stride(1)), static_cast<int>(op.window.stride(0)),
      static_cast<int>(op.kernel[1]), static_cast<int>(op.kernel[0]), act);
  node.write(code, node.type_version(), {x}, {node.output()},
             node.options(OptionsType::Pool2DOptions, options));
  return {};
}

Status max_pool(ExportScope& node) {
  if (node.as<MaxPool>().with_indices) return Error::not_supported("TFLite has no places of the largest");
  return pool<MaxPool>(node, BuiltinOperator::MAX_POOL_2D,
                       static_cast<double>(std::numeric_limits<float>::lowest()));
}

Status average_pool(ExportScope& node) {
  const auto& op = node.as<AveragePool>();
  if (op.count_include_pad && op.window.auto_pad != AutoPad::kExplicit)
    return Error::not_supported("TFLite's means do not count the padding");
  if (!op.count_include_pad) return pool<AveragePool>(node, BuiltinOperator::AVERAGE_POOL_2D, std::nullopt);
  TRY(expect_picture(node));
  // The padding counts: it is written as zeros before the pool, never as SAME.
  Padding padding;
  for (size_t axis = 0; axis < 2; ++axis) {
    padding.begin.push_back(op.window.pad_begin(axis));
    padding.end.push_back(op.window.pad_end(axis));
  }
  const auto zero = [](int64_t pad) { return pad == 0; };
  if (std::ranges::all_of(padding.begin, zero) && std::ranges::all_of(padding.end, zero)) padding = {};
  if (op.window.ceil_mode) return Error::not_supported("it rounds sizes up in a way that TFLite has not");
  if (op.window.dilation(0) != 1 || op.window.dilation(1) != 1)
    return Error::not_supported("TFLite has no dilated pools");
  TRY(const auto act, node.activation());
  const TensorIndex x = padded(node, padding);
  const auto options =
      schema::CreatePool2DOptions(node.flat(), schema::Padding::VALID, static_cast<int>(op.window.stride(1)),
                                  static_cast<int>(op.window.stride(0)), static_cast<int>(op.kernel[1]),
                                  static_cast<int>(op.kernel[0]), act);
  node.write(BuiltinOperator::AVERAGE_POOL_2D, node.type_version(), {x}, {node.output()},
             node.options(OptionsType::Pool2DOptions, options));
  return {};
}

std::vector<int64_t> spatial_axes(int rank) {
  std::vector<int64_t> out;
  for (int axis = 1; axis + 1 < rank; ++axis) out.push_back(axis);
  return out;
}

Options keep_dims(ExportScope& node) {
  return node.options(OptionsType::ReducerOptions, schema::CreateReducerOptions(node.flat(), true));
}

template <BuiltinOperator kCode>
Status global_pool(ExportScope& node) {
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const TensorIndex axes = node.int32s(spatial_axes(node.fact(0).rank()));
  node.write(kCode, node.type_version(), {node.input(0), axes}, {node.output()}, keep_dims(node));
  return {};
}

Options add_options(ExportScope& node, schema::ActivationFunctionType act) {
  return node.options(OptionsType::AddOptions, schema::CreateAddOptions(node.flat(), act));
}
Options mul_options(ExportScope& node) {
  return node.options(OptionsType::MulOptions, schema::CreateMulOptions(node.flat()));
}

/// x * scale + shift, with what is constant computed beforehand.
Status batch_normalization(ExportScope& node) {
  const auto& op = node.as<BatchNormalization>();
  if (op.training) return Error::not_supported("TFLite does not train");
  std::vector<std::vector<float>> parameters;
  for (size_t i = 1; i < 5; ++i) {
    if (!node.fact(i).is_constant()) return Error::not_supported("its parameters are computed");
    parameters.push_back(to_floats(node.fact(i).constant));
  }
  std::vector<float> scale, shift;
  for (size_t c = 0; c < parameters[0].size(); ++c) {
    scale.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + op.epsilon));
    shift.push_back(parameters[1][c] - parameters[2][c] * scale[c]);
  }
  TRY(const auto act, node.activation());
  const Shape channels{static_cast<int64_t>(scale.size())};
  const TensorIndex scaled = node.between(node.fact(0).dims);
  node.write(BuiltinOperator::MUL, 1, {node.input(0), node.constant(Tensor::of<float>(channels, scale))},
             {scaled}, mul_options(node));
  node.write(BuiltinOperator::ADD, 1, {scaled, node.constant(Tensor::of<float>(channels, shift))},
             {node.output()}, add_options(node, act));
  return {};
}

/// By its definition: mean and variance over the spatial axes of each picture.
Status instance_normalization(ExportScope& node) {
  const auto& op = node.as<InstanceNormalization>();
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const Dims dims = *node.fact(0).dims;
  Dims small = dims;
  for (size_t axis = 1; axis + 1 < small.size(); ++axis) small[axis] = Dim(1);
  const TensorIndex x = node.input(0), axes = node.int32s(spatial_axes(static_cast<int>(dims.size())));
  TRY(const auto act, node.activation());
  const TensorIndex mean = node.between(small), centred = node.between(dims), squares = node.between(dims),
                    variance = node.between(small), safe = node.between(small), rate = node.between(small),
                    normal = node.between(dims), scaled = node.between(dims);
  TRY(const TensorIndex epsilon, node.number(static_cast<double>(op.epsilon)));
  const auto none = schema::ActivationFunctionType::NONE;
  node.write(BuiltinOperator::MEAN, 1, {x, axes}, {mean}, keep_dims(node));
  node.write(BuiltinOperator::SUB, 1, {x, mean}, {centred},
             node.options(OptionsType::SubOptions, schema::CreateSubOptions(node.flat())));
  node.write(BuiltinOperator::MUL, 1, {centred, centred}, {squares}, mul_options(node));
  node.write(BuiltinOperator::MEAN, 1, {squares, axes}, {variance}, keep_dims(node));
  node.write(BuiltinOperator::ADD, 1, {variance, epsilon}, {safe}, add_options(node, none));
  node.write(BuiltinOperator::RSQRT, 1, {safe}, {rate});
  node.write(BuiltinOperator::MUL, 1, {centred, rate}, {normal}, mul_options(node));
  node.write(BuiltinOperator::MUL, 1, {normal, node.input(1)}, {scaled}, mul_options(node));
  node.write(BuiltinOperator::ADD, 1, {scaled, node.input(2)}, {node.output()}, add_options(node, act));
  return {};
}

template <typename D>
Status softmax(ExportScope& node) {
  const auto& op = node.as<D>();
  const Fact x = node.fact(0);
  const bool is_last = op.axis == -1 || (x.rank_known() && op.axis == x.rank() - 1);
  if (!is_last) return Error::not_supported("its axis is {}, TFLite has the last one only", op.axis);
  if constexpr (std::is_same_v<D, LogSoftmax>)
    return node.emit(
        BuiltinOperator::LOG_SOFTMAX, node.type_version(),
        node.options(OptionsType::LogSoftmaxOptions, schema::CreateLogSoftmaxOptions(node.flat())));
  else
    return node.emit(
        BuiltinOperator::SOFTMAX, node.type_version(),
        node.options(OptionsType::SoftmaxOptions, schema::CreateSoftmaxOptions(node.flat(), 1.0f)));
}

/// Height and width alone, to a size that is known.
Status resize(ExportScope& node) {
  const auto& op = node.as<Resize>();
  TRY(expect_picture(node));
  const Fact x = node.fact(0);
  const Fact& y = node.output_fact();
  for (const int axis : {1, 2})
    if (!x.dim(axis).is_number() || !y.rank_known() || !y.dim(axis).is_number())
      return Error::not_supported("the sizes of its input or output are not known; convert with fixed sizes");
  if (node.has_input(2) && !node.fact(2).is_constant())
    return Error::not_supported("its scales are computed");
  // TFLite's scale is the quotient of the sizes, whatever a scale was before its size was rounded.
  const std::vector<float> scales =
      node.has_input(2) ? to_floats(node.fact(2).constant) : std::vector<float>();
  for (size_t i = 0; i < scales.size(); ++i) {
    const auto axis = op.axes.empty() ? static_cast<int>(i) : static_cast<int>(op.axes[i]);
    if (axis < 1 || axis > 2 || op.coordinates == Resize::Coordinates::kAlignCorners) continue;
    const auto exact = static_cast<double>(x.dim(axis).number()) * static_cast<double>(scales[i]);
    if (std::abs(exact - static_cast<double>(y.dim(axis).number())) > 1e-4)
      return Error::not_supported("its scale {} is not the quotient of two sizes", scales[i]);
  }
  const bool others_stay = y.dim(0) == x.dim(0) && y.dim(3) == x.dim(3);
  using C = Resize::Coordinates;
  const bool plain = others_stay && !op.antialias && !op.exclude_outside;
  const bool corners = op.coordinates == C::kAlignCorners;
  const TensorIndex size = node.int32s({y.dim(1).number(), y.dim(2).number()});
  if (op.mode == Resize::Mode::kLinear) {
    const bool half = op.coordinates == C::kHalfPixel;
    if (!plain || (!corners && !half && op.coordinates != C::kAsymmetric))
      return Error::not_supported("TFLite has no such interpolation ({})", op.fields_text());
    node.write(BuiltinOperator::RESIZE_BILINEAR, half ? 3 : node.type_version(), {node.input(0), size},
               {node.output()},
               node.options(OptionsType::ResizeBilinearOptions,
                            schema::CreateResizeBilinearOptions(node.flat(), 0, 0, corners, half)));
    return {};
  }
  const bool whole = y.dim(1).number() % std::max<int64_t>(1, x.dim(1).number()) == 0 &&
                     y.dim(2).number() % std::max<int64_t>(1, x.dim(2).number()) == 0;
  const bool as_floor =
      op.coordinates == C::kAsymmetric &&
      (op.nearest == Resize::Nearest::kFloor || (op.nearest == Resize::Nearest::kCeilIfShrinking && whole));
  // Enlarged by whole numbers, no middle of a pixel lies between two others: all ways to round agree.
  const bool half =
      op.coordinates == C::kTfHalfPixelForNn
          ? op.nearest == Resize::Nearest::kFloor
          : op.coordinates == C::kHalfPixel && whole && op.nearest == Resize::Nearest::kRoundPreferFloor;
  const bool rounded = corners && op.nearest == Resize::Nearest::kRoundPreferCeil;
  if (op.mode != Resize::Mode::kNearest || !plain || (!as_floor && !half && !rounded))
    return Error::not_supported("TFLite has no such interpolation ({})", op.fields_text());
  node.write(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, half ? 3 : node.type_version(), {node.input(0), size},
             {node.output()},
             node.options(OptionsType::ResizeNearestNeighborOptions,
                          schema::CreateResizeNearestNeighborOptions(node.flat(), corners, half)));
  return {};
}

constexpr ExportRow kExportLayersRows[] = {
    {"AveragePool", average_pool},
    {"BatchNormalization", batch_normalization},
    {"Conv", conv},
    {"Gemm", gemm},
    {"GlobalAveragePool", global_pool<BuiltinOperator::MEAN>},
    {"GlobalMaxPool", global_pool<BuiltinOperator::REDUCE_MAX>},
    {"InstanceNormalization", instance_normalization},
    {"LogSoftmax", softmax<LogSoftmax>},
    {"MatMul", matmul},
    {"MaxPool", max_pool},
    {"Resize", resize},
    {"Softmax", softmax<Softmax>},
};

}  // namespace

std::span<const ExportRow> layer_export_rows() {
  return kExportLayersRows;
}

}  // namespace pochade::tflite
