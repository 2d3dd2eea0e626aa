#include "ops/conv/conv.h"
#include "formats/tensorflow/fused.h"
#include "formats/tensorflow/rows.h"
#include "formats/tensorflow/window_attributes.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/norm/batch_normalization.h"
#include "ops/shape/reshape.h"

namespace pochade::tensorflow {

Result<ValueId> fused_tail(NodeScope& node, ValueId y, size_t first_argument) {
  TRY(const auto fused, node.texts("fused_ops"));
  TRY(const float epsilon, node.number("epsilon", 1e-4f));
  TRY(const float alpha, node.number("leakyrelu_alpha", 0.2f));
  for (const std::string_view name :
       {"num_args", "num_host_args", "TArgs", "host_args", "user_ops_0", "filter_format"})
    node.ignore(name);
  size_t next = first_argument;
  for (const std::string_view name : fused) {
    const DType dtype = *node.fact_of(y).dtype;
    if (name == "BiasAdd" || name == "Add") {
      TRY(const ValueId other, node.input(next++));
      TRY(y, node.add(Add{}, {y, other}));
    } else if (name == "FusedBatchNorm") {
      BatchNormalization op;
      op.epsilon = epsilon;
      TRY(const auto parameters, node.inputs(next, next + 4));
      next += 4;
      if (parameters.size() != 4) return Error::invalid_model("{} inputs", node.input_count());
      TRY(y, node.add(op, {y, parameters[0], parameters[1], parameters[2], parameters[3]}));
    } else if (name == "Relu") {
      TRY(y, node.add(Relu{}, {y}));
    } else if (name == "Relu6") {
      TRY(const ValueId low, node.scalar_of(dtype, 0));
      TRY(const ValueId high, node.scalar_of(dtype, 6));
      TRY(y, node.add(Clip{}, {y, low, high}));
    } else if (name == "LeakyRelu") {
      LeakyRelu op;
      op.alpha = alpha;
      TRY(y, node.add(op, {y}));
    } else if (name == "Elu") {
      TRY(y, node.add(Elu{}, {y}));
    } else if (name == "Tanh") {
      TRY(y, node.add(Tanh{}, {y}));
    } else if (name == "Sigmoid") {
      TRY(y, node.add(Sigmoid{}, {y}));
    } else {
      return Error::not_supported("fused_ops names {}, which is not supported", name);
    }
  }
  if (next != node.input_count())
    return Error::invalid_model("{} inputs, its fused_ops ({}) read {}", node.input_count(), join(fused),
                                next);
  return y;
}

namespace {

/// spatial..., I, O -> O, spatial..., I
Result<ValueId> output_first(NodeScope& node, ValueId weights, int rank) {
  std::vector<int64_t> perm{rank - 1};
  for (int axis = 0; axis + 1 < rank; ++axis) perm.push_back(axis);
  return node.transpose(weights, std::move(perm));
}

/// Known sizes of the weights.
Result<Shape> weight_shape(NodeScope& node, ValueId weights, int rank) {
  const auto shape = node.fact_of(weights).shape();
  if (!shape) return Error::not_supported("the shape of the weights is not known");
  if (shape->rank() != rank)
    return Error::invalid_model("the weights have rank {}, expected {}", shape->rank(), rank);
  return *shape;
}

Result<ValueId> data_input(NodeScope& node, size_t i, bool channels_first) {
  TRY(const ValueId x, node.input(i));
  if (!channels_first) return x;
  return node.to_channels_last(x);
}

Status set_data_output(NodeScope& node, ValueId y, bool channels_first) {
  if (channels_first) {
    TRY(y, node.to_channels_first(y));
  }
  node.set_output(0, y);
  return {};
}

/// Conv2D, Conv3D and _FusedConv2D. The channels of x may be a multiple of those of the weights: groups.
template <int kSpatialRank, bool kFused>
Status conv(NodeScope& node) {
  TRY(const bool channels_first, node.channels_first());
  Conv op;
  TRY(op.window, read_window(node, channels_first, kSpatialRank));
  TRY(const ValueId x, data_input(node, 0, channels_first));
  TRY(const ValueId filter, node.input(1));
  TRY(const Shape shape, weight_shape(node, filter, kSpatialRank + 2));
  const Fact fact = node.fact_of(x);
  if (fact.rank_known() && fact.rank() == kSpatialRank + 2 && fact.dim(kSpatialRank + 1).is_number()) {
    const int64_t channels = fact.dim(kSpatialRank + 1).number(), group = shape[kSpatialRank];
    if (group < 1 || channels % group != 0)
      return Error::invalid_model("the input has {} channels, the weights {}", channels, group);
    op.groups = std::max<int64_t>(1, channels / group);
  }
  TRY(const ValueId weights, output_first(node, filter, kSpatialRank + 2));
  TRY(ValueId y, node.add(std::move(op), {x, weights}));
  if (kFused) {
    TRY(y, fused_tail(node, y, 2));
  }
  return set_data_output(node, y, channels_first);
}

/// filter: kh, kw, C, M -> output channel c * M + m sees input channel c alone.
template <bool kFused>
Status depthwise(NodeScope& node) {
  TRY(const bool channels_first, node.channels_first());
  Conv op;
  TRY(op.window, read_window(node, channels_first, 2));
  TRY(const ValueId x, data_input(node, 0, channels_first));
  TRY(const ValueId filter, node.input(1));
  TRY(const Shape shape, weight_shape(node, filter, 4));
  op.groups = shape[2];
  TRY(const ValueId turned, node.transpose(filter, {2, 3, 0, 1}));
  TRY(const ValueId weights, node.reshape(turned, {shape[2] * shape[3], shape[0], shape[1], 1}));
  TRY(ValueId y, node.add(std::move(op), {x, weights}));
  if (kFused) {
    TRY(y, fused_tail(node, y, 2));
  }
  return set_data_output(node, y, channels_first);
}

/// What explicit pads leave to be added at the end of each axis for the sizes that are asked for.
Result<std::vector<int64_t>> padding_behind(NodeScope& node, const Window& window, ValueId x, ValueId weights,
                                            const std::vector<int64_t>& sizes) {
  const auto in = node.fact_of(x).shape();
  if (!in) return Error::not_supported("explicit paddings need an input of known sizes");
  const Shape kernel = *node.fact_of(weights).shape();
  std::vector<int64_t> out;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const int axis = static_cast<int>(i) + 1;
    const int64_t reached = window.stride(i) * ((*in)[axis] - 1) + (kernel[axis] - 1) * window.dilation(i) +
                            1 - window.pad_begin(i) - window.pad_end(i);
    if (sizes[i] < reached || sizes[i] - reached >= window.stride(i))
      return Error::invalid_model("input_sizes {} do not go with the input {}", join(sizes), *in);
    out.push_back(sizes[i] - reached);
  }
  return out;
}

/// The gradient of a convolution over its input, known as transposed convolution. The sizes of its result are
/// input 0: several have the same size of x. filter: spatial..., O, C
template <int kSpatialRank>
Status conv_backprop_input(NodeScope& node) {
  TRY(const bool channels_first, node.channels_first());
  ConvTranspose op;
  TRY(op.window, read_window(node, channels_first, kSpatialRank));
  TRY(const ValueId raw_sizes, node.input(0));
  TRY(const ValueId filter, node.input(1));
  TRY(weight_shape(node, filter, kSpatialRank + 2));
  TRY(const ValueId x, data_input(node, 2, channels_first));
  std::vector<int64_t> perm{kSpatialRank};
  for (int axis = 0; axis < kSpatialRank; ++axis) perm.push_back(axis);
  perm.push_back(kSpatialRank + 1);
  TRY(const ValueId weights, node.transpose(filter, std::move(perm)));
  // Some write the spatial sizes alone.
  std::vector<int64_t> known;
  if (const auto sizes = node.integers_of(raw_sizes)) {
    const bool all = sizes->size() == kSpatialRank + 2;
    if (!all && sizes->size() != kSpatialRank)
      return Error::invalid_model("input_sizes has {} values", sizes->size());
    const size_t first = !all ? 0 : channels_first ? 2 : 1;
    for (size_t i = first; i < first + kSpatialRank; ++i)
      if ((*sizes)[i]) known.push_back(*(*sizes)[i]);
    if (known.size() != kSpatialRank) known.clear();
  }
  if (op.window.pads_begin.empty()) {
    op.output_shape = known;  // VALID may ask for more than the input reaches: zeroes at the end
  } else if (!known.empty()) {
    TRY(op.output_padding, padding_behind(node, op.window, x, weights, known));
  }
  TRY(ValueId y, node.add(std::move(op), {x, weights}));
  if (channels_first) {
    TRY(y, node.to_channels_first(y));
  }
  const Fact sizes = node.fact_of(raw_sizes);
  const bool all_sizes = sizes.rank_known() && sizes.rank() == 1 && sizes.dim(0).is(kSpatialRank + 2);
  if (known.empty() && all_sizes) {  // fails while running if the sizes are others than we made
    TRY(const ValueId dims, node.as_int64(raw_sizes));
    Reshape same;
    same.allow_zero = true;
    TRY(y, node.add(same, {y, dims}));
  } else if (known.empty()) {
    return Error::not_supported("input_sizes are not known before running");
  }
  node.set_output(0, y);
  return {};
}

constexpr Row kConvRows[] = {
    {"Conv2D", conv<2, false>},
    {"Conv2DBackpropInput", conv_backprop_input<2>},
    {"Conv3D", conv<3, false>},
    {"Conv3DBackpropInputV2", conv_backprop_input<3>},
    {"DepthwiseConv2dNative", depthwise<false>},
    {"_FusedConv2D", conv<2, true>},
    {"_FusedDepthwiseConv2dNative", depthwise<true>},
};

}  // namespace

std::span<const Row> conv_rows() {
  return kConvRows;
}

}  // namespace pochade::tensorflow
