#pragma once
// How one node computes the same when its inputs and outputs have their axes in another order.

#include <optional>
#include <vector>

#include "graph/graph.h"
#include "passes/permutation.h"

namespace pochade {

/// An input or output of a node that is to be had in another order of axes: the graph's value is
/// transpose(moved value, order).
struct AxisOrder {
  bool of_output = false;
  int index = 0;
  Permutation order;
};

/// An input of a moved node.
struct MovedInput {
  int source = kNone;  ///< which input of the original node, or kNone: absent, or `constant`
  Permutation order;   ///< input = transpose(moved input, order); empty: as it is
  Tensor constant;     ///< if defined: this constant in place of `source`
};

/// Constant input `input` of `node` must become `constant`: how a Flatten hands its reordered elements to the
/// weights behind it.
struct MovedConstant {
  NodeId node = kNone;
  int input = 0;
  Tensor constant;
};

struct MovedNode {
  OpPtr op;
  std::vector<MovedInput> inputs;
  std::vector<Permutation> outputs;  ///< output = transpose(moved output, order)
  std::vector<MovedConstant> constants;
  std::vector<NodeId> readers;  ///< nodes between this one and `constants`: they must stay as they are
};

/// The node with one of its inputs or outputs in another order, or empty if it has no such form. Exact: it
/// computes the same elements by the same operations. `users` as of Graph::users().
std::optional<MovedNode> move_axes(const Graph& graph, const std::vector<std::vector<NodeId>>& users,
                                   NodeId node, const AxisOrder& wanted);

/// transpose(tensor, order) of a constant.
Result<Tensor> transposed(const Tensor& tensor, const Permutation& order);

}  // namespace pochade
