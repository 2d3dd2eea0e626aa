// The same elements in other shapes and orders.

#include "formats/tflite/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/index/gather.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "ops/shape/trilu.h"

namespace pochade::tflite {
namespace {

/// The shape is input 1 or, in old files, an option.
Status reshape(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const std::vector<int64_t> option, node.integers("new_shape"));
  TRY(ValueId shape, node.input(1));
  if (shape == kNone) {
    // Files of the first years write a scalar's shape as [0].
    const bool is_scalar = option.size() == 1 && option[0] == 0;
    shape = node.integers_value(is_scalar ? std::vector<int64_t>() : option);
  } else {
    TRY(shape, node.to_int64(shape));
  }
  Reshape op;
  op.allow_zero = true;
  return node.emit(op, {x, shape});
}

Status squeeze(NodeScope& node) {
  TRY(const std::vector<int64_t> axes, node.integers("squeeze_dims"));
  TRY(const ValueId x, node.required(0));
  if (axes.empty()) return node.emit(Squeeze{}, {x});
  return node.emit(Squeeze{}, {x, node.integers_value(axes)});
}

Status expand_dims(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const int64_t axis, node.constant_integer(1, "axis"));
  return node.emit(Unsqueeze{}, {x, node.integers_value({axis})});
}

Status transpose(NodeScope& node) {
  Transpose op;
  TRY(op.perm, node.constant_integers(1, "perm"));
  TRY(const int rank, node.rank(0));
  for (int64_t& axis : op.perm)
    if (axis < 0) axis += rank;
  TRY(const ValueId x, node.required(0));
  return node.emit(std::move(op), {x});
}

Status concatenation(NodeScope& node) {
  Concat op;
  TRY(op.axis, node.integer("axis", 0));
  TRY(const Activation act, node.activation());
  TRY(const std::vector<ValueId> inputs, node.inputs());
  return node.emit(op, inputs, act);
}

/// Inputs of one shape along a new axis.
Status pack(NodeScope& node) {
  node.ignore("values_count");  // there are as many as there are
  TRY(const int64_t axis, node.integer("axis", 0));
  TRY(const std::vector<ValueId> inputs, node.inputs());
  TRY(const int rank, node.rank(0));
  std::vector<ValueId> parts;
  for (const ValueId input : inputs) {
    if (input == kNone) return Error::invalid_model("an input is missing");
    TRY(const ValueId part, node.unsqueeze(input, {axis}));
    parts.push_back(part);
  }
  Concat op;
  op.axis = axis < 0 ? axis + rank + 1 : axis;
  return node.emit(op, std::move(parts));
}

Status unpack(NodeScope& node) {
  TRY(const int64_t count, node.integer("num", 0));
  TRY(const int64_t axis, node.integer("axis", 0));
  TRY(const ValueId x, node.required(0));
  if (count != static_cast<int64_t>(node.output_count()))
    return Error::invalid_model("num is {}, but it has {} outputs", count, node.output_count());
  for (int64_t i = 0; i < count; ++i) {
    Gather op;
    op.axis = axis;
    TRY(const ValueId y, node.add_as(node.type(x), op, {x, node.scalar<int64_t>(i)}));
    TRY(node.set_output(static_cast<size_t>(i), y));
  }
  return {};
}

/// Inputs: the axis, x.
Status split(NodeScope& node) {
  Split op;
  TRY(op.axis, node.constant_integer(0, "axis"));
  TRY(op.outputs, node.integer("num_splits", 0));
  TRY(const ValueId x, node.required(1));
  if (op.outputs != static_cast<int64_t>(node.output_count()))
    return Error::invalid_model("num_splits is {}, but it has {} outputs", op.outputs, node.output_count());
  const Fact& fact = node.fact(x);
  if (fact.rank_known())
    if (const auto axis = normal_axis(op.axis, fact.rank()); axis && fact.dim(*axis).is_number())
      if (fact.dim(*axis).number() % std::max<int64_t>(1, op.outputs) != 0)
        return Error::invalid_model("{} does not divide into {} equal parts", fact.dim(*axis).number(),
                                    op.outputs);
  return node.emit(op, {x});
}

/// Inputs: x, sizes (one may be -1: the rest), the axis.
Status split_v(NodeScope& node) {
  Split op;
  TRY(op.outputs, node.integer("num_splits", 0));
  TRY(op.axis, node.constant_integer(2, "axis"));
  TRY(std::vector<int64_t> sizes, node.constant_integers(1, "size_splits"));
  TRY(const ValueId x, node.required(0));
  TRY(const int rank, node.rank(0));
  const auto axis = normal_axis(op.axis, rank);
  if (!axis) return Error::invalid_model("axis {} does not exist in rank {}", op.axis, rank);
  int64_t sum = 0;
  int64_t* rest = nullptr;
  for (int64_t& size : sizes) {
    if (size == -1 && rest == nullptr)
      rest = &size;
    else if (size < 0 || size > INT32_MAX)
      return Error::invalid_model("a part has the size {}", size);
    else
      sum += size;
  }
  if (rest != nullptr) {
    const Dim& dim = node.fact(x).dim(*axis);
    if (!dim.is_number()) return Error::not_supported("a part takes the rest of an axis of unknown size");
    *rest = dim.number() - sum;
  }
  return node.emit(op, {x, node.integers_value(sizes)});
}

Status tile(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId multiples, node.required(1));
  TRY(const ValueId repeats, node.to_int64(multiples));
  return node.emit(Tile{}, {x, repeats});
}

Status broadcast_to(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId given, node.required(1));
  TRY(const ValueId shape, node.to_int64(given));
  return node.emit(Expand{}, {x, shape});
}

/// The shape that two shapes broadcast to.
Status broadcast_args(NodeScope& node) {
  std::array<ValueId, 2> shapes{};
  std::array<int64_t, 2> lengths{};
  for (size_t i = 0; i < 2; ++i) {
    TRY(const ValueId given, node.required(i));
    const auto length = node.fact(given).shape();
    if (!length || length->rank() != 1) return Error::not_supported("the length of input {} is not known", i);
    lengths[i] = (*length)[0];
    TRY(shapes[i], node.to_int64(given));
  }
  const int64_t longest = std::max(lengths[0], lengths[1]);
  if (longest > kMaxRank) return Error::not_supported("{} dimensions, at most {} are", longest, kMaxRank);
  for (size_t i = 0; i < 2; ++i)
    if (lengths[i] < longest) {
      const std::vector<int64_t> ones(static_cast<size_t>(longest - lengths[i]), 1);
      TRY(shapes[i], node.concat({node.integers_value(ones), shapes[i]}, 0));
    }
  TRY(const ValueId is_one, node.add(Equal{}, {shapes[0], node.scalar<int64_t>(1)}));
  TRY(const ValueId wider, node.add(Where{}, {is_one, shapes[1], shapes[0]}));
  TRY(const DType to, element_type(node.output_record(0).type));
  TRY(const ValueId y, node.cast(wider, to));
  return node.set_output(0, y);
}

Status shape(NodeScope& node) {
  TRY(const DType to, node.dtype_option("out_type", ElementType::kFloat32));
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId sizes, node.sizes(x));
  TRY(const ValueId y, node.cast(sizes, is_float(to) ? DType::kI32 : to));
  return node.set_output(0, y);
}

Status rank(NodeScope& node) {
  TRY(const int rank, node.rank(0));
  return node.set_output(0, node.scalar<int32_t>(rank));
}

Status zeros_like(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId sizes, node.sizes(x));
  ConstantOfShape op;
  TRY(op.value, Tensor::scalar(0.0f).cast(*node.fact(x).dtype));
  TRY(const ValueId y, node.add(std::move(op), {sizes}));
  return node.set_output(0, y);
}

/// Inputs: sizes, one value.
Status fill(NodeScope& node) {
  TRY(const ValueId dims, node.required(0));
  TRY(const ValueId value, node.required(1));
  TRY(const ValueId sizes, node.to_int64(dims));
  return node.emit(Expand{}, {value, sizes});
}

Status range(NodeScope& node) {
  TRY(const std::vector<ValueId> inputs, node.inputs());
  return node.emit(RangeOp{}, inputs);
}

/// n,2 of begins and ends -> all begins, then all ends.
Result<ValueId> pads_input(NodeScope& node, size_t i) {
  TRY(const ValueId given, node.required(i));
  TRY(const ValueId wide, node.to_int64(given));
  TRY(const ValueId turned, node.transpose(wide, {1, 0}));
  return node.reshape_to(turned, {-1});
}

Status pad(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId pads, pads_input(node, 1));
  TRY(const ValueId value, node.input(2));  // PADV2
  std::vector<ValueId> inputs{x, pads};
  if (value != kNone) inputs.push_back(value);
  return node.emit(Pad{}, std::move(inputs));
}

/// SYMMETRIC repeats the border: 1 0 | 0 1 2.
Status mirror_pad(NodeScope& node) {
  TRY(const int64_t mode, node.integer("mode", 0));
  TRY(ValueId x, node.required(0));
  if (mode == 0) {
    Pad op;
    op.mode = PadFill::kReflect;
    TRY(const ValueId pads, pads_input(node, 1));
    return node.emit(op, {x, pads});
  }
  TRY(const std::vector<int64_t> pads, node.constant_integers(1, "paddings"));
  const auto shape = node.fact(x).shape();
  if (!shape || pads.size() != 2 * static_cast<size_t>(shape->rank()))
    return Error::not_supported("x is {}, with {} paddings", node.fact(x), pads.size());
  for (int axis = 0; axis < shape->rank(); ++axis) {
    const int64_t size = (*shape)[axis], before = pads[2 * static_cast<size_t>(axis)],
                  after = pads[2 * static_cast<size_t>(axis) + 1];
    if (before == 0 && after == 0) continue;
    if (size > (1 << 24)) return Error::not_supported("an axis of {} elements", size);
    if (before < 0 || after < 0 || before > size || after > size)
      return Error::invalid_model("it adds {} and {} to an axis of {}", before, after, size);
    std::vector<int64_t> places;
    for (int64_t i = before - 1; i >= 0; --i) places.push_back(i);
    for (int64_t i = 0; i < size; ++i) places.push_back(i);
    for (int64_t i = 0; i < after; ++i) places.push_back(size - 1 - i);
    Gather op;
    op.axis = axis;
    TRY(x, node.add_as(node.type(x), op, {x, node.integers_value(places)}));
  }
  return node.set_output(0, x);
}

template <typename D>
Status blocks(NodeScope& node) {
  D op;
  TRY(op.block, node.integer("block_size", 0));
  TRY(const ValueId x, node.required(0));
  return node.emit(op, {x});
}

/// What SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND read: block sizes, and pads or crops of the blocked axes.
struct Batches {
  std::vector<int64_t> block, edges;
  int64_t product = 1;
};
Result<Batches> read_batches(NodeScope& node, std::string_view edges) {
  Batches out;
  TRY(out.block, node.constant_integers(1, "block_shape"));
  TRY(out.edges, node.constant_integers(2, edges));
  TRY(const int rank, node.rank(0));
  if (out.block.empty() || static_cast<int>(out.block.size()) + 1 > rank || 2 * rank > kMaxRank ||
      out.edges.size() != 2 * out.block.size())
    return Error::not_supported("{} block sizes and {} {} do not fit rank {}", out.block.size(),
                                out.edges.size(), edges, rank);
  for (const int64_t size : out.block) {
    const auto product = checked_mul(out.product, size);
    if (size < 1 || !product || *product > INT32_MAX)
      return Error::invalid_model("the block sizes are {}", join(out.block));
    out.product = *product;
  }
  for (const int64_t edge : out.edges)
    if (edge < 0 || edge > INT32_MAX) return Error::invalid_model("{} are {}", edges, join(out.edges));
  return out;
}

/// One size divided or multiplied by a number, as a vector of one element.
template <typename D>
Result<ValueId> scaled_size(NodeScope& node, ValueId x, int64_t axis, int64_t by) {
  TRY(const ValueId size, node.size(x, axis));
  return node.add(D{}, {size, node.integers_value({by})});
}

/// x: N,S..,R..   ->   N*product,S/b..,R..: block positions stand before the batch.
Status space_to_batch_nd(NodeScope& node) {
  TRY(const Batches batches, read_batches(node, "paddings"));
  TRY(ValueId x, node.required(0));
  const int rank = node.fact(x).rank();
  const auto spatial = static_cast<int>(batches.block.size());
  if (std::any_of(batches.edges.begin(), batches.edges.end(), [](int64_t e) { return e != 0; })) {
    std::vector<int64_t> pads(2 * static_cast<size_t>(rank), 0);
    for (size_t i = 0; i < batches.block.size(); ++i) {
      pads[i + 1] = batches.edges[2 * i];
      pads[static_cast<size_t>(rank) + i + 1] = batches.edges[2 * i + 1];
    }
    TRY(x, node.add_as(node.type(x), Pad{}, {x, node.integers_value(pads)}));
  }
  TRY(const ValueId batch, node.size(x, 0));
  std::vector<ValueId> split{batch}, joined;
  TRY(const ValueId all, scaled_size<Mul>(node, x, 0, batches.product));
  joined.push_back(all);
  std::vector<int64_t> perm;
  for (int i = 0; i < spatial; ++i) {
    TRY(const ValueId outer, scaled_size<Div>(node, x, i + 1, batches.block[static_cast<size_t>(i)]));
    split.push_back(outer);
    split.push_back(node.integers_value({batches.block[static_cast<size_t>(i)]}));
    joined.push_back(outer);
    perm.push_back(2 * i + 2);
  }
  perm.push_back(0);
  for (int i = 0; i < spatial; ++i) perm.push_back(2 * i + 1);
  for (int axis = spatial + 1; axis < rank; ++axis) {
    TRY(const ValueId size, node.size(x, axis));
    split.push_back(size);
    joined.push_back(size);
    perm.push_back(axis + spatial);
  }
  TRY(const ValueId split_shape, node.concat(split, 0));
  TRY(const ValueId joined_shape, node.concat(joined, 0));
  TRY(x, node.reshape(x, split_shape));
  TRY(x, node.transpose(x, perm));
  TRY(x, node.reshape(x, joined_shape));
  return node.set_output(0, x);
}

/// The reverse, then the crops.
Status batch_to_space_nd(NodeScope& node) {
  TRY(const Batches batches, read_batches(node, "crops"));
  TRY(ValueId x, node.required(0));
  const int rank = node.fact(x).rank();
  const auto spatial = static_cast<int>(batches.block.size());
  std::vector<ValueId> split, joined;
  for (const int64_t size : batches.block) split.push_back(node.integers_value({size}));
  TRY(const ValueId batch, scaled_size<Div>(node, x, 0, batches.product));
  split.push_back(batch);
  joined.push_back(batch);
  std::vector<int64_t> perm{spatial};
  for (int i = 0; i < spatial; ++i) {
    TRY(const ValueId size, node.size(x, i + 1));
    TRY(const ValueId whole, scaled_size<Mul>(node, x, i + 1, batches.block[static_cast<size_t>(i)]));
    split.push_back(size);
    joined.push_back(whole);
    perm.push_back(spatial + 1 + i);
    perm.push_back(i);
  }
  for (int axis = spatial + 1; axis < rank; ++axis) {
    TRY(const ValueId size, node.size(x, axis));
    split.push_back(size);
    joined.push_back(size);
    perm.push_back(spatial + axis);
  }
  TRY(const ValueId split_shape, node.concat(split, 0));
  TRY(const ValueId joined_shape, node.concat(joined, 0));
  TRY(x, node.reshape(x, split_shape));
  TRY(x, node.transpose(x, perm));
  TRY(x, node.reshape(x, joined_shape));
  for (int i = 0; i < spatial; ++i) {
    const int64_t begin = batches.edges[2 * static_cast<size_t>(i)],
                  end = batches.edges[2 * static_cast<size_t>(i) + 1];
    if (begin == 0 && end == 0) continue;
    TRY(x, node.slice(x, i + 1, begin, end == 0 ? INT64_MAX : -end));
  }
  return node.set_output(0, x);
}

/// Reverses the first lengths[b] elements along seq_dim, for each index b of batch_dim.
Status reverse_sequence(NodeScope& node) {
  TRY(const int64_t seq_dim, node.integer("seq_dim", 0));
  TRY(const int64_t batch_dim, node.integer("batch_dim", 0));
  TRY(ValueId x, node.required(0));
  TRY(const ValueId given, node.required(1));
  TRY(const ValueId lengths, node.to_int64(given));
  TRY(const int rank, node.rank(0));
  if (seq_dim == batch_dim || seq_dim < 0 || batch_dim < 0 || seq_dim >= rank || batch_dim >= rank)
    return Error::invalid_model("seq_dim is {} and batch_dim {}, the rank {}", seq_dim, batch_dim, rank);
  std::vector<int64_t> perm{seq_dim, batch_dim}, back(static_cast<size_t>(rank));
  for (int axis = 0; axis < rank; ++axis)
    if (axis != seq_dim && axis != batch_dim) perm.push_back(axis);
  for (size_t i = 0; i < perm.size(); ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  TRY(x, node.transpose(x, perm));
  TRY(x, node.add_as(node.type(x), ReverseSequence{}, {x, lengths}));
  TRY(x, node.transpose(x, back));
  return node.set_output(0, x);
}

constexpr Row kShapeRows[] = {
    {"BATCH_TO_SPACE_ND", batch_to_space_nd},
    {"BROADCAST_ARGS", broadcast_args},
    {"BROADCAST_TO", broadcast_to},
    {"CONCATENATION", concatenation},
    {"DEPTH_TO_SPACE", blocks<DepthToSpace>},
    {"EXPAND_DIMS", expand_dims},
    {"FILL", fill},
    {"MIRROR_PAD", mirror_pad},
    {"PACK", pack},
    {"PAD", pad},
    {"PADV2", pad},
    {"RANGE", range},
    {"RANK", rank},
    {"RESHAPE", reshape},
    {"REVERSE_SEQUENCE", reverse_sequence},
    {"SHAPE", shape},
    {"SPACE_TO_BATCH_ND", space_to_batch_nd},
    {"SPACE_TO_DEPTH", blocks<SpaceToDepth>},
    {"SPLIT", split},
    {"SPLIT_V", split_v},
    {"SQUEEZE", squeeze},
    {"TILE", tile},
    {"TRANSPOSE", transpose},
    {"UNPACK", unpack},
    {"ZEROS_LIKE", zeros_like},
};

}  // namespace

std::span<const Row> shape_rows() {
  return kShapeRows;
}

}  // namespace pochade::tflite
