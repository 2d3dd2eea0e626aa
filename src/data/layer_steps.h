#pragma once
// How far two ways of rounding integers lie apart in one layer.

#include "data/verify.h"
#include "ops/quant/rounding.h"

namespace pochade {

/// The largest difference, in steps of a layer's output, between the graph's operators on integers and the
/// same operators with the other rounding, each on the inputs that it has in a run of the graph on random
/// input. What a deep network makes of it is another matter: its layers multiply steps. Operators that do not
/// know `other` are left out. Errors: as verify_models().
Result<double> largest_layer_steps(const Graph& graph, Rounding other, const VerifyOptions& options);

}  // namespace pochade
