#include "formats/onnx/export_scope.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"

namespace pochade::onnx {
namespace {

Status batch_normalization(ExportScope& node) {
  const auto& op = node.op<BatchNormalization>();
  Attributes attributes;
  attributes.number("epsilon", op.epsilon);
  if (op.training) {
    TRY(node.needs_opset(14, "BatchNormalization in training"));
    attributes.integer("training_mode", 1).number("momentum", op.momentum);
  }
  return node.emit("BatchNormalization", node.inputs(), attributes);
}

Status instance_normalization(ExportScope& node) {
  return node.emit("InstanceNormalization", node.inputs(),
                   Attributes().number("epsilon", node.op<InstanceNormalization>().epsilon));
}

/// Ones or zeros of x's type.
Result<std::string> filled(ExportScope& node, int64_t count, double value, DType dtype) {
  const std::vector<double> values(static_cast<size_t>(count), value);
  TRY(const Tensor tensor, Tensor::of<double>({count}, values).cast(dtype));
  return node.constant(tensor);
}

/// A vector over the channels so that it broadcasts to N, C, spatial...
std::string over_channels(ExportScope& node, size_t input, int rank) {
  std::vector<int64_t> sizes(static_cast<size_t>(rank - 1), 1);
  sizes[0] = -1;
  return node.add("Reshape", {node.input(input), node.constant(sizes)});
}

/// Groups as the channels of an InstanceNormalization: x is N, groups, all the rest.
Status grouped_instances(ExportScope& node, const GroupNormalization& op, bool by_group) {
  const Fact x = node.fact(0);
  if (!x.rank_known()) return Error::not_supported("the rank of its input is not known");
  const std::string shape = node.add("Shape", {node.input(0)});
  const std::string groups =
      node.add("Reshape", {node.input(0), node.constant(std::vector<int64_t>{0, op.groups, -1})});
  std::string scale = node.input(1), bias = node.input(2);
  if (!by_group) {
    TRY(scale, filled(node, op.groups, 1, *x.dtype));
    TRY(bias, filled(node, op.groups, 0, *x.dtype));
  }
  const std::string normal =
      node.add("InstanceNormalization", {groups, scale, bias}, Attributes().number("epsilon", op.epsilon));
  if (by_group) return node.emit("Reshape", {normal, shape});
  const std::string whole = node.add("Reshape", {normal, shape});
  const std::string scaled = node.add("Mul", {whole, over_channels(node, 1, x.rank())});
  return node.emit("Add", {scaled, over_channels(node, 2, x.rank())});
}

/// One scale a group in opsets 18 to 20, one a channel since.
Status group_normalization(ExportScope& node) {
  const auto& op = node.op<GroupNormalization>();
  const Fact scale = node.fact(1), x = node.fact(0);
  if (!scale.rank_known() || scale.rank() != 1 || !scale.dim(0).is_number())
    return Error::not_supported("the number of its scales is not known");
  const bool by_group = scale.dim(0).is(op.groups);
  const bool by_channel = x.rank_known() && x.rank() > 1 && x.dim(1) == scale.dim(0);
  const bool native = node.opset() >= 21 ? by_channel : node.opset() >= 18 && by_group;
  if (!native) return grouped_instances(node, op, by_group && !by_channel);
  return node.emit("GroupNormalization", node.inputs(),
                   Attributes().integer("num_groups", op.groups).number("epsilon", op.epsilon));
}

/// ReduceMean with its axes as the opset wants them.
std::string mean(ExportScope& node, const std::string& x, const std::vector<int64_t>& axes) {
  if (node.opset() >= 18) return node.add("ReduceMean", {x, node.constant(axes)});
  return node.add("ReduceMean", {x}, Attributes().integers("axes", axes));
}

/// By its definition, before opset 17.
Status expanded_layer_normalization(ExportScope& node, const LayerNormalization& op) {
  const Fact x = node.fact(0);
  std::vector<int64_t> axes;
  if (op.axis < 0) {
    for (int64_t axis = op.axis; axis < 0; ++axis) axes.push_back(axis);
  } else {
    if (!x.rank_known()) return Error::not_supported("the rank of its input is not known");
    for (int64_t axis = op.axis; axis < x.rank(); ++axis) axes.push_back(axis);
  }
  const std::string average = mean(node, node.input(0), axes);
  const std::string centred = node.add("Sub", {node.input(0), average});
  const std::string variance = mean(node, node.add("Mul", {centred, centred}), axes);
  TRY(const std::string epsilon, node.number(static_cast<double>(op.epsilon), *x.dtype));
  const std::string deviation = node.add("Sqrt", {node.add("Add", {variance, epsilon})});
  const std::string normal = node.add("Div", {centred, deviation});
  if (op.with_statistics) {
    if (x.dtype != op.statistics_dtype) TRY(node.needs_opset(17, "LayerNormalization with statistics"));
    TRY(node.emit_output(1, "Identity", {average}));
    TRY(node.emit_output(2, "Reciprocal", {deviation}));
  }
  if (!node.has_input(2)) return node.emit_output(0, "Mul", {normal, node.input(1)});
  return node.emit_output(0, "Add", {node.add("Mul", {normal, node.input(1)}), node.input(2)});
}

Status layer_normalization(ExportScope& node) {
  const auto& op = node.op<LayerNormalization>();
  if (node.opset() < 17) return expanded_layer_normalization(node, op);
  Attributes attributes;
  attributes.integer("axis", op.axis).number("epsilon", op.epsilon);
  if (op.with_statistics && op.statistics_dtype != DType::kF32)
    attributes.type("stash_type", op.statistics_dtype);
  return node.emit("LayerNormalization", node.inputs(), attributes);
}

Status lrn(ExportScope& node) {
  const auto& op = node.op<Lrn>();
  return node.emit("LRN", node.inputs(),
                   Attributes()
                       .integer("size", op.size)
                       .number("alpha", op.alpha)
                       .number("beta", op.beta)
                       .number("bias", op.bias));
}

Status lp_normalization(ExportScope& node) {
  const auto& op = node.op<LpNormalization>();
  return node.emit("LpNormalization", node.inputs(),
                   Attributes().integer("axis", op.axis).integer("p", op.p));
}

Status mean_variance_normalization(ExportScope& node) {
  return node.emit("MeanVarianceNormalization", node.inputs(),
                   Attributes().integers("axes", node.op<MeanVarianceNormalization>().axes));
}

template <typename D>
Status softmax(ExportScope& node) {
  return node.emit(D::kName, node.inputs(), Attributes().integer("axis", node.op<D>().axis));
}

constexpr ExportRow kExportNormRows[] = {
    {"BatchNormalization", 1, batch_normalization},
    {"GroupNormalization", 1, group_normalization},
    {"InstanceNormalization", 1, instance_normalization},
    {"LRN", 1, lrn},
    {"LayerNormalization", 1, layer_normalization},
    {"LogSoftmax", 1, softmax<LogSoftmax>},
    {"LpNormalization", 1, lp_normalization},
    {"MeanVarianceNormalization", 1, mean_variance_normalization},
    {"Softmax", 1, softmax<Softmax>},
};

}  // namespace

std::span<const ExportRow> norm_export_rows() {
  return kExportNormRows;
}

}  // namespace pochade::onnx
