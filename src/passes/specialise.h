#pragma once

#include <map>

#include "graph/graph.h"

namespace pochade {

/// The graph with concrete sizes: each input gets its shape of `input_shapes`, or keeps its own if that is
/// concrete or follows from the names of the others; shape subgraphs become constants. kInvalidArgument: an
/// input that does not exist, a shape that contradicts the model, one name with two sizes, or sizes that
/// nothing tells (the error lists them all).
Result<Graph> specialise(const Graph& graph, const std::map<std::string, Shape>& input_shapes);

}  // namespace pochade
