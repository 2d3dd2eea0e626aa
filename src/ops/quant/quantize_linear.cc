#include "ops/quant/quantize_linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pochade {
namespace {

constexpr auto kScaleTypes = {DType::kF32, DType::kF16, DType::kBF16};

/// Checks scale and zero point against x, as far as the facts tell.
Status check_parameters(std::span<const Fact> in, int64_t axis, int64_t block_size) {
  TRY(expect_inputs(in, 2, 3));
  TRY(expect_dtype(in[1], "scale", kScaleTypes));
  if (block_size < 0) return Error::invalid_model("block_size is {}, expected at least 0", block_size);
  const auto x = in[0].shape(), scale = in[1].shape();
  if (x && scale) TRY(ScaleIndex::make(*x, *scale, axis, block_size));
  if (in.size() < 3 || !in[2].present()) return {};
  const auto zero_point = in[2].shape();
  if (scale && zero_point && scale->elements() != zero_point->elements())
    return Error::invalid_model("scale has the shape {}, but zero_point {}", *scale, *zero_point);
  return {};
}

/// Zero points as int64; empty: all 0.
std::vector<int64_t> zero_points(std::span<const Tensor> in, size_t i) {
  return i < in.size() && in[i].defined() ? to_int64s(in[i]) : std::vector<int64_t>();
}

void store(Tensor& out, int64_t i, int64_t value) {
  visit(out.dtype(),
        [&]<typename T>() { reinterpret_cast<T*>(out.mutable_bytes())[i] = static_cast<T>(value); });
}

}  // namespace

Result<ScaleIndex> ScaleIndex::make(const Shape& x, const Shape& scale, int64_t axis, int64_t block_size) {
  ScaleIndex out;
  if (scale.rank() <= 1 && scale.elements() == 1 && block_size == 0) return out;
  const auto normal = normal_axis(axis, x.rank());
  if (!normal) return Error::invalid_model("axis {} is outside [{}, {})", axis, -x.rank(), x.rank());
  out.single_ = false;
  out.size_ = std::max<int64_t>(x[*normal], 1);
  out.inner_ = std::max<int64_t>(x.product(*normal + 1, x.rank()), 1);
  out.block_ = block_size;
  Shape expected{x[*normal]};
  if (block_size > 0) {
    expected = x;
    expected[*normal] = out.blocks_ = (x[*normal] + block_size - 1) / block_size;
  }
  if (scale != expected)
    return Error::invalid_model("scale has the shape {}, expected {} for x of {}", scale, expected, x);
  return out;
}

int64_t saturate_to(DType dtype, double value) {
  return visit(dtype, [&]<typename T>() -> int64_t {
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
      if (std::isnan(value)) return 0;
      return static_cast<int64_t>(std::clamp(value, static_cast<double>(std::numeric_limits<T>::min()),
                                             static_cast<double>(std::numeric_limits<T>::max())));
    } else {
      CHECK(false);
      return 0;
    }
  });
}

Result<Facts> QuantizeLinear::infer(std::span<const Fact> in) const {
  TRY(check_parameters(in, axis, block_size));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF16, DType::kBF16, DType::kI32}));
  Fact out(dtype, in[0].dims);
  if (in.size() > 2 && in[2].present()) out.dtype = in[2].dtype;
  TRY(expect_dtype(out, "y", {DType::kI8, DType::kU8, DType::kI16, DType::kU16}));
  return Facts{std::move(out)};
}

Result<Tensors> QuantizeLinear::eval(std::span<const Tensor> in) const {
  const Tensor& x = in[0];
  const DType y_dtype = in.size() > 2 && in[2].defined() ? in[2].dtype() : dtype;
  TRY(const ScaleIndex index, ScaleIndex::make(x.shape(), in[1].shape(), axis, block_size));
  TRY(Tensor y, Tensor::make(y_dtype, x.shape()));
  TRY(const Tensor wide, x.cast(DType::kF64));
  const std::vector<float> scales = to_floats(in[1]);
  const std::vector<int64_t> zeros = zero_points(in, 2);
  for (int64_t i = 0; i < x.elements(); ++i) {
    const size_t k = index.at(i);
    const double value = wide.data<double>()[static_cast<size_t>(i)];
    // A quotient of two floats is rounded to float before it is rounded to an integer, as every
    // implementation does.
    const double quotient =
        x.dtype() == DType::kI32 ? value / scales[k] : static_cast<float>(value) / scales[k];
    store(y, i,
          saturate_to(y_dtype, round_value(quotient, rounding) +
                                   (zeros.empty() ? 0.0 : static_cast<double>(zeros[k]))));
  }
  return Tensors{y};
}

Result<Facts> DequantizeLinear::infer(std::span<const Fact> in) const {
  TRY(check_parameters(in, axis, block_size));
  TRY(expect_dtype(in[0], "x", {DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32}));
  if (in.size() > 2 && in[2].present()) TRY(expect_dtype(in[2], "zero_point", {*in[0].dtype}));
  return Facts{Fact(*in[1].dtype, in[0].dims)};
}

Result<Tensors> DequantizeLinear::eval(std::span<const Tensor> in) const {
  const Tensor& x = in[0];
  TRY(const ScaleIndex index, ScaleIndex::make(x.shape(), in[1].shape(), axis, block_size));
  TRY(Tensor real, Tensor::make(DType::kF32, x.shape()));
  TRY(const Tensor wide, x.cast(DType::kI64));
  const std::vector<float> scales = to_floats(in[1]);
  const std::vector<int64_t> zeros = zero_points(in, 2);
  for (int64_t i = 0; i < x.elements(); ++i) {
    const size_t k = index.at(i);
    const int64_t centred = wide.data<int64_t>()[static_cast<size_t>(i)] - (zeros.empty() ? 0 : zeros[k]);
    real.mutable_data<float>()[static_cast<size_t>(i)] = static_cast<float>(centred) * scales[k];
  }
  TRY(Tensor y, real.cast(in[1].dtype()));
  return Tensors{y};
}

Result<Facts> DynamicQuantizeLinear::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kF32}));
  return Facts{Fact(DType::kU8, in[0].dims), Fact(DType::kF32, Shape{}), Fact(DType::kU8, Shape{})};
}

DynamicRange dynamic_range(float least, float most) {
  const float scale = most == least ? 1.0f : (most - least) / 255.0f;
  const double zero = round_value(static_cast<double>(-least / scale), Rounding::kOnnx);
  return {scale, static_cast<uint8_t>(saturate_to(DType::kU8, zero))};
}

Result<Tensors> DynamicQuantizeLinear::eval(std::span<const Tensor> in) const {
  float least = 0, most = 0;
  for (const float x : in[0].data<float>()) {
    least = std::min(least, x);
    most = std::max(most, x);
  }
  const auto [scale, zero_point] = dynamic_range(least, most);
  TRY(Tensor y, Tensor::make(DType::kU8, in[0].shape()));
  for (int64_t i = 0; i < y.elements(); ++i) {
    const double quotient = in[0].data<float>()[static_cast<size_t>(i)] / scale;
    const double whole = std::isnan(quotient) ? 0 : round_value(quotient, Rounding::kOnnx);
    store(y, i, saturate_to(DType::kU8, whole + zero_point));
  }
  return Tensors{y, Tensor::scalar(scale), Tensor::scalar(zero_point)};
}

}  // namespace pochade
