#include "passes/move_axes.h"

#include <algorithm>

#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/quant/quantize_linear.h"
#include "ops/reduce/scan.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "passes/move_reduction.h"
#include "passes/move_reshape.h"
#include "passes/move_site.h"

namespace pochade {

Result<Tensor> transposed(const Tensor& tensor, const Permutation& order) {
  if (is_identity(order)) return tensor;
  Transpose transpose;
  transpose.perm.assign(order.begin(), order.end());
  TRY(Tensors out, transpose.eval(std::vector<Tensor>{tensor}));
  return out[0];
}

namespace {

/// Constant axes of a rank in their new places; `all` if the input is absent: the first so many.
std::optional<std::vector<int64_t>> moved_axes(const Fact& axes, const Permutation& order, int64_t all) {
  std::vector<int64_t> values;
  if (!axes.present()) {
    for (int64_t axis = 0; axis < all; ++axis) values.push_back(axis);
  } else {
    const auto known = constant_ints(axes);
    if (!known) return std::nullopt;
    values = *known;
  }
  for (int64_t& axis : values) {
    const auto normal = normal_axis(axis, static_cast<int>(order.size()));
    if (!normal) return std::nullopt;
    axis = order[static_cast<size_t>(*normal)];
  }
  return values;
}

bool all_ones(const Fact& fact) {
  return fact.rank_known() &&
         std::all_of(fact.dims->begin(), fact.dims->end(), [](const Dim& d) { return d.is(1); });
}

/// A constant that broadcasts to the output, in the output's order. Leading ones are dropped if another input
/// keeps the rank.
std::optional<Tensor> moved_constant(const Tensor& tensor, const Permutation& order, bool drop_ones) {
  Shape wide;
  for (int i = tensor.rank(); i < static_cast<int>(order.size()); ++i) wide.push_back(1);
  for (const int64_t dim : tensor.shape()) wide.push_back(dim);
  auto out = transposed(tensor.reshaped(wide), inverse(order));
  if (!out) return std::nullopt;
  if (!drop_ones) return *std::move(out);
  int first = 0;
  while (first < out->rank() && out->shape()[first] == 1) ++first;
  return out->reshaped(Shape(out->shape().dims().subspan(static_cast<size_t>(first))));
}

/// The order of an input of lower rank that broadcasts to an output in `order`; empty if its axes would not
/// stay the last ones.
std::optional<Permutation> trailing_order(const Permutation& order, int rank) {
  const int lead = static_cast<int>(order.size()) - rank;
  Permutation out;
  for (size_t axis = static_cast<size_t>(lead); axis < order.size(); ++axis) {
    if (order[axis] < lead) return std::nullopt;
    out.push_back(order[axis] - lead);
  }
  return out;
}

/// The order of an output of `rank` that the wanted order of a value means, if the value broadcasts to it.
Permutation broadcast_order(const Permutation& order, int rank) {
  const int lead = rank - static_cast<int>(order.size());
  Permutation out = identity_permutation(rank);
  for (size_t axis = 0; axis < order.size(); ++axis)
    out[axis + static_cast<size_t>(lead)] = order[axis] + lead;
  return out;
}

std::optional<MovedNode> move_elementwise(const MoveSite& at) {
  if (!at.out(0).rank_known()) return std::nullopt;
  const int rank = at.out(0).rank();
  if (at.rank() > rank) return std::nullopt;
  const Permutation order = broadcast_order(at.order(), rank);

  MovedNode moved;
  moved.op = at.node.op;
  moved.outputs.assign(at.node.outputs.size(), order);
  bool rank_kept = false;  // by an input that varies
  for (size_t i = 0; i < at.inputs(); ++i)
    rank_kept |= at.has(i) && !at.in(i).is_constant() && at.in(i).rank_known() && at.in(i).rank() == rank;
  for (size_t i = 0; i < at.inputs(); ++i) {
    const Fact in = at.in(i);
    if (!in.present()) {
      moved.inputs.push_back(as_it_is(kNone));
      continue;
    }
    if (!in.rank_known()) return std::nullopt;
    const bool is_wanted = !at.wanted.of_output && at.wanted.index == static_cast<int>(i);
    if (all_ones(in) && !is_wanted && (in.is_constant() || in.rank() < rank)) {
      moved.inputs.push_back(as_it_is(static_cast<int>(i)));
      continue;
    }
    const auto own = trailing_order(order, in.rank());
    if (in.is_constant()) {
      auto constant = moved_constant(in.constant, order, rank_kept);
      if (!constant) return std::nullopt;
      moved.inputs.push_back(constant_input(static_cast<int>(i), *std::move(constant)));
    } else {
      if (!own) return std::nullopt;
      moved.inputs.push_back(in_order(static_cast<int>(i), *own));
    }
  }
  return moved;
}

/// All inputs and all outputs in one order, nothing broadcast.
std::optional<MovedNode> move_all_alike(const MoveSite& at, OpPtr op) {
  MovedNode moved;
  moved.op = std::move(op);
  for (size_t i = 0; i < at.inputs(); ++i) {
    const Fact in = at.in(i);
    if (!in.rank_known() || in.rank() != at.rank()) return std::nullopt;
    if (in.is_constant()) {
      auto constant = transposed(in.constant, inverse(at.order()));
      if (!constant) return std::nullopt;
      moved.inputs.push_back(constant_input(static_cast<int>(i), *std::move(constant)));
    } else {
      moved.inputs.push_back(in_order(static_cast<int>(i), at.order()));
    }
  }
  moved.outputs.assign(at.node.outputs.size(), at.order());
  return moved;
}

std::optional<MovedNode> move_slice(const MoveSite& at) {
  const Fact starts = at.in(1);
  if (!starts.rank_known() || starts.rank() != 1 || !starts.dim(0).is_number()) return std::nullopt;
  const auto axes = moved_axes(at.in(3), at.order(), starts.dim(0).number());
  auto moved = uniform(at, at.node.op);
  if (!moved || !axes) return std::nullopt;
  moved->inputs.resize(std::max<size_t>(moved->inputs.size(), 4));
  moved->inputs[3] = constant_input(at.has(3) ? 3 : kNone, ints_tensor(*axes));
  return moved;
}

std::optional<MovedNode> move_pad(const MoveSite& at) {
  auto moved = uniform(at, at.node.op);
  if (!moved) return std::nullopt;
  const auto pads = constant_ints(at.in(1));
  const size_t rank = at.order().size();
  if (!at.has(3) && pads && pads->size() == 2 * rank) {
    std::vector<int64_t> values(pads->size());
    for (size_t axis = 0; axis < rank; ++axis) {
      const auto to = static_cast<size_t>(at.order()[axis]);
      values[to] = (*pads)[axis];
      values[to + rank] = (*pads)[axis + rank];
    }
    moved->inputs[1] = constant_input(1, ints_tensor(values));
    return moved;
  }
  const auto axes = moved_axes(at.in(3), at.order(), at.rank());
  if (!axes) return std::nullopt;
  moved->inputs.resize(std::max<size_t>(moved->inputs.size(), 4));
  moved->inputs[3] = constant_input(at.has(3) ? 3 : kNone, ints_tensor(*axes));
  return moved;
}

std::optional<MovedNode> move_resize(const MoveSite& at, Resize op) {
  const bool all_axes = op.axes.empty();
  if (all_axes)
    for (int axis = 0; axis < at.rank(); ++axis) op.axes.push_back(axis);
  for (int64_t& axis : op.axes) {
    const auto normal = normal_axis(axis, at.rank());
    if (!normal) return std::nullopt;
    axis = at.order()[static_cast<size_t>(*normal)];
  }
  // Constants are put in the axes' own order, so that no axes need to be named.
  std::vector<std::pair<size_t, Tensor>> constants;
  bool reorder = all_axes && op.coordinates != Resize::Coordinates::kTfCropAndResize;
  for (size_t i = 2; i < at.inputs() && reorder; ++i) {
    if (!at.has(i)) continue;
    const Fact in = at.in(i);
    if (!in.is_constant() || in.rank() != 1 || in.constant.elements() != at.rank()) {
      reorder = false;
      break;
    }
    const Tensor column = in.constant.reshaped(Shape{at.rank()});
    Tensor sorted = Tensor::make(column.dtype(), column.shape()).value();
    const size_t size = size_of(column.dtype());
    for (size_t axis = 0; axis < at.order().size(); ++axis)
      std::copy_n(column.bytes() + axis * size, size,
                  sorted.mutable_bytes() + static_cast<size_t>(at.order()[axis]) * size);
    constants.emplace_back(i, std::move(sorted));
  }
  if (reorder) op.axes.clear();
  auto moved = uniform(at, make_op(std::move(op)));
  if (!moved) return std::nullopt;
  if (reorder) {
    for (auto& [i, tensor] : constants)
      moved->inputs[i] = constant_input(static_cast<int>(i), std::move(tensor));
    if (moved->inputs.size() > 1) moved->inputs[1] = as_it_is(kNone);  // roi: not read in these modes
  }
  return moved;
}

std::optional<MovedNode> move_expand(const MoveSite& at) {
  const auto shape = constant_ints(at.in(1));
  if (!shape || !at.out(0).rank_known() || !at.in(0).rank_known()) return std::nullopt;
  const int rank = at.out(0).rank();
  if (at.rank() > rank || (!at.wanted.of_output && at.wanted.index != 0)) return std::nullopt;
  const Permutation order = broadcast_order(at.order(), rank);
  const auto x_order = trailing_order(order, at.in(0).rank());
  std::vector<int64_t> sizes(static_cast<size_t>(rank), 1);
  std::copy(shape->begin(), shape->end(), sizes.end() - static_cast<std::ptrdiff_t>(shape->size()));
  if (!x_order) return std::nullopt;
  MovedNode moved;
  moved.op = at.node.op;
  moved.inputs = {in_order(0, *x_order), constant_input(1, ints_tensor(permuted(sizes, inverse(order))))};
  moved.outputs = {order};
  return moved;
}

std::optional<MovedNode> move_tile(const MoveSite& at) {
  const auto repeats = constant_ints(at.in(1));
  auto moved = uniform(at, at.node.op);
  if (!moved || !repeats || repeats->size() != at.order().size()) return std::nullopt;
  moved->inputs[1] = constant_input(1, ints_tensor(permuted(*repeats, inverse(at.order()))));
  return moved;
}

/// QuantizeLinear and DequantizeLinear: the scales follow the axis.
template <typename D>
std::optional<MovedNode> move_quantize(const MoveSite& at, D op) {
  if (!at.has(1) || !at.in(1).rank_known()) return std::nullopt;
  if (all_ones(at.in(1)) && at.in(1).rank() <= 1) return uniform(at, at.node.op);
  const bool blocks = op.block_size > 0;
  auto moved = uniform_along_axis(at, std::move(op));
  if (!moved || !blocks) return moved;
  for (size_t i = 1; i < at.inputs(); ++i) {
    if (!at.has(i)) continue;
    const Fact in = at.in(i);
    if (!in.is_constant() || in.rank() != at.rank()) return std::nullopt;
    auto constant = transposed(in.constant, inverse(at.order()));
    if (!constant) return std::nullopt;
    moved->inputs[i] = constant_input(static_cast<int>(i), *std::move(constant));
  }
  return moved;
}

/// Whether the axes from `first` on are the last ones in the new order, too.
bool keeps_last_axes(const Permutation& order, int first) {
  for (size_t axis = static_cast<size_t>(first); axis < order.size(); ++axis)
    if (order[axis] < first) return false;
  return true;
}

template <typename D>
std::optional<MovedNode> move_softmax(const MoveSite& at, const D& op) {
  if (!op.to_end) return uniform_along_axis(at, op);
  const auto axis = normal_axis(op.axis, at.rank());
  if (!axis || !keeps_last_axes(at.order(), *axis)) return std::nullopt;
  return uniform(at, at.node.op);
}

std::optional<MovedNode> move_layer_normalization(const MoveSite& at, const LayerNormalization& op) {
  const auto axis = normal_axis(op.axis, at.rank());
  if (!axis || !keeps_last_axes(at.order(), *axis)) return std::nullopt;
  auto moved = uniform(at, at.node.op);
  if (!moved) return std::nullopt;
  for (size_t i = 1; i < at.inputs(); ++i) {
    if (!at.has(i)) continue;
    const Fact in = at.in(i);
    if (!in.rank_known()) return std::nullopt;
    const auto order = in.rank() <= at.rank() ? trailing_order(at.order(), in.rank()) : std::nullopt;
    if (!order) return std::nullopt;
    if (is_identity(*order)) continue;
    if (!in.is_constant()) return std::nullopt;
    auto constant = transposed(in.constant, inverse(*order));
    if (!constant) return std::nullopt;
    moved->inputs[i] = constant_input(static_cast<int>(i), *std::move(constant));
  }
  return moved;
}

/// The leading axes of a product may move, its matrices not.
std::optional<MovedNode> move_matmul(const MoveSite& at) {
  const Fact a = at.in(0), b = at.in(1);
  if (!a.rank_known() || !b.rank_known() || at.rank() != a.rank() || a.rank() < 3) return std::nullopt;
  if (!at.wanted.of_output && at.wanted.index != 0 && b.rank() != a.rank()) return std::nullopt;
  const bool one_matrix = b.rank() == 2;  // then the rows of a are as good as its leading axes
  if (!one_matrix && b.rank() != a.rank()) return std::nullopt;
  if (!keeps_last_axes(at.order(), a.rank() - (one_matrix ? 1 : 2))) return std::nullopt;
  if (!one_matrix && at.order().back() != at.rank() - 1) return std::nullopt;
  MovedNode moved;
  moved.op = at.node.op;
  moved.inputs.push_back(in_order(0, at.order()));
  if (a.is_constant()) {
    auto constant = transposed(a.constant, inverse(at.order()));
    if (!constant) return std::nullopt;
    moved.inputs[0] = constant_input(0, *std::move(constant));
  }
  if (one_matrix) {
    moved.inputs.push_back(as_it_is(1));
  } else if (b.is_constant()) {
    auto constant = transposed(b.constant, inverse(at.order()));
    if (!constant) return std::nullopt;
    moved.inputs.push_back(constant_input(1, *std::move(constant)));
  } else {
    moved.inputs.push_back(in_order(1, at.order()));
  }
  moved.outputs = {at.order()};
  return moved;
}

/// A transposed matrix can be read as it lies.
std::optional<MovedNode> move_gemm(const MoveSite& at, Gemm op) {
  if (at.wanted.of_output || at.wanted.index > 1 || at.rank() != 2) return std::nullopt;
  const bool first = at.wanted.index == 0;
  (first ? op.transpose_a : op.transpose_b) ^= true;
  MovedNode moved;
  moved.op = make_op(std::move(op));
  moved.inputs = {first ? in_order(0, at.order()) : as_it_is(0),
                  first ? as_it_is(1) : in_order(1, at.order())};
  append_rest(at, 2, moved);
  moved.outputs = {identity_permutation(2)};
  return moved;
}

std::optional<MovedNode> move_cum_sum(const MoveSite& at) {
  const auto axis = constant_ints(at.in(1));
  auto moved = uniform(at, at.node.op);
  if (!moved || !axis || axis->size() != 1) return std::nullopt;
  const auto normal = normal_axis((*axis)[0], at.rank());
  if (!normal) return std::nullopt;
  moved->inputs[1] = constant_input(1, Tensor::scalar<int64_t>(at.order()[static_cast<size_t>(*normal)]));
  return moved;
}

std::optional<MovedNode> by_rule(const MoveSite& at) {
  const Op& op = *at.node.op;
  if (const auto* o = op_as<Concat>(op)) {
    const auto axis = normal_axis(o->axis, at.rank());
    return axis
               ? move_all_alike(
                     at, make_op<Concat>([&](Concat& c) { c.axis = at.order()[static_cast<size_t>(*axis)]; }))
               : std::nullopt;
  }
  if (const auto* o = op_as<Split>(op)) return uniform_along_axis(at, *o);
  if (op_as<Slice>(op)) return move_slice(at);
  if (op_as<Pad>(op)) return move_pad(at);
  if (const auto* o = op_as<Resize>(op)) return move_resize(at, *o);
  if (const auto* o = op_as<GatherElements>(op)) {
    const auto axis = normal_axis(o->axis, at.rank());
    return axis ? move_all_alike(at, make_op<GatherElements>([&](GatherElements& g) {
                                   g.axis = at.order()[static_cast<size_t>(*axis)];
                                 }))
                : std::nullopt;
  }
  if (const auto* o = op_as<Softmax>(op)) return move_softmax(at, *o);
  if (const auto* o = op_as<LogSoftmax>(op)) return move_softmax(at, *o);
  if (const auto* o = op_as<LayerNormalization>(op)) return move_layer_normalization(at, *o);
  if (const auto* o = op_as<TopK>(op)) return uniform_along_axis(at, *o);
  if (const auto* o = op_as<Hardmax>(op)) return uniform_along_axis(at, *o);
  if (op_as<MatMul>(op)) return move_matmul(at);
  if (const auto* o = op_as<Gemm>(op)) return move_gemm(at, *o);
  if (op_as<CumSum>(op)) return move_cum_sum(at);
  if (op_as<Expand>(op)) return move_expand(at);
  if (op_as<Tile>(op)) return move_tile(at);
  if (const auto* o = op_as<QuantizeLinear>(op)) return move_quantize(at, *o);
  if (const auto* o = op_as<DequantizeLinear>(op)) return move_quantize(at, *o);
  if (op_as<DynamicQuantizeLinear>(op)) {
    auto moved = uniform(at, at.node.op);
    if (moved && at.wanted.of_output && at.wanted.index > 0) return std::nullopt;
    if (moved) moved->outputs = {at.order(), {}, {}};
    return moved;
  }
  if (op_as<CastLike>(op) || op_as<Dropout>(op)) return uniform(at, at.node.op);
  if (op.elementwise()) return move_elementwise(at);
  return std::nullopt;
}

/// Whether infer() gives the moved node the outputs that it should have.
bool is_sound(const Graph& graph, const Node& node, const MovedNode& moved) {
  Facts in;
  for (const MovedInput& input : moved.inputs) {
    if (input.constant.defined()) {
      in.emplace_back(input.constant);
      continue;
    }
    const ValueId source = input.source == kNone ? kNone : node.inputs[static_cast<size_t>(input.source)];
    if (source == kNone) {
      in.emplace_back();
      continue;
    }
    Fact fact = graph.fact(source);
    if (!input.order.empty()) {
      if (fact.is_constant() || !fact.rank_known() || fact.rank() != static_cast<int>(input.order.size()) ||
          !is_permutation(input.order))
        return false;
      fact.dims = permuted(*fact.dims, inverse(input.order));
    }
    in.push_back(std::move(fact));
  }
  const auto out = moved.op->infer(in);
  if (!out || out->size() != node.outputs.size() || moved.outputs.size() != node.outputs.size()) return false;
  for (size_t j = 0; j < out->size(); ++j) {
    Fact wanted = graph.fact(node.outputs[j]);
    const Permutation& order = moved.outputs[j];
    if (!order.empty()) {
      if (!wanted.rank_known() || wanted.rank() != static_cast<int>(order.size()) || !is_permutation(order))
        return false;
      wanted.dims = permuted(*wanted.dims, inverse(order));
    }
    if (!refines((*out)[j], wanted) && !refines(wanted, (*out)[j])) return false;
  }
  return true;
}

}  // namespace

std::optional<MovedNode> move_axes(const Graph& graph, const std::vector<std::vector<NodeId>>& users,
                                   NodeId n, const AxisOrder& wanted) {
  const Node& node = graph.node(n);
  for (const ValueId y : node.outputs)
    if (graph.fact(y).quantization || graph.fact(y).is_constant()) return std::nullopt;
  for (const ValueId x : node.inputs)
    if (x != kNone && graph.fact(x).quantization) return std::nullopt;
  const MoveSite at{graph, node, wanted};
  auto moved = by_rule(at);
  if (!moved) moved = move_reduction(at);
  if (!moved) moved = move_reshape(graph, node, wanted);
  if (!moved || !is_sound(graph, node, *moved)) moved = move_into_weights(graph, users, n, wanted);
  if (!moved || !is_sound(graph, node, *moved)) return std::nullopt;
  return moved;
}

}  // namespace pochade
