#pragma once
// Layers as the 8-bit kernels see them.

#include <optional>

#include "kernels/kernels.h"
#include "ops/window.h"

namespace pochade {

/// A convolution of x: N, spatial..., C by w: O, spatial..., C/groups, whose windows are `axes`. A depth that
/// only counts pictures joins the batch; empty if the window is deep.
std::optional<ConvShape> int8_conv_shape(const WindowAxes& axes, int64_t groups, const Shape& x,
                                         const Shape& w);

/// The same with one input channel for each group.
DepthwiseShape int8_depthwise_shape(const ConvShape& conv);

/// Operations of one output row of a depthwise convolution: an output costs more than its taps.
int64_t int8_depthwise_row_cost(const DepthwiseShape& shape);

}  // namespace pochade
