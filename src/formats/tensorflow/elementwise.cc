#include "formats/tensorflow/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/random.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/shape/generate.h"

namespace pochade::tensorflow {
namespace {

/// No attributes; the inputs in the same order.
template <typename D>
Status plain(NodeScope& node) {
  node.ignore("incompatible_shape_error");
  return node.emit(D{});
}

/// Integers are what they are already.
template <typename D>
Status rounding(NodeScope& node) {
  TRY(const DType dtype, node.dtype_of(0));
  if (is_float(dtype)) return node.emit(D{});
  TRY(const ValueId x, node.input(0));
  node.set_output(0, x);
  return {};
}

Status square(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  return node.emit(Mul{}, {x, x});
}

Status squared_difference(NodeScope& node) {
  TRY(auto inputs, node.inputs());
  TRY(const ValueId d, node.add(Sub{}, std::move(inputs)));
  return node.emit(Mul{}, {d, d});
}

Status rsqrt(NodeScope& node) {
  TRY(auto inputs, node.inputs());
  TRY(const ValueId root, node.add(Sqrt{}, std::move(inputs)));
  return node.emit(Reciprocal{}, {root});
}

Status expm1(NodeScope& node) {
  TRY(auto inputs, node.inputs());
  TRY(const DType dtype, node.dtype_of(0));
  TRY(const ValueId e, node.add(Exp{}, std::move(inputs)));
  TRY(const ValueId one, node.scalar_of(dtype, 1));
  return node.emit(Sub{}, {e, one});
}

Status log1p(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId one, node.scalar_of(*node.fact_of(x).dtype, 1));
  TRY(const ValueId sum, node.add(Add{}, {x, one}));
  return node.emit(Log{}, {sum});
}

Status erfc(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId one, node.scalar_of(*node.fact_of(x).dtype, 1));
  TRY(const ValueId y, node.add(Erf{}, {x}));
  return node.emit(Sub{}, {one, y});
}

Status relu6(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  const DType dtype = *node.fact_of(x).dtype;
  TRY(const ValueId low, node.scalar_of(dtype, 0));
  TRY(const ValueId high, node.scalar_of(dtype, 6));
  return node.emit(Clip{}, {x, low, high});
}

Status leaky_relu(NodeScope& node) {
  LeakyRelu op;
  TRY(op.alpha, node.number("alpha", 0.2f));
  return node.emit(op);
}

Status clip_by_value(NodeScope& node) {
  TRY(const auto in, node.inputs());
  if (in.size() != 3) return Error::invalid_model("{} inputs, expected 3", in.size());
  TRY(const ValueId above, node.add(Max{}, {in[0], in[1]}));
  return node.emit(Min{}, {above, in[2]});
}

/// Division of integers rounds down.
Status floor_div(NodeScope& node) {
  TRY(const auto in, node.inputs());
  TRY(const DType dtype, node.dtype_of(0));
  if (in.size() != 2) return Error::invalid_model("{} inputs, expected 2", in.size());
  if (is_float(dtype)) {
    TRY(const ValueId quotient, node.add(Div{}, in));
    return node.emit(Floor{}, {quotient});
  }
  TRY(const ValueId rest, node.add(Mod{}, in));
  TRY(const ValueId multiple, node.add(Sub{}, {in[0], rest}));
  return node.emit(Div{}, {multiple, in[1]});
}

/// The remainder has the divisor's sign.
Status floor_mod(NodeScope& node) {
  TRY(const auto in, node.inputs());
  TRY(const DType dtype, node.dtype_of(0));
  if (!is_float(dtype)) return node.emit(Mod{}, in);
  TRY(const ValueId quotient, node.add(Div{}, in));
  TRY(const ValueId whole, node.add(Floor{}, {quotient}));
  TRY(const ValueId multiple, node.add(Mul{}, {whole, in.at(1)}));
  return node.emit(Sub{}, {in[0], multiple});
}

Status truncate_mod(NodeScope& node) {
  Mod op;
  op.fmod = true;
  return node.emit(op);
}

/// 0 where the input `kZero` is 0, whatever the operator gives there.
template <typename D, size_t kZero>
Status or_zero(NodeScope& node) {
  TRY(const auto in, node.inputs());
  if (in.size() != 2) return Error::invalid_model("{} inputs, expected 2", in.size());
  TRY(const ValueId zero, node.scalar_of(*node.fact_of(in[0]).dtype, 0));
  TRY(const ValueId is_zero, node.add(Equal{}, {in[kZero], zero}));
  TRY(const ValueId y, node.add(D{}, in));
  return node.emit(Where{}, {is_zero, zero, y});
}

Status not_equal(NodeScope& node) {
  node.ignore("incompatible_shape_error");
  TRY(auto inputs, node.inputs());
  TRY(const ValueId same, node.add(Equal{}, std::move(inputs)));
  return node.emit(Not{}, {same});
}

Status is_finite(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId nan, node.add(IsNaN{}, {x}));
  TRY(const ValueId infinite, node.add(IsInf{}, {x}));
  TRY(const ValueId either, node.add(Or{}, {nan, infinite}));
  return node.emit(Not{}, {either});
}

Status cast(NodeScope& node) {
  node.ignore("Truncate");
  TRY(const DType to, node.dtype("DstT"));
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId y, node.cast(x, to));
  node.set_output(0, y);
  return {};
}

/// A condition with one axis chooses whole rows.
Status select(NodeScope& node) {
  TRY(auto in, node.inputs());
  if (in.size() != 3) return Error::invalid_model("{} inputs, expected 3", in.size());
  TRY(const int condition_rank, node.rank(0));
  if (condition_rank == 1) {
    TRY(const int rank, node.rank(1));
    std::vector<int64_t> axes;
    for (int axis = 1; axis < rank; ++axis) axes.push_back(axis);
    TRY(in[0], node.unsqueeze(in[0], axes));
  }
  return node.emit(Where{}, std::move(in));
}

/// bias: C, along the last axis, or along the second one of NCHW.
Status bias_add(NodeScope& node) {
  TRY(const bool channels_first, node.channels_first());
  TRY(const ValueId x, node.input(0));
  TRY(ValueId bias, node.input(1));
  if (channels_first) {
    TRY(const int rank, node.rank(0));
    std::vector<int64_t> dims{-1};
    for (int axis = 2; axis < rank; ++axis) dims.push_back(1);
    if (rank > 2) {
      TRY(bias, node.reshape(bias, dims));
    }
  }
  return node.emit(Add{}, {x, bias});
}

int64_t seed_of(std::string_view name) {
  uint64_t hash = 1469598103934665603u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int64_t>(hash);
}

/// RandomUniform and RandomStandardNormal: other numbers than TensorFlow's, the same in every run.
template <typename D>
Status random(NodeScope& node) {
  node.ignore("seed");
  node.ignore("seed2");
  TRY(const DType dtype, node.dtype("dtype", DType::kF32));
  TRY(const ValueId raw, node.input(0));
  TRY(const ValueId shape, node.as_int64(raw));
  ConstantOfShape zeros;
  TRY(zeros.value, Tensor::of<float>({1}, {0}).cast(dtype));
  TRY(const ValueId like, node.add(std::move(zeros), {shape}));
  D op;
  op.seed = seed_of(node.name());
  op.first = 0;
  op.second = 1;
  return node.emit(op, {like});
}

constexpr Row kElementwiseRows[] = {
    {"Abs", plain<Abs>},
    {"Acos", plain<Acos>},
    {"Acosh", plain<Acosh>},
    {"Add", plain<Add>},
    {"AddN", plain<Sum>},
    {"AddV2", plain<Add>},
    {"Asin", plain<Asin>},
    {"Asinh", plain<Asinh>},
    {"Atan", plain<Atan>},
    {"Atanh", plain<Atanh>},
    {"BiasAdd", bias_add},
    {"BiasAddV1", bias_add},
    {"BitwiseAnd", plain<BitwiseAnd>},
    {"BitwiseOr", plain<BitwiseOr>},
    {"BitwiseXor", plain<BitwiseXor>},
    {"Cast", cast},
    {"Ceil", rounding<Ceil>},
    {"ClipByValue", clip_by_value},
    {"Cos", plain<Cos>},
    {"Cosh", plain<Cosh>},
    {"Div", plain<Div>},
    {"DivNoNan", or_zero<Div, 1>},
    {"Elu", plain<Elu>},
    {"Equal", plain<Equal>},
    {"Erf", plain<Erf>},
    {"Erfc", erfc},
    {"Exp", plain<Exp>},
    {"Expm1", expm1},
    {"Floor", rounding<Floor>},
    {"FloorDiv", floor_div},
    {"FloorMod", floor_mod},
    {"Greater", plain<Greater>},
    {"GreaterEqual", plain<GreaterOrEqual>},
    {"Inv", plain<Reciprocal>},
    {"Invert", plain<BitwiseNot>},
    {"IsFinite", is_finite},
    {"IsInf", plain<IsInf>},
    {"IsNan", plain<IsNaN>},
    {"LeakyRelu", leaky_relu},
    {"Less", plain<Less>},
    {"LessEqual", plain<LessOrEqual>},
    {"Log", plain<Log>},
    {"Log1p", log1p},
    {"LogicalAnd", plain<And>},
    {"LogicalNot", plain<Not>},
    {"LogicalOr", plain<Or>},
    {"Maximum", plain<Max>},
    {"Minimum", plain<Min>},
    {"Mod", truncate_mod},
    {"Mul", plain<Mul>},
    {"MulNoNan", or_zero<Mul, 1>},
    {"Neg", plain<Neg>},
    {"NotEqual", not_equal},
    {"Pow", plain<Pow>},
    {"RandomStandardNormal", random<RandomNormalLike>},
    {"RandomUniform", random<RandomUniformLike>},
    {"RealDiv", plain<Div>},
    {"Reciprocal", plain<Reciprocal>},
    {"Relu", plain<Relu>},
    {"Relu6", relu6},
    {"Rint", plain<Round>},
    {"Round", rounding<Round>},
    {"Rsqrt", rsqrt},
    {"Select", select},
    {"SelectV2", plain<Where>},
    {"Selu", plain<Selu>},
    {"Sigmoid", plain<Sigmoid>},
    {"Sign", plain<Sign>},
    {"Sin", plain<Sin>},
    {"Sinh", plain<Sinh>},
    {"Softplus", plain<Softplus>},
    {"Softsign", plain<Softsign>},
    {"Sqrt", plain<Sqrt>},
    {"Square", square},
    {"SquaredDifference", squared_difference},
    {"Sub", plain<Sub>},
    {"Tan", plain<Tan>},
    {"Tanh", plain<Tanh>},
    {"TruncateDiv", plain<Div>},
    {"TruncateMod", truncate_mod},
    {"Xdivy", or_zero<Div, 0>},
};

}  // namespace

std::span<const Row> elementwise_rows() {
  return kElementwiseRows;
}

}  // namespace pochade::tensorflow
