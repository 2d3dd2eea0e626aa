#include "formats/expand_quantized.h"

#include <algorithm>
#include <set>

#include "ops/elementwise/select.h"
#include "ops/elementwise/unary.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {
namespace {

/// Operators that give elements of their input as they are, whatever these mean.
bool moves_elements(const Op& op) {
  static const std::set<std::string_view> names = {
      "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity",  "Reshape",
      "Slice",  "SpaceToDepth", "Split",  "Squeeze", "Tile",   "Transpose", "Unsqueeze"};
  return names.contains(op.name());
}

/// Whether integers go in and out with one meaning.
bool keeps_meaning(const Quantized& op) {
  if (!is_none(op.act) || op.in.empty() || !op.in[0].dtype) return false;
  const auto other = [&](const Quantized::Type& type) { return type.dtype && !(type == op.in[0]); };
  if (op.in[0].quantization && op.in[0].quantization->axis >= 0) return false;
  return std::ranges::none_of(op.in, other) &&
         std::ranges::all_of(op.out, [&](const Quantized::Type& type) { return type == op.in[0]; });
}

template <typename D>
OpPtr along(int axis) {
  D op;
  op.axis = std::max(axis, 0);
  if (axis < 0) op.axis = D{}.axis;
  return make_op(op);
}

}  // namespace

Quantization product_quantization(const Quantization& x, const Quantization& w) {
  Quantization out;
  for (const float scale : w.scale) out.scale.push_back(x.scale[0] * scale);
  if (out.scale.size() > 1) out.axis = 0;
  return out;
}

Quantized::Type meant_type(const Quantized& op, size_t i) {
  const Quantized::Type& type = op.in[i];
  const bool is_bias =
      i == 2 && type.dtype && !type.quantization && op.in[0].quantization && op.in[1].quantization &&
      (op.op->name() == "Conv" || op.op->name() == "ConvTranspose" || op.op->name() == "Gemm");
  if (!is_bias) return type;
  return {type.dtype, std::make_shared<const Quantization>(
                          product_quantization(*op.in[0].quantization, *op.in[1].quantization))};
}

ValueId QuantizedExpander::scales(const std::string& name, const Quantization& quantization) {
  const bool single = quantization.axis < 0;
  const Shape shape = single ? Shape{} : Shape{static_cast<int64_t>(quantization.scale.size())};
  return copy_.constant(name + "/scale", Tensor::of<float>(shape, quantization.scale));
}

ValueId QuantizedExpander::zero_points(const std::string& name, const Quantization& quantization,
                                       DType dtype) {
  std::vector<int32_t> values = quantization.zero_point;
  values.resize(quantization.scale.size(), 0);
  const bool single = quantization.axis < 0;
  const Shape shape = single ? Shape{} : Shape{static_cast<int64_t>(values.size())};
  return copy_.constant(name + "/zero_point", Tensor::of<int32_t>(shape, values).cast(dtype).value());
}

Result<ValueId> QuantizedExpander::dequantized(const std::string& name, ValueId value,
                                               const Quantized::Type& type) {
  if (value == kNone || !type.dtype) return value;
  std::vector<Known>& known = known_[value];
  for (const Known& k : known)
    if (k.type == type) return k.real;
  ValueId real = kNone;
  if (!type.quantization) {
    TRY(real, add_(name, make_op<Cast>([](Cast& cast) { cast.to = DType::kF32; }), {value}));
  } else if (*type.dtype == DType::kI64) {
    TRY(real, real_constant(name, value, *type.quantization));
  } else {
    std::vector<ValueId> inputs{value, scales(name, *type.quantization)};
    if (*type.dtype != DType::kI32) inputs.push_back(zero_points(name, *type.quantization, *type.dtype));
    TRY(real, add_(name, along<DequantizeLinear>(type.quantization->axis), std::move(inputs)));
  }
  known_[value].push_back({type, real});
  return real;
}

/// Other formats have no quantized int64: such a bias becomes real numbers.
Result<ValueId> QuantizedExpander::real_constant(const std::string& name, ValueId value,
                                                 const Quantization& quantization) {
  const Fact& fact = copy_.graph().fact(value);
  if (!fact.is_constant() || fact.rank() != 1)
    return Error::not_supported("an int64 that is computed has no quantization in other formats");
  std::vector<float> numbers;
  const std::vector<int64_t> integers = to_int64s(fact.constant);
  const std::vector<float>& scale = quantization.scale;
  for (size_t i = 0; i < integers.size(); ++i)
    numbers.push_back(static_cast<float>(static_cast<double>(integers[i]) *
                                         static_cast<double>(scale[scale.size() == 1 ? 0 : i])));
  return copy_.constant(name, Tensor::of<float>({static_cast<int64_t>(numbers.size())}, numbers));
}

Result<ValueId> QuantizedExpander::quantized(const std::string& name, ValueId value,
                                             const Quantized::Type& type) {
  if (!type.dtype) return value;
  const bool is_wide = size_of(*type.dtype) > 2;
  if (is_wide && type.quantization)
    return Error::not_supported("{} has no quantization in other formats", to_string(*type.dtype));
  if (is_wide) {
    TRY(const ValueId round, add_(name + "/rounded", make_op(Round{}), {value}));
    return add_(name, make_op<Cast>([&](Cast& cast) { cast.to = *type.dtype; }), {round});
  }
  const Quantization quantization = type.quantization ? *type.quantization : Quantization{{1}, {0}, -1, 0};
  return add_(name, along<QuantizeLinear>(quantization.axis),
              {value, scales(name, quantization), zero_points(name, quantization, *type.dtype)});
}

Result<std::vector<ValueId>> QuantizedExpander::expand(const std::string& name, const Quantized& op,
                                                       const std::vector<ValueId>& in) {
  if (moves_elements(*op.op) && keeps_meaning(op)) return copy_.add_all(name, op.op, in);
  std::vector<ValueId> real;
  for (size_t i = 0; i < in.size(); ++i) {
    const Quantized::Type type = i < op.in.size() ? meant_type(op, i) : Quantized::Type{};
    TRY(real.emplace_back(), dequantized(format("{}/real{}", name, i), in[i], type));
  }
  std::vector<ValueId> out;
  if (op_as<Identity>(*op.op)) {
    out = {real.at(0)};
  } else if (op.out.size() == 1) {
    TRY(out.emplace_back(), add_(name + "/real", op.op, std::move(real)));
  } else {
    TRY(out, copy_.add_all(name + "/real", op.op, std::move(real)));
  }
  if (!is_none(op.act)) {
    TRY(out[0], add_activation_(name + "/activated", op.act, out[0]));
  }
  for (size_t i = 0; i < out.size() && i < op.out.size(); ++i) {
    TRY(out[i], quantized(i == 0 ? name : format("{}:{}", name, i), out[i], op.out[i]));
  }
  return out;
}

}  // namespace pochade
