#include <bit>

#include "formats/onnx/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/random.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/shape/generate.h"

namespace pochade::onnx {
namespace {

/// One attribute, "alpha".
template <typename D>
Status with_alpha(NodeScope& node) {
  D op;
  TRY(op.alpha, node.number("alpha", op.alpha));
  return node.emit(op);
}

Status selu(NodeScope& node) {
  Selu op;
  TRY(op.alpha, node.number("alpha", op.alpha));
  TRY(op.gamma, node.number("gamma", op.gamma));
  return node.emit(op);
}

Status hard_sigmoid(NodeScope& node) {
  HardSigmoid op;
  TRY(op.alpha, node.number("alpha", op.alpha));
  TRY(op.beta, node.number("beta", op.beta));
  return node.emit(op);
}

Status shrink(NodeScope& node) {
  Shrink op;
  TRY(op.bias, node.number("bias", op.bias));
  TRY(op.lambda, node.number("lambd", op.lambda));
  return node.emit(op);
}

Status gelu(NodeScope& node) {
  TRY(const std::string approximate, node.text("approximate", "none"));
  const bool is_tanh = approximate == "tanh";
  if (!is_tanh && approximate != "none") return Error::invalid_model("approximate is \"{}\"", approximate);
  Gelu op;
  op.tanh_approximation = is_tanh;
  return node.emit(op);
}

Status clip(NodeScope& node) {
  TRY(const ValueId x, node.required_input(0));
  const auto dtype = node.fact_of(x).dtype;
  TRY(const ValueId low, node.option_value("min", 1, dtype));
  TRY(const ValueId high, node.option_value("max", 2, dtype));
  return node.emit(Clip{}, {x, low, high});
}

Status mod(NodeScope& node) {
  Mod op;
  TRY(op.fmod, node.flag("fmod", false));
  return node.emit(op);
}

Status bit_shift(NodeScope& node) {
  BitShift op;
  TRY(const std::string direction, node.text("direction"));
  if (direction != "LEFT" && direction != "RIGHT")
    return Error::invalid_model("direction is \"{}\"", direction);
  op.left = direction == "LEFT";
  return node.emit(op);
}

Status is_inf(NodeScope& node) {
  IsInf op;
  TRY(op.detect_negative, node.flag("detect_negative", true));
  TRY(op.detect_positive, node.flag("detect_positive", true));
  return node.emit(op);
}

Status cast(NodeScope& node) {
  Cast op;
  TRY(op.to, node.dtype("to"));
  node.ignore("saturate");  // for float8 only
  return node.emit(op);
}

Status cast_like(NodeScope& node) {
  node.ignore("saturate");
  return node.emit(CastLike{});
}

/// The seed that the file gives, else one made of the node's name: the same values in every run of the same
/// file.
Result<int64_t> seed_of(NodeScope& node) {
  if (node.has("seed")) {
    if (node.op_type() == "Dropout") return node.integer("seed", 0);  // a number everywhere else
    TRY(const float seed, node.number("seed"));
    return static_cast<int64_t>(std::bit_cast<uint32_t>(seed));
  }
  uint64_t hash = 1469598103934665603u;  // FNV-1a
  for (const char c : node.name()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int64_t>(hash);
}

Status dropout(NodeScope& node) {
  node.ignore("ratio");  // for training only
  Dropout op;
  TRY(op.seed, seed_of(node));
  op.gives_mask = node.wants_output(1);
  const Tensor training = node.fact(2).constant;
  op.may_drop =
      node.has_input(2) && !(training.defined() && training.elements() == 1 && to_int64s(training)[0] == 0);
  TRY(auto outputs, node.add_all(make_op(op), node.inputs()));
  TRY(node.set_output(0, outputs[0]));
  if (!op.gives_mask) return {};
  if (node.opset() < 10) {  // the mask had the input's type
    Cast mask;
    mask.to = *node.fact_of(outputs[0]).dtype;
    TRY(outputs[1], node.add(mask, {outputs[1]}));
  }
  return node.set_output(1, outputs[1]);
}

/// alpha * x + beta, of the experimental operators of early files.
Status affine(NodeScope& node) {
  TRY(const float alpha, node.number("alpha", 1));
  TRY(const float beta, node.number("beta", 0));
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId scaled, node.add(Mul{}, {x, node.scalar(alpha)}));
  return node.emit(Add{}, {scaled, node.scalar(beta)});
}

/// scale * x + bias[c], x: N,C,H,W, of the experimental operators of early files.
Status image_scaler(NodeScope& node) {
  TRY(const float scale, node.number("scale", 1));
  TRY(const std::vector<float> bias, node.numbers("bias"));
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId scaled, node.add(Mul{}, {x, node.scalar(scale)}));
  if (bias.empty()) return node.set_output(0, scaled);
  return node.emit(
      Add{}, {scaled, node.constant(Tensor::of<float>({static_cast<int64_t>(bias.size()), 1, 1}, bias))});
}

/// RandomUniform, RandomNormal and their Like forms.
template <typename D>
Status random(NodeScope& node) {
  D op;
  const bool is_normal = std::is_same_v<D, RandomNormal> || std::is_same_v<D, RandomNormalLike>;
  TRY(op.seed, seed_of(node));
  TRY(op.first, node.number(is_normal ? "mean" : "low", 0));
  TRY(op.second, node.number(is_normal ? "scale" : "high", 1));
  if constexpr (requires { op.shape; }) {
    TRY(op.dtype, node.dtype("dtype", DType::kF32));
    TRY(op.shape, node.integers("shape"));
  } else if (node.has("dtype")) {
    TRY(op.dtype, node.dtype("dtype"));
  }
  return node.emit(op);
}

Status bernoulli(NodeScope& node) {
  Bernoulli op;
  TRY(op.seed, seed_of(node));
  if (node.has("dtype")) {
    TRY(op.dtype, node.dtype("dtype"));
  }
  return node.emit(op);
}

Status multinomial(NodeScope& node) {
  Multinomial op;
  TRY(op.seed, seed_of(node));
  TRY(op.samples, node.integer("sample_size", 1));
  TRY(op.dtype, node.dtype("dtype", DType::kI32));
  return node.emit(op);
}

Status eye_like(NodeScope& node) {
  EyeLike op;
  TRY(op.k, node.integer("k", 0));
  if (node.has("dtype")) {
    TRY(op.dtype, node.dtype("dtype"));
  }
  return node.emit(op);
}

constexpr Row kElementwiseRows[] = {
    {"", "Abs", 1, kLatest, plain<Abs>},
    {"", "Acos", 7, kLatest, plain<Acos>},
    {"", "Acosh", 9, kLatest, plain<Acosh>},
    {"", "Add", 7, kLatest, plain<Add>},
    {"", "Affine", 1, kLatest, affine},
    {"", "And", 7, kLatest, plain<And>},
    {"", "Asin", 7, kLatest, plain<Asin>},
    {"", "Asinh", 9, kLatest, plain<Asinh>},
    {"", "Atan", 7, kLatest, plain<Atan>},
    {"", "Atanh", 9, kLatest, plain<Atanh>},
    {"", "Bernoulli", 15, kLatest, bernoulli},
    {"", "BitShift", 11, kLatest, bit_shift},
    {"", "BitwiseAnd", 18, kLatest, plain<BitwiseAnd>},
    {"", "BitwiseNot", 18, kLatest, plain<BitwiseNot>},
    {"", "BitwiseOr", 18, kLatest, plain<BitwiseOr>},
    {"", "BitwiseXor", 18, kLatest, plain<BitwiseXor>},
    {"", "Cast", 6, kLatest, cast},
    {"", "CastLike", 15, kLatest, cast_like},
    {"", "Ceil", 6, kLatest, plain<Ceil>},
    {"", "Celu", 12, kLatest, with_alpha<Celu>},
    {"", "Clip", 6, kLatest, clip},
    {"", "Cos", 7, kLatest, plain<Cos>},
    {"", "Cosh", 9, kLatest, plain<Cosh>},
    {"", "Div", 7, kLatest, plain<Div>},
    {"", "Dropout", 7, kLatest, dropout},
    {"", "Elu", 6, kLatest, with_alpha<Elu>},
    {"", "Equal", 7, kLatest, plain<Equal>},
    {"", "Erf", 9, kLatest, plain<Erf>},
    {"", "Exp", 6, kLatest, plain<Exp>},
    {"", "EyeLike", 9, kLatest, eye_like},
    {"", "Floor", 6, kLatest, plain<Floor>},
    {"", "Gelu", 20, kLatest, gelu},
    {"com.microsoft", "Gelu", 1, kLatest, plain<Gelu>},
    {"", "Greater", 7, kLatest, plain<Greater>},
    {"", "GreaterOrEqual", 12, kLatest, plain<GreaterOrEqual>},
    {"", "HardSigmoid", 6, kLatest, hard_sigmoid},
    {"", "HardSwish", 14, kLatest, plain<HardSwish>},
    {"", "Identity", 1, kLatest, plain<Identity>},
    {"", "ImageScaler", 1, kLatest, image_scaler},
    {"", "IsInf", 10, kLatest, is_inf},
    {"", "IsNaN", 9, kLatest, plain<IsNaN>},
    {"", "LeakyRelu", 6, kLatest, with_alpha<LeakyRelu>},
    {"", "Less", 7, kLatest, plain<Less>},
    {"", "LessOrEqual", 12, kLatest, plain<LessOrEqual>},
    {"", "Log", 6, kLatest, plain<Log>},
    {"", "Max", 6, kLatest, plain<Max>},
    {"", "Mean", 6, kLatest, plain<Mean>},
    {"", "Min", 6, kLatest, plain<Min>},
    {"", "Mish", 18, kLatest, plain<Mish>},
    {"", "Mod", 10, kLatest, mod},
    {"", "Mul", 7, kLatest, plain<Mul>},
    {"", "Multinomial", 7, kLatest, multinomial},
    {"", "Neg", 6, kLatest, plain<Neg>},
    {"", "Not", 1, kLatest, plain<Not>},
    {"", "Or", 7, kLatest, plain<Or>},
    {"", "PRelu", 7, kLatest, plain<PRelu>},
    {"", "Pow", 7, kLatest, plain<Pow>},
    {"", "RandomNormal", 1, kLatest, random<RandomNormal>},
    {"", "RandomNormalLike", 1, kLatest, random<RandomNormalLike>},
    {"", "RandomUniform", 1, kLatest, random<RandomUniform>},
    {"", "RandomUniformLike", 1, kLatest, random<RandomUniformLike>},
    {"", "Reciprocal", 6, kLatest, plain<Reciprocal>},
    {"", "Relu", 6, kLatest, plain<Relu>},
    {"", "Round", 11, kLatest, plain<Round>},
    {"", "Selu", 6, kLatest, selu},
    {"", "Shrink", 9, kLatest, shrink},
    {"", "Sigmoid", 6, kLatest, plain<Sigmoid>},
    {"", "Sign", 9, kLatest, plain<Sign>},
    {"", "Sin", 7, kLatest, plain<Sin>},
    {"", "Sinh", 9, kLatest, plain<Sinh>},
    {"", "Softplus", 1, kLatest, plain<Softplus>},
    {"", "Softsign", 1, kLatest, plain<Softsign>},
    {"", "Sqrt", 6, kLatest, plain<Sqrt>},
    {"", "Sub", 7, kLatest, plain<Sub>},
    {"", "Sum", 6, kLatest, plain<Sum>},
    {"", "Tan", 7, kLatest, plain<Tan>},
    {"", "Tanh", 6, kLatest, plain<Tanh>},
    {"", "ThresholdedRelu", 1, kLatest, with_alpha<ThresholdedRelu>},
    {"", "Where", 9, kLatest, plain<Where>},
    {"", "Xor", 7, kLatest, plain<Xor>},
};

}  // namespace

std::span<const Row> elementwise_rows() {
  return kElementwiseRows;
}

}  // namespace pochade::onnx
