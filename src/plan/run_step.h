#pragma once

#include "base/thread_pool.h"
#include "plan/step.h"

namespace pochade {

/// Runs the phases of a step over the pool. `thread_scratch` holds step.thread_scratch_bytes for each thread,
/// rounded up to 64.
void run_step(const Step& step, const StepBuffers& buffers, std::byte* thread_scratch, ThreadPool& pool);

inline size_t rounded_to_64(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

}  // namespace pochade
