#pragma once

#include "graph/edit.h"

namespace pochade {

/// BatchNormalization with constant statistics becomes part of the convolution or product before it (or after
/// it, where the border allows that).  w' = w * g / sqrt(v + e)   b' = (b - m) * g / sqrt(v + e) + beta
Result<Rewrite> fold_batch_norm(const Graph& graph);

}  // namespace pochade
