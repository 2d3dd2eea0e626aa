#pragma once
// What TensorFlow's graph optimiser hangs behind a convolution or a product: the attribute fused_ops.

#include "formats/tensorflow/scope.h"

namespace pochade::tensorflow {

/// `y` (channels last) with the operators of the attribute fused_ops behind it; their arguments are the
/// inputs from `first_argument` on.
Result<ValueId> fused_tail(NodeScope& node, ValueId y, size_t first_argument);

}  // namespace pochade::tensorflow
