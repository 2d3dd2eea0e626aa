// Arithmetic, comparisons and functions, element by element.

#include "formats/tflite/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/atan2.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/random.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/quant/tflite_functions.h"

namespace pochade::tflite {
namespace {

/// No options; the inputs in the same order.
template <typename D>
Status plain(NodeScope& node) {
  TRY(std::vector<ValueId> inputs, node.inputs());
  return node.emit(D{}, std::move(inputs));
}

/// Two inputs and a fused activation.
template <typename D>
Status with_activation(NodeScope& node) {
  node.ignore("pot_scale_int16");  // of scales that are powers of two: the general arithmetic includes them
  TRY(const Activation act, node.activation());
  TRY(const ValueId a, node.required(0));
  TRY(const ValueId b, node.required(1));
  return node.emit(D{}, {a, b}, act);
}

Status clip(NodeScope& node, float low, float high) {
  TRY(const ValueId x, node.required(0));
  const DType dtype = node.is_quantized(x) ? DType::kF32 : *node.fact(x).dtype;
  TRY(const ValueId a, node.scalar_of(dtype, static_cast<double>(low)));
  TRY(const ValueId b, node.scalar_of(dtype, static_cast<double>(high)));
  return node.emit(Clip{}, {x, a, b});
}
Status relu6(NodeScope& node) {
  return clip(node, 0, 6);
}
Status relu_n1_to_1(NodeScope& node) {
  return clip(node, -1, 1);
}
Status relu_0_to_1(NodeScope& node) {
  return clip(node, 0, 1);
}

Status leaky_relu(NodeScope& node) {
  LeakyRelu op;
  TRY(op.alpha, node.number("alpha", 0));
  TRY(const ValueId x, node.required(0));
  return node.emit(op, {x});
}

Status gelu(NodeScope& node) {
  Gelu op;
  TRY(op.tanh_approximation, node.flag("approximate", false));
  TRY(const ValueId x, node.required(0));
  return node.emit(op, {x});
}

Status square(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  return node.emit(Mul{}, {x, x});
}

Status squared_difference(NodeScope& node) {
  TRY(const ValueId a, node.required(0));
  TRY(const ValueId b, node.required(1));
  if (node.is_quantized(a) || node.is_quantized(b)) return node.emit(SquaredDifference{}, {a, b});
  TRY(const ValueId difference, node.add(Sub{}, {a, b}));
  return node.emit(Mul{}, {difference, difference});
}

Status rsqrt(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  if (node.is_quantized(x)) return node.emit(Rsqrt{}, {x});
  TRY(const ValueId root, node.add(Sqrt{}, {x}));
  return node.emit(Reciprocal{}, {root});
}

/// Towards minus infinity.
Status floor_div(NodeScope& node) {
  TRY(const ValueId a, node.required(0));
  TRY(const ValueId b, node.required(1));
  if (is_float(*node.fact(a).dtype)) {
    TRY(const ValueId quotient, node.add(Div{}, {a, b}));
    return node.emit(Floor{}, {quotient});
  }
  TRY(const ValueId rest, node.add(Mod{}, {a, b}));  // of b's sign: what is left divides
  TRY(const ValueId even, node.add(Sub{}, {a, rest}));
  return node.emit(Div{}, {even, b});
}

/// The remainder with the divisor's sign.
Status floor_mod(NodeScope& node) {
  TRY(const ValueId a, node.required(0));
  TRY(const ValueId b, node.required(1));
  if (!is_float(*node.fact(a).dtype)) return node.emit(Mod{}, {a, b});
  Mod op;
  op.fmod = true;
  TRY(const ValueId rest, node.add(op, {a, b}));
  TRY(const ValueId zero, node.scalar_of(*node.fact(a).dtype, 0));
  TRY(const ValueId is_zero, node.add(Equal{}, {rest, zero}));
  TRY(const ValueId is_not_zero, node.add(Not{}, {is_zero}));
  TRY(const ValueId is_below, node.add(Less{}, {rest, zero}));
  TRY(const ValueId is_b_below, node.add(Less{}, {b, zero}));
  TRY(const ValueId differ, node.add(Xor{}, {is_below, is_b_below}));
  TRY(const ValueId wraps, node.add(And{}, {is_not_zero, differ}));
  TRY(const ValueId sum, node.add(Add{}, {rest, b}));
  return node.emit(Where{}, {wraps, sum, rest});
}

Status not_equal(NodeScope& node) {
  TRY(const std::vector<ValueId> inputs, node.inputs());
  TRY(const Quantized::Type none, node.output_type(0));
  TRY(const ValueId equal, node.add_as(none, Equal{}, inputs));
  return node.emit(Not{}, {equal});
}

Status cast(NodeScope& node) {
  node.ignore("in_data_type");  // the tensors have types of their own
  node.ignore("out_data_type");
  Cast op;
  TRY(op.to, element_type(node.output_record(0).type));
  TRY(const ValueId x, node.required(0));
  // The numbers as they are stored, whatever they mean.
  TRY(const ValueId y, node.add(op, {x}));
  return node.set_output(0, y);
}

/// A condition of rank 1 chooses whole slices of the first axis.
Status select(NodeScope& node) {
  TRY(ValueId condition, node.required(0));
  TRY(const ValueId x, node.required(1));
  TRY(const ValueId y, node.required(2));
  TRY(const int condition_rank, node.rank(0));
  TRY(const int rank, node.rank(1));
  if (condition_rank == 1 && rank > 1) {
    std::vector<int64_t> axes;
    for (int axis = 1; axis < rank; ++axis) axes.push_back(axis);
    TRY(condition, node.unsqueeze(condition, axes));
  }
  return node.emit(Where{}, {condition, x, y});
}

/// Rounds to one of 2^num_bits - 1 (narrow_range) or 2^num_bits steps between min and max, moved so that 0 is
/// one of them (Jacob et al. 2017, section 3).
Status fake_quant(NodeScope& node) {
  TRY(const float min, node.number("min", 0));
  TRY(const float max, node.number("max", 0));
  TRY(const int64_t bits, node.integer("num_bits", 0));
  TRY(const bool narrow, node.flag("narrow_range", false));
  TRY(const ValueId x, node.required(0));
  if (bits < 2 || bits > 16) return Error::invalid_model("num_bits is {}, expected 2 to 16", bits);
  if (!(min <= 0) || !(max >= 0) || !(min < max))
    return Error::invalid_model("the range {} to {} does not hold 0", min, max);
  const float low = narrow ? 1 : 0, high = static_cast<float>((1 << bits) - 1);
  const float scale = (max - min) / (high - low), zero = low - min / scale;
  const float place = zero < low ? low : zero > high ? high : std::round(zero);
  const float least = (low - place) * scale, most = (high - place) * scale;
  TRY(const ValueId clipped, node.add(Clip{}, {x, node.scalar(least), node.scalar(most)}));
  TRY(const ValueId moved, node.add(Sub{}, {clipped, node.scalar(least)}));
  TRY(const ValueId scaled, node.add(Mul{}, {moved, node.scalar(1 / scale)}));
  TRY(const ValueId half, node.add(Add{}, {scaled, node.scalar(0.5f)}));
  TRY(const ValueId steps, node.add(Floor{}, {half}));
  TRY(const ValueId back, node.add(Mul{}, {steps, node.scalar(scale)}));
  return node.emit(Add{}, {back, node.scalar(least)});
}

Status right_shift(NodeScope& node) {
  TRY(const DType dtype, node.dtype(0));
  if (!is_unsigned_integer(dtype))
    return Error::not_supported("shifting {} is not supported, only unsigned integers", to_string(dtype));
  BitShift op;
  op.left = false;
  TRY(const std::vector<ValueId> inputs, node.inputs());
  return node.emit(op, inputs);
}

/// Random numbers of the shape that input 0 holds.
template <typename D>
Status random(NodeScope& node) {
  D op;
  TRY(const int64_t seed, node.integer("seed", 0));
  TRY(const int64_t seed2, node.integer("seed2", 0));
  op.seed = static_cast<int64_t>(static_cast<uint64_t>(seed) * 1099511628211u + static_cast<uint64_t>(seed2));
  TRY(op.shape, node.constant_integers(0, "shape"));
  op.first = 0;
  op.second = 1;
  return node.emit(op, {});
}

Status multinomial(NodeScope& node) {
  Multinomial op;
  TRY(const int64_t seed, node.integer("seed", 0));
  TRY(const int64_t seed2, node.integer("seed2", 0));
  op.seed = static_cast<int64_t>(static_cast<uint64_t>(seed) * 1099511628211u + static_cast<uint64_t>(seed2));
  TRY(op.samples, node.constant_integer(1, "samples"));
  TRY(op.dtype, element_type(node.output_record(0).type));
  TRY(const ValueId x, node.required(0));
  return node.emit(op, {x});
}

constexpr Row kElementwiseRows[] = {
    {"ABS", plain<Abs>},
    {"ADD", with_activation<Add>},
    {"ADD_N", plain<Sum>},
    {"ATAN2", plain<Atan2>},
    {"BITWISE_XOR", plain<BitwiseXor>},
    {"CAST", cast},
    {"CEIL", plain<Ceil>},
    {"COS", plain<Cos>},
    {"DIV", with_activation<Div>},
    {"ELU", plain<Elu>},
    {"EQUAL", plain<Equal>},
    {"EXP", plain<Exp>},
    {"FAKE_QUANT", fake_quant},
    {"FLOOR", plain<Floor>},
    {"FLOOR_DIV", floor_div},
    {"FLOOR_MOD", floor_mod},
    {"GELU", gelu},
    {"GREATER", plain<Greater>},
    {"GREATER_EQUAL", plain<GreaterOrEqual>},
    {"HARD_SWISH", plain<HardSwish>},
    {"LEAKY_RELU", leaky_relu},
    {"LESS", plain<Less>},
    {"LESS_EQUAL", plain<LessOrEqual>},
    {"LOG", plain<Log>},
    {"LOGICAL_AND", plain<And>},
    {"LOGICAL_NOT", plain<Not>},
    {"LOGICAL_OR", plain<Or>},
    {"LOGISTIC", plain<Sigmoid>},
    {"MAXIMUM", plain<Max>},
    {"MINIMUM", plain<Min>},
    {"MUL", with_activation<Mul>},
    {"MULTINOMIAL", multinomial},
    {"NEG", plain<Neg>},
    {"NOT_EQUAL", not_equal},
    {"POW", plain<Pow>},
    {"PRELU", plain<PRelu>},
    {"RANDOM_STANDARD_NORMAL", random<RandomNormal>},
    {"RANDOM_UNIFORM", random<RandomUniform>},
    {"RELU", plain<Relu>},
    {"RELU6", relu6},
    {"RELU_0_TO_1", relu_0_to_1},
    {"RELU_N1_TO_1", relu_n1_to_1},
    {"RIGHT_SHIFT", right_shift},
    {"ROUND", plain<Round>},
    {"RSQRT", rsqrt},
    {"SELECT", select},
    {"SELECT_V2", select},
    {"SIGN", plain<Sign>},
    {"SIN", plain<Sin>},
    {"SQRT", plain<Sqrt>},
    {"SQUARE", square},
    {"SQUARED_DIFFERENCE", squared_difference},
    {"SUB", with_activation<Sub>},
    {"TANH", plain<Tanh>},
};

}  // namespace

std::span<const Row> elementwise_rows() {
  return kElementwiseRows;
}

}  // namespace pochade::tflite
