#pragma once

#include "graph/edit.h"

namespace pochade {

/// Frees the height and width of every picture input (rank 4, 1 or 3 channels) whose size the file fixes, so that any size
/// works: the dims become H and W, and constants that only repeat the fixed size (output_shape of ConvTranspose) become pads
/// that mean the same at every size. kNotSupported names the node that forbids it.
Result<Graph> free_sizes(const Graph& graph);

}  // namespace pochade
