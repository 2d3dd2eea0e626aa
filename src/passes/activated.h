#pragma once
// Operators that can apply an activation to their result: one list for all passes.

#include <optional>

#include "ops/activation.h"

namespace pochade {

/// The activation of an operator that has the field (none included); empty if it has not.
std::optional<Activation> activation_of(const Op& op);

/// The same operator with another activation. It has the field.
OpPtr with_activation(const Op& op, const Activation& act);

}  // namespace pochade
