#include "ops/shape/shape_cpu.h"

#include "ops/move_step.h"

namespace pochade {
namespace {

size_t element_bytes(const Lowering& at) {
  return size_of(*at.out(0).dtype);
}

}  // namespace

Result<Step> lower(const Transpose& op, const Lowering& at) {
  return move_step(at, "transpose", std::array{StepMove{op.move(at.in_shape(0)), 0, 0}}, element_bytes(at));
}

Result<Step> lower(const Concat& op, const Lowering& at) {
  const Shape whole = at.out_shape(0);
  const int along = *normal_axis(op.axis, whole.rank());
  std::vector<StepMove> moves;
  int64_t offset = 0;
  for (size_t i = 0; i < at.inputs.size(); ++i) {
    const Shape part = at.in_shape(i);
    moves.push_back({place_along(along, offset, part, whole), i, 0});
    offset += part[along];
  }
  return move_step(at, "concat", moves, element_bytes(at));
}

Result<Step> lower(const Split& op, const Lowering& at) {
  const Shape whole = at.in_shape(0);
  const int along = *normal_axis(op.axis, whole.rank());
  std::vector<StepMove> moves;
  int64_t offset = 0;
  for (size_t i = 0; i < at.outputs.size(); ++i) {
    const Shape part = at.out_shape(i);
    StridedMove move = place_along(along, offset, part, whole);
    std::swap(move.x_offset, move.y_offset);
    std::swap(move.x_strides, move.y_strides);
    moves.push_back({std::move(move), 0, i});
    offset += part[along];
  }
  return move_step(at, "split", moves, element_bytes(at));
}

Result<Step> lower(const Slice&, const Lowering& at) {
  for (size_t i = 1; i < at.inputs.size(); ++i)
    if (at.has(i) && !at.in(i).is_constant()) return Lowering::reference();
  TRY(const auto ranges, slice_ranges(at.inputs, at.in_shape(0)));
  return move_step(at, "slice", std::array{StepMove{slice_move(ranges, at.in_shape(0)), 0, 0}},
                   element_bytes(at));
}

Result<Step> lower(const Expand&, const Lowering& at) {
  const Shape out = at.out_shape(0);
  const StridedMove move{out, 0, broadcast_strides(at.in_shape(0), out), 0, out.strides()};
  return move_step(at, "expand", std::array{StepMove{move, 0, 0}}, element_bytes(at));
}

Result<Step> lower(const Tile&, const Lowering& at) {
  const Shape in = at.in_shape(0), out = at.out_shape(0);
  if (out.elements() == 0) return Lowering::reference();
  const Shape in_strides = in.strides(), out_strides = out.strides();
  int axes = 0;
  for (int axis = 0; axis < in.rank(); ++axis)
    axes += (out[axis] > in[axis] ? 1 : 0) + (in[axis] > 1 ? 1 : 0);
  if (axes > kMaxRank) return Lowering::reference();
  // Each axis of x once for its copies, which read the same elements, and once for its own elements.
  StridedMove move;
  const auto add = [&move](int64_t size, int64_t x_stride, int64_t y_stride) {
    move.dims.push_back(size);
    move.x_strides.push_back(x_stride);
    move.y_strides.push_back(y_stride);
  };
  for (int axis = 0; axis < in.rank(); ++axis) {
    if (out[axis] > in[axis]) add(out[axis] / in[axis], 0, out_strides[axis] * in[axis]);
    if (in[axis] > 1) add(in[axis], in_strides[axis], out_strides[axis]);
  }
  return move_step(at, "tile", std::array{StepMove{move, 0, 0}}, element_bytes(at));
}

Result<Step> lower(const DepthToSpace& op, const Lowering& at) {
  return move_step(at, "depth_to_space", std::array{StepMove{op.move(at.in_shape(0)), 0, 0}},
                   element_bytes(at));
}

Result<Step> lower(const SpaceToDepth& op, const Lowering& at) {
  return move_step(at, "space_to_depth", std::array{StepMove{op.move(at.in_shape(0)), 0, 0}},
                   element_bytes(at));
}

}  // namespace pochade
