#pragma once

#include "graph/edit.h"

namespace pochade {

/// Many networks for pictures were saved with one size, on which nothing in them depends. Height and width of
/// the inputs that are pictures (rank 4, numbers for both, 1 to 4 channels on one side) become the names "H"
/// and "W" ("H2", "W2" for another size); output sizes that were written down for the saved size (of
/// ConvTranspose) become pads that mean the same at every size.
/// Two other sizes are tried by inference. kNotSupported: no input is such a picture, or the network has a
/// fixed size in its middle; then the error names the node where it shows.
Result<Graph> free_sizes(const Graph& graph);

}  // namespace pochade
