#pragma once

#include "graph/edit.h"

namespace pochade {

/// A function of one element becomes part of the operator before it, where that operator can apply one.
Result<Rewrite> fold_activation(const Graph& graph);

/// x * sigmoid(x) becomes Silu, x * hard_sigmoid(x) with 1/6 and 1/2 HardSwish.
Result<Rewrite> fold_gates(const Graph& graph);

}  // namespace pochade
