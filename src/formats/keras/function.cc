// Operators that stand where a layer does: functions of TensorFlow that Keras 2 wrapped (TFOpLambda,
// SlicingOpLambda), and the classes of keras.ops of Keras 3. They are called with tensors and numbers by
// position or by name; Keras 3 keeps some of them in the configuration.

#include <algorithm>

#include "formats/keras/function_arguments.h"
#include "formats/keras/function_shape.h"
#include "formats/keras/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/reduce/reduce.h"

namespace pochade::keras {
namespace {

using call::asked, call::find, call::flag, call::integer, call::integers, call::number, call::pair;

template <typename Op>
Result<Values> binary(LayerScope& layer) {
  TRY(const Values inputs, pair(layer));
  return layer.one(Op{}, inputs);
}

template <typename Op>
Result<Values> unary(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  return layer.one(Op{}, {x});
}

Result<Values> same(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  return Values{x};
}

Result<Values> squared_difference(LayerScope& layer) {
  TRY(const Values inputs, pair(layer));
  TRY(const ValueId difference, layer.add(Sub{}, inputs));
  return layer.one(Mul{}, {difference, difference});
}

Result<Values> square(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  return layer.one(Mul{}, {x, x});
}

Result<Values> rsqrt(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const ValueId root, layer.add(Sqrt{}, {x}));
  return layer.one(Reciprocal{}, {root});
}

/// What LayerScope::activate() knows by name.
template <size_t kIndex>
Result<Values> named_activation(LayerScope& layer) {
  constexpr std::string_view kNames[] = {"relu6",       "hard_sigmoid", "silu",     "hard_silu",
                                         "log_sigmoid", "selu",         "softsign", "mish"};
  TRY(const ValueId x, layer.input());
  layer.ignore("beta");
  const Json name{std::string(kNames[kIndex])};
  TRY(const ValueId y, layer.activate(x, &name));
  return Values{y};
}

/// The parameter of TensorFlow's and Keras' versions is 0.2.
Result<Values> leaky_relu(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  LeakyRelu op;
  TRY(op.alpha, number(find(layer, 1, {"alpha", "negative_slope"}), "alpha", 0.2f));
  return layer.one(op, {x});
}

Result<Values> elu(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  Elu op;
  TRY(op.alpha, number(find(layer, 1, {"alpha"}), "alpha", 1));
  return layer.one(op, {x});
}

template <bool kApproximate>
Result<Values> gelu(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  Gelu op;
  TRY(op.tanh_approximation, flag(layer.argument(1, "approximate"), kApproximate));
  return layer.one(op, {x});
}

template <typename Op>
Result<Values> softmax(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  Op op;
  TRY(op.axis, integer(find(layer, 1, {"axis"}), "axis", -1));
  return layer.one(op, {x});
}

template <typename Op>
Result<Values> reduce(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  std::vector<int64_t> all;
  for (int axis = 0; axis < rank; ++axis) all.push_back(axis);
  TRY(const auto axes, integers(find(layer, 1, {"axis"}), "axis", all));
  if (find(layer, 3, {"initial", "where"}) != nullptr) return Error::not_supported("initial");
  Op op;
  TRY(op.keep_dims, flag(find(layer, 2, {"keepdims", "keep_dims"}), false));
  return layer.one(op, {x, layer.integers_constant(axes)});
}

Result<Values> clip(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const float low, number(find(layer, 1, {"clip_value_min", "x_min"}), "the least value", 0));
  TRY(const float high, number(find(layer, 2, {"clip_value_max", "x_max"}), "the greatest value", 0));
  return layer.one(Clip{}, {x, layer.number_constant(low), layer.number_constant(high)});
}

Result<Values> cast(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* dtype = find(layer, 1, {"dtype"});
  if (dtype == nullptr || dtype->literal.text() == nullptr)
    return Error::not_supported("it does not say to which type");
  const std::string& name = *dtype->literal.text();
  Cast op;
  if (name == "int32")
    op.to = DType::kI32;
  else if (name == "int64")
    op.to = DType::kI64;
  else if (name == "uint8")
    op.to = DType::kU8;
  else if (name == "bool")
    op.to = DType::kBool;
  else if (name != "float32" && name != "float16" && name != "bfloat16" && name != "float64")
    return Error::not_supported("a cast to {}", name);
  return layer.one(op, {x});
}

Result<Values> l2_normalize(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  find(layer, 2, {"epsilon", "order"});
  LpNormalization op;
  const Operand* axis = find(layer, 1, {"axis"});
  if (axis == nullptr) return Error::not_supported("no axis");
  TRY(op.axis, integer(axis, "axis", -1));
  return layer.one(op, {x});
}

Result<Values> matmul(LayerScope& layer) {
  TRY(const Values inputs, pair(layer));
  for (const char* key :
       {"transpose_a", "transpose_b", "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse"})
    if (asked(layer, key)) return Error::not_supported("{}", key);
  return layer.one(MatMul{}, inputs);
}

/// Functions of TensorFlow by the name that follows "tf.".
constexpr Row kFunctions[] = {
    {"__operators__.add", binary<Add>},
    {"math.add", binary<Add>},
    {"add", binary<Add>},
    {"math.subtract", binary<Sub>},
    {"subtract", binary<Sub>},
    {"math.multiply", binary<Mul>},
    {"multiply", binary<Mul>},
    {"math.truediv", binary<Div>},
    {"math.divide", binary<Div>},
    {"realdiv", binary<Div>},
    {"math.pow", binary<Pow>},
    {"math.maximum", binary<Max>},
    {"math.minimum", binary<Min>},
    {"math.squared_difference", squared_difference},
    {"math.square", square},
    {"math.sqrt", unary<Sqrt>},
    {"math.rsqrt", rsqrt},
    {"math.exp", unary<Exp>},
    {"math.log", unary<Log>},
    {"math.abs", unary<Abs>},
    {"math.negative", unary<Neg>},
    {"math.floor", unary<Floor>},
    {"math.reciprocal", unary<Reciprocal>},
    {"math.sin", unary<Sin>},
    {"math.cos", unary<Cos>},
    {"math.sigmoid", unary<Sigmoid>},
    {"nn.sigmoid", unary<Sigmoid>},
    {"math.tanh", unary<Tanh>},
    {"nn.tanh", unary<Tanh>},
    {"nn.relu", unary<Relu>},
    {"nn.relu6", named_activation<0>},
    {"nn.silu", named_activation<2>},
    {"nn.swish", named_activation<2>},
    {"nn.selu", named_activation<5>},
    {"nn.softsign", named_activation<6>},
    {"math.softplus", unary<Softplus>},
    {"nn.softplus", unary<Softplus>},
    {"nn.leaky_relu", leaky_relu},
    {"nn.elu", elu},
    {"nn.gelu", gelu<false>},
    {"nn.softmax", softmax<Softmax>},
    {"nn.log_softmax", softmax<LogSoftmax>},
    {"math.reduce_mean", reduce<ReduceMean>},
    {"math.reduce_sum", reduce<ReduceSum>},
    {"math.reduce_max", reduce<ReduceMax>},
    {"math.reduce_min", reduce<ReduceMin>},
    {"math.reduce_prod", reduce<ReduceProd>},
    {"clip_by_value", clip},
    {"concat", call::concat},
    {"stack", call::stack},
    {"reshape", call::reshape},
    {"transpose", call::transpose},
    {"compat.v1.transpose", call::transpose},
    {"expand_dims", call::expand_dims},
    {"squeeze", call::squeeze},
    {"compat.v1.squeeze", call::squeeze},
    {"split", call::split},
    {"cast", cast},
    {"pad", call::pad},
    {"compat.v1.pad", call::pad},
    {"image.resize", call::resize},
    {"nn.depth_to_space", call::depth_to_space},
    {"nn.space_to_depth", call::space_to_depth},
    {"math.l2_normalize", l2_normalize},
    {"nn.l2_normalize", l2_normalize},
    {"linalg.matmul", matmul},
    {"tile", call::tile},
    {"shape", call::shape},
    {"compat.v1.shape", call::shape},
    {"identity", same},
    {"stop_gradient", same},
    {"__operators__.getitem", call::get_item},
};

Result<Values> tensorflow_function(LayerScope& layer) {
  TRY(const std::string name, layer.text("function", ""));
  const auto row = std::ranges::find(kFunctions, std::string_view(name), &Row::class_name);
  if (row == std::end(kFunctions))
    return Error::not_supported("TensorFlow's function tf.{}; {}", name, layer.record().config.dump());
  return row->import(layer);
}

constexpr Row kFunctionRows[] = {
    {"TFOpLambda", tensorflow_function},
    {"SlicingOpLambda", tensorflow_function},
    {"TensorFlowOpLayer", nullptr,
     "it is a node of TensorFlow as TensorFlow 2.0 to 2.3 wrapped it; load it with 2.4 to 2.15 and save it "
     "again"},
    {"ClassMethod", nullptr, "a method of a class of TensorFlow"},
    {"InstanceMethod", nullptr, "a method of an object of TensorFlow"},
    {"InstanceProperty", nullptr, "a property of an object of TensorFlow"},
    {"Add", binary<Add>},
    {"Subtract", binary<Sub>},
    {"Multiply", binary<Mul>},
    {"Divide", binary<Div>},
    {"TrueDivide", binary<Div>},
    {"Power", binary<Pow>},
    {"Maximum", binary<Max>},
    {"Minimum", binary<Min>},
    {"Square", square},
    {"Sqrt", unary<Sqrt>},
    {"Rsqrt", rsqrt},
    {"Exp", unary<Exp>},
    {"Log", unary<Log>},
    {"Absolute", unary<Abs>},
    {"Abs", unary<Abs>},
    {"Negative", unary<Neg>},
    {"Floor", unary<Floor>},
    {"Reciprocal", unary<Reciprocal>},
    {"Sin", unary<Sin>},
    {"Cos", unary<Cos>},
    {"Sigmoid", unary<Sigmoid>},
    {"Tanh", unary<Tanh>},
    {"Relu", unary<Relu>},
    {"Relu6", named_activation<0>},
    {"HardSigmoid", named_activation<1>},
    {"Silu", named_activation<2>},
    {"HardSilu", named_activation<3>},
    {"LogSigmoid", named_activation<4>},
    {"Selu", named_activation<5>},
    {"Softsign", named_activation<6>},
    {"Mish", named_activation<7>},
    {"Softplus", unary<Softplus>},
    {"LeakyRelu", leaky_relu},
    {"Elu", elu},
    {"Gelu", gelu<true>},
    {"Softmax", softmax<Softmax>},
    {"LogSoftmax", softmax<LogSoftmax>},
    {"Mean", reduce<ReduceMean>},
    {"Sum", reduce<ReduceSum>},
    {"Max", reduce<ReduceMax>},
    {"Min", reduce<ReduceMin>},
    {"Prod", reduce<ReduceProd>},
    {"Clip", clip},
    {"Concatenate", call::concat},
    {"Stack", call::stack},
    {"Reshape", call::reshape},
    {"Transpose", call::transpose},
    {"ExpandDims", call::expand_dims},
    {"Squeeze", call::squeeze},
    {"Split", call::split},
    {"Cast", cast},
    {"Pad", call::pad},
    {"Resize", call::resize},
    {"Matmul", matmul},
    {"Tile", call::tile},
    {"GetItem", call::get_item},
    {"Identity", same},
    {"StopGradient", same},
};

}  // namespace

std::span<const Row> function_rows() {
  return kFunctionRows;
}

}  // namespace pochade::keras
