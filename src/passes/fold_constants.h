#pragma once

#include "graph/edit.h"

namespace pochade {

/// Nodes whose inputs are all constant become constants, and so does what a node's facts already tell (Shape
/// of known sizes). Left alone: random generators, results above kFoldLimitBytes, and big results that are
/// blown up from little (Expand, ConstantOfShape: the model would grow). An error of evaluation is returned:
/// the model would fail when run, too.
Result<Rewrite> fold_constants(const Graph& graph);

/// The same but for integers that DequantizeLinear makes real numbers, and what is made of these by moving
/// elements only: weights, from which fold_qdq makes operators on integers.
Result<Rewrite> fold_plain_constants(const Graph& graph);

}  // namespace pochade
