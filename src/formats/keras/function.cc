// Operators that stand where a layer does: functions of TensorFlow that Keras 2 wrapped (TFOpLambda,
// SlicingOpLambda), and the classes of keras.ops of Keras 3. They are called with tensors and numbers by
// position or by name; Keras 3 keeps some of them in the configuration.

#include <algorithm>
#include <limits>

#include "formats/keras/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"

namespace pochade::keras {
namespace {

using Names = std::initializer_list<std::string_view>;

/// The argument at a position, or under the first of these names that it has.
const Operand* find(LayerScope& layer, size_t position, Names names) {
  const Operand* out = nullptr;
  for (const std::string_view name : names)
    if (const Operand* found = layer.argument(position, name); found != nullptr && out == nullptr)
      out = found;
  return out;
}

Result<std::vector<int64_t>> integers(const Operand* operand, std::string_view what,
                                      std::vector<int64_t> otherwise) {
  if (operand == nullptr) return otherwise;
  const Json& json = operand->literal;
  if (operand->is_tensor() || operand->is_list)
    return Error::not_supported("{} is computed while running", what);
  if (json.integer() != nullptr) return std::vector<int64_t>{*json.integer()};
  std::vector<int64_t> out;
  if (json.list() == nullptr) return Error::not_supported("{} is {}", what, json.dump(60));
  for (const Json& item : *json.list()) {
    if (item.integer() == nullptr) return Error::not_supported("{} is {}", what, json.dump(60));
    out.push_back(*item.integer());
  }
  return out;
}

Result<int64_t> integer(const Operand* operand, std::string_view what, int64_t otherwise) {
  TRY(const auto values, integers(operand, what, {otherwise}));
  if (values.size() != 1) return Error::not_supported("{} has {} values, expected one", what, values.size());
  return values[0];
}

Result<bool> flag(const Operand* operand, bool otherwise) {
  if (operand == nullptr) return otherwise;
  if (operand->literal.boolean() == nullptr)
    return Error::not_supported("a flag is {}", operand->literal.dump(60));
  return *operand->literal.boolean();
}

/// Whether a switch that we have no use for is on.
bool asked(LayerScope& layer, std::string_view name) {
  const Operand* operand = layer.argument(SIZE_MAX, name);
  return operand != nullptr && (operand->literal.boolean() == nullptr || *operand->literal.boolean());
}

Result<float> number(const Operand* operand, std::string_view what, float otherwise) {
  if (operand == nullptr) return otherwise;
  if (!operand->literal.is_number()) return Error::not_supported("{} is {}", what, operand->literal.dump(60));
  return static_cast<float>(operand->literal.number());
}

/// Two tensors, or a tensor and a number in any order.
Result<Values> pair(LayerScope& layer) {
  const Operand* a = find(layer, 0, {"x1", "x", "a"});
  const Operand* b = find(layer, 1, {"x2", "y", "b"});
  if (a == nullptr || b == nullptr) return Error::not_supported("it is called without two values");
  if (!a->is_tensor() && !b->is_tensor()) return Error::not_supported("it is called without a tensor");
  TRY(const ValueId first, layer.operand(*a, b->value));
  TRY(const ValueId second, layer.operand(*b, a->value));
  return Values{first, second};
}

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

/// The tensors of a list argument; numbers among them are of the type of the first tensor.
Result<Values> tensors(LayerScope& layer) {
  const Operand* list = find(layer, 0, {"values", "xs", "x"});
  if (list == nullptr || (!list->is_list && !list->is_tensor()))
    return Error::not_supported("it is called without a list of tensors");
  if (list->is_tensor()) return Values{list->value};
  ValueId like = kNone;
  for (const Operand& item : list->items)
    if (item.is_tensor() && like == kNone) like = item.value;
  Values out;
  for (const Operand& item : list->items) {
    TRY(out.emplace_back(), layer.operand(item, like));
  }
  return out;
}

Result<Values> concat(LayerScope& layer) {
  TRY(const Values inputs, tensors(layer));
  Concat op;
  TRY(op.axis, integer(find(layer, 1, {"axis"}), "axis", -1));
  return layer.one(op, inputs);
}

Result<Values> stack(LayerScope& layer) {
  TRY(Values inputs, tensors(layer));
  TRY(const int64_t axis, integer(find(layer, 1, {"axis"}), "axis", 0));
  for (ValueId& input : inputs) {
    TRY(input, layer.add(Unsqueeze{}, {input, layer.integers_constant({axis})}));
  }
  Concat op;
  op.axis = axis;
  return layer.one(op, inputs);
}

/// A shape of numbers, or of numbers and tensors with one element: int64.
Result<ValueId> shape_value(LayerScope& layer, const Operand* shape) {
  if (shape == nullptr) return Error::not_supported("it is called without a shape");
  Cast cast;
  cast.to = DType::kI64;
  if (shape->is_tensor()) return layer.add(cast, {shape->value});
  if (!shape->is_list) {
    TRY(const auto sizes, integers(shape, "shape", {}));
    return layer.integers_constant(sizes);
  }
  Values parts;
  for (const Operand& item : shape->items) {
    if (!item.is_tensor()) {
      TRY(const auto sizes, integers(&item, "shape", {}));
      parts.push_back(layer.integers_constant(sizes));
      continue;
    }
    TRY(const ValueId whole, layer.add(cast, {item.value}));
    TRY(parts.emplace_back(), layer.reshape(whole, {1}));
  }
  return layer.add(Concat{}, parts);
}

Result<Values> reshape_call(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* shape = find(layer, 1, {"shape", "newshape"});
  TRY(const ValueId sizes, shape_value(layer, shape));
  // Where the batch is open and the other sizes are not, -1 is the batch; TensorFlow's shape may say it as
  // null.
  return layer.one(Reshape{}, {x, sizes});
}

Result<Values> transpose(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  std::vector<int64_t> reverse;
  for (int axis = rank - 1; axis >= 0; --axis) reverse.push_back(axis);
  TRY(const auto perm, integers(find(layer, 1, {"perm", "axes"}), "perm", reverse));
  TRY(const ValueId y, layer.transpose(x, perm));
  return Values{y};
}

Result<Values> expand_dims(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const auto axes, integers(find(layer, 1, {"axis"}), "axis", {-1}));
  return layer.one(Unsqueeze{}, {x, layer.integers_constant(axes)});
}

Result<Values> squeeze(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* axis = find(layer, 1, {"axis"});
  if (axis == nullptr) return Error::not_supported("it does not say which axes go");
  TRY(const auto axes, integers(axis, "axis", {}));
  return layer.one(Squeeze{}, {x, layer.integers_constant(axes)});
}

Result<Values> split(LayerScope& layer) {
  const Operand* value = find(layer, 0, {"value", "x"});
  if (value == nullptr || !value->is_tensor()) return Error::not_supported("it is called without a tensor");
  TRY(const int rank, layer.rank(value->value));
  const Operand* indices = layer.argument(1, "indices_or_sections");
  const Operand* parts = indices != nullptr ? indices : layer.argument(1, "num_or_size_splits");
  TRY(const int64_t named, integer(find(layer, 2, {"axis"}), "axis", 0));
  TRY(std::vector<int64_t> sizes, integers(parts, "the number of parts", {}));
  const bool is_count = parts != nullptr && parts->literal.integer() != nullptr;
  const auto axis = normal_axis(named, rank);
  if (!axis) return Error::invalid_model("axis is {}, and the input has {} dimensions", named, rank);
  const Dim& dim = layer.fact(value->value).dim(*axis);
  const bool by_index = layer.record().class_name == "Split" && !is_count;
  Split op;
  op.axis = *axis;
  if (is_count) {
    if (sizes.size() != 1 || sizes[0] < 1 || sizes[0] > 4096)
      return Error::not_supported("{} parts", parts->literal.dump(60));
    if (!dim.is_number() || dim.number() % sizes[0] != 0)
      return Error::not_supported("{} equal parts of {}", sizes[0], to_string(dim));
    op.outputs = sizes[0];
    return layer.add_all(make_op(op), {value->value});
  }
  if (sizes.empty() || sizes.size() > 4096) return Error::not_supported("it does not say how many parts");
  if (by_index) {  // places where it is cut
    if (!dim.is_number()) return Error::not_supported("cuts through an axis of open size");
    sizes.push_back(dim.number());
    for (size_t i = sizes.size() - 1; i > 0; --i) sizes[i] -= sizes[i - 1];
  }
  op.outputs = static_cast<int64_t>(sizes.size());
  return layer.add_all(make_op(op), {value->value, layer.integers_constant(sizes)});
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

/// [[before, after], ...] of every axis.
Result<Values> pad(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* paddings = find(layer, 1, {"paddings", "pad_width"});
  if (paddings == nullptr || paddings->literal.list() == nullptr)
    return Error::not_supported("paddings that are no list");
  std::vector<int64_t> before, after;
  for (const Json& item : *paddings->literal.list()) {
    const Json::List* sides = item.list();
    if (sides == nullptr || sides->size() != 2 || !(*sides)[0].integer() || !(*sides)[1].integer())
      return Error::not_supported("paddings {}", paddings->literal.dump(100));
    before.push_back(*(*sides)[0].integer());
    after.push_back(*(*sides)[1].integer());
  }
  before.insert(before.end(), after.begin(), after.end());
  Pad op;
  std::string mode = "constant";
  if (const Operand* given = find(layer, 2, {"mode"}); given != nullptr && given->literal.text() != nullptr)
    mode = *given->literal.text();
  if (mode == "REFLECT" || mode == "reflect")
    op.mode = PadFill::kReflect;
  else if (mode == "edge")
    op.mode = PadFill::kEdge;
  else if (mode != "CONSTANT" && mode != "constant")
    return Error::not_supported("the mode \"{}\"", mode);
  TRY(const float value, number(find(layer, 3, {"constant_values"}), "constant_values", 0));
  Values inputs{x, layer.integers_constant(before)};
  if (value != 0) inputs.push_back(layer.number_constant(value));
  return layer.one(op, inputs);
}

Result<Values> resize(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const bool first, layer.channels_first());
  if (first) return Error::not_supported("data_format channels_first");
  TRY(const int rank, layer.rank(x));
  if (rank != 4) return Error::not_supported("a resize of {} dimensions", rank);
  TRY(const auto size, integers(find(layer, 1, {"size"}), "size", {}));
  if (size.size() != 2) return Error::not_supported("a size of {} numbers", size.size());
  for (const char* key :
       {"preserve_aspect_ratio", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio"})
    if (asked(layer, key)) return Error::not_supported("{}", key);
  for (const char* key : {"fill_mode", "fill_value"}) layer.ignore(key);
  std::string method = "bilinear";
  if (const Operand* given = find(layer, 2, {"method", "interpolation"});
      given != nullptr && given->literal.text() != nullptr)
    method = *given->literal.text();
  Resize op;
  op.axes = {1, 2};
  if (method == "nearest") {
    op.coordinates = Resize::Coordinates::kTfHalfPixelForNn;
    op.nearest = Resize::Nearest::kFloor;
  } else if (method == "bilinear") {
    op.mode = Resize::Mode::kLinear;
  } else {
    return Error::not_supported("the method \"{}\"", method);
  }
  return layer.one(op, {x, kNone, kNone, layer.integers_constant(size)});
}

Result<Values> depth_to_space(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  DepthToSpace op;
  TRY(op.block, integer(find(layer, 1, {"block_size"}), "block_size", 0));
  return layer.one(op, {x});
}

Result<Values> space_to_depth(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  SpaceToDepth op;
  TRY(op.block, integer(find(layer, 1, {"block_size"}), "block_size", 0));
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

Result<Values> tile(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const auto repeats, integers(find(layer, 1, {"multiples", "repeats"}), "multiples", {}));
  return layer.one(Tile{}, {x, layer.integers_constant(repeats)});
}

Result<Values> shape(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  layer.ignore_argument("out_type");
  return layer.one(ShapeOp{}, {x});
}

/// x[a:b:c, 3, None, ...]
Result<Values> get_item(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  const Operand* spec = find(layer, 1, {"slice_spec", "key"});
  if (spec == nullptr || spec->is_tensor() || spec->is_list)
    return Error::not_supported("it is cut at places that are computed while running");
  Json::List single{spec->literal};
  const Json::List& items = spec->literal.list() != nullptr ? *spec->literal.list() : single;
  const auto is_ellipsis = [](const Json& item) {
    return item.find_text("class_name") == "__ellipsis__" || item.is_text("Ellipsis") || item.is_text("...");
  };
  const auto named =
      std::ranges::count_if(items, [&](const Json& item) { return !item.is_null() && !is_ellipsis(item); });
  if (named > rank)
    return Error::invalid_model("{} places for {} dimensions", static_cast<int64_t>(named), rank);
  std::vector<int64_t> starts, ends, axes, steps, dropped, added;
  int64_t axis = 0, out_axis = 0;
  for (const Json& item : items) {
    if (item.is_null()) {
      added.push_back(out_axis++);
    } else if (is_ellipsis(item)) {
      axis += rank - static_cast<int64_t>(named);
      out_axis += rank - static_cast<int64_t>(named);
    } else if (item.integer() != nullptr) {
      starts.push_back(*item.integer());
      ends.push_back(*item.integer() == -1 ? INT64_MAX : *item.integer() + 1);
      steps.push_back(1);
      dropped.push_back(axis);
      axes.push_back(axis++);
    } else {
      const Json* range = item.find_text("class_name") == "__slice__" ? item.find("config") : &item;
      if (range == nullptr || range->object() == nullptr)
        return Error::not_supported("it is cut at {}", item.dump(60));
      const auto place = [&](const char* key, int64_t otherwise) -> Result<int64_t> {
        const Json* value = range->find(key);
        if (value == nullptr || value->is_null()) return otherwise;
        if (value->integer() == nullptr) return Error::not_supported("it is cut at {}", value->dump(60));
        return *value->integer();
      };
      TRY(const int64_t step, place("step", 1));
      TRY(const int64_t start, place("start", step < 0 ? INT64_MAX : 0));
      TRY(const int64_t stop, place("stop", step < 0 ? INT64_MIN : INT64_MAX));
      starts.push_back(start);
      ends.push_back(stop);
      steps.push_back(step);
      axes.push_back(axis++);
      ++out_axis;
    }
  }
  ValueId y = x;
  if (!starts.empty()) {
    TRY(y, layer.add(Slice{}, {y, layer.integers_constant(starts), layer.integers_constant(ends),
                               layer.integers_constant(axes), layer.integers_constant(steps)}));
  }
  if (!dropped.empty()) {
    TRY(y, layer.add(Squeeze{}, {y, layer.integers_constant(dropped)}));
  }
  if (!added.empty()) {
    TRY(y, layer.add(Unsqueeze{}, {y, layer.integers_constant(added)}));
  }
  return Values{y};
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
    {"concat", concat},
    {"stack", stack},
    {"reshape", reshape_call},
    {"transpose", transpose},
    {"compat.v1.transpose", transpose},
    {"expand_dims", expand_dims},
    {"squeeze", squeeze},
    {"compat.v1.squeeze", squeeze},
    {"split", split},
    {"cast", cast},
    {"pad", pad},
    {"compat.v1.pad", pad},
    {"image.resize", resize},
    {"nn.depth_to_space", depth_to_space},
    {"nn.space_to_depth", space_to_depth},
    {"math.l2_normalize", l2_normalize},
    {"nn.l2_normalize", l2_normalize},
    {"linalg.matmul", matmul},
    {"tile", tile},
    {"shape", shape},
    {"compat.v1.shape", shape},
    {"identity", same},
    {"stop_gradient", same},
    {"__operators__.getitem", get_item},
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
    {"Concatenate", concat},
    {"Stack", stack},
    {"Reshape", reshape_call},
    {"Transpose", transpose},
    {"ExpandDims", expand_dims},
    {"Squeeze", squeeze},
    {"Split", split},
    {"Cast", cast},
    {"Pad", pad},
    {"Resize", resize},
    {"Matmul", matmul},
    {"Tile", tile},
    {"GetItem", get_item},
    {"Identity", same},
    {"StopGradient", same},
};

}  // namespace

std::span<const Row> function_rows() {
  return kFunctionRows;
}

}  // namespace pochade::keras
