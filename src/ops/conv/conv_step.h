#pragma once

#include "kernels/kernels.h"
#include "plan/step.h"

namespace pochade {

/// The constant weights (input 1) packed for `plan`, once for all pictures' sizes; `part` names which of them
/// `source` reads.
Result<PackedWeights::Buffer> pack_conv(const Lowering& at, const ConvPlan& plan, const ConvSource& source,
                                        std::string_view part);

}  // namespace pochade
