#pragma once

#include "graph/edit.h"

namespace pochade {

/// Sums with and products by a constant a channel become part of the convolution or product before them, or
/// after them where the border allows that; a MatMul of two matrices that is followed by a bias becomes a
/// Gemm.
Result<Rewrite> fold_scale_bias(const Graph& graph);

}  // namespace pochade
