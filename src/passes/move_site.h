#pragma once
// What the rules of move_axes() have in common: the node at hand, and the usual forms of its inputs.

#include "passes/move_axes.h"

namespace pochade {

/// The node at hand, and which order of axes one of its values is to have.
struct MoveSite {
  const Graph& graph;
  const Node& node;
  const AxisOrder& wanted;

  size_t inputs() const { return node.inputs.size(); }
  bool has(size_t i) const { return i < node.inputs.size() && node.inputs[i] != kNone; }
  Fact in(size_t i) const { return has(i) ? graph.fact(node.inputs[i]) : Fact(); }
  const Fact& out(size_t j) const { return graph.fact(node.outputs[j]); }
  const Permutation& order() const { return wanted.order; }
  int rank() const { return static_cast<int>(wanted.order.size()); }
  /// Whether the wanted order is that of input 0 or of any output.
  bool wants_main() const { return wanted.of_output || wanted.index == 0; }
  bool main_has_rank(int rank) const { return has(0) && in(0).rank_known() && in(0).rank() == rank; }
};

inline Tensor ints_tensor(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

inline MovedInput as_it_is(int source) {
  return {source, {}, {}};
}
inline MovedInput in_order(int source, const Permutation& order) {
  return {source, order, {}};
}
inline MovedInput constant_input(int source, Tensor tensor) {
  return {source, {}, std::move(tensor)};
}

/// Appends the inputs from `first` on as they are.
inline void append_rest(const MoveSite& at, size_t first, MovedNode& moved) {
  for (size_t i = first; i < at.inputs(); ++i)
    moved.inputs.push_back(as_it_is(at.has(i) ? static_cast<int>(i) : kNone));
}

/// Input 0 and all outputs in the wanted order, the other inputs as they are.
inline std::optional<MovedNode> uniform(const MoveSite& at, OpPtr op) {
  if (!at.wants_main() || !at.main_has_rank(at.rank())) return std::nullopt;
  MovedNode moved;
  moved.op = std::move(op);
  moved.inputs.push_back(in_order(0, at.order()));
  append_rest(at, 1, moved);
  moved.outputs.assign(at.node.outputs.size(), at.order());
  return moved;
}

/// The same for operators with a field `axis`.
template <typename D>
std::optional<MovedNode> uniform_along_axis(const MoveSite& at, D op) {
  const auto axis = normal_axis(op.axis, at.rank());
  if (!axis) return std::nullopt;
  op.axis = at.order()[static_cast<size_t>(*axis)];
  return uniform(at, make_op(std::move(op)));
}

}  // namespace pochade
