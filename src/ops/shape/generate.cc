#include "ops/shape/generate.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/eval.h"

namespace pochade {

Result<std::optional<Dims>> dims_from(const Fact& sizes) {
  TRY(expect_dtype(sizes, "the shape", {DType::kI64, DType::kI32}));
  TRY(expect_rank(sizes, "the shape", 1, 1));
  if (const auto values = constant_ints(sizes)) {
    if (values->size() > kMaxRank)
      return Error::not_supported("a shape of {} dimensions, at most {}", values->size(), kMaxRank);
    if (!Shape(*values).checked_elements())
      return Error::invalid_model("the shape {} is impossible", Shape(*values));
    return std::optional<Dims>(Dims(values->begin(), values->end()));
  }
  if (!sizes.rank_known() || !sizes.dim(0).is_number()) return std::optional<Dims>();
  if (sizes.dim(0).number() > kMaxRank)
    return Error::not_supported("a shape of {} dimensions, at most {}", sizes.dim(0).number(), kMaxRank);
  return std::optional<Dims>(Dims(static_cast<size_t>(sizes.dim(0).number())));
}

namespace {

/// The axes that Shape reports: [begin, end).
std::pair<int, int> reported_axes(const ShapeOp& op, int rank) {
  const auto place = [rank](int64_t axis) {
    return static_cast<int>(std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank));
  };
  const int begin = place(op.start);
  return {begin, std::max(begin, place(op.end))};
}

}  // namespace

Result<Facts> ShapeOp::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  if (!in[0].rank_known()) return Facts{Fact(DType::kI64, Dims{Dim()})};
  const auto [begin, finish] = reported_axes(*this, in[0].rank());
  std::vector<int64_t> sizes;
  for (int axis = begin; axis < finish; ++axis) {
    if (!in[0].dim(axis).is_number()) return Facts{Fact(DType::kI64, Shape{finish - begin})};
    sizes.push_back(in[0].dim(axis).number());
  }
  return Facts{Fact(Tensor::of<int64_t>({finish - begin}, sizes))};
}

Result<Tensors> ShapeOp::eval(std::span<const Tensor> in) const {
  const auto [begin, finish] = reported_axes(*this, in[0].rank());
  const auto sizes =
      in[0].shape().dims().subspan(static_cast<size_t>(begin), static_cast<size_t>(finish - begin));
  return Tensors{Tensor::of<int64_t>({finish - begin}, {sizes.begin(), sizes.end()})};
}

Result<Facts> SizeOp::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  if (const auto shape = in[0].shape()) {
    const auto elements = shape->checked_elements();
    if (!elements) return Error::invalid_model("the shape {} is impossible", *shape);
    return Facts{Fact(Tensor::scalar<int64_t>(*elements))};
  }
  return Facts{Fact(DType::kI64, Shape{})};
}

Result<Tensors> SizeOp::eval(std::span<const Tensor> in) const {
  return Tensors{Tensor::scalar<int64_t>(in[0].elements())};
}

namespace {

template <typename T>
Result<int64_t> range_count(T start, T limit, T delta) {
  if (delta == T(0) || delta != delta) return Error::invalid_argument("delta is {}", delta);
  if constexpr (std::is_integral_v<T>) {
    if (limit == start || (limit > start) != (delta > 0)) return 0;
    // Differences of int64 need all bits of uint64.
    const auto from = static_cast<uint64_t>(start), to = static_cast<uint64_t>(limit),
               step = static_cast<uint64_t>(delta);
    const uint64_t distance = delta > 0 ? to - from : from - to, stride = delta > 0 ? step : 0 - step;
    const uint64_t count = distance / stride + (distance % stride != 0);
    return static_cast<int64_t>(std::min<uint64_t>(count, INT64_MAX));
  } else {
    const double count =
        std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    if (!(count < 0x1p62))
      return Error::invalid_argument("a range from {} to {} by {} has no end", start, limit, delta);
    return count > 0 ? static_cast<int64_t>(count) : 0;
  }
}

/// float and double for floats, int64 for integers.
template <typename F>
auto visit_range(DType dtype, F&& f) {
  if (dtype == DType::kF64) return f.template operator()<double>();
  if (is_float(dtype)) return f.template operator()<float>();
  return f.template operator()<int64_t>();
}
DType range_wide(DType dtype) {
  return dtype == DType::kF64 ? dtype : is_float(dtype) ? DType::kF32 : DType::kI64;
}

Result<std::array<Tensor, 3>> range_inputs(std::span<const Tensor> in) {
  std::array<Tensor, 3> out;
  for (size_t i = 0; i < 3; ++i) {
    if (in[i].elements() != 1)
      return Error::invalid_model("input {} has the shape {}, expected a scalar", i, in[i].shape());
    TRY(out[i], in[i].cast(range_wide(in[i].dtype())));
  }
  return out;
}

Result<int64_t> range_count(const std::array<Tensor, 3>& in) {
  return visit_range(in[0].dtype(), [&]<typename T>() {
    return range_count<T>(in[0].data<T>()[0], in[1].data<T>()[0], in[2].data<T>()[0]);
  });
}

}  // namespace

Result<Facts> RangeOp::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  if (*in[0].dtype == DType::kBool) return Error::invalid_model("the start is bool");
  if (in[0].dtype != in[1].dtype || in[0].dtype != in[2].dtype)
    return Error::invalid_model("start, limit and delta have different types");
  if (!in[0].is_constant() || !in[1].is_constant() || !in[2].is_constant())
    return Facts{Fact(*in[0].dtype, Dims{Dim()})};
  TRY(const auto inputs, range_inputs(std::array{in[0].constant, in[1].constant, in[2].constant}));
  TRY(const int64_t count, range_count(inputs));
  return Facts{Fact(*in[0].dtype, Dims{Dim(count)})};
}

Result<Tensors> RangeOp::eval(std::span<const Tensor> in) const {
  TRY(const auto inputs, range_inputs(in));
  TRY(const int64_t count, range_count(inputs));
  TRY(Tensor wide, Tensor::make(inputs[0].dtype(), Shape{count}));
  visit_range(wide.dtype(), [&]<typename T>() {
    const T start = inputs[0].data<T>()[0], delta = inputs[2].data<T>()[0];
    const auto to = wide.mutable_data<T>();
    for (size_t i = 0; i < to.size(); ++i) {
      if constexpr (std::is_integral_v<T>)
        to[i] = static_cast<T>(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(delta));
      else
        to[i] = start + static_cast<T>(i) * delta;
    }
    return 0;
  });
  TRY(Tensor out, wide.cast(in[0].dtype()));
  return Tensors{std::move(out)};
}

Result<Facts> ConstantOfShape::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  if (value.elements() != 1)
    return Error::invalid_model("value has {} elements, expected 1", value.elements());
  TRY(auto dims, dims_from(in[0]));
  return Facts{Fact(value.dtype(), std::move(dims))};
}

Result<Tensors> ConstantOfShape::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const size_t size = size_of(value.dtype());
  for (int64_t i = 0; i < out[0].elements(); ++i)
    std::memcpy(out[0].mutable_bytes() + static_cast<size_t>(i) * size, value.bytes(), size);
  return out;
}

Result<Facts> EyeLike::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_rank(in[0], "the input", 2, 2));
  return Facts{Fact(dtype.value_or(*in[0].dtype), in[0].dims)};
}

Result<Tensors> EyeLike::eval(std::span<const Tensor> in) const {
  const Shape& shape = in[0].shape();
  TRY(Tensor eye, Tensor::make(DType::kU8, shape));
  for (int64_t row = 0; row < shape[0]; ++row) {
    const auto column = checked_add(row, k);
    if (column && *column >= 0 && *column < shape[1])
      eye.mutable_data<uint8_t>()[row * shape[1] + *column] = 1;
  }
  TRY(Tensor out, eye.cast(dtype.value_or(in[0].dtype())));
  return Tensors{std::move(out)};
}

}  // namespace pochade
