#pragma once
// What the oracles of quantized elementwise operators share: every element as an int64, whatever its type.

#include "ops/eval.h"
#include "ops/quant/quantized_kinds.h"

namespace pochade {

/// A tensor of this integer type; values beyond it saturate.
inline Result<Tensor> integer_tensor(DType dtype, const Shape& shape, std::span<const int64_t> values) {
  TRY(Tensor wide, Tensor::make(DType::kI64, shape));
  std::copy(values.begin(), values.end(), wide.mutable_data<int64_t>().begin());
  return wide.cast(dtype);
}

/// y = f(x) as the type of output 0.
template <typename F>
Result<Tensors> map_integers(const Quantized& quantized, const Tensor& x, F&& f) {
  std::vector<int64_t> values = to_int64s(x);
  for (int64_t& v : values) v = f(static_cast<int32_t>(v));
  TRY(Tensor y, integer_tensor(*quantized.out[0].dtype, x.shape(), values));
  return Tensors{y};
}

/// y = f(a, b), broadcast, as `dtype`.
template <typename F>
Result<Tensors> zip_integers(DType dtype, const Tensor& a, const Tensor& b, F&& f) {
  const Shape shapes[] = {a.shape(), b.shape()};
  TRY(const Shape shape, broadcast_shapes(shapes));
  const std::vector<int64_t> from_a = to_int64s(a), from_b = to_int64s(b);
  std::vector<int64_t> values;
  values.reserve(static_cast<size_t>(shape.elements()));
  walk<2>(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)},
          [&](int64_t i, int64_t j) {
            values.push_back(f(static_cast<int32_t>(from_a[static_cast<size_t>(i)]),
                               static_cast<int32_t>(from_b[static_cast<size_t>(j)])));
          });
  TRY(Tensor y, integer_tensor(dtype, shape, values));
  return Tensors{y};
}

}  // namespace pochade
