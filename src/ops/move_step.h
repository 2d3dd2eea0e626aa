#pragma once
// Steps that move elements without looking at them.

#include "ops/eval.h"
#include "plan/step.h"

namespace pochade {

/// One rectangular move from an input to an output.
struct StepMove {
  StridedMove move;
  size_t input = 0;
  size_t output = 0;
};

/// All moves, divided together. They write disjoint elements; `element_bytes` is 1, 2, 4 or 8. No kernel if a
/// move has too many axes even after joining.
Step move_step(const Lowering& at, std::string kernel, std::span<const StepMove> moves, size_t element_bytes);

}  // namespace pochade
