#pragma once

#include "formats/graph_copy.h"
#include "ops/quant/quantize_rows.h"

namespace pochade {

/// Writes QuantizeRows by its definition, for formats that have no such operator.
Status expand_quantize_rows(GraphCopy& copy, const Node& node, const QuantizeRows& op);

}  // namespace pochade
