#pragma once
// Attributes of convolutions and pools.

#include "formats/onnx/scope.h"
#include "ops/window.h"

namespace pochade::onnx {

/// strides, dilations, pads and auto_pad of a node whose window slides over `spatial_rank` axes.
Result<Window> read_window(NodeScope& node, size_t spatial_rank);

/// The number of spatial axes that the weights in input `i` have; kernel_shape must agree with them if it is
/// there.
Result<size_t> read_spatial_rank(NodeScope& node, size_t i);

}  // namespace pochade::onnx
