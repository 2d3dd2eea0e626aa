#include "ops/quant/quantized.h"

#include <cmath>

#include "ops/elementwise/select.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantized_kinds.h"

namespace pochade {
namespace {

bool same_quantization(const std::shared_ptr<const Quantization>& a,
                       const std::shared_ptr<const Quantization>& b) {
  return a == b || (a && b && *a == *b);
}

std::string to_text(const Quantized::Type& type) {
  if (!type.dtype) return "as_is";
  std::string out(to_string(*type.dtype));
  if (!type.quantization) return out;
  if (type.quantization->axis >= 0) return format("{}*channel{}", out, type.quantization->axis);
  return format("{}*{}-{}", out, type.scale(), type.zero_point());
}

Status check_scale(float scale, bool may_be_zero) {
  if (std::isfinite(scale) && (scale > 0 || (may_be_zero && scale == 0))) return {};
  return Error::invalid_model("a scale is {}, expected a finite number above 0", scale);
}

/// The quantization fits the dtype and, where known, the dims.
Status check_type(const Quantized::Type& type, const Fact& fact) {
  if (!type.dtype) {
    if (type.quantization) return Error::invalid_model("has a quantization but no integer type");
    return {};
  }
  if (!is_integer(*type.dtype))
    return Error::not_supported("is {}, expected an integer type", to_string(*type.dtype));
  if (!type.quantization) return {};
  const Quantization& q = *type.quantization;
  if (q.block != 0) return Error::not_supported("quantization by blocks has no integer arithmetic");
  if (q.scale.empty() || (q.axis < 0 && q.scale.size() != 1))
    return Error::invalid_model("has {} scales, expected 1", q.scale.size());
  if (!q.zero_point.empty() && q.zero_point.size() != q.scale.size())
    return Error::invalid_model("has {} scales but {} zero points", q.scale.size(), q.zero_point.size());
  for (const float scale : q.scale) TRY(check_scale(scale, q.axis >= 0));
  for (const int32_t zero : q.zero_point)
    if (saturate_to(size_of(*type.dtype) <= 4 ? *type.dtype : DType::kI32, zero) != zero)
      return Error::invalid_model("the zero point {} does not fit into {}", zero, to_string(*type.dtype));
  if (q.axis < 0 || !fact.rank_known()) return {};
  if (q.axis >= fact.rank())
    return Error::invalid_model("is quantized along axis {}, but has rank {}", q.axis, fact.rank());
  const Dim& channels = fact.dim(q.axis);
  if (channels.is_number() && channels.number() != static_cast<int64_t>(q.scale.size()))
    return Error::invalid_model("has {} scales for {} channels", q.scale.size(), channels.number());
  return {};
}

/// Input i as `op` sees it: the same dims, in float.
Result<Fact> real_input(const Quantized::Type& type, const Fact& fact) {
  if (!fact.present()) return fact;
  TRY(check_type(type, fact));
  if (!type.dtype) {
    if (fact.quantization) return Error::invalid_model("is {}, expected real numbers", fact);
    return fact;
  }
  if (fact.dtype != type.dtype)
    return Error::invalid_model("is {}, expected {}", to_string(*fact.dtype), to_string(*type.dtype));
  if (fact.quantization && !same_quantization(fact.quantization, type.quantization))
    return Error::invalid_model("is quantized in another way than this node reads it ({})", to_text(type));
  return Fact(DType::kF32, fact.dims);
}

/// ONNX: real = (q - zero_point) * scale.
Result<Tensor> dequantize(const Tensor& x, const Quantized::Type& type) {
  if (!x.defined() || !type.dtype) return x;
  if (!type.quantization) return x.cast(DType::kF32);
  const Quantization& q = *type.quantization;
  TRY(const Tensor wide, x.cast(DType::kI64));
  TRY(Tensor y, Tensor::make(DType::kF32, x.shape()));
  const Shape channels = q.axis < 0 ? Shape{} : Shape{static_cast<int64_t>(q.scale.size())};
  TRY(const ScaleIndex index, ScaleIndex::make(x.shape(), channels, q.axis, 0));
  for (int64_t i = 0; i < x.elements(); ++i) {
    const size_t k = index.at(i);
    const int64_t zero = q.zero_point.empty() ? 0 : q.zero_point[k];
    y.mutable_data<float>()[static_cast<size_t>(i)] =
        static_cast<float>(wide.data<int64_t>()[static_cast<size_t>(i)] - zero) * q.scale[k];
  }
  return y;
}

/// ONNX: q = saturate(round(real / scale) + zero_point).
Result<Tensor> quantize(const Tensor& x, const Quantized::Type& type, const Activation& act) {
  if (!type.dtype) return x;
  TRY(Tensor y, Tensor::make(DType::kI64, x.shape()));
  const float scale = type.quantization ? type.scale() : 1;
  const double zero = type.quantization ? type.zero_point() : 0;
  for (size_t i = 0; i < static_cast<size_t>(x.elements()); ++i) {
    const float quotient = activate(x.data<float>()[i], act) / scale;
    y.mutable_data<int64_t>()[i] =
        saturate_to(*type.dtype, round_value(static_cast<double>(quotient), Rounding::kOnnx) + zero);
  }
  return y.cast(*type.dtype);
}

Result<Tensors> eval_onnx(const Quantized& quantized, std::span<const Tensor> in) {
  Tensors real;
  for (size_t i = 0; i < in.size(); ++i) {
    TRY(Tensor x, dequantize(in[i], quantized.in[i]));
    real.push_back(std::move(x));
  }
  TRY(Tensors out, quantized.op->eval(real));
  for (size_t i = 0; i < out.size(); ++i) {
    TRY(out[i], quantize(out[i], quantized.out[i], i == 0 ? quantized.act : Activation()));
  }
  return out;
}

/// Everything that the dump, equality and files need of a type; the text comes first, so that types never run
/// into each other.
void visit_type(const std::string& name, const Quantized::Type& type, FieldVisitor& visitor) {
  visitor.text(name, to_text(type));
  if (!type.dtype || !type.quantization || type.quantization->axis < 0) return;
  const Quantization& q = *type.quantization;
  const auto channels = static_cast<int64_t>(q.scale.size());
  visitor.tensor(name + "_scale", Tensor::of<float>({channels}, q.scale));
  if (std::any_of(q.zero_point.begin(), q.zero_point.end(), [](int32_t zero) { return zero != 0; }))
    visitor.tensor(name + "_zero_point", Tensor::of<int32_t>({channels}, q.zero_point));
}

}  // namespace

bool Quantized::Type::operator==(const Type& other) const {
  return dtype == other.dtype && same_quantization(quantization, other.quantization);
}

Quantized::Type quantized_type(DType dtype, float scale, int32_t zero_point) {
  return {dtype, std::make_shared<const Quantization>(Quantization{{scale}, {zero_point}, -1, 0})};
}

Quantized::Type quantized_type(DType dtype, std::vector<float> scales, int axis) {
  std::vector<int32_t> zeros(scales.size(), 0);
  return {dtype, std::make_shared<const Quantization>(Quantization{std::move(scales), zeros, axis, 0})};
}

std::string_view Quantized::name() const {
  if (op_as<Identity>(*op) != nullptr && in.size() == 1 && out.size() == 1) {
    if (!in[0].dtype && out[0].dtype) return "Quantize";
    if (in[0].dtype && !out[0].dtype) return "Dequantize";
    return "Requantize";
  }
  const QuantizedKind* kind = quantized_kind(op->name());
  return kind == nullptr ? kName : kind->name;
}

void Quantized::visit_fields(FieldVisitor& visitor) const {
  visitor.op("op", *op);
  for (size_t i = 0; i < in.size(); ++i) visit_type(format("in{}", i), in[i], visitor);
  for (size_t i = 0; i < out.size(); ++i) visit_type(format("out{}", i), out[i], visitor);
  if (!is_none(act)) visitor("act", act);
  visitor("rounding", rounding);
}

Result<Facts> Quantized::infer(std::span<const Fact> facts) const {
  if (op == nullptr) return Error::invalid_model("has no operator");
  if (facts.size() > in.size())
    return Error::invalid_model("has {} inputs, but the types of {}", facts.size(), in.size());
  Facts real;
  for (size_t i = 0; i < facts.size(); ++i) {
    TRY(Fact fact, real_input(in[i], facts[i]).context("input {}", i));
    real.push_back(std::move(fact));
  }
  TRY(Facts results, op->infer(real));
  if (results.size() != out.size())
    return Error::invalid_model("has {} outputs, but the types of {}", results.size(), out.size());
  for (size_t i = 0; i < results.size(); ++i) {
    if (!out[i].dtype) continue;
    TRY(check_type(out[i], results[i]).context("output {}", i));
    if (results[i].dtype != DType::kF32)
      return Error::not_supported("output {} is {}, which is not quantized", i, to_string(*results[i].dtype));
    if (out[i].quantization && out[i].quantization->axis >= 0 && rounding == Rounding::kOnnx)
      return Error::not_supported("output {} is quantized by channel, expected one scale", i);
    results[i] = Fact(*out[i].dtype, results[i].dims);
    results[i].quantization = out[i].quantization;
  }
  if (rounding == Rounding::kTflite) {
    const QuantizedKind* kind = quantized_kind(op->name());
    if (kind == nullptr || kind->eval == nullptr)
      return Error::not_supported("{} has no integer arithmetic", op->name());
    TRY(kind->check(*this, facts));
  }
  return results;
}

Result<Tensors> Quantized::eval(std::span<const Tensor> tensors) const {
  if (rounding == Rounding::kOnnx) return eval_onnx(*this, tensors);
  return quantized_kind(op->name())->eval(*this, tensors);
}

Cost Quantized::cost(std::span<const Fact> facts, std::span<const Fact> results) const {
  return {op->cost(facts, results).macs, bytes_of(facts) + bytes_of(results)};
}

bool Quantized::only_reshapes() const {
  if (!op->only_reshapes() || in.empty() || out.size() != 1 || !is_none(act)) return false;
  // TFLite's Reshape does not look at the scales; a Requantize does.
  const bool moves = rounding == Rounding::kTflite && op_as<Identity>(*op) == nullptr;
  return moves ? in[0].dtype == out[0].dtype : in[0] == out[0];
}

Status expect_same_type(const Quantized& quantized, std::initializer_list<DType> allowed) {
  const auto refuse = [&](const Quantized::Type& type, std::string_view what) -> Status {
    return Error::not_supported("{} of {} is {}, for which it has no integer arithmetic", what,
                                quantized.op->name(), to_text(type));
  };
  const Quantized::Type &x = quantized.in[0], &y = quantized.out[0];
  if (!x.dtype || std::find(allowed.begin(), allowed.end(), *x.dtype) == allowed.end() || !x.quantization ||
      x.quantization->axis >= 0)
    return refuse(x, "input 0");
  if (y.dtype != x.dtype || !y.quantization || y.quantization->axis >= 0) return refuse(y, "output 0");
  return {};
}

Status expect_bounds(const Quantized& quantized) {
  using Kind = Activation::Kind;
  const Kind kind = quantized.act.kind;
  if (kind == Kind::kNone || kind == Kind::kRelu || kind == Kind::kClip) return {};
  return Error::not_supported("the activation {} cannot be a bound of integers", to_string(kind));
}

Status expect_no_activation(const Quantized& quantized) {
  if (is_none(quantized.act)) return {};
  return Error::not_supported("{} takes no activation", quantized.op->name());
}

IntegerBounds output_bounds(const Quantized& quantized) {
  const Quantized::Type& y = quantized.out[0];
  IntegerBounds bounds = visit(*y.dtype, []<typename T>() -> IntegerBounds {
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 2 && !std::is_same_v<T, bool>)
      return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    return {};
  });
  if (!y.quantization) return bounds;
  const auto place = [&](float real) {
    const double rounded = round_value(static_cast<double>(real / y.scale()), quantized.rounding);
    const int32_t at =
        saturate_int32(static_cast<int64_t>(std::clamp(rounded, -1e12, 1e12)) + y.zero_point());
    // ONNX clamps the real number, and what comes of it lies within the dtype.
    return quantized.rounding == Rounding::kOnnx ? std::clamp(at, bounds.low, bounds.high) : at;
  };
  const Activation act = quantized.act;
  const IntegerBounds of_dtype = bounds;
  if (act.kind == Activation::Kind::kRelu) bounds.low = std::max(of_dtype.low, place(0));
  if (act.kind == Activation::Kind::kClip) {
    const int32_t low = place(act.a), high = place(act.b);
    bounds = {std::max(of_dtype.low, low), std::min(of_dtype.high, high)};
  }
  return bounds;
}

}  // namespace pochade
