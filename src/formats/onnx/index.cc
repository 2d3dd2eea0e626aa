#include "formats/onnx/rows.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/index/scatter.h"
#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"

namespace pochade::onnx {
namespace {

/// One attribute, "axis".
template <typename D, int kDefault>
Status with_axis(NodeScope& node) {
  D op;
  TRY(op.axis, node.integer("axis", kDefault));
  return node.emit(op);
}

Status non_zero(NodeScope& node) {
  return node.emit(NonZero{});
}

Status gather_nd(NodeScope& node) {
  GatherND op;
  TRY(op.batch_dims, node.integer("batch_dims", 0));
  return node.emit(op);
}

Result<ScatterReduction> reduction_of(NodeScope& node) {
  TRY(const std::string name, node.text("reduction", "none"));
  for (const auto reduction : {ScatterReduction::kReplace, ScatterReduction::kAdd, ScatterReduction::kMul,
                               ScatterReduction::kMax, ScatterReduction::kMin})
    if (name == to_string(reduction)) return reduction;
  return Error::invalid_model("reduction is \"{}\"", name);
}

Status scatter_elements(NodeScope& node) {
  ScatterElements op;
  TRY(op.axis, node.integer("axis", 0));
  TRY(op.reduction, reduction_of(node));
  return node.emit(op);
}

Status scatter_nd(NodeScope& node) {
  ScatterND op;
  TRY(op.reduction, reduction_of(node));
  return node.emit(op);
}

Status compress(NodeScope& node) {
  Compress op;
  if (node.has("axis")) {
    TRY(op.axis, node.integer("axis"));
  }
  return node.emit(op);
}

Status unique(NodeScope& node) {
  Unique op;
  if (node.has("axis")) {
    TRY(op.axis, node.integer("axis"));
  }
  TRY(op.sorted, node.flag("sorted", true));
  return node.emit(op);
}

/// k: an attribute before opset 10, input 1 since.
Status top_k(NodeScope& node) {
  TopK op;
  TRY(op.axis, node.integer("axis", -1));
  TRY(op.largest, node.flag("largest", true));
  TRY(op.sorted, node.flag("sorted", true));
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId k, node.option_value("k", 1));
  return node.emit(op, {x, k});
}

/// Before opset 13 all axes from `axis` on counted as one.
Status hardmax(NodeScope& node) {
  Hardmax op;
  TRY(op.axis, node.integer("axis", node.opset() < 13 ? 1 : -1));
  if (node.opset() >= 13) return node.emit(op);
  TRY(const ValueId x, node.required_input(0));
  Flatten flatten;
  flatten.axis = op.axis;
  TRY(const ValueId flat, node.add(flatten, {x}));
  op.axis = 1;
  TRY(const ValueId y, node.add(op, {flat}));
  TRY(const ValueId shape, node.add(ShapeOp{}, {x}));
  return node.emit(Reshape{}, {y, shape});
}

constexpr Row kIndexRows[] = {
    {"", "Compress", 9, kLatest, compress},
    {"", "Gather", 1, kLatest, with_axis<Gather, 0>},
    {"", "GatherElements", 11, kLatest, with_axis<GatherElements, 0>},
    {"", "GatherND", 11, kLatest, gather_nd},
    {"", "Hardmax", 1, kLatest, hardmax},
    {"", "NonZero", 9, kLatest, non_zero},
    {"", "OneHot", 9, kLatest, with_axis<OneHot, -1>},
    {"", "Scatter", 9, 10, with_axis<ScatterElements, 0>},
    {"", "ScatterElements", 11, kLatest, scatter_elements},
    {"", "ScatterND", 11, kLatest, scatter_nd},
    {"", "TopK", 1, kLatest, top_k},
    {"", "Unique", 11, kLatest, unique},
};

}  // namespace

std::span<const Row> index_rows() {
  return kIndexRows;
}

}  // namespace pochade::onnx
