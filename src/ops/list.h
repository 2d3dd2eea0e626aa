#pragma once
// The list of operators that the CPU engine knows by a kernel. Everything else runs its oracle.

#include "plan/step.h"

namespace pochade {

/// The kernel for this operator on these facts; Lowering::reference() if there is none.
Result<Step> lower_op(const Op& op, const Lowering& at);

}  // namespace pochade
