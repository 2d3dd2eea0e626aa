#pragma once

#include "graph/edit.h"

namespace pochade {

/// N,C,H,W inputs and outputs of rank 4 become N,H,W,C, with a Transpose inside that sink_transposes cancels
/// against the importer's: for callers that hold pixels. Names stay. `inputs` and `outputs` name those to
/// change.
Result<Retype> channels_last_io(const Graph& graph, std::span<const std::string> inputs,
                                std::span<const std::string> outputs);

}  // namespace pochade
