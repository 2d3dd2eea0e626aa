#include "ops/broadcast_loop.h"

namespace pochade {

BroadcastLoop broadcast_loop(const Shape& out, std::span<const Shape> operands) {
  CHECK(operands.size() <= kMaxLoopOperands);
  std::array<Shape, kMaxLoopOperands> strides;
  for (size_t k = 0; k < operands.size(); ++k) strides[k] = broadcast_strides(operands[k], out);
  BroadcastLoop loop;
  for (int axis = 0; axis < out.rank(); ++axis) {
    if (out[axis] == 1) continue;
    const auto last = static_cast<size_t>(loop.rank - 1);
    bool joins = loop.rank > 0;
    for (size_t k = 0; k < operands.size() && joins; ++k)
      joins = loop.strides[k][last] == strides[k][axis] * out[axis];
    const size_t to = joins ? last : static_cast<size_t>(loop.rank++);
    loop.dims[to] = joins ? loop.dims[to] * out[axis] : out[axis];
    for (size_t k = 0; k < operands.size(); ++k) loop.strides[k][to] = strides[k][axis];
  }
  if (loop.rank == 0) {
    loop.rank = 1;
    loop.dims[0] = 1;
  }
  return loop;
}

Step element_step(std::string kernel, std::string why, int64_t elements, int64_t cost,
                  std::function<void(const StepBuffers&, Range)> run) {
  Step step;
  step.kernel = std::move(kernel);
  step.why = std::move(why);
  step.phases.push_back(divided(elements, cost, std::move(run)));
  return step;
}

namespace {

Repeat repeat_of(int64_t row_stride, int64_t column_stride) {
  if (column_stride != 0) return row_stride != 0 ? Repeat::kNone : Repeat::kRow;
  return row_stride != 0 ? Repeat::kColumn : Repeat::kScalar;
}

}  // namespace

BinaryLoop::BinaryLoop(const Kernels& kernels, Binary op, const Shape& out, const Shape& a, const Shape& b)
    : kernels_(&kernels), op_(op), blocks_(broadcast_loop(out, std::array{a, b})) {
  const auto last = static_cast<size_t>(--blocks_.rank);
  const auto& strides = blocks_.strides;
  columns_ = blocks_.dims[last];
  if (blocks_.rank == 0) {
    // One row: what is read along it needs no row or column to be found.
    repeat_a_ = strides[0][last] != 0 ? Repeat::kNone : Repeat::kScalar;
    repeat_b_ = strides[1][last] != 0 ? Repeat::kNone : Repeat::kScalar;
    return;
  }
  const auto row = static_cast<size_t>(--blocks_.rank);
  rows_ = blocks_.dims[row];
  repeat_a_ = repeat_of(strides[0][row], strides[0][last]);
  repeat_b_ = repeat_of(strides[1][row], strides[1][last]);
}

void BinaryLoop::run(const float* a, const float* b, float* y, Range elements) const {
  BinaryArgs args;
  args.rows = static_cast<size_t>(rows_);
  args.columns = static_cast<size_t>(columns_);
  args.repeat_a = repeat_a_;
  args.repeat_b = repeat_b_;
  const int64_t block_elements = rows_ * columns_;
  const auto end = static_cast<int64_t>(elements.end);
  for (auto at = static_cast<int64_t>(elements.begin); at < end;) {
    const int64_t block = at / block_elements, first = block * block_elements;
    const int64_t stop = std::min(end, first + block_elements);
    args.a = a;
    args.b = b;
    args.y = y + first;
    int64_t rest = block;
    for (int axis = blocks_.rank - 1; axis >= 0; --axis) {
      const auto i = static_cast<size_t>(axis);
      const int64_t index = rest % blocks_.dims[i];
      rest /= blocks_.dims[i];
      args.a += index * blocks_.strides[0][i];
      args.b += index * blocks_.strides[1][i];
    }
    kernels_->binary(op_, args, range(at - first, stop - first));
    at = stop;
  }
}

std::string BinaryLoop::why() const {
  const auto text = [](Repeat repeat) {
    switch (repeat) {
      case Repeat::kNone:
        return "element";
      case Repeat::kScalar:
        return "scalar";
      case Repeat::kRow:
        return "channel";
      case Repeat::kColumn:
        return "row";
    }
    return "";
  };
  return format("{} by {}{}", text(repeat_a_), text(repeat_b_), blocks_.rank > 0 ? ", block by block" : "");
}

}  // namespace pochade
