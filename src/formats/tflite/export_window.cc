// Layers with windows: convolutions and pools.

#include <algorithm>
#include <cstring>
#include <limits>

#include "formats/expand_quantized.h"
#include "formats/tflite/export_scope.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"

namespace pochade::tflite {
namespace {

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

/// A bias of zeros where there is none.
Result<TensorIndex> bias_or_zeros(ExportScope& node, int64_t channels) {
  if (node.has_input(2)) return node.input(2);
  const DType dtype = !node.is_quantized()                 ? *node.fact(0).dtype
                      : *node.fact(0).dtype == DType::kI16 ? DType::kI64
                                                           : DType::kI32;
  TRY(const Tensor zeros, Tensor::make(dtype, Shape{channels}));
  Quantized::Type type;
  const Quantized::Type x = node.input_type(0), w = node.input_type(1);
  if (x.quantization && w.quantization)
    type = {dtype,
            std::make_shared<const Quantization>(product_quantization(*x.quantization, *w.quantization))};
  return node.constant(zeros, type);
}

Status conv(ExportScope& node) {
  const auto& op = node.as<Conv>();
  TRY(node.expect_picture());
  TRY(node.expect_products());
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
  const HybridLayer* hybrid = node.hybrid();
  const bool by_channel = hybrid != nullptr && hybrid->weights.quantization->axis >= 0;
  if (hybrid != nullptr && hybrid->symmetric == (by_channel || depthwise))
    return Error::not_supported("TFLite quantizes the activations of such a layer in another way");
  const int integers = node.type_version();
  if (depthwise) {
    TRY(const TensorIndex weights, node.turned(1, {3, 1, 2, 0}));
    const auto options = schema::CreateDepthwiseConv2DOptions(node.flat(), padding.kind, stride_w, stride_h,
                                                              static_cast<int>(shape[0] / op.groups), act,
                                                              dilation_w, dilation_h);
    const int version = hybrid != nullptr                  ? 4
                        : integers == 3                    ? 5
                        : integers == 2                    ? 3
                        : dilation_h > 1 || dilation_w > 1 ? 2
                                                           : 1;
    const Options written = node.options(OptionsType::DepthwiseConv2DOptions, options);
    const TensorIndex x = padded(node, padding);
    node.write(BuiltinOperator::DEPTHWISE_CONV_2D, version, {x, weights, bias}, {node.output()}, written);
    return {};
  }
  const TensorIndex x = padded(node, padding), weights = node.input(1);
  const auto options =
      schema::CreateConv2DOptions(node.flat(), padding.kind, stride_w, stride_h, act, dilation_w, dilation_h);
  const int version = by_channel          ? 5
                      : hybrid != nullptr ? 2
                      : integers == 3     ? 4
                      : integers == 2     ? 3
                      : op.groups > 1     ? 6
                                          : 1;
  node.write(BuiltinOperator::CONV_2D, version, {x, weights, bias}, {node.output()},
             node.options(OptionsType::Conv2DOptions, options));
  return {};
}

/// A TRANSPOSE_CONV that gives `whole`.
struct Transposed {
  int version;
  Options options;
  std::vector<int64_t> whole;
};

void write_transposed(ExportScope& node, const Transposed& form, TensorIndex x, TensorIndex w, TensorIndex b,
                      TensorIndex y) {
  std::vector<TensorIndex> inputs{node.int32s(form.whole), w, x};
  if (b != kLeftOut) inputs.push_back(b);
  node.write(BuiltinOperator::TRANSPOSE_CONV, form.version, inputs, {y}, form.options);
}

/// Indices [begin, begin + count) of the first axis of constant input i, with their scales.
Result<TensorIndex> part_of(ExportScope& node, size_t i, int64_t begin, int64_t count) {
  if (!node.has_input(i)) return kLeftOut;
  if (!node.fact(i).is_constant()) return Error::not_supported("its bias is computed");
  const Tensor whole = node.fact(i).constant;
  Shape shape = whole.shape();
  shape[0] = count;
  TRY(Tensor part, Tensor::make(whole.dtype(), shape));
  const auto row = static_cast<int64_t>(whole.byte_size()) / whole.shape()[0];
  std::memcpy(part.mutable_bytes(), whole.bytes() + begin * row, part.byte_size());
  Quantized::Type type = node.input_type(i);
  if (type.quantization && type.quantization->axis == 0) {
    Quantization some = *type.quantization;
    const auto cut = [&](auto& values) {
      if (values.empty()) return;
      values.erase(values.begin(), values.begin() + begin);
      values.resize(static_cast<size_t>(count));
    };
    cut(some.scale);
    cut(some.zero_point);
    if (count == 1) some.axis = -1;
    type.quantization = std::make_shared<const Quantization>(std::move(some));
  }
  return node.constant(part, type);
}

/// TFLite has this operator without groups: SPLIT, one operator for each group, CONCATENATION.
Status write_groups(ExportScope& node, Transposed form, int64_t groups, TensorIndex y) {
  const Shape x = *node.fact(0).shape();
  const int64_t channels = node.fact(1).constant.shape()[0] / groups;
  Dims dims;
  for (const int64_t size : x) dims.emplace_back(size);
  dims.back() = Dim(x.back() / groups);
  form.whole.back() = channels;
  std::vector<TensorIndex> parts, results;
  for (int64_t g = 0; g < groups; ++g) parts.push_back(node.between(dims));
  node.write(BuiltinOperator::SPLIT, node.type_version(),
             {node.constant(Tensor::scalar<int32_t>(3)), node.input(0)}, parts,
             node.options(OptionsType::SplitOptions,
                          schema::CreateSplitOptions(node.flat(), static_cast<int>(groups))));
  for (int64_t g = 0; g < groups; ++g) {
    TRY(const TensorIndex w, part_of(node, 1, g * channels, channels));
    TRY(const TensorIndex b, part_of(node, 2, g * channels, channels));
    results.push_back(node.between(Dims(form.whole.begin(), form.whole.end()), true));
    write_transposed(node, form, parts[static_cast<size_t>(g)], w, b, results.back());
  }
  node.write(
      BuiltinOperator::CONCATENATION, node.type_version(), results, {y},
      node.options(OptionsType::ConcatenationOptions, schema::CreateConcatenationOptions(node.flat(), 3)));
  return {};
}

/// TFLite is told the output's size, of which a forward convolution must give the input's. SAME cuts off half
/// of what that would have padded, VALID nothing; for other pads all of it is written, and the part is cut
/// out.
Status conv_transpose(ExportScope& node) {
  const auto& op = node.as<ConvTranspose>();
  TRY(node.expect_picture());
  TRY(node.expect_products());
  const Fact x = node.fact(0), w = node.fact(1);
  if (!w.is_constant()) return Error::not_supported("its weights are computed");
  if (op.window.dilation(0) != 1 || op.window.dilation(1) != 1)
    return Error::not_supported("TFLite has it without dilations only");
  const auto shape = x.shape();
  if (!shape) return Error::not_supported("the size of its input is not known");
  const Shape kernel = w.constant.shape();
  bool same = true, valid = true;
  std::vector<int64_t> begin{0}, end{(*shape)[0]}, whole{(*shape)[0]};
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t n = (*shape)[static_cast<int>(axis) + 1], k = kernel[static_cast<int>(axis) + 1],
                  stride = op.window.stride(axis);
    TRY(const WindowAxis place, op.resolve(axis, k, n));
    if (place.pad_begin < 0) return Error::not_supported("it has a negative padding");
    const int64_t cut = std::max<int64_t>(0, (place.out - 1) / stride * stride + k - place.out);
    same &= cut / 2 == place.pad_begin && (place.out + stride - 1) / stride == n;
    const auto fits = [&](int64_t out) { return out >= k && (out - k) / stride + 1 == n; };
    valid &= place.pad_begin == 0 && fits(place.out);
    begin.push_back(place.pad_begin);
    end.push_back(place.pad_begin + place.out);
    whole.push_back(std::max(stride * (n - 1) + k, end.back()));
    if (!fits(whole.back()))
      return Error::not_supported("its output is larger than TFLite allows for its input");
  }
  const int64_t channels = kernel[0];
  begin.push_back(0), end.push_back(channels), whole.push_back(channels);
  const bool direct = same || valid;
  if (direct) whole = {end[0], end[1] - begin[1], end[2] - begin[2], channels};
  TRY(const auto act, node.activation());
  const auto options = schema::CreateTransposeConvOptions(
      node.flat(), same ? schema::Padding::SAME : schema::Padding::VALID,
      static_cast<int>(op.window.stride(1)), static_cast<int>(op.window.stride(0)), act);
  const int version = act != schema::ActivationFunctionType::NONE ? 4
                      : node.has_input(2)                         ? 3
                                                                  : std::min(2, node.type_version());
  const Transposed form{version, node.options(OptionsType::TransposeConvOptions, options), whole};
  const TensorIndex y = direct ? node.output() : node.between(Dims(whole.begin(), whole.end()), true);
  if (op.groups > 1)
    TRY(write_groups(node, form, op.groups, y));
  else
    write_transposed(node, form, node.input(0), node.input(1), node.has_input(2) ? node.input(2) : kLeftOut,
                     y);
  if (direct) return {};
  node.write(BuiltinOperator::STRIDED_SLICE, node.type_version(),
             {y, node.int32s(begin), node.int32s(end), node.int32s({1, 1, 1, 1})}, {node.output()},
             node.options(OptionsType::StridedSliceOptions, schema::CreateStridedSliceOptions(node.flat())));
  return {};
}

template <typename D>
Status pool(ExportScope& node, BuiltinOperator code, std::optional<double> value) {
  const auto& op = node.as<D>();
  TRY(node.expect_picture());
  if (op.window.dilation(0) != 1 || op.window.dilation(1) != 1)
    return Error::not_supported("TFLite has no dilated pools");
  TRY(Padding padding, padding_of(op.window, op.kernel, node.fact(0)));
  if (op.window.ceil_mode) {
    // A last window that is cut is what SAME has; else it must not be there at all.
    Window floor = op.window;
    floor.ceil_mode = false;
    for (size_t axis = 0; axis < 2; ++axis) {
      const Dim size = node.fact(0).dim(static_cast<int>(axis) + 1);
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
  TRY(node.expect_picture());
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

constexpr ExportRow kExportWindowRows[] = {
    {"AveragePool", average_pool},
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
    {"MaxPool", max_pool},
};

}  // namespace

std::span<const ExportRow> window_export_rows() {
  return kExportWindowRows;
}

}  // namespace pochade::tflite
