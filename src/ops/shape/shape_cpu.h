#pragma once
// Operators that move elements, as steps.

#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "plan/step.h"

namespace pochade {

Result<Step> lower(const Transpose& op, const Lowering& at);
Result<Step> lower(const Concat& op, const Lowering& at);
Result<Step> lower(const Split& op, const Lowering& at);
Result<Step> lower(const Slice& op, const Lowering& at);
Result<Step> lower(const Expand& op, const Lowering& at);
Result<Step> lower(const Tile& op, const Lowering& at);
Result<Step> lower(const DepthToSpace& op, const Lowering& at);
Result<Step> lower(const SpaceToDepth& op, const Lowering& at);
Result<Step> lower(const Pad& op, const Lowering& at);

}  // namespace pochade
