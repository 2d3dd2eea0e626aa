#include "ops/conv/conv.h"

#include "formats/keras/rows.h"
#include "ops/conv/conv_transpose.h"

namespace pochade::keras {
namespace {

/// What all convolutions have: x with its channels last, the window, and what comes behind.
struct Common {
  size_t axes = 2;
  bool channels_first = false;
  ValueId x = kNone;
  std::vector<int64_t> kernel;
  Window window;
  std::string padding;
  bool use_bias = true;
};

Result<Common> read_common(LayerScope& layer, size_t axes) {
  Common out;
  out.axes = axes;
  TRY(out.channels_first, layer.channels_first());
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  if (rank != static_cast<int>(axes) + 2)
    return Error::invalid_model("its input has {} dimensions, expected {}", rank, axes + 2);
  TRY(out.x, layer.to_last(x, out.channels_first));
  TRY(out.kernel, layer.integers("kernel_size", axes));
  TRY(out.window.strides, layer.integers("strides", axes, std::vector<int64_t>(axes, 1)));
  TRY(out.window.dilations, layer.integers("dilation_rate", axes, std::vector<int64_t>(axes, 1)));
  TRY(out.padding, layer.text("padding", "valid"));
  TRY(out.use_bias, layer.flag("use_bias", true));
  if (out.kernel.size() != axes) return Error::invalid_model("kernel_size is missing");
  for (const auto* list : {&out.kernel, &out.window.strides, &out.window.dilations})
    for (const int64_t value : *list)
      if (value < 1 || value > (1 << 24))
        return Error::invalid_model("kernel_size, strides and dilation_rate hold {}", value);
  return out;
}

/// "same", "valid", "causal" of a convolution that slides.
Status set_padding(Common& common) {
  if (common.padding == "same") {
    common.window.auto_pad = AutoPad::kSameUpper;
  } else if (common.padding == "causal" && common.axes == 1) {
    common.window.pads_begin = {(common.kernel[0] - 1) * common.window.dilations[0]};
    common.window.pads_end = {0};
  } else if (common.padding != "valid") {
    return Error::not_supported("padding \"{}\"", common.padding);
  }
  return {};
}

Result<Values> finish(LayerScope& layer, const Common& common, ValueId y) {
  TRY(const ValueId activated, layer.activate(y, layer.get("activation")));
  TRY(const ValueId out, layer.to_first(activated, common.channels_first));
  return Values{out};
}

/// Kernels of rank axes + 2 as Keras 2 has them: spatial, in, out.
Result<Tensor> normal_kernel(LayerScope& layer, const Common& common, Tensor kernel, bool transposed) {
  const int rank = static_cast<int>(common.axes) + 2;
  if (layer.file().major < 2) {
    // Keras 1: Conv1D as a Conv2D of width 1; with channels first: out, in, spatial.
    if (common.axes == 1 && kernel.rank() == 4) {
      const bool old = kernel.shape()[0] != common.kernel[0] || kernel.shape()[1] != 1;
      if (old) {
        TRY(kernel, permuted(kernel, {2, 3, 1, 0}));
      }
      if (kernel.shape()[1] != 1) return Error::invalid_model("kernel is {}", kernel.shape());
      kernel = kernel.reshaped({kernel.shape()[0], kernel.shape()[2], kernel.shape()[3]});
    } else if (common.channels_first && kernel.rank() == rank) {
      std::vector<int64_t> perm;
      for (int axis = 2; axis < rank; ++axis) perm.push_back(axis);
      perm.push_back(transposed ? 0 : 1);
      perm.push_back(transposed ? 1 : 0);
      TRY(kernel, permuted(kernel, perm));
    } else if (transposed && kernel.rank() == rank) {
      TRY(kernel, permuted(kernel, {0, 1, 3, 2}));
    }
  }
  if (kernel.rank() != rank)
    return Error::invalid_model("kernel has {} dimensions, expected {}", kernel.rank(), rank);
  for (size_t axis = 0; axis < common.axes; ++axis)
    if (kernel.shape()[static_cast<int>(axis)] != common.kernel[axis])
      return Error::invalid_model("kernel is {}, and kernel_size {}", kernel.shape(),
                                  join(common.kernel, "x"));
  if (!layer.file().theano) return kernel;
  // Theano turned kernels around; so the spatial axes are read backwards.
  TRY(Tensor out, Tensor::make(DType::kF32, kernel.shape()));
  TRY(const Tensor floats, kernel.cast(DType::kF32));
  const int64_t spatial = kernel.shape().product(0, static_cast<int>(common.axes));
  const int64_t rest = kernel.shape().product(static_cast<int>(common.axes), rank);
  for (int64_t i = 0; i < spatial; ++i)
    std::copy_n(floats.data<float>().begin() + i * rest, rest,
                out.mutable_data<float>().begin() + (spatial - 1 - i) * rest);
  return out;
}

/// Spatial, in, out -> out, spatial, in.
Result<Tensor> output_first(const Tensor& kernel) {
  std::vector<int64_t> perm{kernel.rank() - 1};
  for (int axis = 0; axis < kernel.rank() - 1; ++axis) perm.push_back(axis);
  return permuted(kernel, perm);
}

/// Spatial, channels, multiplier -> channels * multiplier, spatial, 1: each channel is a group.
Result<Tensor> depthwise_kernel(const Tensor& kernel) {
  Shape shape;
  for (int axis = 0; axis < kernel.rank() - 2; ++axis) shape.push_back(kernel.shape()[axis]);
  shape.push_back(1);
  shape.push_back(kernel.shape().product(kernel.rank() - 2, kernel.rank()));
  return output_first(kernel.reshaped(shape));
}

Result<ValueId> bias_value(LayerScope& layer, const Tensor& bias) {
  TRY(const Tensor floats, permuted(bias, {0}));
  return layer.constant("bias", floats);
}

template <size_t kAxes>
Result<Values> conv(LayerScope& layer) {
  TRY(Common common, read_common(layer, kAxes));
  TRY(set_padding(common));
  TRY(const std::vector<Tensor> weights,
      common.use_bias ? layer.weights({"kernel", "bias"}) : layer.weights({"kernel"}));
  TRY(const Tensor kernel, normal_kernel(layer, common, weights[0], false));
  Conv op;
  op.window = common.window;
  TRY(op.groups, layer.integer("groups", 1));
  TRY(const int64_t filters, layer.integer("filters"));
  if (filters != kernel.shape().back())
    return Error::invalid_model("kernel is {}, and filters {}", kernel.shape(), filters);
  TRY(const Tensor own, output_first(kernel));
  Values inputs{common.x, layer.constant("kernel", own)};
  if (common.use_bias) {
    TRY(inputs.emplace_back(), bias_value(layer, weights[1]));
  }
  TRY(const ValueId y, layer.add(op, inputs));
  return finish(layer, common, y);
}

/// One filter or more for each channel.
Result<ValueId> add_depthwise(LayerScope& layer, const Common& common, const Tensor& kernel, ValueId bias) {
  const int rank = static_cast<int>(common.axes) + 2;
  if (kernel.rank() != rank)
    return Error::invalid_model("depthwise_kernel has {} dimensions, expected {}", kernel.rank(), rank);
  for (size_t axis = 0; axis < common.axes; ++axis)
    if (kernel.shape()[static_cast<int>(axis)] != common.kernel[axis])
      return Error::invalid_model("depthwise_kernel is {}, and kernel_size {}", kernel.shape(),
                                  join(common.kernel, "x"));
  Conv op;
  op.window = common.window;
  op.groups = kernel.shape()[rank - 2];
  TRY(const Tensor own, depthwise_kernel(kernel));
  return layer.add(op, {common.x, layer.constant("depthwise_kernel", own), bias});
}

template <size_t kAxes>
Result<Values> depthwise_conv(LayerScope& layer) {
  TRY(Common common, read_common(layer, kAxes));
  TRY(set_padding(common));
  TRY(const std::vector<Tensor> weights,
      common.use_bias ? layer.weights({"depthwise_kernel", "bias"}) : layer.weights({"depthwise_kernel"}));
  layer.ignore("depth_multiplier");  // the kernel's size says it
  layer.ignore("filters");
  TRY(const int64_t groups, layer.integer("groups", 1));
  if (groups != 1) return Error::not_supported("groups = {}", groups);
  ValueId bias = kNone;
  if (common.use_bias) {
    TRY(bias, bias_value(layer, weights[1]));
  }
  TRY(const ValueId y, add_depthwise(layer, common, weights[0], bias));
  return finish(layer, common, y);
}

template <size_t kAxes>
Result<Values> separable_conv(LayerScope& layer) {
  TRY(Common common, read_common(layer, kAxes));
  TRY(set_padding(common));
  TRY(const std::vector<Tensor> weights, common.use_bias
                                             ? layer.weights({"depthwise_kernel", "pointwise_kernel", "bias"})
                                             : layer.weights({"depthwise_kernel", "pointwise_kernel"}));
  layer.ignore("depth_multiplier");
  layer.ignore("filters");
  TRY(const int64_t groups, layer.integer("groups", 1));
  if (groups != 1) return Error::not_supported("groups = {}", groups);
  TRY(const ValueId between, add_depthwise(layer, common, weights[0], kNone));
  if (weights[1].rank() != static_cast<int>(kAxes) + 2)
    return Error::invalid_model("pointwise_kernel has {} dimensions, expected {}", weights[1].rank(),
                                kAxes + 2);
  TRY(const Tensor pointwise, output_first(weights[1]));
  Values inputs{between, layer.constant("pointwise_kernel", pointwise)};
  if (common.use_bias) {
    TRY(inputs.emplace_back(), bias_value(layer, weights[2]));
  }
  TRY(const ValueId y, layer.add(Conv{}, inputs));
  return finish(layer, common, y);
}

/// The output of a transposed convolution is as large as an input of the convolution that it reverses: pads
/// and output_padding follow from that size, as TensorFlow computes them from output_shape.
Status set_transposed_padding(LayerScope& layer, const Common& common, ConvTranspose& op) {
  TRY(const auto output_padding, layer.integers("output_padding", common.axes));
  if (common.padding != "same" && common.padding != "valid")
    return Error::not_supported("padding \"{}\"", common.padding);
  for (size_t axis = 0; axis < common.axes; ++axis) {
    const int64_t extent = (common.kernel[axis] - 1) * common.window.dilations[axis] + 1;
    const int64_t stride = common.window.strides[axis];
    // Of the size of the output: what it is above stride * (in - 1).
    int64_t above = 0;
    if (!output_padding.empty()) {
      if (output_padding[axis] < 0 || output_padding[axis] >= stride)
        return Error::invalid_model("output_padding is {}, expected less than the stride",
                                    output_padding[axis]);
      above = extent + output_padding[axis] - (common.padding == "same" ? 2 * (extent / 2) : 0);
    } else {
      above = common.padding == "same" ? stride : std::max(extent, stride);
    }
    const int64_t cut = std::max<int64_t>(common.padding == "same" ? extent - above : 0, 0);
    op.window.pads_begin.push_back(cut / 2);
    op.window.pads_end.push_back(cut - cut / 2);
    op.output_padding.push_back(above - (extent - cut));
  }
  return {};
}

template <size_t kAxes>
Result<Values> conv_transpose(LayerScope& layer) {
  TRY(const Common common, read_common(layer, kAxes));
  TRY(const std::vector<Tensor> weights,
      common.use_bias ? layer.weights({"kernel", "bias"}) : layer.weights({"kernel"}));
  TRY(const Tensor kernel, normal_kernel(layer, common, weights[0], true));
  layer.ignore("filters");
  TRY(const int64_t groups, layer.integer("groups", 1));
  if (groups != 1) return Error::not_supported("groups = {}", groups);
  ConvTranspose op;
  op.window = common.window;
  TRY(set_transposed_padding(layer, common, op));
  // Spatial, out, in -> out, spatial, in.
  const int rank = kernel.rank();
  std::vector<int64_t> perm{rank - 2};
  for (int axis = 0; axis < rank - 2; ++axis) perm.push_back(axis);
  perm.push_back(rank - 1);
  TRY(const Tensor own, permuted(kernel, perm));
  Values inputs{common.x, layer.constant("kernel", own)};
  if (common.use_bias) {
    TRY(inputs.emplace_back(), bias_value(layer, weights[1]));
  }
  TRY(const ValueId y, layer.add(op, inputs));
  return finish(layer, common, y);
}

constexpr Row kConvRows[] = {
    {"Conv1D", conv<1>},
    {"Conv2D", conv<2>},
    {"Conv3D", conv<3>},
    {"DepthwiseConv1D", depthwise_conv<1>},
    {"DepthwiseConv2D", depthwise_conv<2>},
    {"SeparableConv1D", separable_conv<1>},
    {"SeparableConv2D", separable_conv<2>},
    {"Conv1DTranspose", conv_transpose<1>},
    {"Conv2DTranspose", conv_transpose<2>},
    {"Conv3DTranspose", conv_transpose<3>},
    {"ConvLSTM1D", nullptr, "recurrent convolutions are not read"},
    {"ConvLSTM2D", nullptr, "recurrent convolutions are not read"},
    {"ConvLSTM3D", nullptr, "recurrent convolutions are not read"},
    {"LocallyConnected1D", nullptr, "convolutions without shared weights are not read"},
    {"LocallyConnected2D", nullptr, "convolutions without shared weights are not read"},
};

}  // namespace

std::span<const Row> conv_rows() {
  return kConvRows;
}

}  // namespace pochade::keras
