#include "plan/run_step.h"

namespace pochade {

void run_step(const Step& step, StepBuffers buffers, std::byte* thread_scratch, ThreadPool& pool) {
  const size_t scratch_stride = rounded_to_64(step.thread_scratch_bytes);
  for (const Phase& phase : step.phases) {
    pool.run(phase.tasks, [&](int64_t begin, int64_t end, int thread) {
      StepBuffers mine = buffers;
      mine.thread_scratch = thread_scratch + static_cast<size_t>(thread) * scratch_stride;
      phase.run(mine, begin, end);
    });
  }
}

}  // namespace pochade
