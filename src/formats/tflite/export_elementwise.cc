// Operators on elements, and reductions.

#include <algorithm>
#include <set>

#include "formats/tflite/export_scope.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/generate.h"

namespace pochade::tflite {
namespace {

using B = BuiltinOperator;

template <B kCode>
Status plain(ExportScope& node) {
  return node.emit(kCode, node.type_version());
}

/// int16 is compared as it is, as other numbers are.
template <B kCode>
Status ordered(ExportScope& node) {
  return node.emit(kCode, node.fact(0).dtype == DType::kI8 ? 2 : 1);
}

/// ADD, SUB, MUL, DIV: their options hold the activation.
Result<Options> arithmetic_options(ExportScope& node, B code) {
  TRY(const auto act, node.activation());
  switch (code) {
    case B::ADD:
      return node.options(OptionsType::AddOptions, schema::CreateAddOptions(node.flat(), act));
    case B::SUB:
      return node.options(OptionsType::SubOptions, schema::CreateSubOptions(node.flat(), act));
    case B::MUL:
      return node.options(OptionsType::MulOptions, schema::CreateMulOptions(node.flat(), act));
    default:
      return node.options(OptionsType::DivOptions, schema::CreateDivOptions(node.flat(), act));
  }
}

/// Whether a value is made of sizes, which fit 32 bits, and of constants. `seen` are those that are looked
/// at.
bool is_size(const Graph& graph, ValueId value, std::set<ValueId>& seen, int depth = 8) {
  if (value == kNone || depth == 0) return false;
  if (!seen.insert(value).second) return true;  // what it is made of decides once
  const NodeId producer = graph.value(value).producer;
  if (producer == kNone) return graph.fact(value).is_constant();
  const Node& node = graph.node(producer);
  if (op_as<ShapeOp>(*node.op) != nullptr) return true;
  constexpr std::string_view kOfSizes[] = {"Concat", "Div",   "Gather",  "Mul",      "Reshape",
                                           "Slice",  "Split", "Squeeze", "Unsqueeze"};
  return std::ranges::find(kOfSizes, node.op->name()) != std::end(kOfSizes) &&
         std::ranges::all_of(node.inputs, [&](ValueId v) { return is_size(graph, v, seen, depth - 1); });
}

bool are_sizes(const Graph& graph, std::initializer_list<ValueId> values) {
  std::set<ValueId> seen;
  return std::ranges::all_of(values, [&](ValueId v) { return is_size(graph, v, seen); });
}

/// Sizes are int64 here, and TFLite divides int32.
Status divide_sizes(ExportScope& node) {
  std::vector<TensorIndex> narrow;
  for (size_t i = 0; i < 2; ++i) {
    narrow.push_back(node.int32_between(node.fact(i).dims));
    node.write(B::CAST, 1, {node.input(i)}, {narrow.back()});
  }
  const TensorIndex y = node.int32_between(node.output_fact().dims);
  node.write(B::DIV, 1, narrow, {y},
             node.options(OptionsType::DivOptions, schema::CreateDivOptions(node.flat())));
  node.write(B::CAST, 1, {y}, {node.output()});
  return {};
}

template <B kCode>
Status arithmetic(ExportScope& node) {
  if (kCode == B::DIV && is_integer(node.fact(0).dtype.value_or(DType::kF32)) && !node.is_quantized() &&
      node.fact(0).dtype != DType::kI32) {
    if (are_sizes(node.graph(), {node.value(0), node.value(1)})) return divide_sizes(node);
    return Error::not_supported("TFLite divides float32 and int32 only");
  }
  TRY(const Options options, arithmetic_options(node, kCode));
  return node.emit(kCode, node.type_version(), options);
}

/// Several inputs: two at a time.
template <B kCode>
Status folded(ExportScope& node) {
  if (node.input_count() == 1) {
    if (kCode != B::ADD) return Error::not_supported("it has one input only; --simplify drops it");
    TRY(const TensorIndex zero, node.number(0));
    TRY(const Options options, arithmetic_options(node, kCode));
    node.write(kCode, 1, {node.input(0), zero}, {node.output()}, options);
    return {};
  }
  TensorIndex running = node.input(0);
  for (size_t i = 1; i < node.input_count(); ++i) {
    Options options;
    if (kCode == B::ADD) {
      TRY(options, arithmetic_options(node, kCode));
    } else {
      options =
          node.options(OptionsType::MaximumMinimumOptions, schema::CreateMaximumMinimumOptions(node.flat()));
    }
    const bool last = i + 1 == node.input_count();
    const TensorIndex y = last ? node.output() : node.between(node.output_fact().dims, true);
    node.write(kCode, node.type_version(), {running, node.input(i)}, {y}, options);
    running = y;
  }
  return {};
}

Status leaky_relu(ExportScope& node) {
  return node.emit(B::LEAKY_RELU, node.type_version(),
                   node.options(OptionsType::LeakyReluOptions,
                                schema::CreateLeakyReluOptions(node.flat(), node.as<LeakyRelu>().alpha)));
}

Status elu(ExportScope& node) {
  if (node.as<Elu>().alpha != 1)
    return Error::not_supported("its alpha is {}, TFLite has 1 only", node.as<Elu>().alpha);
  return node.emit(B::ELU);
}

Status gelu(ExportScope& node) {
  return node.emit(B::GELU, node.type_version(),
                   node.options(OptionsType::GeluOptions,
                                schema::CreateGeluOptions(node.flat(), node.as<Gelu>().tanh_approximation)));
}

/// The remainder with the divisor's sign.
Status mod(ExportScope& node) {
  if (node.as<Mod>().fmod) return Error::not_supported("TFLite has no remainder with the dividend's sign");
  return node.emit(B::FLOOR_MOD, 1,
                   node.options(OptionsType::FloorModOptions, schema::CreateFloorModOptions(node.flat())));
}

Options bounds_options(ExportScope& node) {
  return node.options(OptionsType::MaximumMinimumOptions, schema::CreateMaximumMinimumOptions(node.flat()));
}

/// MINIMUM(MAXIMUM(x, low), high), or one of the activations that are that.
Status clip(ExportScope& node) {
  if (node.is_quantized()) return Error::not_supported("TFLite has no such bounds of integers");
  TensorIndex x = node.input(0);
  const bool low = node.has_input(1), high = node.has_input(2);
  if (low && high && node.fact(1).is_constant() && node.fact(2).is_constant()) {
    const float a = to_floats(node.fact(1).constant)[0], b = to_floats(node.fact(2).constant)[0];
    if (a == 0 && b == 6) return node.write(B::RELU6, 1, {x}, {node.output()}), Status();
    if (a == -1 && b == 1) return node.write(B::RELU_N1_TO_1, 1, {x}, {node.output()}), Status();
  }
  if (!low && !high) return Error::not_supported("it has no bounds; --simplify drops it");
  if (low) {
    const TensorIndex y = high ? node.between(node.output_fact().dims) : node.output();
    node.write(B::MAXIMUM, 1, {x, node.input(1)}, {y}, bounds_options(node));
    x = y;
  }
  if (high) node.write(B::MINIMUM, 1, {x, node.input(2)}, {node.output()}, bounds_options(node));
  return {};
}

/// MINIMUM(RELU(alpha * x + beta), 1)
Status hard_sigmoid(ExportScope& node) {
  const auto& op = node.as<HardSigmoid>();
  TRY(const TensorIndex alpha, node.number(static_cast<double>(op.alpha)));
  TRY(const TensorIndex beta, node.number(static_cast<double>(op.beta)));
  TRY(const TensorIndex one, node.number(1));
  const auto dims = node.fact(0).dims;
  const TensorIndex scaled = node.between(dims), line = node.between(dims);
  node.write(B::MUL, 1, {node.input(0), alpha}, {scaled},
             node.options(OptionsType::MulOptions, schema::CreateMulOptions(node.flat())));
  node.write(B::ADD, 1, {scaled, beta}, {line},
             node.options(OptionsType::AddOptions,
                          schema::CreateAddOptions(node.flat(), schema::ActivationFunctionType::RELU)));
  node.write(B::MINIMUM, 1, {line, one}, {node.output()}, bounds_options(node));
  return {};
}

Status reciprocal(ExportScope& node) {
  TRY(const TensorIndex one, node.number(1));
  node.write(B::DIV, 1, {one, node.input(0)}, {node.output()},
             node.options(OptionsType::DivOptions, schema::CreateDivOptions(node.flat())));
  return {};
}

/// What only changes the type or the scale of integers, or copies.
Status identity(ExportScope& node) {
  const bool from = node.input_type(0).dtype.has_value(), to = node.output_type().dtype.has_value();
  if (to && node.input_type(0).dtype == DType::kI16 && node.output_type().dtype == DType::kU8) {
    // TFLite has this by way of int8 only, which has the same steps.
    const Quantized::Type y = node.output_type();
    const TensorIndex between = node.between_as(quantized_type(DType::kI8, y.scale(), y.zero_point() - 128));
    node.write(B::QUANTIZE, 2, {node.input(0)}, {between});
    node.write(B::QUANTIZE, 2, {between}, {node.output()});
    return {};
  }
  if (to) return node.emit(B::QUANTIZE, from ? 2 : 1);
  if (from) return node.emit(B::DEQUANTIZE, 2);
  if (!node.output_fact().shape()) return Error::not_supported("its size is not known; --simplify drops it");
  const Shape shape = *node.output_fact().shape();
  node.write(B::RESHAPE, 1, {node.input(0), node.int32s({shape.begin(), shape.end()})}, {node.output()});
  return {};
}

Status cast(ExportScope& node) {
  return node.emit(B::CAST, 1);
}

/// The axes must be known.
template <B kCode, typename D>
Status reduce(ExportScope& node) {
  const auto& op = node.as<D>();
  TRY(const auto axes, reduced_axes(op, std::array{node.fact(0), node.fact(1)}));
  if (!node.fact(0).rank_known() || !axes) return Error::not_supported("its axes are not known");
  const TensorIndex list = node.int32s(std::vector<int64_t>(axes->begin(), axes->end()));
  node.write(
      kCode, node.type_version(), {node.input(0), list}, {node.output()},
      node.options(OptionsType::ReducerOptions, schema::CreateReducerOptions(node.flat(), op.keep_dims)));
  return {};
}

constexpr ExportRow kExportElementwiseRows[] = {
    {"Abs", plain<B::ABS>},
    {"Add", arithmetic<B::ADD>},
    {"And", plain<B::LOGICAL_AND>},
    {"Cast", cast},
    {"Ceil", plain<B::CEIL>},
    {"Clip", clip},
    {"Cos", plain<B::COS>},
    {"Div", arithmetic<B::DIV>},
    {"Elu", elu},
    {"Equal", plain<B::EQUAL>},
    {"Exp", plain<B::EXP>},
    {"Floor", plain<B::FLOOR>},
    {"Gelu", gelu},
    {"Greater", ordered<B::GREATER>},
    {"GreaterOrEqual", ordered<B::GREATER_EQUAL>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", plain<B::HARD_SWISH>},
    {"Identity", identity},
    {"LeakyRelu", leaky_relu},
    {"Less", ordered<B::LESS>},
    {"LessOrEqual", ordered<B::LESS_EQUAL>},
    {"Log", plain<B::LOG>},
    {"Max", folded<B::MAXIMUM>},
    {"Min", folded<B::MINIMUM>},
    {"Mod", mod},
    {"Mul", arithmetic<B::MUL>},
    {"Neg", plain<B::NEG>},
    {"Not", plain<B::LOGICAL_NOT>},
    {"Or", plain<B::LOGICAL_OR>},
    {"PRelu", plain<B::PRELU>},
    {"Pow", plain<B::POW>},
    {"Reciprocal", reciprocal},
    {"ReduceMax", reduce<B::REDUCE_MAX, ReduceMax>},
    {"ReduceMean", reduce<B::MEAN, ReduceMean>},
    {"ReduceMin", reduce<B::REDUCE_MIN, ReduceMin>},
    {"ReduceProd", reduce<B::REDUCE_PROD, ReduceProd>},
    {"ReduceSum", reduce<B::SUM, ReduceSum>},
    {"Relu", plain<B::RELU>},
    {"Round", plain<B::ROUND>},
    {"Sigmoid", plain<B::LOGISTIC>},
    {"Sign", plain<B::SIGN>},
    {"Sin", plain<B::SIN>},
    {"Sqrt", plain<B::SQRT>},
    {"Sub", arithmetic<B::SUB>},
    {"Sum", folded<B::ADD>},
    {"Tanh", plain<B::TANH>},
    {"Where", plain<B::SELECT_V2>},
};

}  // namespace

std::span<const ExportRow> elementwise_export_rows() {
  return kExportElementwiseRows;
}

}  // namespace pochade::tflite
