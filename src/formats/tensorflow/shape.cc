#include <algorithm>

#include "formats/tensorflow/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/trilu.h"

namespace pochade::tensorflow {
namespace {

using Piece = NodeScope::Piece;

Status shape(NodeScope& node) {
  TRY(const DType dtype, node.dtype("out_type", DType::kI32));
  node.ignore("N");
  for (size_t i = 0; i < node.input_count(); ++i) {  // ShapeN has several
    TRY(const ValueId x, node.input(i));
    TRY(const ValueId sizes, node.shape_of(x));
    TRY(const ValueId y, node.cast(sizes, dtype));
    node.set_output(i, y);
  }
  return {};
}

Status size(NodeScope& node) {
  TRY(const DType dtype, node.dtype("out_type", DType::kI32));
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId elements, node.add(SizeOp{}, {x}));
  TRY(const ValueId y, node.cast(elements, dtype));
  node.set_output(0, y);
  return {};
}

Status rank(NodeScope& node) {
  TRY(const int rank, node.rank(0));
  node.set_output(0, node.scalar(int32_t{rank}));
  return {};
}

/// A 0 is a size of 0. One size that is only known while running is what is left.
Status reshape(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId raw, node.input(1));
  Reshape op;
  op.allow_zero = true;
  if (const auto part = node.integers_of(raw)) {
    std::vector<int64_t> dims;
    for (const auto& dim : *part) dims.push_back(dim.value_or(-1));
    const auto open = std::count(dims.begin(), dims.end(), -1);
    const bool has_zero = std::find(dims.begin(), dims.end(), 0) != dims.end();
    const bool is_known = std::find(part->begin(), part->end(), std::nullopt) == part->end();
    if (is_known || (open == 1 && !has_zero)) {
      TRY(const ValueId y, node.reshape(x, dims));
      node.set_output(0, y);
      return {};
    }
  }
  TRY(const ValueId dims, node.as_int64(raw));
  return node.emit(op, {x, dims});
}

Status expand_dims(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const int64_t axis, node.constant_integer(1, "dim"));
  TRY(const ValueId y, node.unsqueeze(x, {axis}));
  if (const auto part = node.integers_of(x)) node.know(y, *part);
  node.set_output(0, y);
  return {};
}

Status squeeze(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(std::vector<int64_t> axes, node.integers("squeeze_dims"));
  if (node.has("axis")) {
    TRY(axes, node.integers("axis"));
  }
  if (axes.empty()) return node.emit(Squeeze{}, {x});
  TRY(const ValueId y, node.squeeze(x, axes));
  if (const auto part = node.integers_of(x)) node.know(y, *part);
  node.set_output(0, y);
  return {};
}

Status transpose(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const auto perm, node.constant_integers(1, "perm"));
  std::vector<bool> seen(perm.size(), false);  // node.transpose() takes the identity for nothing to do
  for (const int64_t axis : perm) {
    if (axis < 0 || axis >= static_cast<int64_t>(perm.size()) || seen[static_cast<size_t>(axis)])
      return Error::invalid_model("perm is {}", join(perm));
    seen[static_cast<size_t>(axis)] = true;
  }
  const Fact known = node.fact_of(x);
  if (known.rank_known() && static_cast<size_t>(known.rank()) != perm.size())
    return Error::invalid_model("perm has {} values, the input rank {}", perm.size(), known.rank());
  TRY(const ValueId y, node.transpose(x, perm));
  node.set_output(0, y);
  return {};
}

/// x and a vector of integers, which we have as int64.
template <typename D>
Status with_sizes(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId raw, node.input(1));
  TRY(const ValueId sizes, node.as_int64(raw));
  return node.emit(D{}, {x, sizes});
}

/// paddings: rank, 2 -> begins, then ends.
Result<ValueId> pads_of(NodeScope& node) {
  TRY(const ValueId raw, node.input(1));
  TRY(const ValueId paddings, node.as_int64(raw));
  TRY(const ValueId turned, node.transpose(paddings, {1, 0}));
  return node.reshape(turned, {-1});
}

Status pad(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId pads, pads_of(node));
  std::vector<ValueId> inputs{x, pads};
  if (node.input_count() > 2) {
    TRY(inputs.emplace_back(), node.input(2));
  }
  return node.emit(Pad{}, std::move(inputs));
}

/// Elements [begin, end) of an axis by `step`.
Result<ValueId> cut(NodeScope& node, ValueId x, int64_t axis, int64_t begin, int64_t end, int64_t step) {
  const auto vector = [&](int64_t value) { return node.constant(std::vector<int64_t>{value}); };
  return node.add(Slice{}, {x, vector(begin), vector(end), vector(axis), vector(step)});
}

/// The border is repeated: 1 0 | 0 1 2. Made of the reversed ends of each axis.
Result<ValueId> symmetric(NodeScope& node, ValueId x, int64_t axis, int64_t before, int64_t behind) {
  const Fact known = node.fact_of(x);
  const Dim size = known.rank_known() && axis < known.rank() ? known.dim(static_cast<int>(axis)) : Dim();
  if (before < 0 || behind < 0 || (size.is_number() && std::max(before, behind) > size.number()))
    return Error::invalid_model("paddings {} and {} of an axis of size {}", before, behind, size);
  std::vector<ValueId> parts;
  if (before > 0) {
    TRY(parts.emplace_back(), cut(node, x, axis, before - 1, INT64_MIN, -1));
  }
  parts.push_back(x);
  if (behind > 0) {
    TRY(parts.emplace_back(), cut(node, x, axis, -1, -behind - 1, -1));
  }
  if (parts.size() == 1) return x;
  Concat op;
  op.axis = axis;
  return node.add(op, std::move(parts));
}

Status mirror_pad(NodeScope& node) {
  TRY(const std::string_view mode, node.text("mode"));
  TRY(ValueId x, node.input(0));
  if (mode == "REFLECT") {
    TRY(const ValueId pads, pads_of(node));
    Pad op;
    op.mode = PadFill::kReflect;
    return node.emit(op, {x, pads});
  }
  if (mode != "SYMMETRIC") return Error::invalid_model("mode is \"{}\"", mode);
  TRY(const auto paddings, node.constant_integers(1, "paddings"));
  for (size_t i = 0; i + 1 < paddings.size(); i += 2) {
    TRY(x, symmetric(node, x, static_cast<int64_t>(i / 2), paddings[i], paddings[i + 1]));
  }
  node.set_output(0, x);
  return {};
}

/// Depth and space in blocks; TensorFlow orders the channels of NCHW as those of NHWC.
template <typename D>
Status blocks(NodeScope& node) {
  D op;
  TRY(op.block, node.integer("block_size"));
  TRY(const bool channels_first, node.channels_first());
  TRY(ValueId x, node.input(0));
  if (!channels_first) return node.emit(op, {x});
  TRY(x, node.to_channels_last(x));
  TRY(const ValueId y, node.add(op, {x}));
  TRY(const ValueId out, node.to_channels_first(y));
  node.set_output(0, out);
  return {};
}

Result<Piece> scaled(NodeScope& node, const Piece& piece, int64_t times, int64_t divided_by) {
  if (piece.dynamic == kNone) {
    if (piece.number % divided_by != 0)
      return Error::invalid_model("a size of {} does not divide into blocks of {}", piece.number, divided_by);
    const auto product = checked_mul(piece.number / divided_by, times);
    if (!product) return Error::invalid_model("a size overflows");
    return Piece{*product, kNone};
  }
  Piece out = piece;
  if (divided_by != 1) {
    TRY(out.dynamic, node.add(Div{}, {out.dynamic, node.constant(std::vector<int64_t>{divided_by})}));
  }
  if (times != 1) {
    TRY(out.dynamic, node.add(Mul{}, {out.dynamic, node.constant(std::vector<int64_t>{times})}));
  }
  return out;
}

struct BlockSizes {
  std::vector<int64_t> block;
  std::vector<int64_t> amounts;  ///< paddings or crops, begin and end of each axis
  int64_t product = 1;
};

/// The block as input 1, or as an attribute in the first version of the operators.
Result<BlockSizes> block_sizes(NodeScope& node, std::string_view what) {
  BlockSizes out;
  if (node.has("block_size")) {
    TRY(const int64_t block, node.integer("block_size"));
    out.block = {block, block};
    TRY(out.amounts, node.constant_integers(1, what));
  } else {
    TRY(out.block, node.constant_integers(1, "block_shape"));
    TRY(out.amounts, node.constant_integers(2, what));
  }
  TRY(const int rank, node.rank(0));
  const size_t axes = out.block.size();
  if (axes + 1 > static_cast<size_t>(rank) || out.amounts.size() != 2 * axes)
    return Error::invalid_model("{} block sizes and {} {} for an input of rank {}", axes, out.amounts.size(),
                                what, rank);
  for (const int64_t block : out.block) {
    const auto product = block < 1 ? std::nullopt : checked_mul(out.product, block);
    if (!product) return Error::invalid_model("block sizes are {}", join(out.block));
    out.product = *product;
  }
  for (const int64_t amount : out.amounts)
    if (amount < 0) return Error::invalid_model("{} hold {}", what, amount);
  return out;
}

/// Each b x b block of pixels goes to b * b pictures of the batch.
Status space_to_batch(NodeScope& node) {
  TRY(const BlockSizes sizes, block_sizes(node, "paddings"));
  TRY(ValueId x, node.input(0));
  const auto axes = static_cast<int>(sizes.block.size());
  const int rank = node.fact_of(x).rank();
  if (std::any_of(sizes.amounts.begin(), sizes.amounts.end(), [](int64_t n) { return n != 0; })) {
    std::vector<int64_t> pads(static_cast<size_t>(2 * rank), 0);
    for (int i = 0; i < axes; ++i) {
      pads[static_cast<size_t>(i + 1)] = sizes.amounts[static_cast<size_t>(2 * i)];
      pads[static_cast<size_t>(rank + i + 1)] = sizes.amounts[static_cast<size_t>(2 * i + 1)];
    }
    TRY(x, node.add(Pad{}, {x, node.constant(pads)}));
  }
  TRY(const Piece batch, node.size_of_axis(x, 0));
  TRY(const Piece new_batch, scaled(node, batch, sizes.product, 1));
  std::vector<Piece> split{batch}, joined{new_batch};
  std::vector<int64_t> perm;
  for (int i = 0; i < axes; ++i) {
    const int64_t block = sizes.block[static_cast<size_t>(i)];
    TRY(const Piece whole, node.size_of_axis(x, i + 1));
    TRY(const Piece part, scaled(node, whole, 1, block));
    split.insert(split.end(), {part, Piece{block, kNone}});
    joined.push_back(part);
    perm.push_back(2 * i + 2);
  }
  perm.push_back(0);
  for (int i = 0; i < axes; ++i) perm.push_back(2 * i + 1);
  for (int axis = axes + 1; axis < rank; ++axis) {
    TRY(const Piece same, node.size_of_axis(x, axis));
    split.push_back(same);
    joined.push_back(same);
    perm.push_back(axis + axes);
  }
  Reshape op;
  op.allow_zero = true;
  TRY(const ValueId split_shape, node.vector_of(split, true));
  TRY(const ValueId by_block, node.add(op, {x, split_shape}));
  TRY(const ValueId turned, node.transpose(by_block, std::move(perm)));
  TRY(const ValueId joined_shape, node.vector_of(joined, true));
  return node.emit(op, {turned, joined_shape});
}

/// The way back.
Status batch_to_space(NodeScope& node) {
  TRY(const BlockSizes sizes, block_sizes(node, "crops"));
  TRY(const ValueId x, node.input(0));
  const auto axes = static_cast<int>(sizes.block.size());
  const int rank = node.fact_of(x).rank();
  TRY(const Piece old_batch, node.size_of_axis(x, 0));
  TRY(const Piece batch, scaled(node, old_batch, 1, sizes.product));
  std::vector<Piece> split, joined{batch};
  for (const int64_t block : sizes.block) split.push_back({block, kNone});
  split.push_back(batch);
  std::vector<int64_t> perm{axes};
  for (int i = 0; i < axes; ++i) {
    TRY(const Piece part, node.size_of_axis(x, i + 1));
    TRY(const Piece whole, scaled(node, part, sizes.block[static_cast<size_t>(i)], 1));
    split.push_back(part);
    joined.push_back(whole);
    perm.insert(perm.end(), {axes + 1 + i, i});
  }
  for (int axis = axes + 1; axis < rank; ++axis) {
    TRY(const Piece same, node.size_of_axis(x, axis));
    split.push_back(same);
    joined.push_back(same);
    perm.push_back(axis + axes);
  }
  Reshape op;
  op.allow_zero = true;
  TRY(const ValueId split_shape, node.vector_of(split, true));
  TRY(const ValueId by_block, node.add(op, {x, split_shape}));
  TRY(const ValueId turned, node.transpose(by_block, std::move(perm)));
  TRY(const ValueId joined_shape, node.vector_of(joined, true));
  TRY(ValueId y, node.add(op, {turned, joined_shape}));
  for (int i = 0; i < axes; ++i) {
    const int64_t begin = sizes.amounts[static_cast<size_t>(2 * i)],
                  end = sizes.amounts[static_cast<size_t>(2 * i + 1)];
    if (begin == 0 && end == 0) continue;
    TRY(y, cut(node, y, i + 1, begin, end == 0 ? INT64_MAX : -end, 1));
  }
  node.set_output(0, y);
  return {};
}

Status reverse(NodeScope& node) {
  TRY(ValueId x, node.input(0));
  TRY(const auto axes, node.constant_integers(1, "axis"));
  for (const int64_t axis : axes) {
    TRY(x, cut(node, x, axis, INT64_MAX, INT64_MIN, -1));
  }
  node.set_output(0, x);
  return {};
}

Status reverse_sequence(NodeScope& node) {
  ReverseSequence op;
  TRY(op.time_axis, node.integer("seq_dim"));
  TRY(op.batch_axis, node.integer("batch_dim", 0));
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId raw, node.input(1));
  TRY(const ValueId lengths, node.as_int64(raw));
  return node.emit(op, {x, lengths});
}

Status range(NodeScope& node) {
  return node.emit(RangeOp{});
}

constexpr Row kShapeRows[] = {
    {"BatchToSpace", batch_to_space},
    {"BatchToSpaceND", batch_to_space},
    {"BroadcastTo", with_sizes<Expand>},
    {"DepthToSpace", blocks<DepthToSpace>},
    {"ExpandDims", expand_dims},
    {"MirrorPad", mirror_pad},
    {"Pad", pad},
    {"PadV2", pad},
    {"Range", range},
    {"Rank", rank},
    {"Reshape", reshape},
    {"ReverseSequence", reverse_sequence},
    {"ReverseV2", reverse},
    {"Shape", shape},
    {"ShapeN", shape},
    {"Size", size},
    {"SpaceToBatch", space_to_batch},
    {"SpaceToBatchND", space_to_batch},
    {"SpaceToDepth", blocks<SpaceToDepth>},
    {"Squeeze", squeeze},
    {"Tile", with_sizes<Tile>},
    {"Transpose", transpose},
};

}  // namespace

std::span<const Row> shape_rows() {
  return kShapeRows;
}

}  // namespace pochade::tensorflow
