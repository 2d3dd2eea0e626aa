#pragma once
// The part of move_axes() for operators that split, merge, add or drop axes.

#include "passes/move_axes.h"

namespace pochade {

/// Reshape, Flatten, Squeeze, Unsqueeze; empty for any other operator.
std::optional<MovedNode> move_reshape(const Graph& graph, const Node& node, const AxisOrder& wanted);

/// A Reshape or Flatten whose last axis gathers axes that `wanted` reorders, and that is read by products
/// with constant weights only: the rows of the weights are reordered in its place.
std::optional<MovedNode> move_into_weights(const Graph& graph, const std::vector<std::vector<NodeId>>& users,
                                           NodeId node, const AxisOrder& wanted);

}  // namespace pochade
