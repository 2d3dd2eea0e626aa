#pragma once

#include "graph/edit.h"

namespace pochade {

/// A Pad of spatial axes becomes part of the convolution or pool after it: zeros, reflected or repeated
/// borders of a Conv; zeros of an AveragePool that counts its padding; the lowest value of a MaxPool.
Result<Rewrite> fold_pad(const Graph& graph);

}  // namespace pochade
