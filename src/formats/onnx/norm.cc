#include "formats/onnx/rows.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"

namespace pochade::onnx {
namespace {

Status batch_normalization(NodeScope& node) {
  BatchNormalization op;
  TRY(op.epsilon, node.number("epsilon", 1e-5f));
  TRY(op.momentum, node.number("momentum", 0.9f));
  TRY(const int64_t spatial, node.integer("spatial", 1));
  if (spatial != 1)
    return Error::not_supported("spatial is {}, only one mean a channel is supported", spatial);
  if (node.opset() >= 14) {
    TRY(op.training, node.flag("training_mode", false));
  } else if (node.output_count() > 1) {
    for (size_t i = 1; i < node.output_count(); ++i)
      if (node.wants_output(i)) return Error::not_supported("training is not supported before opset 14");
  }
  if (!op.training) return node.emit_channels_last(op);
  TRY(const ValueId in, node.required_input(0));
  std::vector<ValueId> inputs = node.inputs();
  TRY(inputs[0], node.to_channels_last(in));
  TRY(const std::vector<ValueId> outputs, node.add_all(op, std::move(inputs)));
  TRY(node.set_output_channels_first(0, outputs[0]));
  for (size_t i = 1; i < 3; ++i)
    if (node.wants_output(i)) TRY(node.set_output(i, outputs[i]));
  return {};
}

Status instance_normalization(NodeScope& node) {
  InstanceNormalization op;
  TRY(op.epsilon, node.number("epsilon", 1e-5f));
  return node.emit_channels_last(op);
}

Status group_normalization(NodeScope& node) {
  GroupNormalization op;
  TRY(op.groups, node.integer("num_groups"));
  TRY(op.epsilon, node.number("epsilon", 1e-5f));
  node.ignore("stash_type");  // sums are never less exact than float32
  return node.emit_channels_last(op);
}

Status layer_normalization(NodeScope& node) {
  LayerNormalization op;
  TRY(op.axis, node.integer("axis", -1));
  TRY(op.epsilon, node.number("epsilon", 1e-5f));
  TRY(op.statistics_dtype, node.dtype("stash_type", DType::kF32));
  op.with_statistics = node.wants_output(1) || node.wants_output(2);
  if (!op.with_statistics) op.statistics_dtype = DType::kF32;
  return node.emit(op);
}

template <typename D>
Status softmax(NodeScope& node) {
  D op;
  TRY(op.axis, node.integer("axis", node.opset() < 13 ? 1 : -1));
  if (node.opset() < 13) {
    // All axes from this one on together, which is one axis if the others have size 1.
    const Fact x = node.fact(0);
    const auto axis = x.rank_known() ? normal_axis(op.axis, x.rank()) : std::nullopt;
    op.to_end = true;
    if (axis) {
      op.to_end = false;
      for (int i = *axis + 1; i < x.rank(); ++i) op.to_end |= !x.dim(i).is(1);
    }
  }
  return node.emit(op);
}

Status lrn(NodeScope& node) {
  Lrn op;
  TRY(op.size, node.integer("size"));
  TRY(op.alpha, node.number("alpha", 1e-4f));
  TRY(op.beta, node.number("beta", 0.75f));
  TRY(op.bias, node.number("bias", 1.0f));
  return node.emit_channels_last(op);
}

Status lp_normalization(NodeScope& node) {
  LpNormalization op;
  TRY(op.axis, node.integer("axis", -1));
  TRY(op.p, node.integer("p", 2));
  return node.emit(op);
}

Status mean_variance_normalization(NodeScope& node) {
  MeanVarianceNormalization op;
  TRY(op.axes, node.integers("axes", {0, 2, 3}));
  return node.emit(std::move(op));
}

constexpr Row kNormRows[] = {
    {"", "BatchNormalization", 7, kLatest, batch_normalization},
    {"", "InstanceNormalization", 6, kLatest, instance_normalization},
    {"", "GroupNormalization", 18, kLatest, group_normalization},
    {"", "LayerNormalization", 1, kLatest, layer_normalization},
    {"", "LRN", 1, kLatest, lrn},
    {"", "LpNormalization", 1, kLatest, lp_normalization},
    {"", "MeanVarianceNormalization", 9, kLatest, mean_variance_normalization},
    {"", "Softmax", 1, kLatest, softmax<Softmax>},
    {"", "LogSoftmax", 1, kLatest, softmax<LogSoftmax>},
};

}  // namespace

std::span<const Row> norm_rows() {
  return kNormRows;
}

}  // namespace pochade::onnx
