#pragma once

#include "graph/edit.h"

namespace pochade {

/// Of several nodes that compute the same of the same, one stays. Not random generators.
Result<Rewrite> common_subexpressions(const Graph& graph);

}  // namespace pochade
