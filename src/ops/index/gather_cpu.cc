#include "ops/index/gather_cpu.h"

#include <cstring>

#include "ops/phases.h"

namespace pochade {

Result<Step> lower(const Gather& op, const Lowering& at) {
  if (!at.in(1).is_constant()) return Lowering::reference();
  const Shape shape = at.in_shape(0);
  const int axis = *normal_axis(op.axis, shape.rank());
  TRY(auto indices, checked_indices(at.in(1).constant, shape[axis]));
  const size_t row_bytes =
      static_cast<size_t>(shape.product(axis + 1, shape.rank())) * size_of(*at.in(0).dtype);
  const auto count = static_cast<int64_t>(indices.size());
  const int64_t rows = shape.product(0, axis) * count, size = shape[axis];
  Step step;
  step.kernel = "gather";
  step.why = format("rows of {} bytes", row_bytes);
  step.phases.push_back(
      divided(rows, static_cast<int64_t>(row_bytes / 4 + 4),
              [=, indices = std::move(indices)](const StepBuffers& b, Range r) {
                if (row_bytes == 0) return;
                for (auto i = static_cast<int64_t>(r.begin); i < static_cast<int64_t>(r.end); ++i) {
                  const int64_t from = i / count * size + indices[static_cast<size_t>(i % count)];
                  std::memcpy(b.outputs[0] + static_cast<size_t>(i) * row_bytes,
                              b.inputs[0] + static_cast<size_t>(from) * row_bytes, row_bytes);
                }
              }));
  return step;
}

}  // namespace pochade
