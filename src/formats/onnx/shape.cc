#include "formats/onnx/rows.h"
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

Status center_crop_pad(NodeScope& node) {
  CenterCropPad op;
  TRY(op.axes, node.integers("axes"));
  return node.emit(op);
}

Status concat(NodeScope& node) {
  Concat op;
  TRY(op.axis, node.integer("axis"));
  return node.emit(op);
}

Status constant_of_shape(NodeScope& node) {
  ConstantOfShape op;
  if (node.has("value")) {
    TRY(op.value, node.tensor("value"));
  }
  return node.emit(op);
}

/// x: N,C,H,W without a border, or of a size from the border's corner on. One of the experimental operators
/// of early files.
Status crop(NodeScope& node) {
  TRY(const std::vector<int64_t> border, node.integers("border"));
  TRY(const std::vector<int64_t> scale, node.integers("scale"));
  if (border.size() != 4) return Error::invalid_model("border has {} values, expected 4", border.size());
  if (!scale.empty() && scale.size() != 2)
    return Error::invalid_model("scale has {} values, expected 2", scale.size());
  const int64_t left = border[0], top = border[1], right = border[2], bottom = border[3];
  for (const int64_t size : {left, top, right, bottom})
    if (size < 0) return Error::invalid_model("border has a value of {}", size);
  const auto end = [](int64_t begin, int64_t behind, int64_t size) {
    if (size >= 0) return checked_add(begin, size).value_or(INT64_MAX);
    return behind == 0 ? INT64_MAX : -behind;
  };
  TRY(const ValueId x, node.required_input(0));
  return node.emit(Slice{},
                   {x, node.constant(std::vector<int64_t>{top, left}),
                    node.constant(std::vector<int64_t>{end(top, bottom, scale.empty() ? -1 : scale[0]),
                                                       end(left, right, scale.empty() ? -1 : scale[1])}),
                    node.constant(std::vector<int64_t>{2, 3})});
}

Status depth_to_space(NodeScope& node) {
  DepthToSpace op;
  TRY(op.block, node.integer("blocksize"));
  TRY(const std::string mode, node.text("mode", "DCR"));
  if (mode != "DCR" && mode != "CRD") return Error::invalid_model("mode is \"{}\"", mode);
  op.channel_first = mode == "CRD";
  TRY(const ValueId x, node.to_channels_last(node.input(0)));
  TRY(const ValueId y, node.add(op, {x}));
  return node.set_output_channels_first(0, y);
}

Status space_to_depth(NodeScope& node) {
  SpaceToDepth op;
  TRY(op.block, node.integer("blocksize"));
  TRY(const ValueId x, node.to_channels_last(node.input(0)));
  TRY(const ValueId y, node.add(op, {x}));
  return node.set_output_channels_first(0, y);
}

Status flatten(NodeScope& node) {
  Flatten op;
  TRY(op.axis, node.integer("axis", 1));
  return node.emit(op);
}

/// pads and value: attributes before opset 11, inputs since.
Status pad(NodeScope& node) {
  Pad op;
  TRY(const std::string mode, node.text("mode", "constant"));
  bool known = false;
  for (const PadFill fill : {PadFill::kConstant, PadFill::kReflect, PadFill::kEdge, PadFill::kWrap}) {
    if (mode != to_string(fill)) continue;
    op.mode = fill;
    known = true;
  }
  if (!known) return Error::invalid_model("mode is \"{}\"", mode);
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId pads, node.option_value("pads", 1));
  TRY(const ValueId value, node.option_value("value", 2, node.fact_of(x).dtype));
  return node.emit(op, {x, pads, value, node.has_input(3) ? node.input(3) : kNone});
}

Status reshape(NodeScope& node) {
  Reshape op;
  TRY(op.allow_zero, node.flag("allowzero", false));
  return node.emit(op);
}

Status reverse_sequence(NodeScope& node) {
  ReverseSequence op;
  TRY(op.batch_axis, node.integer("batch_axis", 1));
  TRY(op.time_axis, node.integer("time_axis", 0));
  return node.emit(op);
}

Status shape(NodeScope& node) {
  ShapeOp op;
  TRY(op.start, node.integer("start", op.start));
  TRY(op.end, node.integer("end", op.end));
  return node.emit(op);
}

/// starts, ends and axes: attributes before opset 10, inputs since.
Status slice(NodeScope& node) {
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId starts, node.option_value("starts", 1));
  TRY(const ValueId ends, node.option_value("ends", 2));
  TRY(const ValueId axes, node.option_value("axes", 3));
  return node.emit(Slice{}, {x, starts, ends, axes, node.has_input(4) ? node.input(4) : kNone});
}

/// The sizes: an attribute before opset 13, input 1 since.
Status split(NodeScope& node) {
  Split op;
  TRY(op.axis, node.integer("axis", 0));
  op.outputs = static_cast<int64_t>(node.output_count());
  TRY(const int64_t declared, node.integer("num_outputs", op.outputs));
  if (declared != op.outputs)
    return Error::invalid_model("num_outputs is {}, but there are {}", declared, op.outputs);
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId sizes, node.option_value("split", 1));
  return node.emit(op, {x, sizes});
}

/// Squeeze and Unsqueeze. The axes: an attribute before opset 13, input 1 since.
template <typename D>
Status with_axes(NodeScope& node) {
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId axes, node.option_value("axes", 1));
  return node.emit(D{}, {x, axes});
}

Status transpose(NodeScope& node) {
  Transpose op;
  TRY(op.perm, node.integers("perm"));
  return node.emit(op);
}

Status trilu(NodeScope& node) {
  Trilu op;
  TRY(op.upper, node.flag("upper", true));
  return node.emit(op);
}

constexpr Row kShapeRows[] = {
    {"", "CenterCropPad", 18, kLatest, center_crop_pad},
    {"", "Concat", 4, kLatest, concat},
    {"", "ConstantOfShape", 9, kLatest, constant_of_shape},
    {"", "Crop", 1, kLatest, crop},
    {"", "DepthToSpace", 1, kLatest, depth_to_space},
    {"", "Expand", 8, kLatest, plain<Expand>},
    {"", "Flatten", 1, kLatest, flatten},
    {"", "Pad", 2, kLatest, pad},
    {"", "Range", 11, kLatest, plain<RangeOp>},
    {"", "Reshape", 5, kLatest, reshape},
    {"", "ReverseSequence", 10, kLatest, reverse_sequence},
    {"", "Shape", 1, kLatest, shape},
    {"", "Size", 1, kLatest, plain<SizeOp>},
    {"", "Slice", 1, kLatest, slice},
    {"", "SpaceToDepth", 1, kLatest, space_to_depth},
    {"", "Split", 2, kLatest, split},
    {"", "Squeeze", 1, kLatest, with_axes<Squeeze>},
    {"", "Tile", 6, kLatest, plain<Tile>},
    {"", "Transpose", 1, kLatest, transpose},
    {"", "Trilu", 14, kLatest, trilu},
    {"", "Unsqueeze", 1, kLatest, with_axes<Unsqueeze>},
};

}  // namespace

std::span<const Row> shape_rows() {
  return kShapeRows;
}

}  // namespace pochade::onnx
