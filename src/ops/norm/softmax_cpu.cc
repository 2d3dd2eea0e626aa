#include "ops/norm/softmax.h"
#include "ops/phases.h"

namespace pochade {
namespace {

using Rows = void (*)(const float* x, float* y, size_t columns, Range rows);

constexpr int64_t kBlock = 16;

/// Along an axis that is not the innermost: `count` elements `inner` apart. A block of neighbours is turned
/// into rows, worked on, and turned back.
Phase strided_phase(Rows kernel, int64_t outer, int64_t count, int64_t inner) {
  const int64_t blocks = (inner + kBlock - 1) / kBlock;
  return divided(outer * blocks, count * kBlock * 16,
                 [kernel, count, inner, blocks](const StepBuffers& buffers, Range units) {
                   auto* rows = reinterpret_cast<float*>(buffers.thread_scratch);
                   for (auto unit = static_cast<int64_t>(units.begin); unit < static_cast<int64_t>(units.end);
                        ++unit) {
                     const int64_t first = unit % blocks * kBlock, n = std::min(kBlock, inner - first);
                     const int64_t offset = unit / blocks * count * inner + first;
                     const float* x = buffers.in<float>(0) + offset;
                     float* y = buffers.out<float>(0) + offset;
                     for (int64_t i = 0; i < count; ++i)
                       for (int64_t j = 0; j < n; ++j) rows[j * count + i] = x[i * inner + j];
                     kernel(rows, rows, static_cast<size_t>(count), range(0, n));
                     for (int64_t i = 0; i < count; ++i)
                       for (int64_t j = 0; j < n; ++j) y[i * inner + j] = rows[j * count + i];
                   }
                 });
}

Step lower_softmax(const Lowering& at, int64_t axis, bool to_end, Rows kernel, std::string name) {
  const Shape xs = at.in_shape(0);
  if (!at.all_f32() || xs.elements() == 0) return Lowering::reference();
  const int first = xs.rank() == 0 ? 0 : axis == xs.rank() ? xs.rank() : *normal_axis(axis, xs.rank());
  const int behind = to_end || xs.rank() == 0 ? xs.rank() : first + 1;
  const int64_t outer = xs.product(0, first), count = xs.product(first, behind),
                inner = xs.product(behind, xs.rank());
  Step step;
  step.kernel = std::move(name);
  step.in_place_inputs = {0};
  if (inner == 1) {
    step.why = format("rows of {}", count);
    step.phases.push_back(divided(outer, count * 16, [kernel, count](const StepBuffers& buffers, Range rows) {
      kernel(buffers.in<float>(0), buffers.out<float>(0), static_cast<size_t>(count), rows);
    }));
    return step;
  }
  step.why = format("{} elements {} apart", count, inner);
  step.thread_scratch_bytes = static_cast<size_t>(count) * kBlock * sizeof(float);
  step.phases.push_back(strided_phase(kernel, outer, count, inner));
  return step;
}

}  // namespace

Result<Step> lower(const Softmax& op, const Lowering& at) {
  return lower_softmax(at, op.axis, op.to_end, at.kernels.softmax, "softmax_f32");
}

Result<Step> lower(const LogSoftmax& op, const Lowering& at) {
  return lower_softmax(at, op.axis, op.to_end, at.kernels.log_softmax, "log_softmax_f32");
}

}  // namespace pochade
