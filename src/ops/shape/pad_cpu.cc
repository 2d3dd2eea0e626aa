#include <cstring>

#include "ops/phases.h"
#include "ops/shape/shape_cpu.h"

namespace pochade {
namespace {

/// A Pad of tensors whose trailing axes without pads are one block of bytes: rows of blocks are copied where
/// they lie inside x, block by block elsewhere.
struct PadPlan {
  size_t block_bytes = 1;
  std::vector<std::vector<int64_t>>
      sources;  ///< for each outer axis: where each output position comes from, -1: the value
  std::vector<int64_t> x_strides;            ///< of the outer axes, in blocks
  std::vector<int64_t> row;                  ///< sources along the row, in blocks
  int64_t inside_begin = 0, inside_end = 0;  ///< part of the row that x holds contiguously
  std::array<std::byte, 8> value{};
  size_t value_bytes = 1;

  void fill(std::byte* y, size_t bytes) const {
    for (size_t i = 0; i < bytes; i += value_bytes) std::memcpy(y + i, value.data(), value_bytes);
  }

  void pad_row(const std::byte* x, std::byte* y, int64_t out_row) const {
    int64_t from = 0;
    for (size_t axis = sources.size(); axis-- > 0;) {
      const auto size = static_cast<int64_t>(sources[axis].size());
      const int64_t source = sources[axis][static_cast<size_t>(out_row % size)];
      out_row /= size;
      if (source < 0) return fill(y, row.size() * block_bytes);
      from += source * x_strides[axis];
    }
    const auto blocks = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t source = row[static_cast<size_t>(i)];
        std::byte* to = y + static_cast<size_t>(i) * block_bytes;
        if (source < 0)
          fill(to, block_bytes);
        else
          std::memcpy(to, x + static_cast<size_t>(from + source) * block_bytes, block_bytes);
      }
    };
    blocks(0, inside_begin);
    if (inside_begin < inside_end)
      std::memcpy(y + static_cast<size_t>(inside_begin) * block_bytes,
                  x + static_cast<size_t>(from + row[static_cast<size_t>(inside_begin)]) * block_bytes,
                  static_cast<size_t>(inside_end - inside_begin) * block_bytes);
    blocks(inside_end, static_cast<int64_t>(row.size()));
  }
};

}  // namespace

Result<Step> lower(const Pad& op, const Lowering& at) {
  const Shape in = at.in_shape(0), out = at.out_shape(0);
  TRY(const auto sizes, pad_sizes(at.inputs, in.rank()));
  const bool has_value = at.has(2);
  if (!sizes || out.elements() == 0 || (has_value && !at.in(2).is_constant())) return Lowering::reference();
  PadPlan plan;
  plan.value_bytes = size_of(*at.in(0).dtype);
  if (has_value) std::memcpy(plan.value.data(), at.in(2).constant.bytes(), plan.value_bytes);
  plan.block_bytes = plan.value_bytes;
  int last = in.rank() - 1;  // the innermost axis with pads
  const auto begin = [&](int axis) { return sizes->begin[static_cast<size_t>(axis)]; };
  const auto end = [&](int axis) { return sizes->end[static_cast<size_t>(axis)]; };
  for (; last > 0 && begin(last) == 0 && end(last) == 0; --last)
    plan.block_bytes *= static_cast<size_t>(in[last]);
  const auto sources = [&](int axis) { return pad_sources(op.mode, in[axis], begin(axis), end(axis)); };
  int64_t stride = last >= 0 ? in[last] : 1;
  std::vector<int> outer;
  for (int axis = 0; axis < last; ++axis) outer.push_back(axis);
  plan.x_strides.resize(outer.size());
  for (size_t i = outer.size(); i-- > 0;) {
    plan.x_strides[i] = stride;
    stride *= in[outer[i]];
  }
  for (const int axis : outer) plan.sources.push_back(sources(axis));
  if (last < 0) {  // a scalar
    plan.row = {0};
    plan.inside_end = 1;
  } else {
    plan.row = sources(last);
    plan.inside_begin = std::min(std::max<int64_t>(begin(last), 0), out[last]);
    const int64_t kept = in[last] + std::min<int64_t>(begin(last), 0) + std::min<int64_t>(end(last), 0);
    plan.inside_end = std::min(plan.inside_begin + std::max<int64_t>(kept, 0), out[last]);
  }
  const int64_t rows = last > 0 ? out.product(0, last) : 1;
  const size_t row_bytes = plan.row.size() * plan.block_bytes;
  Step step;
  step.kernel = format("pad_{}", to_string(op.mode));
  step.why = format("rows of {} blocks of {} bytes", plan.row.size(), plan.block_bytes);
  step.phases.push_back(divided(rows, static_cast<int64_t>(row_bytes / 4 + 1),
                                [=, plan = std::move(plan)](const StepBuffers& b, Range r) {
                                  for (size_t row = r.begin; row < r.end; ++row)
                                    plan.pad_row(b.inputs[0], b.outputs[0] + row * row_bytes,
                                                 static_cast<int64_t>(row));
                                }));
  return step;
}

}  // namespace pochade
