#include "passes/move_reshape.h"

#include <algorithm>
#include <set>

#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/shape/reshape.h"

namespace pochade {
namespace {

/// Axes of the input that together become axes of the output, both in order. One side is empty for axes of
/// size 1 that are dropped or added.
struct AxisGroup {
  std::vector<int> in, out;
};
using AxisGroups = std::vector<AxisGroup>;

/// A size as number * names, for comparing products without knowing them.
struct Product {
  int64_t number = 1;
  std::multiset<std::string> names;
  bool operator==(const Product&) const = default;
  bool multiply(const Dim& dim, const std::string& same_as) {
    if (dim.is_number()) return !__builtin_mul_overflow(number, dim.number(), &number);
    if (!same_as.empty())
      names.insert(same_as);
    else if (dim.is_named())
      names.insert(dim.name());
    else
      return false;
    return true;
  }
};

/// Which axes of a reshape go together, as finely as sizes and names tell. Whatever they do not tell is one
/// group.
AxisGroups groups_of_reshape(const Dims& in, const Dims& out, const std::vector<bool>& copied) {
  // "#i": an unknown size that is known to stay at its place.
  const auto same = [&](size_t axis, const Dim& dim) {
    return axis < copied.size() && copied[axis] && !dim.is_number() && !dim.is_named() ? format("#{}", axis)
                                                                                       : std::string();
  };
  AxisGroups groups;
  std::vector<size_t> ins, outs;  // axes larger than 1
  for (size_t a = 0; a < in.size(); ++a) {
    if (in[a].is(1))
      groups.push_back({{static_cast<int>(a)}, {}});
    else
      ins.push_back(a);
  }
  for (size_t b = 0; b < out.size(); ++b) {
    if (out[b].is(1))
      groups.push_back({{}, {static_cast<int>(b)}});
    else
      outs.push_back(b);
  }
  // Closes groups from the front (or, with the lists reversed, from the back) for as long as products can be
  // compared.
  const auto close_groups = [&](std::vector<size_t>& left_in, std::vector<size_t>& left_out, bool reversed) {
    size_t used_in = 0, used_out = 0;
    while (used_in < left_in.size() && used_out < left_out.size()) {
      Product a, b;
      size_t i = used_in, o = used_out;
      bool known = a.multiply(in[left_in[i]], same(left_in[i], in[left_in[i]])) &&
                   b.multiply(out[left_out[o]], same(left_out[o], out[left_out[o]]));
      ++i, ++o;
      while (known && a != b) {
        // The one that lacks a factor grows; a smaller number lacks one.
        const bool grow_in = a.number < b.number || (a.number == b.number && a.names.size() < b.names.size());
        if (grow_in ? i == left_in.size() : o == left_out.size())
          known = false;
        else if (grow_in)
          known = a.multiply(in[left_in[i]], same(left_in[i], in[left_in[i]])), ++i;
        else
          known = b.multiply(out[left_out[o]], same(left_out[o], out[left_out[o]])), ++o;
      }
      if (!known || a.number == 0) break;
      AxisGroup group;
      for (; used_in < i; ++used_in) group.in.push_back(static_cast<int>(left_in[used_in]));
      for (; used_out < o; ++used_out) group.out.push_back(static_cast<int>(left_out[used_out]));
      if (reversed) {
        std::reverse(group.in.begin(), group.in.end());
        std::reverse(group.out.begin(), group.out.end());
      }
      groups.push_back(std::move(group));
    }
    left_in.erase(left_in.begin(), left_in.begin() + static_cast<std::ptrdiff_t>(used_in));
    left_out.erase(left_out.begin(), left_out.begin() + static_cast<std::ptrdiff_t>(used_out));
  };
  close_groups(ins, outs, false);
  std::reverse(ins.begin(), ins.end());
  std::reverse(outs.begin(), outs.end());
  close_groups(ins, outs, true);
  if (!ins.empty() || !outs.empty()) {
    AxisGroup rest;
    rest.in.assign(ins.rbegin(), ins.rend());
    rest.out.assign(outs.rbegin(), outs.rend());
    groups.push_back(std::move(rest));
  }
  return groups;
}

/// Given the order of one side (value = transpose(moved, order)), the order of the other that moves the same
/// groups; empty if the order takes a group apart. Added or dropped axes follow the axis before them.
std::optional<Permutation> follow(const AxisGroups& groups, const Permutation& order, bool from_out,
                                  int other_rank) {
  const auto near = [&](const AxisGroup& g) -> const std::vector<int>& { return from_out ? g.out : g.in; };
  const auto far = [&](const AxisGroup& g) -> const std::vector<int>& { return from_out ? g.in : g.out; };
  std::vector<const AxisGroup*> group_of(order.size(), nullptr);
  for (const AxisGroup& group : groups)
    for (const int axis : near(group)) group_of[static_cast<size_t>(axis)] = &group;

  std::vector<int> moved_axes;  // of the far side, in their new order
  const AxisGroup* open = nullptr;
  size_t position = 0;  // in the open group
  for (const int axis : inverse(order)) {
    const AxisGroup* group = group_of[static_cast<size_t>(axis)];
    if (!group) return std::nullopt;
    if (far(*group).empty()) continue;
    if (!open) {
      open = group;
      position = 0;
      moved_axes.insert(moved_axes.end(), far(*group).begin(), far(*group).end());
    }
    if (open != group || near(*group)[position] != axis) return std::nullopt;
    if (++position == near(*group).size()) open = nullptr;
  }
  if (open) return std::nullopt;
  // Axes that stand on the far side only.
  std::vector<int> added;
  for (const AxisGroup& group : groups)
    if (near(group).empty()) added.insert(added.end(), far(group).begin(), far(group).end());
  std::sort(added.begin(), added.end());
  for (const int axis : added) {
    const auto before = std::find(moved_axes.begin(), moved_axes.end(), axis - 1);
    moved_axes.insert(before == moved_axes.end() ? moved_axes.begin() : before + 1, axis);
  }
  if (static_cast<int>(moved_axes.size()) != other_rank) return std::nullopt;
  return inverse(moved_axes);  // moved = transpose(value, moved_axes)
}

/// The shape input of a Reshape from `in` to `out`; `source[b]`: the axis of `in` that is the same as axis b
/// of `out`, or -1.
std::optional<Tensor> shape_input(const Dims& out, const std::vector<int>& source) {
  std::vector<int64_t> sizes;
  bool rest_used = false;
  for (size_t b = 0; b < out.size(); ++b) {
    if (out[b].is(0)) return std::nullopt;
    if (out[b].is_number()) {
      sizes.push_back(out[b].number());
    } else if (source[b] == static_cast<int>(b)) {
      sizes.push_back(0);
    } else {
      if (rest_used) return std::nullopt;
      rest_used = true;
      sizes.push_back(-1);
    }
  }
  return Tensor::of<int64_t>({static_cast<int64_t>(sizes.size())}, sizes);
}

std::optional<std::vector<int64_t>> constant_axes(const Fact& fact, int rank) {
  auto axes = constant_ints(fact);
  if (!axes) return std::nullopt;
  for (int64_t& axis : *axes) {
    const auto normal = normal_axis(axis, rank);
    if (!normal) return std::nullopt;
    axis = *normal;
  }
  return axes;
}

/// For each axis of the output whether a 0 in the shape input copies it from the same axis of the input.
std::vector<bool> copied_axes(const Graph& graph, const Node& node) {
  const auto* reshape = op_as<Reshape>(*node.op);
  const auto shape =
      reshape && !reshape->allow_zero ? constant_ints(graph.fact(node.inputs[1])) : std::nullopt;
  std::vector<bool> out;
  if (shape)
    for (const int64_t size : *shape) out.push_back(size == 0);
  return out;
}

}  // namespace

std::optional<MovedNode> move_reshape(const Graph& graph, const Node& node, const AxisOrder& wanted) {
  const Op& op = *node.op;
  const bool squeezes = op_as<Squeeze>(op), unsqueezes = op_as<Unsqueeze>(op);
  if (!squeezes && !unsqueezes && !op_as<Reshape>(op) && !op_as<Flatten>(op)) return std::nullopt;
  if (!wanted.of_output && wanted.index != 0) return std::nullopt;
  const Fact& x = graph.fact(node.inputs[0]);
  const Fact& y = graph.fact(node.outputs[0]);
  if (!x.rank_known() || !y.rank_known()) return std::nullopt;

  AxisGroups groups;
  if (squeezes || unsqueezes) {
    const Fact& longer = squeezes ? x : y;
    std::optional<std::vector<int64_t>> axes;
    if (node.inputs.size() > 1 && node.inputs[1] != kNone) {
      axes = constant_axes(graph.fact(node.inputs[1]), longer.rank());
    } else if (squeezes) {
      axes.emplace();
      for (int axis = 0; axis < x.rank(); ++axis) {
        if (!x.dim(axis).is_number()) return std::nullopt;
        if (x.dim(axis).is(1)) axes->push_back(axis);
      }
    }
    if (!axes) return std::nullopt;
    for (int axis = 0, kept = 0; axis < longer.rank(); ++axis) {
      AxisGroup group;
      (squeezes ? group.in : group.out).push_back(axis);
      if (std::find(axes->begin(), axes->end(), axis) == axes->end())
        (squeezes ? group.out : group.in).push_back(kept++);
      groups.push_back(std::move(group));
    }
  } else {
    groups = groups_of_reshape(*x.dims, *y.dims, copied_axes(graph, node));
  }

  const auto other = follow(groups, wanted.order, wanted.of_output, wanted.of_output ? x.rank() : y.rank());
  if (!other) return std::nullopt;
  const Permutation& x_order = wanted.of_output ? *other : wanted.order;
  const Permutation& y_order = wanted.of_output ? wanted.order : *other;

  MovedNode moved;
  moved.inputs.push_back({0, x_order, {}});
  moved.outputs.push_back(y_order);
  if (squeezes || unsqueezes) {
    std::vector<int64_t> axes;
    for (const AxisGroup& group : groups) {
      if (group.in.size() == group.out.size()) continue;
      axes.push_back(squeezes ? x_order[static_cast<size_t>(group.in[0])]
                              : y_order[static_cast<size_t>(group.out[0])]);
    }
    std::sort(axes.begin(), axes.end());
    moved.op = node.op;
    moved.inputs.push_back({kNone, {}, Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes)});
    return moved;
  }
  // Where each axis of the moved output comes from unchanged.
  std::vector<int> source(y_order.size(), -1);
  for (const AxisGroup& group : groups)
    if (group.in.size() == 1 && group.out.size() == 1)
      source[static_cast<size_t>(y_order[static_cast<size_t>(group.out[0])])] =
          x_order[static_cast<size_t>(group.in[0])];
  auto shape = shape_input(permuted(*y.dims, inverse(y_order)), source);
  if (!shape) return std::nullopt;
  moved.op = make_op(Reshape{});
  moved.inputs.push_back({kNone, {}, *std::move(shape)});
  return moved;
}

namespace {

/// Follows `value` through operators that treat every element alike, up to the weights of products; false if
/// anything else reads it.
bool find_weights(const Graph& graph, const std::vector<std::vector<NodeId>>& users, ValueId value,
                  MovedNode& moved, std::vector<std::pair<NodeId, int>>& weights) {
  if (graph.is_output(value)) return false;
  for (const NodeId n : users[static_cast<size_t>(value)]) {
    const Node& node = graph.node(n);
    if (std::count(node.inputs.begin(), node.inputs.end(), value) != 1 || node.inputs[0] != value)
      return false;
    if (std::find(moved.readers.begin(), moved.readers.end(), n) == moved.readers.end())
      moved.readers.push_back(n);
    const auto* gemm = op_as<Gemm>(*node.op);
    if (op_as<MatMul>(*node.op) || (gemm && !gemm->transpose_a)) {
      const Fact& b = graph.fact(node.inputs[1]);
      if (!b.is_constant() || b.rank() != 2) return false;
      weights.push_back({n, gemm && gemm->transpose_b ? 1 : 0});
      continue;
    }
    // One input and one output of its shape, or further inputs of one element.
    if ((!node.op->elementwise() && !op_as<Dropout>(*node.op)) || node.outputs.size() != 1) return false;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNone) continue;
      const auto shape = graph.fact(node.inputs[i]).shape();
      if (!shape || shape->elements() != 1 || shape->rank() > 1) return false;
    }
    if (graph.fact(node.outputs[0]).quantization) return false;
    if (!find_weights(graph, users, node.outputs[0], moved, weights)) return false;
  }
  return true;
}

}  // namespace

std::optional<MovedNode> move_into_weights(const Graph& graph, const std::vector<std::vector<NodeId>>& users,
                                           NodeId n, const AxisOrder& wanted) {
  const Node& node = graph.node(n);
  const bool flattens = op_as<Flatten>(*node.op);
  if ((!flattens && !op_as<Reshape>(*node.op)) || wanted.of_output || wanted.index != 0) return std::nullopt;
  const Fact& x = graph.fact(node.inputs[0]);
  const Fact& y = graph.fact(node.outputs[0]);
  if (!x.rank_known() || !y.rank_known() || y.rank() < 1 || x.rank() < 2) return std::nullopt;

  // The axes from `first` on become the last axis of y.
  int first = -1;
  if (flattens) {
    const int64_t axis = op_as<Flatten>(*node.op)->axis;
    first = static_cast<int>(axis < 0 ? axis + x.rank() : axis);
  } else {
    if (!y.dims->back().is_number()) return std::nullopt;
    int64_t product = 1;
    for (first = x.rank(); first > 0 && product < y.dims->back().number();) {
      const Dim& dim = x.dim(--first);
      if (!dim.is_number() || __builtin_mul_overflow(product, dim.number(), &product)) return std::nullopt;
    }
    if (product != y.dims->back().number()) return std::nullopt;
  }
  std::vector<int64_t> sizes;
  for (int axis = first; axis < x.rank(); ++axis) {
    if (!x.dim(axis).is_number() || x.dim(axis).is(0)) return std::nullopt;
    sizes.push_back(x.dim(axis).number());
  }
  // Axes before `first` that are larger than 1 keep their order and stay before the others.
  std::vector<int> before, inner;
  for (const int axis : inverse(wanted.order)) {
    if (axis >= first) {
      inner.push_back(axis - first);
    } else if (!x.dim(axis).is(1)) {
      if (!inner.empty() &&
          std::any_of(inner.begin(), inner.end(), [&](int a) { return sizes[static_cast<size_t>(a)] != 1; }))
        return std::nullopt;
      if (!before.empty() && before.back() > axis) return std::nullopt;
      before.push_back(axis);
    }
  }

  MovedNode moved;
  std::vector<std::pair<NodeId, int>> weights;
  if (!find_weights(graph, users, node.outputs[0], moved, weights) || weights.empty()) return std::nullopt;
  for (const auto& [product, axis] : weights) {
    // rows: K -> sizes -> the new order -> K
    const Tensor& b = graph.fact(graph.node(product).inputs[1]).constant;
    const int64_t k = b.shape()[axis], others = b.shape()[1 - axis];
    if (Shape(sizes).checked_elements() != k || inner.size() + 1 > kMaxRank) return std::nullopt;
    std::vector<int64_t> split = sizes;
    Permutation order;
    for (const int a : inner) order.push_back(a + axis);
    split.insert(axis == 0 ? split.end() : split.begin(), others);
    order.insert(axis == 0 ? order.end() : order.begin(), axis == 0 ? static_cast<int>(inner.size()) : 0);
    auto reordered = transposed(b.reshaped(Shape(split)), order);
    if (!reordered) return std::nullopt;
    moved.constants.push_back({product, 1, reordered->reshaped(b.shape())});
  }

  moved.outputs.push_back(identity_permutation(y.rank()));
  moved.inputs.push_back({0, wanted.order, {}});
  std::vector<int> source(y.dims->size(), -1);
  const std::vector<bool> copied = copied_axes(graph, node);
  for (size_t b = 0; b < copied.size(); ++b)
    if (copied[b] && static_cast<int>(b) < first) source[b] = wanted.order[b];
  if (flattens && y.rank() == 2 && first == 1) source[0] = wanted.order[0];
  auto shape = shape_input(*y.dims, source);
  if (!shape) return std::nullopt;
  moved.op = make_op(Reshape{});
  moved.inputs.push_back({kNone, {}, *std::move(shape)});
  return moved;
}

}  // namespace pochade
