#pragma once
// What the oracles share: outputs as infer() says, walks over strided elements, checks of axes and indices.

#include <functional>

#include "graph/op.h"

namespace pochade {

/// Facts of tensors, every one constant: what eval() gives to infer().
Facts facts_of(std::span<const Tensor> in);

/// Zeroed outputs of the dtypes and shapes that infer() gives for these very inputs. An absent output stays
/// undefined. Not for operators whose output sizes depend on the data beyond what infer() reads.
Result<Tensors> make_outputs(const Op& op, std::span<const Tensor> in);

/// axis in [-rank, rank) -> [0, rank), or kInvalidModel.
Result<int> checked_axis(int64_t axis, int rank);
/// The same for several; twice the same axis is kInvalidModel. Order is kept.
Result<std::vector<int>> checked_axes(std::span<const int64_t> axes, int rank);

/// Strides of `in` read as if it had the shape `out`: 0 along broadcast axes (numpy rules; `in` must
/// broadcast to `out`).
Shape broadcast_strides(const Shape& in, const Shape& out);

/// Calls f(offset_0, .., offset_N-1) for each element of `shape` in row-major order, where offset_k = sum of
/// index * strides[k].
template <size_t N, typename F>
void walk(const Shape& shape, const std::array<Shape, N>& strides, F&& f) {
  const int64_t count = shape.elements();
  std::array<int64_t, N> offsets{};
  std::array<int64_t, kMaxRank> index{};
  for (int64_t i = 0; i < count; ++i) {
    std::apply(f, offsets);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      for (size_t k = 0; k < N; ++k) offsets[k] += strides[k][axis];
      if (++index[static_cast<size_t>(axis)] < shape[axis]) break;
      for (size_t k = 0; k < N; ++k) offsets[k] -= strides[k][axis] * shape[axis];
      index[static_cast<size_t>(axis)] = 0;
    }
  }
}

/// A rectangular move of elements: y[y_offset + i.y_strides] = x[x_offset + i.x_strides] for every index i
/// below dims. Offsets and strides in elements; those of x may be 0 or negative.
struct StridedMove {
  Shape dims;
  int64_t x_offset = 0;
  Shape x_strides;
  int64_t y_offset = 0;
  Shape y_strides;
};
void move_elements(const Tensor& x, Tensor& y, const StridedMove& move);

/// The same element type and quantization under other dims: what moving elements gives. Quantization by
/// channel does not survive.
Fact moved(const Fact& x, std::optional<Dims> dims);

/// The value of an index that counts from the end if negative; empty if outside [-size, size).
inline std::optional<int64_t> normal_index(int64_t index, int64_t size) {
  if (index < -size || index >= size) return std::nullopt;
  return index < 0 ? index + size : index;
}

}  // namespace pochade
