#pragma once

#include "ops/index/gather.h"
#include "plan/step.h"

namespace pochade {

/// Rows by constant indices. Indices that are only known while running may be outside: the oracle checks
/// them.
Result<Step> lower(const Gather& op, const Lowering& at);

}  // namespace pochade
