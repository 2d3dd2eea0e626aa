#include <cmath>

#include "ops/phases.h"
#include "ops/resize/resize.h"

namespace pochade {
namespace {

/// No axis changes its size.
Step copy_step(int64_t floats) {
  Step step;
  step.kernel = "copy";
  step.why = "the same sizes";
  step.phases.push_back(divided(floats, 1, [](const StepBuffers& b, Range r) {
    std::copy(b.in<float>(0) + r.begin, b.in<float>(0) + r.end, b.out<float>(0) + r.begin);
  }));
  return step;
}

}  // namespace

/// One axis, or two neighbours, seen as the rows and columns of pictures: whatever lies before counts
/// pictures, behind channels.
Result<Step> lower(const Resize& op, const Lowering& at) {
  if (!at.in_is(0, DType::kF32)) return Lowering::reference();
  const Shape xs = at.in_shape(0), ys = at.out_shape(0);
  if (xs.elements() == 0 || ys.elements() == 0) return Lowering::reference();
  const auto constant = [&](size_t i) {
    return at.has(i) && at.in(i).constant.elements() > 0 ? at.in(i).constant : Tensor();
  };
  if (!constant(2).defined() && !constant(3).defined()) return Lowering::reference();
  if (op.coordinates == Resize::Coordinates::kTfCropAndResize && !constant(1).defined())
    return Lowering::reference();
  TRY(std::vector<ResizeAxis> axes, resize_axes(op, xs, constant(1), constant(2), constant(3)));
  std::erase_if(axes, [](const ResizeAxis& axis) { return axis.is_identity(); });
  if (axes.empty()) return copy_step(xs.elements());
  if (axes.size() > 2 || (axes.size() == 2 && axes[1].axis != axes[0].axis + 1)) return Lowering::reference();
  for (const ResizeAxis& axis : axes)
    if (!axis.outside.empty()) return Lowering::reference();
  if (axes.size() == 1) axes.push_back({axes[0].axis, 1, 1, 1, {0}, {1}, {}});  // pictures one column wide

  const auto tables = std::make_shared<const std::vector<ResizeAxis>>(std::move(axes));
  const ResizeAxis &rows = (*tables)[0], &columns = (*tables)[1];
  const bool nearest = op.mode == Resize::Mode::kNearest;
  ResizeArgs resize{};
  resize.batch = static_cast<size_t>(xs.product(0, rows.axis));
  resize.height = static_cast<size_t>(rows.in);
  resize.width = static_cast<size_t>(columns.in);
  resize.channels = static_cast<size_t>(xs.product(columns.axis + 1, xs.rank()));
  resize.out_height = static_cast<size_t>(rows.out);
  resize.out_width = static_cast<size_t>(columns.out);
  resize.row_taps = static_cast<size_t>(rows.taps);
  resize.column_taps = static_cast<size_t>(columns.taps);
  resize.row_index = rows.index.data();
  resize.column_index = columns.index.data();
  resize.row_weight = nearest ? nullptr : rows.weight.data();
  resize.column_weight = nearest ? nullptr : columns.weight.data();

  Step step;
  step.kernel = nearest ? "resize_nearest_f32" : "resize_f32";
  step.why = format("{} by {} taps", rows.taps, columns.taps);
  step.thread_scratch_bytes = at.kernels.resize_scratch_bytes(resize);
  const size_t row_cost =
      resize.out_width * resize.channels * (nearest ? 1 : resize.row_taps + resize.column_taps);
  step.phases.push_back(
      divided(static_cast<int64_t>(resize.batch * resize.out_height), static_cast<int64_t>(row_cost),
              [&kernels = at.kernels, resize, tables](const StepBuffers& buffers, Range range_of_rows) {
                ResizeArgs args = resize;
                args.x = buffers.in<float>(0);
                args.y = buffers.out<float>(0);
                kernels.resize(args, range_of_rows, buffers.thread_scratch);
              }));
  return step;
}

}  // namespace pochade
