#pragma once
// The part of move_axes() for operators that drop axes, or put others in their place.

#include "passes/move_site.h"

namespace pochade {

/// Reductions, ArgMax, ArgMin, Gather; empty for any other operator.
std::optional<MovedNode> move_reduction(const MoveSite& at);

}  // namespace pochade
