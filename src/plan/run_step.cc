#include "plan/run_step.h"

namespace pochade {

void run_step(const Step& step, const StepBuffers& buffers, std::byte* thread_scratch, ThreadPool& pool) {
  const size_t scratch_stride = rounded_to_64(step.thread_scratch_bytes);
  for (const Phase& phase : step.phases) {
    const auto work = [&](int64_t begin, int64_t end, int thread) {
      const StepBuffers mine{buffers.inputs, buffers.outputs, buffers.shared_scratch,
                             thread_scratch + static_cast<size_t>(thread) * scratch_stride};
      phase.run(mine, begin, end);
    };
    if (phase.tasks == 1)
      work(0, 1, 0);
    else
      pool.run(phase.tasks, work);
  }
}

}  // namespace pochade
