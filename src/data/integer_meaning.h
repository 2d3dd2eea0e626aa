#pragma once
// What the integers of a network's inputs and outputs stand for.

#include "graph/graph.h"

namespace pochade {

/// The quantization that the value's Fact has; else, since files of ONNX say it in nodes alone, that with
/// which it is dequantized, perhaps moved before, or was quantized. Null: none, or its readers mean different
/// ones.
std::shared_ptr<const Quantization> quantization_of(const Graph& graph, ValueId value);

}  // namespace pochade
