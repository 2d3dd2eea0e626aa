#pragma once

#include "graph/edit.h"

namespace pochade {

/// Operators that give their input back: Identity, Dropout outside of training, Cast to the same type,
/// Reshape and Transpose to the same, Pad by nothing, Slice of everything, a sum with 0 and a product with 1.
Result<Rewrite> remove_identities(const Graph& graph);

}  // namespace pochade
