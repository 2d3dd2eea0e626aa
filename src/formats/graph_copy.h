#pragma once
// A graph built anew from another one, node by node, with some of its nodes in another form: what writers do
// before they write.

#include <map>

#include "graph/graph.h"

namespace pochade {

class GraphCopy {
 public:
  /// Copies the name, the metadata, the inputs and the states.
  explicit GraphCopy(const Graph& from);

  const Graph& from() const { return from_; }
  const Graph& graph() const { return to_; }
  /// Nodes of the original that its outputs need, producers before users.
  const std::vector<NodeId>& order() const { return order_; }

  /// What a value of the original has become; constants come over when they are first asked for.
  ValueId now(ValueId old);
  std::vector<ValueId> now(const std::vector<ValueId>& old);
  /// The same, kNone if nothing has become of it yet.
  ValueId now_or_none(ValueId old) const { return now_[static_cast<size_t>(old)]; }
  /// From here on `old` is `made`, which takes over its name unless it is an input or a constant.
  void set(ValueId old, ValueId made);

  /// Adds a node and gives its first output. Small results of constants become known.
  Result<ValueId> add(std::string name, OpPtr op, std::vector<ValueId> inputs);
  Result<std::vector<ValueId>> add_all(std::string name, OpPtr op, std::vector<ValueId> inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add(std::string name, D op, std::vector<ValueId> inputs) {
    return add(std::move(name), make_op(std::move(op)), std::move(inputs));
  }
  ValueId constant(std::string name, Tensor tensor) {
    return to_.add_constant(std::move(name), std::move(tensor));
  }
  /// The node of the original as it is, with the inputs that have become of its inputs.
  Status copy(NodeId node);
  /// With the outputs of the original.
  Graph finish() &&;

 private:
  const Graph& from_;
  Graph to_;
  std::vector<NodeId> order_;
  std::vector<ValueId> now_;  ///< kNone: not made yet
};

/// Nodes that the outputs and the states need, producers before users.
std::vector<NodeId> needed_nodes(const Graph& graph);

/// The value of `id` if at most `depth` nodes one after the other make it of constants, else an undefined
/// tensor. Kept nowhere.
Result<Tensor> constant_value(const Graph& graph, ValueId id, int depth = 4);

}  // namespace pochade
