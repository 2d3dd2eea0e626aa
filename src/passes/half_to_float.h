#pragma once

#include "graph/edit.h"

namespace pochade {

/// A float16 or bfloat16 network is computed in float32: its weights are converted, and Casts stand at the
/// graph's inputs and outputs, which keep their types. Results are at least as exact.
Result<Retype> half_to_float(const Graph& graph);

}  // namespace pochade
