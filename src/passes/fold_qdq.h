#pragma once

#include "graph/edit.h"

namespace pochade {

/// QuantizeLinear of what DequantizeLinear gave, with the same constant parameters, gives the integers back:
/// both go. Operators that have an integer kernel would take quantized Facts here; as long as none has,
/// DequantizeLinear of constants is folded with other constants, and what is left rounds and must stay.
Result<Rewrite> fold_qdq(const Graph& graph);

}  // namespace pochade
