#include "kernels/quantized_args.h"
#include "ops/phases.h"
#include "ops/quant/quantize_rows.h"

namespace pochade {

Result<Step> lower(const QuantizeRows& op, const Lowering& at) {
  const Shape xs = at.in_shape(0);
  if (xs.elements() == 0) return Lowering::reference();
  const auto rows = static_cast<size_t>(xs[0]), size = static_cast<size_t>(xs.product(1, xs.rank()));
  Step step;
  step.kernel = "quantize_rows";
  step.why = "levels by the range of each row";
  step.shared_scratch_bytes = rows * sizeof(QuantizedLevels);
  step.phases.push_back(divided(
      xs[0], static_cast<int64_t>(size / 4 + 1), [=, &kernels = at.kernels](const StepBuffers& b, Range r) {
        auto* levels = reinterpret_cast<QuantizedLevels*>(b.shared_scratch);
        for (size_t row = r.begin; row < r.end; ++row) {
          float low = 0, high = 0;
          kernels.reduce_rows(Reduction::kMin, {b.in<float>(0) + row * size, &low, 1, size}, {0, 1});
          kernels.reduce_rows(Reduction::kMax, {b.in<float>(0) + row * size, &high, 1, size}, {0, 1});
          const RowLevels range = row_levels(op.symmetric, std::min(low, 0.0f), std::max(high, 0.0f));
          levels[row] = {range.inverse, range.zero, range.least, range.most};
          b.out<float>(1)[row] = range.scale;
        }
      }));
  step.phases.push_back(
      divided(xs.elements(), 1, [=, kernels = at.kernels.quantized](const StepBuffers& b, Range r) {
        const auto* levels = reinterpret_cast<const QuantizedLevels*>(b.shared_scratch);
        for (size_t i = r.begin; i < r.end;) {
          const size_t n = std::min(r.end, (i / size + 1) * size) - i;
          kernels->levels(levels[i / size], b.in<float>(0) + i, b.out<float>(0) + i, n);
          i += n;
        }
      }));
  return step;
}

}  // namespace pochade
