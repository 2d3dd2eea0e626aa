#pragma once

#include "graph/edit.h"

namespace pochade {

/// Sequences of float elementwise operators, each the only reader of the one before and all of one output
/// shape, become one Chain, which reads and writes memory once. For the machine's plan, after every pass that
/// looks for single operators.
Result<Rewrite> fuse_elementwise(const Graph& graph);

}  // namespace pochade
