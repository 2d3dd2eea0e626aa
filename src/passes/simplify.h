#pragma once

#include "graph/graph.h"

namespace pochade {

/// The graph with constants folded, neighbours fused and what inference does not need dropped: what another
/// program may be given in its place. Results stay (but for the rounding of folded weights), and so do the
/// types of all inputs, outputs and weights.
Result<Graph> simplify(Graph graph);

}  // namespace pochade
