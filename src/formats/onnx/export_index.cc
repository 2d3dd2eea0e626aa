#include "formats/onnx/export_scope.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/index/scatter.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"

namespace pochade::onnx {
namespace {

template <typename D>
Status with_axis(ExportScope& node) {
  return node.emit(D::kName, node.inputs(), Attributes().integer("axis", node.op<D>().axis));
}

Status gather_nd(ExportScope& node) {
  return node.emit("GatherND", {node.input(0), node.int64_input(1)},
                   Attributes().integer("batch_dims", node.op<GatherND>().batch_dims));
}

Status add_reduction(ExportScope& node, ScatterReduction reduction, Attributes& attributes) {
  const std::string_view name = to_string(reduction);
  if (reduction == ScatterReduction::kReplace) return {};
  const bool is_bound = reduction == ScatterReduction::kMax || reduction == ScatterReduction::kMin;
  TRY(node.needs_opset(is_bound ? 18 : 16, format("the reduction \"{}\"", name)));
  attributes.text("reduction", name);
  return {};
}

Status scatter_elements(ExportScope& node) {
  const auto& op = node.op<ScatterElements>();
  Attributes attributes;
  attributes.integer("axis", op.axis);
  TRY(add_reduction(node, op.reduction, attributes));
  return node.emit("ScatterElements", node.inputs(), attributes);
}

Status scatter_nd(ExportScope& node) {
  Attributes attributes;
  TRY(add_reduction(node, node.op<ScatterND>().reduction, attributes));
  return node.emit("ScatterND", {node.input(0), node.int64_input(1), node.input(2)}, attributes);
}

Status compress(ExportScope& node) {
  const auto& op = node.op<Compress>();
  return node.emit("Compress", node.inputs(),
                   op.axis ? Attributes().integer("axis", *op.axis) : Attributes());
}

Status unique(ExportScope& node) {
  const auto& op = node.op<Unique>();
  Attributes attributes;
  attributes.integer("sorted", op.sorted ? 1 : 0);
  if (op.axis) attributes.integer("axis", *op.axis);
  return node.emit("Unique", node.inputs(), attributes);
}

Status top_k(ExportScope& node) {
  const auto& op = node.op<TopK>();
  return node.emit("TopK", {node.input(0), node.int64_vector(1)},
                   Attributes()
                       .integer("axis", op.axis)
                       .integer("largest", op.largest ? 1 : 0)
                       .integer("sorted", op.sorted ? 1 : 0));
}

template <typename D>
Status arg(ExportScope& node) {
  const auto& op = node.op<D>();
  Attributes attributes;
  attributes.integer("axis", op.axis).integer("keepdims", op.keep_dims ? 1 : 0);
  if (op.select_last_index) attributes.integer("select_last_index", 1);
  return node.emit(D::kName, node.inputs(), attributes);
}

Status cum_sum(ExportScope& node) {
  const auto& op = node.op<CumSum>();
  return node.emit(
      "CumSum", {node.input(0), node.scalar_input(1)},
      Attributes().integer("exclusive", op.exclusive ? 1 : 0).integer("reverse", op.reverse ? 1 : 0));
}

/// The axes are an input since opset 18 (ReduceSum: 13) and an attribute before.
template <typename D, int kAxesInputSince>
Status reduce(ExportScope& node) {
  const auto& op = node.op<D>();
  Attributes attributes;
  attributes.integer("keepdims", op.keep_dims ? 1 : 0);
  if (node.opset() >= kAxesInputSince) {
    if (op.noop_with_empty_axes) attributes.integer("noop_with_empty_axes", 1);
    return node.emit(D::kName, {node.input(0), node.int64_vector(1)}, attributes);
  }
  const auto axes = node.known_integers(1);
  if (node.has_input(1) && !axes) TRY(node.needs_opset(kAxesInputSince, "axes that are computed"));
  if (axes && !axes->empty())
    attributes.integers("axes", *axes);
  else if (op.noop_with_empty_axes)
    return node.emit("Identity", {node.input(0)});
  return node.emit(D::kName, {node.input(0)}, attributes);
}

constexpr ExportRow kExportIndexRows[] = {
    {"ArgMax", 1, arg<ArgMax>},
    {"ArgMin", 1, arg<ArgMin>},
    {"Compress", 1, compress},
    {"CumSum", 1, cum_sum},
    {"Gather", 1, with_axis<Gather>},
    {"GatherElements", 1, with_axis<GatherElements>},
    {"GatherND", 1, gather_nd},
    {"Hardmax", 1, with_axis<Hardmax>},
    {"NonZero"},
    {"OneHot", 1, with_axis<OneHot>},
    {"ReduceL1", 1, reduce<ReduceL1, 18>},
    {"ReduceL2", 1, reduce<ReduceL2, 18>},
    {"ReduceLogSum", 1, reduce<ReduceLogSum, 18>},
    {"ReduceLogSumExp", 1, reduce<ReduceLogSumExp, 18>},
    {"ReduceMax", 1, reduce<ReduceMax, 18>},
    {"ReduceMean", 1, reduce<ReduceMean, 18>},
    {"ReduceMin", 1, reduce<ReduceMin, 18>},
    {"ReduceProd", 1, reduce<ReduceProd, 18>},
    {"ReduceSum", 1, reduce<ReduceSum, 13>},
    {"ReduceSumSquare", 1, reduce<ReduceSumSquare, 18>},
    {"ScatterElements", 1, scatter_elements},
    {"ScatterND", 1, scatter_nd},
    {"TopK", 1, top_k},
    {"Unique", 1, unique},
};

}  // namespace

std::span<const ExportRow> index_export_rows() {
  return kExportIndexRows;
}

}  // namespace pochade::onnx
