#include "ops/elementwise/binary.h"

namespace pochade {

Result<Facts> infer_binary(std::span<const Fact> in, unsigned types, bool gives_bool) {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_types(in[0], "input 0", types));
  if (in[0].dtype != in[1].dtype)
    return Error::invalid_model("the inputs are {} and {}, expected the same", to_string(*in[0].dtype),
                                to_string(*in[1].dtype));
  TRY(auto dims, broadcast(in));
  return Facts{Fact(gives_bool ? DType::kBool : *in[0].dtype, std::move(dims))};
}

Result<Tensors> eval_binary(std::span<const Tensor> in, const BinaryLoops& loops, bool gives_bool) {
  const DType wide = wide_dtype(in[0].dtype());
  TRY(const Tensor a, in[0].cast(wide));
  TRY(const Tensor b, in[1].cast(wide));
  TRY(const Shape shape, broadcast_shapes(std::array{a.shape(), b.shape()}));
  TRY(Tensor y, Tensor::make(gives_bool ? DType::kBool : wide, shape));
  loops.run(a, broadcast_strides(a.shape(), shape), b, broadcast_strides(b.shape(), shape), y);
  TRY(Tensor out, y.cast(gives_bool ? DType::kBool : in[0].dtype()));
  return Tensors{std::move(out)};
}

Result<Facts> Pow::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_types(in[0], "input 0", kNumberTypes));
  TRY(expect_types(in[1], "input 1", kNumberTypes));
  TRY(auto dims, broadcast(in));
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

namespace {

/// Modulo 2^64; what no integer can hold is 0, as 1/2 truncated is.
uint64_t integer_power(uint64_t base, bool base_is_signed, int64_t exponent) {
  if (exponent < 0) {
    const bool minus_one = base_is_signed && base == ~uint64_t{0};
    if (base == 1) return 1;
    return minus_one ? (exponent % 2 == 0 ? 1 : base) : 0;
  }
  uint64_t out = 1;
  for (; exponent != 0; exponent >>= 1, base *= base)
    if ((exponent & 1) != 0) out *= base;
  return out;
}

}  // namespace

Result<Tensors> Pow::eval(std::span<const Tensor> in) const {
  const DType dtype = in[0].dtype();
  const bool whole = is_integer(dtype) && is_integer(in[1].dtype());
  const DType wide = wide_dtype(dtype);
  TRY(const Tensor a, in[0].cast(wide));
  TRY(const Tensor b, in[1].cast(whole                                                 ? DType::kI64
                                 : wide == DType::kF32 && in[1].dtype() != DType::kF64 ? DType::kF32
                                                                                       : DType::kF64));
  TRY(const Shape shape, broadcast_shapes(std::array{a.shape(), b.shape()}));
  TRY(Tensor y, Tensor::make(wide, shape));
  const std::array strides{broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)};
  visit_wide<kNumberTypes>(wide, [&]<typename T>() {
    const T* from = a.data<T>().data();
    T* to = y.mutable_data<T>().data();
    walk<2>(shape, strides, [&](int64_t i, int64_t j) {
      const auto at = static_cast<size_t>(j);
      if (b.dtype() == DType::kF64)
        *to++ = saturate<T>(std::pow(static_cast<double>(from[i]), b.data<double>()[at]));
      else if (b.dtype() == DType::kF32)
        *to++ = static_cast<T>(std::pow(static_cast<float>(from[i]), b.data<float>()[at]));
      else
        *to++ = static_cast<T>(
            integer_power(static_cast<uint64_t>(from[i]), std::is_signed_v<T>, b.data<int64_t>()[at]));
    });
  });
  TRY(Tensor out, y.cast(dtype));
  return Tensors{std::move(out)};
}

}  // namespace pochade
