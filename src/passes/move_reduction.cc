#include "passes/move_reduction.h"

#include <algorithm>

#include "ops/index/gather.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"

namespace pochade {
namespace {

/// Operators that drop axes, or leave them with size 1.
std::optional<MovedNode> reduced(const MoveSite& at, const std::vector<int64_t>& axes, bool keep_dims,
                                 OpPtr op, std::optional<Tensor> axes_input) {
  const Fact x = at.in(0);
  if (!x.rank_known()) return std::nullopt;
  Permutation x_order, y_order;
  if (keep_dims || !at.wanted.of_output) {
    if (!at.wants_main() || at.rank() != x.rank()) return std::nullopt;
    x_order = at.order();
  } else {
    // Dropped axes go last, the others as the output has them.
    if (at.rank() + static_cast<int>(axes.size()) != x.rank()) return std::nullopt;
    int kept = 0, dropped = at.rank();
    for (int axis = 0; axis < x.rank(); ++axis)
      x_order.push_back(std::find(axes.begin(), axes.end(), axis) != axes.end()
                            ? dropped++
                            : at.order()[static_cast<size_t>(kept++)]);
  }
  if (keep_dims) {
    y_order = x_order;
  } else {
    // Ranks of the places of the axes that stay.
    std::vector<int> places;
    for (int axis = 0; axis < x.rank(); ++axis)
      if (std::find(axes.begin(), axes.end(), axis) == axes.end())
        places.push_back(x_order[static_cast<size_t>(axis)]);
    for (const int place : places)
      y_order.push_back(
          static_cast<int>(std::count_if(places.begin(), places.end(), [&](int p) { return p < place; })));
  }
  MovedNode moved;
  moved.op = std::move(op);
  moved.inputs.push_back(in_order(0, x_order));
  if (axes_input)
    moved.inputs.push_back(constant_input(1, *std::move(axes_input)));
  else
    append_rest(at, 1, moved);
  moved.outputs.assign(at.node.outputs.size(), y_order);
  return moved;
}

std::vector<int64_t> at_places(const std::vector<int64_t>& axes, const Permutation& x_order) {
  std::vector<int64_t> out;
  for (const int64_t axis : axes) out.push_back(x_order[static_cast<size_t>(axis)]);
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<MovedNode> move_reduce(const MoveSite& at, const ReduceFields& fields) {
  const Fact x = at.in(0);
  if (!x.rank_known()) return std::nullopt;
  std::vector<int64_t> axes;
  if (at.has(1)) {
    const auto known = constant_ints(at.in(1));
    if (!known) return std::nullopt;
    for (const int64_t axis : *known) {
      const auto normal = normal_axis(axis, x.rank());
      if (!normal) return std::nullopt;
      axes.push_back(*normal);
    }
  }
  if (axes.empty()) {
    if (fields.noop_with_empty_axes) return uniform(at, at.node.op);
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
    return reduced(at, axes, fields.keep_dims, at.node.op, std::nullopt);
  }
  auto moved = reduced(at, axes, fields.keep_dims, at.node.op, ints_tensor(axes));
  if (moved) moved->inputs[1].constant = ints_tensor(at_places(axes, moved->inputs[0].order));
  return moved;
}

template <typename D>
std::optional<MovedNode> move_arg(const MoveSite& at, D op) {
  const Fact x = at.in(0);
  if (!x.rank_known()) return std::nullopt;
  const auto axis = normal_axis(op.axis, x.rank());
  if (!axis) return std::nullopt;
  auto moved = reduced(at, {*axis}, op.keep_dims, at.node.op, std::nullopt);
  if (!moved) return std::nullopt;
  op.axis = moved->inputs[0].order[static_cast<size_t>(*axis)];
  moved->op = make_op(std::move(op));
  return moved;
}

std::optional<MovedNode> move_gather(const MoveSite& at, Gather op) {
  const Fact x = at.in(0), indices = at.in(1);
  if (!x.rank_known() || !indices.rank_known()) return std::nullopt;
  const auto axis = normal_axis(op.axis, x.rank());
  if (!axis || at.wanted.of_output || at.wanted.index != 0) {
    // From the output only where the axes stay the same.
    if (!axis || !at.wanted.of_output || indices.rank() != 1) return std::nullopt;
  }
  const Permutation& order = at.order();
  const int place = order[static_cast<size_t>(*axis)];
  op.axis = place;
  // An axis of x stands in the output before or after the axes of the indices.
  const int more = indices.rank() - 1;
  Permutation y_order;
  for (int a = 0; a < x.rank(); ++a) {
    const int to = order[static_cast<size_t>(a)];
    if (a == *axis)
      for (int i = 0; i < indices.rank(); ++i) y_order.push_back(place + i);
    else
      y_order.push_back(to > place ? to + more : to);
  }
  MovedNode moved;
  moved.op = make_op(std::move(op));
  moved.inputs = {in_order(0, order), as_it_is(1)};
  moved.outputs = {y_order};
  return moved;
}

}  // namespace

std::optional<MovedNode> move_reduction(const MoveSite& at) {
  const Op& op = *at.node.op;
  if (const auto* o = dynamic_cast<const ReduceFields*>(&op)) return move_reduce(at, *o);
  if (const auto* o = op_as<ArgMax>(op)) return move_arg(at, *o);
  if (const auto* o = op_as<ArgMin>(op)) return move_arg(at, *o);
  if (const auto* o = op_as<Gather>(op)) return move_gather(at, *o);
  return std::nullopt;
}

}  // namespace pochade
