#pragma once
// What passes ask of a graph while they look for something to rewrite.

#include "graph/graph.h"

namespace pochade {

/// A graph with its users computed once.
class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), users_(graph.users()) {}

  const Graph& graph() const { return graph_; }
  const std::vector<NodeId>& users(ValueId value) const { return users_[static_cast<size_t>(value)]; }
  /// The node that makes `value` if it is a D, else null.
  template <typename D>
  const D* producer(ValueId value) const {
    if (value == kNone || graph_.value(value).producer == kNone) return nullptr;
    const Node& node = graph_.node(graph_.value(value).producer);
    return node.op ? op_as<D>(*node.op) : nullptr;
  }
  /// The only reader of `value`, which reads it once; kNone if there are others or if the value is an output
  /// of the graph.
  NodeId sole_user(ValueId value) const {
    const auto& readers = users(value);
    return readers.size() == 1 && !graph_.is_output(value) ? readers[0] : kNone;
  }
  bool is_constant(ValueId value) const { return value != kNone && graph_.fact(value).is_constant(); }
  /// The tensor of a constant; undefined otherwise.
  Tensor constant(ValueId value) const { return value == kNone ? Tensor() : graph_.fact(value).constant; }

 private:
  const Graph& graph_;
  std::vector<std::vector<NodeId>> users_;
};

/// Input `i` of a node; kNone if it has fewer.
inline ValueId input_of(const Node& node, size_t i) {
  return i < node.inputs.size() ? node.inputs[i] : kNone;
}

/// Whether two facts have the same dtype and surely the same shape.
bool same_type_and_shape(const Fact& a, const Fact& b);

/// The value that each of `channels` channels (the last axis of a value of rank `rank`) gets when `tensor` is
/// broadcast against it. Empty if the tensor is no float32 constant, or varies along another axis, or adds
/// axes.
std::optional<std::vector<double>> channel_values(const Tensor& tensor, int rank, int64_t channels);

/// All elements equal `number`. False for an undefined tensor.
bool all_elements_are(const Tensor& tensor, double number);

}  // namespace pochade
