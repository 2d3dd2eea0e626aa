// Operators that move elements.

#include <algorithm>

#include "formats/tflite/export_scope.h"
#include "ops/index/gather.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"

namespace pochade::tflite {
namespace {

using B = BuiltinOperator;

/// The output's dims, one of which may be open.
Status reshape(ExportScope& node) {
  const Fact& y = node.output_fact();
  if (!y.rank_known()) return Error::not_supported("the rank of its output is not known");
  std::vector<int64_t> sizes;
  int open = 0;
  for (const Dim& dim : *y.dims) {
    sizes.push_back(dim.is_number() ? dim.number() : -1);
    open += !dim.is_number();
  }
  if (open > 1) {
    const auto* computed = op_as<Reshape>(node.op());
    if (computed == nullptr || !computed->allow_zero || node.known_integers(1))
      return Error::not_supported("{} sizes of its output are not known", open);
    const TensorIndex shape = node.int32_between(node.fact(1).dims);
    node.write(B::CAST, 1, {node.input(1)}, {shape});
    node.write(B::RESHAPE, 1, {node.input(0), shape}, {node.output()});
    return {};
  }
  node.write(B::RESHAPE, 1, {node.input(0), node.int32s(sizes)}, {node.output()});
  return {};
}

Status transpose(ExportScope& node) {
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const TensorIndex perm = node.int32s(node.as<Transpose>().permutation(node.fact(0).rank()));
  node.write(B::TRANSPOSE, node.type_version(), {node.input(0), perm}, {node.output()});
  return {};
}

Status concat(ExportScope& node) {
  TRY(const int axis, node.axis_of(node.as<Concat>().axis));
  TRY(const auto act, node.activation());
  return node.emit(B::CONCATENATION, node.type_version(),
                   node.options(OptionsType::ConcatenationOptions,
                                schema::CreateConcatenationOptions(node.flat(), axis, act)));
}

Status gather(ExportScope& node) {
  TRY(const int axis, node.axis_of(node.as<Gather>().axis));
  const auto indices = node.known_integers(1);
  if (indices && std::ranges::any_of(*indices, [](int64_t i) { return i < 0; }))
    return Error::not_supported("an index counts from the end");
  return node.emit(B::GATHER, node.type_version(),
                   node.options(OptionsType::GatherOptions, schema::CreateGatherOptions(node.flat(), axis)));
}

Status shape(ExportScope& node) {
  const auto& op = node.as<ShapeOp>();
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const int64_t rank = node.fact(0).rank();
  const auto place = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t start = place(op.start), end = place(op.end);
  const bool all = start == 0 && end == rank;
  const TensorIndex sizes = all ? node.output() : node.tensor_between(Fact(DType::kI64, Shape{rank}));
  node.write(B::SHAPE, 1, {node.input(0)}, {sizes},
             node.options(OptionsType::ShapeOptions,
                          schema::CreateShapeOptions(node.flat(), schema::TensorType::INT64)));
  if (all) return {};
  node.write(B::STRIDED_SLICE, 1, {sizes, node.int32s({start}), node.int32s({end}), node.int32s({1})},
             {node.output()},
             node.options(OptionsType::StridedSliceOptions, schema::CreateStridedSliceOptions(node.flat())));
  return {};
}

/// Axes whose size is open may stay whole.
Status slice(ExportScope& node) {
  Facts in;
  for (size_t i = 0; i < node.input_count(); ++i) {
    in.push_back(node.fact(i));
    if (i > 0 && in.back().present() && !in.back().is_constant())
      return Error::not_supported("its positions are computed");
  }
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const Dims dims = *node.fact(0).dims;
  constexpr int64_t kStandIn = int64_t{1} << 30;  // longer than what is cut off
  Shape shape;
  for (const Dim& dim : dims) shape.push_back(dim.is_number() ? dim.number() : kStandIn);
  TRY(const std::vector<SliceRange> ranges, slice_ranges(in, shape));
  std::vector<int64_t> begin, end, step;
  int64_t end_mask = 0;
  for (size_t axis = 0; axis < ranges.size(); ++axis) {
    const SliceRange& range = ranges[axis];
    const bool whole = range.start == 0 && range.step == 1 && range.count == shape[static_cast<int>(axis)];
    if (!dims[axis].is_number() && !whole)
      return Error::not_supported("it cuts an axis whose size is not known");
    begin.push_back(range.start);
    const int64_t last = range.start + range.count * range.step;
    end.push_back(last);
    // To the first element, backwards, or to the last one.
    if (last < 0 || !dims[axis].is_number()) end_mask |= int64_t{1} << axis;
    step.push_back(range.step);
  }
  node.write(B::STRIDED_SLICE, node.type_version(),
             {node.input(0), node.int32s(begin), node.int32s(end), node.int32s(step)}, {node.output()},
             node.options(OptionsType::StridedSliceOptions,
                          schema::CreateStridedSliceOptions(node.flat(), 0, static_cast<int>(end_mask))));
  return {};
}

Status split(ExportScope& node) {
  const auto& op = node.as<Split>();
  TRY(const int axis, node.axis_of(op.axis));
  std::vector<int64_t> sizes;
  std::vector<TensorIndex> outputs;
  for (size_t i = 0; i < static_cast<size_t>(op.outputs); ++i) {
    const Fact& y = node.output_fact(i);
    if (!y.rank_known() || !y.dim(axis).is_number()) return Error::not_supported("its sizes are not known");
    sizes.push_back(y.dim(axis).number());
    outputs.push_back(node.output(i));
  }
  const TensorIndex along = node.constant(Tensor::scalar<int32_t>(axis));
  node.write(B::SPLIT_V, node.type_version(), {node.input(0), node.int32s(sizes), along}, outputs,
             node.options(OptionsType::SplitVOptions,
                          schema::CreateSplitVOptions(node.flat(), static_cast<int>(op.outputs))));
  return {};
}

Status pad(ExportScope& node) {
  const auto& op = node.as<Pad>();
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const int rank = node.fact(0).rank();
  Facts in;
  for (size_t i = 0; i < node.input_count(); ++i) in.push_back(node.fact(i));
  TRY(const auto sizes, pad_sizes(in, rank));
  if (!sizes) return Error::not_supported("its pads are computed");
  std::vector<int32_t> pads;
  for (size_t axis = 0; axis < static_cast<size_t>(rank); ++axis) {
    if (sizes->begin[axis] < 0 || sizes->end[axis] < 0)
      return Error::not_supported("it cuts elements off, TFLite's pads only add");
    pads.push_back(static_cast<int32_t>(sizes->begin[axis]));
    pads.push_back(static_cast<int32_t>(sizes->end[axis]));
  }
  const TensorIndex list = node.constant(Tensor::of<int32_t>({rank, 2}, pads));
  if (op.mode == PadFill::kReflect) {
    node.write(B::MIRROR_PAD, node.type_version(), {node.input(0), list}, {node.output()},
               node.options(OptionsType::MirrorPadOptions,
                            schema::CreateMirrorPadOptions(node.flat(), schema::MirrorPadMode::REFLECT)));
    return {};
  }
  if (op.mode != PadFill::kConstant)
    return Error::not_supported("TFLite has no padding of mode \"{}\"", to_string(op.mode));
  const Fact value = node.fact(2);
  const bool zero = !node.has_input(2) ||
                    (value.is_constant() && !node.is_quantized() && to_floats(value.constant)[0] == 0);
  if (zero) {
    node.write(B::PAD, node.type_version(), {node.input(0), list}, {node.output()},
               node.options(OptionsType::PadOptions, schema::CreatePadOptions(node.flat())));
  } else {
    node.write(B::PADV2, node.type_version(), {node.input(0), list, node.input(2)}, {node.output()},
               node.options(OptionsType::PadV2Options, schema::CreatePadV2Options(node.flat())));
  }
  return {};
}

Status tile(ExportScope& node) {
  const auto repeats = node.known_integers(1);
  if (!repeats) return Error::not_supported("its repeats are computed");
  node.write(B::TILE, node.type_version(), {node.input(0), node.int32s(*repeats)}, {node.output()});
  return {};
}

Status expand(ExportScope& node) {
  const auto shape = node.output_fact().shape();
  if (!shape) return Error::not_supported("the size of its output is not known");
  node.write(B::BROADCAST_TO, node.type_version() == 1 ? 2 : 3,
             {node.input(0), node.int32s({shape->begin(), shape->end()})}, {node.output()});
  return {};
}

Status depth_to_space(ExportScope& node) {
  const auto& op = node.as<DepthToSpace>();
  if (op.channel_first) return Error::not_supported("TFLite has the order DCR of channels only");
  return node.emit(B::DEPTH_TO_SPACE, node.type_version(),
                   node.options(OptionsType::DepthToSpaceOptions,
                                schema::CreateDepthToSpaceOptions(node.flat(), static_cast<int>(op.block))));
}

Status space_to_depth(ExportScope& node) {
  return node.emit(B::SPACE_TO_DEPTH, node.type_version(),
                   node.options(OptionsType::SpaceToDepthOptions,
                                schema::CreateSpaceToDepthOptions(
                                    node.flat(), static_cast<int>(node.as<SpaceToDepth>().block))));
}

constexpr ExportRow kExportShapeRows[] = {
    {"Concat", concat},     {"DepthToSpace", depth_to_space},
    {"Expand", expand},     {"Flatten", reshape},
    {"Gather", gather},     {"Pad", pad},
    {"Reshape", reshape},   {"Shape", shape},
    {"Slice", slice},       {"SpaceToDepth", space_to_depth},
    {"Split", split},       {"Squeeze", reshape},
    {"Tile", tile},         {"Transpose", transpose},
    {"Unsqueeze", reshape},
};

}  // namespace

std::span<const ExportRow> shape_export_rows() {
  return kExportShapeRows;
}

}  // namespace pochade::tflite
