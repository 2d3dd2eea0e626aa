#pragma once
// The plain interpreter: every operator's oracle in turn. What the engine's results are compared with.

#include "graph/graph.h"

namespace pochade {

/// Runs the graph once on `inputs`, in the order of graph.inputs(); gives the outputs in the order of
/// graph.outputs(). kInvalidArgument if an input has another type or size than the graph says, or two inputs
/// disagree on a named size. States are read at their initial contents. A value's memory is freed after its
/// last use.
Result<Tensors> evaluate(const Graph& graph, const Tensors& inputs);

/// Whether the tensors fit the graph's inputs: number, element types, sizes, named sizes equal among each
/// other.
Status check_inputs(const Graph& graph, const Tensors& inputs);

}  // namespace pochade
