#include <algorithm>
#include <bit>

#include "formats/onnx/export_scope.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/random.h"
#include "ops/elementwise/select.h"
#include "ops/shape/generate.h"

namespace pochade::onnx {
namespace {

/// Before opset 14 arithmetic was for floats and integers of 32 and 64 bits.
Status arithmetic(ExportScope& node) {
  const auto dtype = node.fact(0).dtype;
  if (dtype && is_integer(*dtype) && size_of(*dtype) < 4)
    TRY(node.needs_opset(14, format("{} of {}", node.any_op().name(), to_string(*dtype))));
  return node.emit(node.any_op().name(), node.inputs());
}

/// Relu has integers since opset 14.
Status relu(ExportScope& node) {
  const auto dtype = node.fact(0).dtype;
  if (!dtype || !is_integer(*dtype)) return node.emit("Relu", node.inputs());
  TRY(node.needs_opset(14, "Relu of integers"));
  return node.emit("Relu", node.inputs());
}

template <typename D>
Status with_alpha(ExportScope& node) {
  return node.emit(D::kName, node.inputs(), Attributes().number("alpha", node.op<D>().alpha));
}

Status selu(ExportScope& node) {
  const auto& op = node.op<Selu>();
  return node.emit("Selu", node.inputs(), Attributes().number("alpha", op.alpha).number("gamma", op.gamma));
}

Status hard_sigmoid(ExportScope& node) {
  const auto& op = node.op<HardSigmoid>();
  return node.emit("HardSigmoid", node.inputs(),
                   Attributes().number("alpha", op.alpha).number("beta", op.beta));
}

Status shrink(ExportScope& node) {
  const auto& op = node.op<Shrink>();
  return node.emit("Shrink", node.inputs(), Attributes().number("bias", op.bias).number("lambd", op.lambda));
}

Status gelu(ExportScope& node) {
  return node.emit("Gelu", node.inputs(),
                   Attributes().text("approximate", node.op<Gelu>().tanh_approximation ? "tanh" : "none"));
}

Status clip(ExportScope& node) {
  return node.emit("Clip", {node.input(0), node.scalar_input(1), node.scalar_input(2)});
}

/// The slope broadcasts to x alone; where x broadcasts to the slope: x < 0 ? x * slope : x.
Status prelu(ExportScope& node) {
  const Fact x = node.fact(0), slope = node.fact(1);
  bool one_way = !x.rank_known() || !slope.rank_known() || slope.rank() <= x.rank();
  if (x.rank_known() && slope.rank_known())
    for (int i = 1; i <= std::min(slope.rank(), x.rank()); ++i)
      one_way &= slope.dim(slope.rank() - i).is(1) || !x.dim(x.rank() - i).is(1);
  if (one_way) return node.emit("PRelu", node.inputs());
  TRY(const std::string zero, node.number(0, *x.dtype));
  const std::string negative = node.add("Less", {node.input(0), zero});
  return node.emit("Where", {negative, node.add("Mul", node.inputs()), node.input(0)});
}

Status mod(ExportScope& node) {
  return node.emit("Mod", node.inputs(), Attributes().integer("fmod", node.op<Mod>().fmod ? 1 : 0));
}

Status bit_shift(ExportScope& node) {
  return node.emit("BitShift", node.inputs(),
                   Attributes().text("direction", node.op<BitShift>().left ? "LEFT" : "RIGHT"));
}

Status is_inf(ExportScope& node) {
  const auto& op = node.op<IsInf>();
  return node.emit("IsInf", node.inputs(),
                   Attributes()
                       .integer("detect_negative", op.detect_negative ? 1 : 0)
                       .integer("detect_positive", op.detect_positive ? 1 : 0));
}

Status cast(ExportScope& node) {
  return node.emit("Cast", node.inputs(), Attributes().type("to", node.op<Cast>().to));
}

/// Before opset 15 there is only Cast.
Status cast_like(ExportScope& node) {
  if (node.opset() >= 15) return node.emit("CastLike", node.inputs());
  return node.emit("Cast", {node.input(0)}, Attributes().type("to", *node.fact(1).dtype));
}

Status dropout(ExportScope& node) {
  Attributes attributes;
  if (node.op<Dropout>().may_drop) attributes.integer("seed", node.op<Dropout>().seed);
  return node.emit("Dropout", node.inputs(), attributes);
}

/// A seed is a float in ONNX. One that no file gave is made of the node's name, which stays.
void add_seed(Attributes& attributes, int64_t seed) {
  if (seed >= 0 && seed <= int64_t{UINT32_MAX})
    attributes.number("seed", std::bit_cast<float>(static_cast<uint32_t>(seed)));
}

template <typename D>
Status random(ExportScope& node) {
  const auto& op = node.op<D>();
  constexpr bool kNormal = std::is_same_v<D, RandomNormal> || std::is_same_v<D, RandomNormalLike>;
  Attributes attributes;
  attributes.number(kNormal ? "mean" : "low", op.first).number(kNormal ? "scale" : "high", op.second);
  add_seed(attributes, op.seed);
  if constexpr (requires { op.shape; }) {
    attributes.type("dtype", op.dtype).integers("shape", op.shape);
  } else if (op.dtype) {
    attributes.type("dtype", *op.dtype);
  }
  return node.emit(D::kName, node.inputs(), attributes);
}

Status bernoulli(ExportScope& node) {
  const auto& op = node.op<Bernoulli>();
  Attributes attributes;
  add_seed(attributes, op.seed);
  if (op.dtype) attributes.type("dtype", *op.dtype);
  return node.emit("Bernoulli", node.inputs(), attributes);
}

Status multinomial(ExportScope& node) {
  const auto& op = node.op<Multinomial>();
  Attributes attributes;
  add_seed(attributes, op.seed);
  attributes.integer("sample_size", op.samples).type("dtype", op.dtype);
  return node.emit("Multinomial", node.inputs(), attributes);
}

Status eye_like(ExportScope& node) {
  const auto& op = node.op<EyeLike>();
  Attributes attributes;
  attributes.integer("k", op.k);
  if (op.dtype) attributes.type("dtype", *op.dtype);
  return node.emit("EyeLike", node.inputs(), attributes);
}

constexpr ExportRow kExportElementwiseRows[] = {
    {"Abs"},
    {"Acos"},
    {"Acosh"},
    {"Add", 1, arithmetic},
    {"And"},
    {"Asin"},
    {"Asinh"},
    {"Atan"},
    {"Atanh"},
    {"Bernoulli", 15, bernoulli},
    {"BitShift", 1, bit_shift},
    {"BitwiseAnd", 18},
    {"BitwiseNot", 18},
    {"BitwiseOr", 18},
    {"BitwiseXor", 18},
    {"Cast", 1, cast},
    {"CastLike", 1, cast_like},
    {"Ceil"},
    {"Celu", 1, with_alpha<Celu>},
    {"Clip", 1, clip},
    {"Cos"},
    {"Cosh"},
    {"Div", 1, arithmetic},
    {"Dropout", 1, dropout},
    {"Elu", 1, with_alpha<Elu>},
    {"Equal"},
    {"Erf"},
    {"Exp"},
    {"EyeLike", 1, eye_like},
    {"Floor"},
    {"Gelu", 20, gelu},
    {"Greater"},
    {"GreaterOrEqual"},
    {"HardSigmoid", 1, hard_sigmoid},
    {"HardSwish", 14},
    {"Identity"},
    {"IsInf", 1, is_inf},
    {"IsNaN"},
    {"LeakyRelu", 1, with_alpha<LeakyRelu>},
    {"Less"},
    {"LessOrEqual"},
    {"Log"},
    {"Max"},
    {"Mean"},
    {"Min"},
    {"Mish", 18},
    {"Mod", 1, mod},
    {"Mul", 1, arithmetic},
    {"Multinomial", 1, multinomial},
    {"Neg"},
    {"Not"},
    {"Or"},
    {"PRelu", 1, prelu},
    {"Pow"},
    {"RandomNormal", 1, random<RandomNormal>},
    {"RandomNormalLike", 1, random<RandomNormalLike>},
    {"RandomUniform", 1, random<RandomUniform>},
    {"RandomUniformLike", 1, random<RandomUniformLike>},
    {"Reciprocal"},
    {"Relu", 1, relu},
    {"Round"},
    {"Selu", 1, selu},
    {"Shrink", 1, shrink},
    {"Sigmoid"},
    {"Sign"},
    {"Sin"},
    {"Sinh"},
    {"Softplus"},
    {"Softsign"},
    {"Sqrt"},
    {"Sub", 1, arithmetic},
    {"Sum"},
    {"Tan"},
    {"Tanh"},
    {"ThresholdedRelu", 1, with_alpha<ThresholdedRelu>},
    {"Where"},
    {"Xor"},
};

}  // namespace

std::span<const ExportRow> elementwise_export_rows() {
  return kExportElementwiseRows;
}

}  // namespace pochade::onnx
