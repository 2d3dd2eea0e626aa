#pragma once

#include "graph/graph.h"

namespace pochade::tflite {

/// ONNX's integers in the forms that TFLite has; the real numbers stay the same.
/// - TFLite multiplies int8 by int8, and uint8 by uint8 of one scale (matrices by int8 only). Where a product
///   mixes them, or its uint8 weights have a scale for each channel, all of ONNX's uint8 values of the graph
///   become int8: the same steps of the same size, counted from -128 instead of 0. Inputs and outputs of the
///   graph stay as they are, behind a requantization.
/// - A MatMul by constant weights with a scale for each column becomes a Gemm, between reshapes if it has
/// more
///   than two axes and all sizes but one are known.
Result<Graph> integers_of_tflite(Graph graph);

}  // namespace pochade::tflite
