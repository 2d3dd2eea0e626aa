#include "ops/elementwise/select.h"

#include <cmath>
#include <cstring>

#include "ops/elementwise/random.h"

namespace pochade {

Result<Facts> Clip::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 3));
  TRY(expect_types(in[0], "the input", kNumberTypes));
  for (size_t i = 1; i < in.size(); ++i) {
    if (!in[i].present()) continue;
    if (in[i].dtype != in[0].dtype)
      return Error::invalid_model("a bound is {}, the input {}", to_string(*in[i].dtype),
                                  to_string(*in[0].dtype));
    if (const auto shape = in[i].shape(); shape && shape->elements() != 1)
      return Error::invalid_model("a bound has the shape {}, expected a scalar", *shape);
  }
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> Clip::eval(std::span<const Tensor> in) const {
  const DType wide = wide_dtype(in[0].dtype());
  TRY(const Tensor x, in[0].cast(wide));
  TRY(Tensor y, Tensor::make(wide, x.shape()));
  const bool has_low = in.size() > 1 && in[1].defined(), has_high = in.size() > 2 && in[2].defined();
  TRY(const Tensor low, has_low ? in[1].cast(wide) : x);
  TRY(const Tensor high, has_high ? in[2].cast(wide) : x);
  visit_wide<kNumberTypes>(wide, [&]<typename T>() {
    const auto from = x.data<T>();
    const auto to = y.mutable_data<T>();
    for (size_t i = 0; i < from.size(); ++i) {
      T value = from[i];
      if (has_low && value < low.data<T>()[0]) value = low.data<T>()[0];
      if (has_high && value > high.data<T>()[0]) value = high.data<T>()[0];
      to[i] = value;
    }
  });
  TRY(Tensor out, y.cast(in[0].dtype()));
  return Tensors{std::move(out)};
}

Result<Facts> Where::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  TRY(expect_dtype(in[0], "the condition", {DType::kBool}));
  if (in[1].dtype != in[2].dtype)
    return Error::invalid_model("the choices are {} and {}, expected the same", to_string(*in[1].dtype),
                                to_string(*in[2].dtype));
  TRY(auto dims, broadcast(in));
  return Facts{Fact(*in[1].dtype, std::move(dims))};
}

Result<Tensors> Where::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  Tensor& y = out[0];
  const size_t size = size_of(y.dtype());
  const auto condition = in[0].data<bool>();
  std::byte* to = y.mutable_bytes();
  const std::array strides{broadcast_strides(in[0].shape(), y.shape()),
                           broadcast_strides(in[1].shape(), y.shape()),
                           broadcast_strides(in[2].shape(), y.shape())};
  walk<3>(y.shape(), strides, [&](int64_t c, int64_t a, int64_t b) {
    const bool yes = condition[static_cast<size_t>(c)];
    std::memcpy(to, in[yes ? 1 : 2].bytes() + static_cast<size_t>(yes ? a : b) * size, size);
    to += size;
  });
  return out;
}

Result<Facts> IsNaN::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", kFloatTypes));
  return Facts{Fact(DType::kBool, in[0].dims)};
}

Result<Tensors> IsNaN::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  TRY(const Tensor x, in[0].cast(DType::kF64));
  for (int64_t i = 0; i < x.elements(); ++i) out[0].mutable_data<bool>()[i] = std::isnan(x.data<double>()[i]);
  return out;
}

Result<Facts> IsInf::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", kFloatTypes));
  return Facts{Fact(DType::kBool, in[0].dims)};
}

Result<Tensors> IsInf::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  TRY(const Tensor x, in[0].cast(DType::kF64));
  for (int64_t i = 0; i < x.elements(); ++i) {
    const double value = x.data<double>()[i];
    out[0].mutable_data<bool>()[i] = std::isinf(value) && (value < 0 ? detect_negative : detect_positive);
  }
  return out;
}

Result<Facts> Cast::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  return Facts{Fact(to, in[0].dims)};
}

Result<Tensors> Cast::eval(std::span<const Tensor> in) const {
  TRY(Tensor y, in[0].cast(to));
  return Tensors{std::move(y)};
}

Result<Facts> CastLike::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  return Facts{Fact(*in[1].dtype, in[0].dims)};
}

Result<Tensors> CastLike::eval(std::span<const Tensor> in) const {
  TRY(Tensor y, in[0].cast(in[1].dtype()));
  return Tensors{std::move(y)};
}

Result<Facts> Identity::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  return Facts{in[0]};
}

Result<Tensors> Identity::eval(std::span<const Tensor> in) const {
  return Tensors{in[0]};
}

Result<Facts> Dropout::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 3));
  if (in.size() > 2 && in[2].present()) {
    TRY(expect_dtype(in[2], "training_mode", {DType::kBool}));
    const bool surely_false =
        in[2].is_constant() && in[2].constant.elements() == 1 && !in[2].constant.data<bool>()[0];
    if (!may_drop && !surely_false) return Error::invalid_model("training_mode is not false");
  }
  Facts out{Fact(*in[0].dtype, in[0].dims)};
  if (!may_drop) out[0].quantization = in[0].quantization;
  if (gives_mask) out.emplace_back(DType::kBool, in[0].dims);
  return out;
}

Result<Tensors> Dropout::eval(std::span<const Tensor> in) const {
  const bool training = in.size() > 2 && in[2].defined() && in[2].elements() == 1 && in[2].data<bool>()[0];
  double ratio = 0;
  if (training)
    ratio = in[1].defined() && in[1].elements() == 1 ? static_cast<double>(to_floats(in[1])[0]) : 0.5;
  if (!(ratio >= 0 && ratio < 1)) return Error::invalid_argument("the ratio is {}", ratio);
  TRY(Tensor mask, Tensor::make(DType::kBool, in[0].shape()));
  const auto kept = mask.mutable_data<bool>();
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = random_uniform(seed, i) >= ratio;
  Tensors out{in[0]};
  if (ratio > 0) {
    TRY(Tensor y, in[0].cast(DType::kF64));
    for (size_t i = 0; i < kept.size(); ++i) {
      double& value = y.mutable_data<double>()[i];
      value = kept[i] ? value / (1 - ratio) : 0;
    }
    TRY(out[0], y.cast(in[0].dtype()));
  }
  if (gives_mask) out.push_back(std::move(mask));
  return out;
}

}  // namespace pochade
