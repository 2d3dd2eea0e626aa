#include "ops/move_step.h"

#include <algorithm>

#include "kernels/kernels.h"

namespace pochade {
namespace {

struct Job {
  CopyArgs args;  // without its pointers
  size_t input, output;
  ptrdiff_t x_offset, y_offset;  // bytes
  int64_t units, units_a_task;
  int64_t first_task;
};

}  // namespace

Step move_step(const Lowering& at, std::string kernel, std::span<const StepMove> moves,
               size_t element_bytes) {
  std::vector<Job> jobs;
  int64_t tasks = 0;
  for (const StepMove& part : moves) {
    const StridedMove& move = part.move;
    const int64_t elements = move.dims.elements();
    if (elements == 0) continue;
    Job job{};
    job.args.element_bytes = element_bytes;
    job.args.rank = static_cast<size_t>(move.dims.rank());
    for (int axis = 0; axis < move.dims.rank(); ++axis) {
      const auto i = static_cast<size_t>(axis);
      job.args.dims[i] = static_cast<size_t>(move.dims[axis]);
      job.args.x_strides[i] = static_cast<ptrdiff_t>(move.x_strides[axis]);
      job.args.y_strides[i] = static_cast<ptrdiff_t>(move.y_strides[axis]);
    }
    at.kernels.copy_simplify(job.args, &job.args);
    job.input = part.input;
    job.output = part.output;
    job.x_offset = static_cast<ptrdiff_t>(move.x_offset) * static_cast<ptrdiff_t>(element_bytes);
    job.y_offset = static_cast<ptrdiff_t>(move.y_offset) * static_cast<ptrdiff_t>(element_bytes);
    job.units = static_cast<int64_t>(at.kernels.copy_units(job.args));
    job.units_a_task = task_size(job.units, elements / std::max<int64_t>(job.units, 1));
    job.first_task = tasks;
    tasks += (job.units + job.units_a_task - 1) / job.units_a_task;
    jobs.push_back(job);
  }
  Step step;
  step.kernel = std::move(kernel);
  step.why = format("{} strided {}", jobs.size(), jobs.size() == 1 ? "copy" : "copies");
  const Kernels* kernels = &at.kernels;
  step.phases.push_back(
      {tasks, [kernels, jobs = std::move(jobs)](const StepBuffers& buffers, int64_t begin, int64_t end) {
         for (const Job& job : jobs) {
           const int64_t from = std::max(begin - job.first_task, int64_t{0}) * job.units_a_task;
           const int64_t to = std::min((end - job.first_task) * job.units_a_task, job.units);
           if (from >= to) continue;
           CopyArgs args = job.args;
           args.x = buffers.inputs[job.input] + job.x_offset;
           args.y = buffers.outputs[job.output] + job.y_offset;
           kernels->copy(args, Range{static_cast<size_t>(from), static_cast<size_t>(to)});
         }
       }});
  return step;
}

}  // namespace pochade
