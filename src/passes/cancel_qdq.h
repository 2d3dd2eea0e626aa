#pragma once

#include "graph/edit.h"

namespace pochade {

/// QuantizeLinear of what DequantizeLinear gave, with the same constant parameters, gives the integers back:
/// both go.
Result<Rewrite> cancel_qdq(const Graph& graph);

}  // namespace pochade
