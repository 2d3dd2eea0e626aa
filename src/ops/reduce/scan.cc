#include "ops/reduce/scan.h"

#include "ops/elementwise/wide.h"

namespace pochade {

Result<Facts> infer_arg(const ArgFields& fields, std::span<const Fact> in) {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", kNumberTypes));
  if (!in[0].rank_known()) return Facts{Fact(DType::kI64, std::nullopt)};
  TRY(const int axis, checked_axis(fields.axis, in[0].rank()));
  if (in[0].dim(axis).is(0)) return Error::invalid_argument("axis {} has no elements", axis);
  Dims dims = *in[0].dims;
  if (fields.keep_dims)
    dims[static_cast<size_t>(axis)] = 1;
  else
    dims.erase(dims.begin() + axis);
  return Facts{Fact(DType::kI64, std::move(dims))};
}

Result<Tensors> eval_arg(const ArgFields& fields, bool largest, std::span<const Tensor> in, Tensors out) {
  const Shape& shape = in[0].shape();
  TRY(const int axis, checked_axis(fields.axis, shape.rank()));
  const int64_t size = shape[axis], inner = shape.product(axis + 1, shape.rank());
  TRY(const Tensor x, in[0].cast(wide_dtype(in[0].dtype())));
  int64_t* to = out[0].mutable_data<int64_t>().data();
  visit_wide<kNumberTypes>(x.dtype(), [&]<typename T>() {
    const T* from = x.data<T>().data();
    for (int64_t i = 0; i < out[0].elements(); ++i) {
      const T* first = from + i / inner * size * inner + i % inner;
      int64_t best = 0;
      for (int64_t k = 1; k < size; ++k) {
        const T value = first[k * inner], leader = first[best * inner];
        if ((largest ? value > leader : value < leader) || (fields.select_last_index && value == leader))
          best = k;
      }
      to[i] = best;
    }
  });
  return out;
}

Result<Facts> CumSum::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_types(in[0], "the input", kNumberTypes));
  TRY(expect_dtype(in[1], "the axis", {DType::kI64, DType::kI32}));
  if (const auto axis = constant_ints(in[1]); axis && in[0].rank_known()) {
    if (axis->size() != 1) return Error::invalid_model("the axis has {} values, expected 1", axis->size());
    TRY(checked_axis((*axis)[0], in[0].rank()));
  }
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> CumSum::eval(std::span<const Tensor> in) const {
  TRY(infer(facts_of(in)));
  const Shape& shape = in[0].shape();
  const int axis = *normal_axis(to_int64s(in[1])[0], shape.rank());
  const int64_t size = shape[axis], inner = shape.product(axis + 1, shape.rank()),
                outer = shape.product(0, axis);
  const DType dtype = in[0].dtype();
  const DType wide = is_float(dtype) ? DType::kF64 : wide_dtype(dtype);
  TRY(const Tensor x, in[0].cast(wide));
  TRY(Tensor y, Tensor::make(wide, shape));
  visit_wide<kNumberTypes>(wide, [&]<typename T>() {
    using Sum = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;  // wraps
    for (int64_t i = 0; i < outer * inner && size > 0; ++i) {
      const int64_t base = i / inner * size * inner + i % inner;
      Sum sum = 0;
      for (int64_t k = 0; k < size; ++k) {
        const int64_t at = base + (reverse ? size - 1 - k : k) * inner;
        const Sum next = sum + static_cast<Sum>(x.data<T>()[static_cast<size_t>(at)]);
        y.mutable_data<T>()[static_cast<size_t>(at)] = static_cast<T>(exclusive ? sum : next);
        sum = next;
      }
    }
  });
  TRY(Tensor out, y.cast(dtype));
  return Tensors{std::move(out)};
}

}  // namespace pochade
