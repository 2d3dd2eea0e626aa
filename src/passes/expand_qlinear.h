#pragma once

#include "graph/edit.h"

namespace pochade {

/// QLinearConv and QLinearMatMul with constant scales become DequantizeLinear, Conv or MatMul, and
/// QuantizeLinear: one form for all that is quantized, which fold_qdq makes an operator on integers again.
Result<Rewrite> expand_qlinear(const Graph& graph);

}  // namespace pochade
