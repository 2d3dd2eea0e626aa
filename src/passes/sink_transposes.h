#pragma once

#include "graph/edit.h"

namespace pochade {

/// Runs operators in another order of axes where that saves transposes of activations, so that the transposes
/// at the borders of channels-last operators cancel. A Transpose of a Transpose is one, of nothing is none,
/// and one that only moves axes of size 1 is a Reshape. The number of transposes never grows. Empty when
/// nothing can be gained.
Result<Rewrite> sink_transposes(const Graph& graph);

/// Transposes of values that are not constant.
int count_activation_transposes(const Graph& graph);

}  // namespace pochade
