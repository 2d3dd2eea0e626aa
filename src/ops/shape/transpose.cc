#include "ops/shape/transpose.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace pochade {

std::vector<int64_t> Transpose::permutation(int rank) const {
  if (!perm.empty() || rank == 0) return perm;
  std::vector<int64_t> reversed(static_cast<size_t>(rank));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return reversed;
}

Result<Facts> Transpose::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  Fact out(*in[0].dtype, std::nullopt);
  out.quantization = in[0].quantization;
  std::vector<int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i))
      return Error::invalid_model("perm {} is not a permutation", join(perm, ","));
  if (!in[0].rank_known()) {
    if (in[0].quantization && in[0].quantization->axis >= 0)
      return Error::not_supported("quantized by channel, of unknown rank");
    return Facts{out};
  }
  const std::vector<int64_t> order = permutation(in[0].rank());
  if (static_cast<int>(order.size()) != in[0].rank())
    return Error::invalid_model("perm has {} values, the input has rank {}", order.size(), in[0].rank());
  Dims dims;
  for (const int64_t axis : order) dims.push_back(in[0].dim(static_cast<int>(axis)));
  out.dims = std::move(dims);
  if (in[0].quantization && in[0].quantization->axis >= 0) {
    auto moved = std::make_shared<Quantization>(*in[0].quantization);
    moved->axis = static_cast<int>(std::find(order.begin(), order.end(), moved->axis) - order.begin());
    out.quantization = std::move(moved);
  }
  return Facts{out};
}

Result<Tensors> Transpose::eval(std::span<const Tensor> in) const {
  const Tensor& x = in[0];
  const std::vector<int64_t> order = permutation(x.rank());
  const Shape from_strides = x.shape().strides();
  Shape shape, strides;  // of the output; strides in the input's elements
  for (const int64_t axis : order) {
    shape.push_back(x.shape()[static_cast<int>(axis)]);
    strides.push_back(from_strides[static_cast<int>(axis)]);
  }
  TRY(Tensor out, Tensor::make(x.dtype(), shape));
  const size_t size = size_of(x.dtype());
  Shape index = shape;
  for (int axis = 0; axis < index.rank(); ++axis) index[axis] = 0;
  int64_t source = 0;
  for (int64_t i = 0; i < out.elements(); ++i) {
    std::memcpy(out.mutable_bytes() + static_cast<size_t>(i) * size,
                x.bytes() + static_cast<size_t>(source) * size, size);
    for (int axis = index.rank() - 1; axis >= 0; --axis) {
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return Tensors{out};
}

}  // namespace pochade
