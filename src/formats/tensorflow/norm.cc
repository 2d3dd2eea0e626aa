#include <array>

#include "formats/tensorflow/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"

namespace pochade::tensorflow {
namespace {

/// In training mode the mean and the variance are the batch's own, and the running ones are not read.
Status set_training(NodeScope& node, BatchNormalization& op, std::vector<ValueId>& inputs) {
  const auto shape = node.fact_of(inputs[1]).shape();
  if (!shape || shape->rank() != 1) return Error::not_supported("the number of channels is not known");
  const auto channels = static_cast<size_t>((*shape)[0]);
  op.training = true;
  inputs.resize(3);
  for (const float value : {0.0f, 1.0f})
    inputs.push_back(node.constant(Tensor::of<float>(*shape, std::vector<float>(channels, value))));
  return {};
}

/// x, scale, offset, mean, variance, and, if fused by TensorFlow's optimiser, what is added behind it.
Status fused_batch_norm(NodeScope& node) {
  BatchNormalization op;
  TRY(op.epsilon, node.number("epsilon", 1e-4f));
  TRY(const bool training, node.flag("is_training", true));
  TRY(const bool channels_first, node.channels_first());
  TRY(const std::string_view activation, node.text("activation_mode", "Identity"));
  TRY(const int64_t sides, node.integer("num_side_inputs", 0));
  TRY(const float average, node.number("exponential_avg_factor", 1.0f));
  if (training && average != 1)
    return Error::not_supported("it trains: exponential_avg_factor is {}", average);
  if (node.input_count() != static_cast<size_t>(5 + sides))
    return Error::invalid_model("{} inputs, expected {}", node.input_count(), 5 + sides);
  TRY(auto inputs, node.inputs(0, 5));
  TRY(inputs[0], channels_first ? node.to_channels_last(inputs[0]) : inputs[0]);
  if (training) TRY(set_training(node, op, inputs));
  const auto dtype = node.fact_of(inputs[0]).dtype;
  for (size_t i = 1; i < inputs.size(); ++i) {  // of float16 pictures they are float32
    TRY(inputs[i], node.cast(inputs[i], *dtype));
  }
  TRY(ValueId y, node.add_all(make_op(op), std::move(inputs)).map([](const auto& all) { return all[0]; }));
  if (channels_first) {
    TRY(y, node.to_channels_first(y));
  }
  for (size_t i = 5; i < node.input_count(); ++i) {
    TRY(const ValueId side, node.input(i));
    TRY(y, node.add(Add{}, {y, side}));
  }
  if (activation == "Relu") {
    TRY(y, node.add(Relu{}, {y}));
  } else if (activation != "Identity") {
    return Error::not_supported("activation_mode is \"{}\"", activation);
  }
  node.set_output(0, y);
  return {};
}

/// x, mean, variance, beta, gamma: the operator of 2015.
Status batch_norm_global(NodeScope& node) {
  BatchNormalization op;
  TRY(op.epsilon, node.number("variance_epsilon"));
  TRY(const bool scales, node.flag("scale_after_normalization"));
  TRY(const auto in, node.inputs());
  if (in.size() != 5) return Error::invalid_model("{} inputs, expected 5", in.size());
  ValueId scale = in[4];
  if (!scales) {
    const auto shape = node.fact_of(in[3]).shape();
    if (!shape) return Error::not_supported("the number of channels is not known");
    scale = node.constant(
        Tensor::of<float>(*shape, std::vector<float>(static_cast<size_t>(shape->elements()), 1.0f)));
  }
  return node.emit(op, {in[0], scale, in[3], in[1], in[2]});
}

template <typename D>
Status softmax(NodeScope& node) {
  D op;
  op.axis = -1;
  return node.emit(op);
}

/// The sum is over depth_radius channels on either side, and not divided by their number.
Status lrn(NodeScope& node) {
  Lrn op;
  TRY(const int64_t radius, node.integer("depth_radius", 5));
  if (radius < 0 || radius > (int64_t{1} << 30)) return Error::invalid_model("depth_radius is {}", radius);
  op.size = 2 * radius + 1;
  TRY(op.bias, node.number("bias", 1.0f));
  TRY(const float alpha, node.number("alpha", 1.0f));
  op.alpha = alpha * static_cast<float>(op.size);
  TRY(op.beta, node.number("beta", 0.5f));
  return node.emit(op);
}

constexpr std::string_view kBatchNormOutputs =
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3";

constexpr Row kNormRows[] = {
    {"BatchNormWithGlobalNormalization", batch_norm_global},
    {"FusedBatchNorm", fused_batch_norm, kBatchNormOutputs},
    {"FusedBatchNormV2", fused_batch_norm, kBatchNormOutputs},
    {"FusedBatchNormV3", fused_batch_norm, kBatchNormOutputs},
    {"LRN", lrn},
    {"LogSoftmax", softmax<LogSoftmax>},
    {"Softmax", softmax<Softmax>},
    {"_FusedBatchNormEx", fused_batch_norm, kBatchNormOutputs},
};

}  // namespace

std::span<const Row> norm_rows() {
  return kNormRows;
}

}  // namespace pochade::tensorflow
