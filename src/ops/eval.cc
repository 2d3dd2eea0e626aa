#include "ops/eval.h"

#include <algorithm>
#include <cstring>

namespace pochade {

Facts facts_of(std::span<const Tensor> in) {
  Facts out;
  out.reserve(in.size());
  for (const Tensor& tensor : in) out.push_back(tensor.defined() ? Fact(tensor) : Fact());
  return out;
}

Result<Tensors> make_outputs(const Op& op, std::span<const Tensor> in) {
  TRY(const Facts facts, op.infer(facts_of(in)));
  Tensors out;
  for (const Fact& fact : facts) {
    if (!fact.present()) {
      out.emplace_back();
      continue;
    }
    const auto shape = fact.shape();
    if (!shape) return Error::not_supported("the output has more than {} dimensions", kMaxRank);
    TRY(Tensor tensor, Tensor::make(*fact.dtype, *shape));
    out.push_back(std::move(tensor));
  }
  return out;
}

Result<int> checked_axis(int64_t axis, int rank) {
  const auto normal = normal_axis(axis, rank);
  if (!normal) return Error::invalid_model("axis {} is outside [{}, {})", axis, -rank, rank);
  return *normal;
}

Result<std::vector<int>> checked_axes(std::span<const int64_t> axes, int rank) {
  std::vector<int> out;
  for (const int64_t axis : axes) {
    TRY(const int normal, checked_axis(axis, rank));
    if (std::find(out.begin(), out.end(), normal) != out.end())
      return Error::invalid_model("axis {} is named twice", axis);
    out.push_back(normal);
  }
  return out;
}

Shape broadcast_strides(const Shape& in, const Shape& out) {
  const Shape dense = in.strides();
  Shape strides = out;
  for (int axis = 0; axis < out.rank(); ++axis) {
    const int own = axis - (out.rank() - in.rank());
    strides[axis] = own < 0 || in[own] == 1 ? 0 : dense[own];
  }
  return strides;
}

namespace {

template <size_t kBytes>
void move_sized(const std::byte* from, std::byte* to, const StridedMove& move) {
  constexpr auto kSize = static_cast<int64_t>(kBytes);
  walk<2>(move.dims, {move.x_strides, move.y_strides},
          [&](int64_t i, int64_t j) { std::memcpy(to + j * kSize, from + i * kSize, kBytes); });
}

}  // namespace

void move_elements(const Tensor& x, Tensor& y, const StridedMove& move) {
  const size_t size = size_of(x.dtype());
  const std::byte* from = x.bytes() + move.x_offset * static_cast<int64_t>(size);
  std::byte* to = y.mutable_bytes() + move.y_offset * static_cast<int64_t>(size);
  const auto move_all = size == 1   ? move_sized<1>
                        : size == 2 ? move_sized<2>
                        : size == 4 ? move_sized<4>
                                    : move_sized<8>;
  move_all(from, to, move);
}

Fact moved(const Fact& x, std::optional<Dims> dims) {
  Fact out(*x.dtype, std::move(dims));
  if (x.quantization && x.quantization->axis < 0) out.quantization = x.quantization;
  return out;
}

}  // namespace pochade
