#pragma once
// Other inputs and outputs for a graph.

#include "graph/graph.h"

namespace pochade {

/// The graph without values that live between runs: each becomes an input of its name and an output
/// NAME_next, behind the others, so that the caller keeps it. A name that is taken gets a number.
Result<Graph> states_as_ends(const Graph& graph);
/// The graph in which every run begins with the states' first values.
Result<Graph> states_as_constants(const Graph& graph);
/// The part of the graph behind the value of this name, which becomes an input. Errors: no such value, or one
/// that the outputs do not need.
Result<Graph> from_value(const Graph& graph, const std::string& name);

}  // namespace pochade
