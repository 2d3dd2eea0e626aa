// Functions of two values, as TFLite's reference kernels compute them.

#include "ops/quant/tflite_functions.h"
#include "ops/quant/tflite_loops.h"
#include "ops/quant/tflite_parts.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

/// Both inputs and the output have one of these types; all have one scale.
Status check_operands(const Quantized& quantized, std::initializer_list<DType> allowed) {
  TRY(expect_same_type(quantized, allowed));
  const Type& b = quantized.in[1];
  if (b.dtype == quantized.in[0].dtype && b.quantization && b.quantization->axis < 0) return {};
  return Error::not_supported("input 1 of {} is not quantized as input 0 is", quantized.op->name());
}

bool is_comparison(const Op& op) {
  return op_as<Equal>(op) != nullptr || op_as<Greater>(op) != nullptr ||
         op_as<GreaterOrEqual>(op) != nullptr || op_as<Less>(op) != nullptr ||
         op_as<LessOrEqual>(op) != nullptr;
}

bool compare(const Op& op, int32_t a, int32_t b) {
  if (op_as<Equal>(op) != nullptr) return a == b;
  if (op_as<Greater>(op) != nullptr) return a > b;
  if (op_as<GreaterOrEqual>(op) != nullptr) return a >= b;
  if (op_as<Less>(op) != nullptr) return a < b;
  return a <= b;
}

}  // namespace

CommonScale common_scale(const Quantized& quantized, int left, bool squared) {
  const float a = quantized.in[0].scale(), b = quantized.in[1].scale(), y = quantized.out[0].scale();
  const double twice = 2 * static_cast<double>(std::max(a, b));
  CommonScale out;
  out.left = left;
  out.a = fixed_point(static_cast<double>(a) / twice);
  out.b = fixed_point(static_cast<double>(b) / twice);
  const double shifted =
      static_cast<double>(y) * static_cast<double>(int64_t{1} << (squared ? 2 * left : left));
  out.out = fixed_point((squared ? twice * twice : twice) / shifted);
  return out;
}

Status check_quantized_add(const Quantized& quantized, std::span<const Fact>) {
  TRY(check_operands(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  return expect_bounds(quantized);
}

Result<Tensors> eval_quantized_add(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const bool subtract = op_as<Sub>(*quantized.op) != nullptr;
  const CommonScale scale = common_scale(quantized, a.dtype == DType::kI16 ? 15 : 20, false);
  const IntegerBounds bounds = output_bounds(quantized);
  return zip_integers(*y.dtype, in[0], in[1], [&](int32_t qa, int32_t qb) {
    const int32_t from_a = multiply(wrap_int32(int64_t{qa - a.zero_point()} << scale.left), scale.a);
    const int32_t from_b = multiply(wrap_int32(int64_t{qb - b.zero_point()} << scale.left), scale.b);
    const int32_t sum = wrap_int32(int64_t{from_a} + (subtract ? -int64_t{from_b} : int64_t{from_b}));
    return bounds.clamp(wrap_int32(int64_t{multiply(sum, scale.out)} + y.zero_point()));
  });
}

Status check_quantized_mul(const Quantized& quantized, std::span<const Fact>) {
  TRY(check_operands(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  if (quantized.in[0].dtype == DType::kI16)
    for (const Type* type : {&quantized.in[0], &quantized.in[1], &quantized.out[0]})
      if (type->zero_point() != 0) return Error::not_supported("int16 values have a zero point, expected 0");
  return expect_bounds(quantized);
}

Result<Tensors> eval_quantized_mul(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const FixedPoint multiplier = fixed_point(static_cast<double>(a.scale() * b.scale() / y.scale()));
  const IntegerBounds bounds = output_bounds(quantized);
  return zip_integers(*y.dtype, in[0], in[1], [&](int32_t qa, int32_t qb) {
    const int32_t product = (qa - a.zero_point()) * (qb - b.zero_point());
    return bounds.clamp(wrap_int32(int64_t{multiply(product, multiplier)} + y.zero_point()));
  });
}

Status check_quantized_squared_difference(const Quantized& quantized, std::span<const Fact>) {
  TRY(check_operands(quantized, {DType::kI8}));
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_squared_difference(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const CommonScale scale = common_scale(quantized, 7, true);
  const IntegerBounds bounds = output_bounds(quantized);
  return zip_integers(*y.dtype, in[0], in[1], [&](int32_t qa, int32_t qb) {
    const int32_t difference = multiply((qa - a.zero_point()) * (1 << scale.left), scale.a) -
                               multiply((qb - b.zero_point()) * (1 << scale.left), scale.b);
    const int32_t square = wrap_int32(int64_t{difference} * difference);
    return bounds.clamp(wrap_int32(int64_t{multiply(square, scale.out)} + y.zero_point()));
  });
}

Status check_quantized_prelu(const Quantized& quantized, std::span<const Fact>) {
  TRY(check_operands(quantized, {DType::kI8, DType::kU8}));
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_prelu(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &slope = quantized.in[1], &y = quantized.out[0];
  const FixedPoint same = fixed_point(static_cast<double>(x.scale() / y.scale()));
  const FixedPoint less = fixed_point(static_cast<double>(x.scale() * slope.scale() / y.scale()));
  const IntegerBounds bounds = output_bounds(quantized);
  return zip_integers(*y.dtype, in[0], in[1], [&](int32_t q, int32_t q_slope) {
    const int32_t value = q - x.zero_point();
    const int32_t result =
        value >= 0 ? multiply(value, same) : multiply(value * (q_slope - slope.zero_point()), less);
    return bounds.clamp(result + y.zero_point());
  });
}

Status check_quantized_comparison(const Quantized& quantized, std::span<const Fact>) {
  const Type &a = quantized.in[0], &b = quantized.in[1];
  if (!is_comparison(*quantized.op) || quantized.out[0].dtype)
    return Error::invalid_model("{} does not give bool", quantized.op->name());
  for (const Type* type : {&a, &b})
    if (!type->quantization || type->quantization->axis >= 0 || size_of(*type->dtype) > 2)
      return Error::not_supported("{} compares 8 and 16-bit values with one scale only",
                                  quantized.op->name());
  if (a.dtype != b.dtype)
    return Error::invalid_model("{} compares {} with {}", quantized.op->name(), to_string(*a.dtype),
                                to_string(*b.dtype));
  return expect_no_activation(quantized);
}

int32_t comparable(const Quantized& quantized, size_t i, int32_t q) {
  const Type& type = quantized.in[i];
  // TFLite orders int16 values without looking at their scales.
  if (type.dtype == DType::kI16 && op_as<Equal>(*quantized.op) == nullptr) return q;
  constexpr int kLeft = 8;
  return multiply((q - type.zero_point()) * (1 << kLeft), fixed_point(static_cast<double>(type.scale())));
}

Result<Tensors> eval_quantized_comparison(const Quantized& quantized, std::span<const Tensor> in) {
  return zip_integers(DType::kBool, in[0], in[1], [&](int32_t qa, int32_t qb) {
    return compare(*quantized.op, comparable(quantized, 0, qa), comparable(quantized, 1, qb));
  });
}

}  // namespace pochade
