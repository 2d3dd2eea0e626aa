#include <algorithm>

#include "formats/onnx/export_scope.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "ops/shape/trilu.h"

namespace pochade::onnx {
namespace {

Status center_crop_pad(ExportScope& node) {
  const auto& axes = node.op<CenterCropPad>().axes;
  return node.emit("CenterCropPad", {node.input(0), node.int64_input(1)},
                   axes.empty() ? Attributes() : Attributes().integers("axes", axes));
}

Status concat(ExportScope& node) {
  return node.emit("Concat", node.inputs(), Attributes().integer("axis", node.op<Concat>().axis));
}

Status constant_of_shape(ExportScope& node) {
  const Tensor& value = node.op<ConstantOfShape>().value;
  const bool is_default = value.identical(ConstantOfShape{}.value);
  return node.emit("ConstantOfShape", {node.int64_input(0)},
                   is_default ? Attributes() : Attributes().tensor("value", value.reshaped({1})));
}

Status depth_to_space(ExportScope& node) {
  const auto& op = node.op<DepthToSpace>();
  return node.emit(
      "DepthToSpace", node.inputs(),
      Attributes().integer("blocksize", op.block).text("mode", op.channel_first ? "CRD" : "DCR"));
}

Status space_to_depth(ExportScope& node) {
  return node.emit("SpaceToDepth", node.inputs(),
                   Attributes().integer("blocksize", node.op<SpaceToDepth>().block));
}

Status flatten(ExportScope& node) {
  return node.emit("Flatten", node.inputs(), Attributes().integer("axis", node.op<Flatten>().axis));
}

/// x and an int64 vector.
Status with_vector(ExportScope& node) {
  return node.emit(node.any_op().name(), {node.input(0), node.int64_vector(1)});
}

/// Named axes came with opset 18: before, the other axes get pads of 0.
Result<std::string> all_pads(ExportScope& node) {
  const auto pads = node.known_integers(1), axes = node.known_integers(3);
  const Fact x = node.fact(0);
  if (!pads || !axes || !x.rank_known()) {
    TRY(node.needs_opset(18, "a Pad of named axes"));
  }
  TRY(const auto sizes, pad_sizes(std::array{x, node.fact(1), Fact(), node.fact(3)}, x.rank()));
  std::vector<int64_t> all = sizes->begin;
  all.insert(all.end(), sizes->end.begin(), sizes->end.end());
  return node.constant(all);
}

Status pad(ExportScope& node) {
  const PadFill mode = node.op<Pad>().mode;
  if (mode == PadFill::kWrap) TRY(node.needs_opset(19, "Pad that wraps around"));
  const Attributes attributes = Attributes().text("mode", to_string(mode));
  if (!node.has_input(3))
    return node.emit("Pad", {node.input(0), node.int64_vector(1), node.scalar_input(2)}, attributes);
  if (node.opset() >= 18)
    return node.emit("Pad", {node.input(0), node.int64_vector(1), node.scalar_input(2), node.int64_vector(3)},
                     attributes);
  TRY(const std::string pads, all_pads(node));
  return node.emit("Pad", {node.input(0), pads, node.scalar_input(2)}, attributes);
}

Status reshape(ExportScope& node) {
  Attributes attributes;
  if (node.op<Reshape>().allow_zero) {
    const auto sizes = node.known_integers(1);
    const bool has_zero = !sizes || std::find(sizes->begin(), sizes->end(), 0) != sizes->end();
    if (has_zero) TRY(node.needs_opset(14, "a Reshape to a size of 0"));
    if (node.opset() >= 14) attributes.integer("allowzero", 1);
  }
  return node.emit("Reshape", {node.input(0), node.int64_vector(1)}, attributes);
}

Status reverse_sequence(ExportScope& node) {
  const auto& op = node.op<ReverseSequence>();
  return node.emit("ReverseSequence", {node.input(0), node.int64_input(1)},
                   Attributes().integer("batch_axis", op.batch_axis).integer("time_axis", op.time_axis));
}

/// Before opset 15 all sizes are read and then sliced.
Status shape(ExportScope& node) {
  const auto& op = node.op<ShapeOp>();
  const bool to_end = op.end >= kMaxRank;
  if (op.start == 0 && to_end) return node.emit("Shape", node.inputs());
  if (node.opset() < 15) {
    const std::string all = node.add("Shape", node.inputs());
    return node.emit("Slice", {all, node.constant(std::vector<int64_t>{op.start}),
                               node.constant(std::vector<int64_t>{op.end})});
  }
  Attributes attributes;
  attributes.integer("start", op.start);
  if (!to_end) attributes.integer("end", op.end);
  return node.emit("Shape", node.inputs(), attributes);
}

Status slice(ExportScope& node) {
  // The four lists are of one type, and the file keeps it.
  return node.emit("Slice", node.inputs());
}

/// Equal pieces, the last of which may be smaller, came with opset 18.
Status split(ExportScope& node) {
  const auto& op = node.op<Split>();
  Attributes attributes;
  attributes.integer("axis", op.axis);
  if (node.has_input(1)) return node.emit("Split", {node.input(0), node.int64_vector(1)}, attributes);
  if (node.opset() >= 18)
    return node.emit("Split", {node.input(0)}, attributes.integer("num_outputs", op.outputs));
  const Fact x = node.fact(0);
  const int axis = x.rank_known() ? normal_axis(op.axis, x.rank()).value_or(-1) : -1;
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < node.output_count() && axis >= 0; ++i)
    if (const Fact y = node.output_fact(i); y.rank_known() && y.dim(axis).is_number())
      sizes.push_back(y.dim(axis).number());
  if (sizes.size() != node.output_count()) TRY(node.needs_opset(18, "a Split of a size that is not known"));
  return node.emit("Split", {node.input(0), node.constant(sizes)}, attributes);
}

Status transpose(ExportScope& node) {
  const auto& perm = node.op<Transpose>().perm;
  return node.emit("Transpose", node.inputs(),
                   perm.empty() ? Attributes() : Attributes().integers("perm", perm));
}

Status trilu(ExportScope& node) {
  return node.emit("Trilu", {node.input(0), node.int64_input(1)},
                   Attributes().integer("upper", node.op<Trilu>().upper ? 1 : 0));
}

constexpr ExportRow kExportShapeRows[] = {
    {"CenterCropPad", 18, center_crop_pad},
    {"Concat", 1, concat},
    {"ConstantOfShape", 1, constant_of_shape},
    {"DepthToSpace", 1, depth_to_space},
    {"Expand", 1, with_vector},
    {"Flatten", 1, flatten},
    {"Pad", 1, pad},
    {"Range"},
    {"Reshape", 1, reshape},
    {"ReverseSequence", 1, reverse_sequence},
    {"Shape", 1, shape},
    {"Size"},
    {"Slice", 1, slice},
    {"SpaceToDepth", 1, space_to_depth},
    {"Split", 1, split},
    {"Squeeze", 1, with_vector},
    {"Tile", 1, with_vector},
    {"Transpose", 1, transpose},
    {"Trilu", 14, trilu},
    {"Unsqueeze", 1, with_vector},
};

}  // namespace

std::span<const ExportRow> shape_export_rows() {
  return kExportShapeRows;
}

}  // namespace pochade::onnx
