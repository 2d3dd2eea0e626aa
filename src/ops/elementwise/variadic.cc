#include "ops/elementwise/variadic.h"

namespace pochade {
namespace {

Result<Facts> infer_variadic(std::span<const Fact> in, unsigned types) {
  if (in.empty()) return Error::invalid_model("has no inputs, expected one or more");
  for (const Fact& fact : in) {
    TRY(expect_types(fact, "an input", types));
    if (fact.dtype != in[0].dtype)
      return Error::invalid_model("the inputs are {} and {}, expected the same", to_string(*in[0].dtype),
                                  to_string(*fact.dtype));
  }
  TRY(auto dims, broadcast(in));
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

/// y = f(f(in0, in1), in2).., then finish(y).
template <unsigned kTypes, typename F, typename G>
Result<Tensors> eval_variadic(std::span<const Tensor> in, F&& combine, G&& finish) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : in) shapes.push_back(tensor.shape());
  TRY(const Shape shape, broadcast_shapes(shapes));
  const DType dtype = in[0].dtype();
  TRY(Tensor y, Tensor::make(wide_dtype(dtype), shape));
  for (size_t k = 0; k < in.size(); ++k) {
    TRY(const Tensor x, in[k].cast(wide_dtype(dtype)));
    visit_wide<kTypes>(x.dtype(), [&]<typename T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      walk<1>(shape, {broadcast_strides(x.shape(), shape)}, [&](int64_t i) {
        *to = k == 0 ? from[i] : combine(*to, from[i]);
        ++to;
      });
    });
  }
  visit_wide<kTypes>(y.dtype(), [&]<typename T>() {
    for (T& value : y.mutable_data<T>()) value = finish(value);
  });
  TRY(Tensor out, y.cast(dtype));
  return Tensors{std::move(out)};
}

constexpr auto kAsIs = [](auto value) { return value; };

}  // namespace

Result<Facts> Min::infer(std::span<const Fact> in) const {
  return infer_variadic(in, kNumberTypes);
}
Result<Facts> Max::infer(std::span<const Fact> in) const {
  return infer_variadic(in, kNumberTypes);
}
Result<Facts> Sum::infer(std::span<const Fact> in) const {
  return infer_variadic(in, kFloatTypes);
}
Result<Facts> Mean::infer(std::span<const Fact> in) const {
  return infer_variadic(in, kFloatTypes);
}

Result<Tensors> Min::eval(std::span<const Tensor> in) const {
  return eval_variadic<kNumberTypes>(in, [](auto a, auto b) { return a < b || a != a ? a : b; }, kAsIs);
}

Result<Tensors> Max::eval(std::span<const Tensor> in) const {
  return eval_variadic<kNumberTypes>(in, [](auto a, auto b) { return a > b || a != a ? a : b; }, kAsIs);
}

Result<Tensors> Sum::eval(std::span<const Tensor> in) const {
  return eval_variadic<kFloatTypes>(in, [](auto a, auto b) { return a + b; }, kAsIs);
}

Result<Tensors> Mean::eval(std::span<const Tensor> in) const {
  return eval_variadic<kFloatTypes>(
      in, [](auto a, auto b) { return a + b; },
      [&](auto sum) { return sum / static_cast<decltype(sum)>(in.size()); });
}

}  // namespace pochade
