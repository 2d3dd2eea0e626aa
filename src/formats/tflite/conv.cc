// Convolutions. Activations are channels-last in TFLite as here; weights have their axes in other orders.

#include "ops/conv/conv.h"
#include "formats/tflite/hybrid.h"
#include "formats/tflite/windows.h"
#include "ops/conv/conv_transpose.h"

namespace pochade::tflite {
namespace {

/// The bias of a convolution on integers has the scale of its sums, whatever the file says.
Result<ValueId> bias_input(NodeScope& node, size_t i, ValueId x) {
  TRY(const ValueId b, node.input(i));
  if (b != kNone && node.is_quantized(x)) node.set_type(b, Quantized::Type{node.fact(b).dtype, nullptr});
  return b;
}

Status emit_conv(NodeScope& node, Conv op, ValueId x, ValueId w, ValueId b, const Activation& act,
                 bool is_depthwise = false) {
  if (is_hybrid(node, x, w)) {
    // One scale of the weights: symmetric activations; one for each channel: their whole range.
    const bool by_channel = is_depthwise || node.type(w).quantization->axis >= 0;
    TRY(const Hybrid hybrid, quantized_rows(node, x, w, !by_channel));
    TRY(const ValueId sums, node.add(std::move(op), {hybrid.x, hybrid.w}));
    TRY(const ValueId y, scaled_sums(node, hybrid, sums, b, act));
    return node.set_output(0, y);
  }
  TRY(w, node.is_quantized(x) ? Result<ValueId>(w) : node.dequantized(w));
  std::vector<ValueId> inputs{x, w};
  if (b != kNone) inputs.push_back(b);
  return node.emit(std::move(op), std::move(inputs), act);
}

/// x: N,H,W,C   w: O,H,W,C/groups   b: O
Status conv_2d(NodeScope& node) {
  Conv op;
  TRY(op.window, read_window(node, {"h", "w"}));
  node.ignore("quantized_bias_type");  // the bias has a type
  TRY(const Activation act, node.activation());
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId w, node.required(1));
  TRY(const ValueId b, bias_input(node, 2, x));
  const Fact &input = node.fact(x), &weights = node.fact(w);
  if (!weights.rank_known() || weights.rank() != 4 || !input.rank_known() || input.rank() != 4)
    return Error::invalid_model("x is {} and the weights are {}, expected rank 4", input, weights);
  const Dim &channels = input.dim(3), &read = weights.dim(3);
  if (channels.is_number() && read.is_number() && read.number() > 0) {
    if (channels.number() % read.number() != 0)
      return Error::invalid_model("x has {} channels, the weights {}", channels.number(), read.number());
    op.groups = std::max<int64_t>(1, channels.number() / read.number());
  }
  return emit_conv(node, std::move(op), x, w, b, act);
}

/// w: 1,H,W,O with O a multiple of C -> O,H,W,1
Status depthwise_conv_2d(NodeScope& node) {
  Conv op;
  TRY(op.window, read_window(node, {"h", "w"}));
  node.ignore("depth_multiplier");  // the shapes say it; files exist in which the option is wrong
  TRY(const Activation act, node.activation());
  TRY(const ValueId x, node.required(0));
  TRY(ValueId w, node.required(1));
  TRY(const ValueId b, bias_input(node, 2, x));
  const Fact &input = node.fact(x), &weights = node.fact(w);
  if (!weights.rank_known() || weights.rank() != 4 || !weights.dim(0).is(1))
    return Error::invalid_model("the weights are {}, expected 1,H,W,O", weights);
  if (!input.rank_known() || input.rank() != 4 || !input.dim(3).is_number())
    return Error::not_supported("x is {}, expected rank 4 and a known number of channels", input);
  op.groups = input.dim(3).number();
  if (op.groups < 1) return Error::invalid_model("x has no channels");
  TRY(w, node.transpose(w, {3, 1, 2, 0}));
  return emit_conv(node, std::move(op), x, w, b, act, true);
}

/// w: D,H,W,C,O -> O,D,H,W,C
Status conv_3d(NodeScope& node) {
  Conv op;
  TRY(op.window, read_window(node, {"d", "h", "w"}));
  TRY(const Activation act, node.activation());
  TRY(const ValueId x, node.required(0));
  TRY(ValueId w, node.required(1));
  TRY(const ValueId b, bias_input(node, 2, x));
  TRY(w, node.transpose(w, {4, 0, 1, 2, 3}));
  return emit_conv(node, std::move(op), x, w, b, act);
}

/// Pads as TFLite has them: those of the forward convolution from the output to the input, and what is left
/// over at the end.
Status place_transposed(ConvTranspose& op, const Shape& x, const Shape& w, std::span<const int64_t> out,
                        bool is_same) {
  const int spatial = x.rank() - 2;
  for (int axis = 0; axis < spatial; ++axis) {
    const auto a = static_cast<size_t>(axis);
    const int64_t kernel = (w[axis + 1] - 1) * op.window.dilation(a) + 1, stride = op.window.stride(a);
    const int64_t size = out[a];
    if (size < 1 || size > INT32_MAX) return Error::invalid_model("the output's size is {}", size);
    const int64_t forward = is_same ? (size + stride - 1) / stride : (size - kernel + stride) / stride;
    const int64_t total = std::max<int64_t>(0, (forward - 1) * stride + kernel - size);
    op.window.pads_begin.push_back(total / 2);
    const int64_t rest = stride * (x[axis + 1] - 1) + kernel - total / 2 - size;
    op.window.pads_end.push_back(std::max<int64_t>(0, rest));
    op.output_padding.push_back(std::max<int64_t>(0, -rest));
  }
  return {};
}

/// Inputs: the output's shape, the weights, x, and a bias that may be left out.
Status transposed(NodeScope& node, ConvTranspose op, bool is_same, const std::vector<int64_t>& perm) {
  TRY(const Activation act, node.activation());
  TRY(const std::vector<int64_t> shape, node.constant_integers(0, "output_shape"));
  TRY(ValueId w, node.required(1));
  TRY(const ValueId x, node.required(2));
  TRY(const ValueId b, bias_input(node, 3, x));
  TRY(w, node.transpose(w, perm));
  const auto x_shape = node.fact(x).shape(), w_shape = node.fact(w).shape();
  const size_t rank = perm.empty() ? 4 : perm.size();
  if (!x_shape || !w_shape) return Error::not_supported("the sizes of x or of the weights are not fixed");
  if (static_cast<size_t>(x_shape->rank()) != rank || static_cast<size_t>(w_shape->rank()) != rank ||
      shape.size() != rank)
    return Error::invalid_model("x is {}, the weights {} and output_shape {}", *x_shape, *w_shape,
                                join(shape, "x"));
  TRY(place_transposed(op, *x_shape, *w_shape, std::span(shape).subspan(1, rank - 2), is_same));
  if (!node.is_quantized(x)) {
    TRY(w, node.dequantized(w));
  }
  std::vector<ValueId> inputs{x, w};
  if (b != kNone) inputs.push_back(b);
  return node.emit(std::move(op), std::move(inputs), act);
}

Status transpose_conv(NodeScope& node) {
  ConvTranspose op;
  TRY(op.window, read_window(node, {"h", "w"}));
  node.ignore("quantized_bias_type");
  const bool is_same = std::exchange(op.window.auto_pad, AutoPad::kExplicit) == AutoPad::kSameUpper;
  return transposed(node, std::move(op), is_same, {0, 1, 2, 3});
}

/// w: D,H,W,O,C -> O,D,H,W,C
Status conv_3d_transpose(NodeScope& node) {
  ConvTranspose op;
  TRY(op.window, read_window(node, {"d", "h", "w"}));
  const bool is_same = std::exchange(op.window.auto_pad, AutoPad::kExplicit) == AutoPad::kSameUpper;
  return transposed(node, std::move(op), is_same, {3, 0, 1, 2, 4});
}

constexpr Row kConvRows[] = {
    {"CONV_2D", conv_2d},
    {"CONV_3D", conv_3d},
    {"CONV_3D_TRANSPOSE", conv_3d_transpose},
    {"DEPTHWISE_CONV_2D", depthwise_conv_2d},
    {"TRANSPOSE_CONV", transpose_conv},
};

}  // namespace

std::span<const Row> conv_rows() {
  return kConvRows;
}

Result<Window> read_window(NodeScope& node, std::initializer_list<std::string_view> axes) {
  Window window;
  TRY(const int64_t padding, node.integer("padding", 0));
  if (padding != 0 && padding != 1)
    return Error::invalid_model("padding is {}, expected SAME or VALID", padding);
  window.auto_pad = padding == 0 ? AutoPad::kSameUpper : AutoPad::kExplicit;
  for (const std::string_view axis : axes) {
    TRY(const int64_t stride, node.integer(format("stride_{}", axis), 0));
    TRY(const int64_t dilation, node.integer(format("dilation_{}_factor", axis), 1));
    if (stride < 1 || dilation < 1 || stride > 65536 || dilation > 65536)
      return Error::invalid_model("stride_{} is {}, dilation_{}_factor {}: both must be from 1 to 65536",
                                  axis, stride, axis, dilation);
    window.strides.push_back(stride);
    window.dilations.push_back(dilation);
  }
  return window;
}

}  // namespace pochade::tflite
