#pragma once

#include "plan/plan.h"

namespace pochade {

/// Chooses a kernel for every node of a specialised graph and a place for every value.
Result<Plan> make_plan(Graph graph, const Kernels& kernels, PackedWeights& weights);

}  // namespace pochade
