// What lives between runs, layers with integer weights alone, and single quantizations, written and read
// again.

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/session.h"
#include "formats/onnx/export.h"
#include "formats/onnx/import.h"
#include "formats/tflite/export.h"
#include "formats/tflite/import.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantize_rows.h"
#include "ops/quant/quantized.h"
#include "ops/recurrent/cells.h"
#include "ops/shape/concat.h"
#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"

namespace pochade {
namespace {

Tensor filled(const Shape& shape, float step) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  float value = -0.7f;
  for (float& v : out.mutable_data<float>()) v = std::sin(value += step);
  return out;
}

/// A node of one output.
ValueId add(Graph& graph, const std::string& name, OpPtr op, std::vector<ValueId> inputs) {
  auto made = graph.add_node(name, std::move(op), std::move(inputs), 4096);
  EXPECT_TRUE(made) << made.error().text();
  return made ? made->at(0) : kNone;
}

Graph as_tflite(const Graph& graph) {
  const auto bytes = export_tflite_bytes(graph);
  EXPECT_TRUE(bytes) << bytes.error().text();
  if (!bytes) return {};
  auto again = import_tflite(Bytes::copy_of(*bytes));
  EXPECT_TRUE(again) << again.error().text();
  return again ? *std::move(again) : Graph();
}

int count(const Graph& graph, std::string_view name) {
  int out = 0;
  for (const NodeId id : graph.topological_order()) out += graph.node(id).op->name() == name;
  return out;
}

/// Largest difference of the first outputs in each of `runs` runs of one session.
double distance(const Graph& a, const Graph& b, const Tensors& inputs, int runs = 1) {
  auto sa = Session::create(a), sb = Session::create(b);
  EXPECT_TRUE(sa && sb);
  if (!sa || !sb) return INFINITY;
  double worst = 0;
  for (int i = 0; i < runs; ++i) {
    const auto ra = sa->run(inputs), rb = sb->run(inputs);
    EXPECT_TRUE(ra) << ra.error().text();
    EXPECT_TRUE(rb) << rb.error().text();
    if (!ra || !rb || !(ra->at(0).shape() == rb->at(0).shape())) return INFINITY;
    const auto x = to_floats(ra->at(0)), y = to_floats(rb->at(0));
    for (size_t k = 0; k < x.size(); ++k) worst = std::max(worst, std::abs(double{x[k]} - double{y[k]}));
  }
  return worst;
}

/// y = s + x, and s becomes y.
Graph counter() {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2}));
  const ValueId s = graph.add_state_value("sum", Tensor::of<float>({2}, {10, 20}));
  const ValueId y = add(graph, "y", make_op(Add{}), {s, x});
  graph.set_state_next("sum", y);
  graph.add_output("y", y);
  return graph;
}

TEST(TfliteExport, StatesAreVariables) {
  const Graph graph = counter(), again = as_tflite(graph);
  ASSERT_EQ(again.states().size(), 1u);
  EXPECT_TRUE(again.states()[0].initial.identical(graph.states()[0].initial));
  EXPECT_EQ(distance(graph, again, {Tensor::of<float>({2}, {1, 2})}, 3), 0);
}

TEST(TfliteExport, AnLstmKeepsItsStatesByItself) {
  constexpr int64_t kHidden = 3, kInput = 2;
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{1, 4, kInput}));
  const ValueId axes = graph.add_constant("axes", Tensor::of<int64_t>({1}, {1}));
  const auto state = [&](const char* name) {
    return graph.add_state_value(name, Tensor::make(DType::kF32, {1, kHidden}).value());
  };
  const ValueId h = add(graph, "h1", make_op(Unsqueeze{}), {state("h"), axes});
  const ValueId c = add(graph, "c1", make_op(Unsqueeze{}), {state("c"), axes});
  Lstm op;
  op.recurrence.hidden_size = kHidden;
  op.recurrence.batch_first = true;
  set_functions(op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh, GateFunction::kTanh});
  const ValueId w = graph.add_constant("w", filled({1, 4 * kHidden, kInput}, 0.9f));
  const ValueId r = graph.add_constant("r", filled({1, 4 * kHidden, kHidden}, 1.3f));
  const ValueId b = graph.add_constant("b", filled({1, 8 * kHidden}, 0.4f));
  const ValueId p = graph.add_constant("p", filled({1, 3 * kHidden}, 1.1f));
  const auto out = graph.add_node("lstm", make_op(op), {x, w, r, b, kNone, h, c, p});
  ASSERT_TRUE(out) << out.error().text();
  graph.set_state_next("h", add(graph, "h2", make_op(Squeeze{}), {out->at(1), axes}));
  graph.set_state_next("c", add(graph, "c2", make_op(Squeeze{}), {out->at(2), axes}));
  graph.add_output("y", out->at(0));
  const Graph again = as_tflite(graph);
  EXPECT_EQ(again.states().size(), 2u);
  EXPECT_EQ(count(again, "LSTM"), 1);
  EXPECT_LT(distance(graph, again, {filled({1, 4, kInput}, 0.5f)}, 3), 1e-6);
}

TEST(TfliteExport, AnLstmWithoutStatesIsRefusedWithTheNearestWay) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{4, 1, 2}));
  Lstm op;
  op.recurrence.hidden_size = 3;
  set_functions(op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh, GateFunction::kTanh});
  const ValueId w = graph.add_constant("w", filled({1, 12, 2}, 0.9f));
  const ValueId r = graph.add_constant("r", filled({1, 12, 3}, 1.3f));
  graph.add_output("y", add(graph, "lstm", make_op(op), {x, w, r}));
  const auto refused = export_tflite_bytes(graph);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text().starts_with("node \"lstm\" (LSTM): TFLite's LSTM keeps its state"))
      << refused.error().text();
}

/// Rows that are quantized while the network runs, times int8 weights.
Graph hybrid(bool symmetric, bool by_channel) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2, 5, 5, 3}));
  Tensor weights = Tensor::make(DType::kI8, {4, 3, 3, 3}).value();
  int8_t next = -100;
  for (int8_t& v : weights.mutable_data<int8_t>()) v = next = static_cast<int8_t>(next + 7);
  QuantizeRows rows;
  rows.symmetric = symmetric;
  const auto quantized = graph.add_node("rows", make_op(rows), {x}).value();
  Cast cast;
  cast.to = DType::kF32;
  const ValueId w = add(graph, "cast", make_op(cast), {graph.add_constant("w", weights)});
  const ValueId sums = add(graph, "conv", make_op(Conv{}), {quantized[0], w});
  const ValueId scales = graph.add_constant(
      "scales", by_channel ? Tensor::of<float>({4}, {0.1f, 0.2f, 0.3f, 0.4f}) : Tensor::scalar(0.25f));
  const ValueId scale = add(graph, "scale", make_op(Mul{}), {quantized[1], scales});
  const ValueId scaled = add(graph, "scaled", make_op(Mul{}), {sums, scale});
  const ValueId b = graph.add_constant("b", Tensor::of<float>({4}, {1, -2, 3, -4}));
  const ValueId biased = add(graph, "biased", make_op(Add{}), {scaled, b});
  graph.add_output("y", add(graph, "y", make_op(Relu{}), {biased}));
  return graph;
}

TEST(TfliteExport, WeightsAloneStayIntegers) {
  for (const bool by_channel : {false, true}) {
    const Graph graph = hybrid(!by_channel, by_channel), again = as_tflite(graph);
    EXPECT_EQ(count(again, "QuantizeRows"), 1);
    EXPECT_EQ(distance(graph, again, {filled({2, 5, 5, 3}, 0.37f)}), 0);
  }
  const auto refused = export_tflite_bytes(hybrid(true, true));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("quantizes the activations"), std::string::npos);
}

TEST(OnnxExport, RowsAreQuantizedByOrdinaryOperators) {
  for (const bool symmetric : {false, true}) {
    const Graph graph = hybrid(symmetric, true);
    const auto bytes = export_onnx_bytes(graph, {.opset = 17});
    ASSERT_TRUE(bytes) << bytes.error().text();
    const Graph again = import_onnx(Bytes::copy_of(*bytes), "").value();
    EXPECT_EQ(count(again, "QuantizeRows"), 0);
    EXPECT_LT(distance(graph, again, {filled({2, 5, 5, 3}, 0.37f)}), 1e-4);
    EXPECT_LT(distance(graph, again, {Tensor::make(DType::kF32, {2, 5, 5, 3}).value()}), 1e-4);
  }
}

TEST(TfliteExport, QuantizationBesideFloats) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2, 3}));
  const ValueId scale = graph.add_constant("scale", Tensor::scalar(0.05f)),
                zero = graph.add_constant("zero", Tensor::scalar(int8_t{4}));
  QuantizeLinear quantize;
  quantize.dtype = DType::kI8;
  const ValueId q = add(graph, "q", make_op(quantize), {x, scale, zero});
  const ValueId real = add(graph, "real", make_op(DequantizeLinear{}), {q, scale, zero});
  graph.add_output("y", add(graph, "y", make_op(Sqrt{}), {real}));
  const Graph again = as_tflite(graph);
  EXPECT_EQ(distance(graph, again, {Tensor::of<float>({2, 3}, {0.1f, 0.26f, 1, 2, 3, 9})}), 0);
}

TEST(TfliteExport, TransposedConvolutionsWithAnyPads) {
  for (const int64_t begin : {0, 1, 2}) {
    Graph graph;
    const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{1, 4, 5, 3}));
    ConvTranspose op;
    op.window.strides = {2, 2};
    op.window.pads_begin = {begin, begin};
    op.window.pads_end = {1, 0};
    op.output_padding = {1, 0};
    const ValueId w = graph.add_constant("w", filled({6, 3, 3, 3}, 0.8f));
    graph.add_output("y", add(graph, "deconv", make_op(op), {x, w}));
    EXPECT_LT(distance(graph, as_tflite(graph), {filled({1, 4, 5, 3}, 0.3f)}), 1e-5) << begin;
  }
}

TEST(TfliteExport, TransposedConvolutionsInGroups) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2, 4, 5, 6}));
  ConvTranspose op;
  op.groups = 3;
  op.window.strides = {2, 1};
  op.window.pads_begin = {1, 0};
  const ValueId w = graph.add_constant("w", filled({9, 3, 2, 2}, 0.8f));
  const ValueId b = graph.add_constant("b", filled({9}, 0.3f));
  graph.add_output("y", add(graph, "deconv", make_op(op), {x, w, b}));
  const Graph again = as_tflite(graph);
  EXPECT_EQ(count(again, "ConvTranspose"), 3);
  EXPECT_LT(distance(graph, again, {filled({2, 4, 5, 6}, 0.3f)}), 1e-5);
}

/// A product of integers between a quantization and a dequantization. `x` and `y` are its types.
Graph integer_layer(OpPtr op, const Shape& x_shape, const Tensor& w, const Quantized::Type& x,
                    const Quantized::Type& w_type, const Quantized::Type& y, Rounding rounding) {
  Graph graph;
  const auto wrapped = [&](OpPtr inner, std::vector<Quantized::Type> in, const Quantized::Type& out) {
    Quantized quantized;
    quantized.op = std::move(inner);
    quantized.in = std::move(in);
    quantized.out = {out};
    quantized.rounding = rounding;
    return make_op(std::move(quantized));
  };
  const ValueId real = graph.add_input("x", Fact(DType::kF32, x_shape));
  const ValueId integers = add(graph, "q", wrapped(make_op(Identity{}), {{}}, x), {real});
  const ValueId sums =
      add(graph, "layer", wrapped(std::move(op), {x, w_type}, y), {integers, graph.add_constant("w", w)});
  graph.add_output("y", add(graph, "y", wrapped(make_op(Identity{}), {y}, {}), {sums}));
  return graph;
}

Tensor integer_weights(DType dtype, const Shape& shape) {
  Tensor out = Tensor::make(dtype, shape).value();
  unsigned next = 3;
  for (int64_t i = 0; i < out.elements(); ++i)
    out.mutable_bytes()[i] = static_cast<std::byte>(next = next * 7 + 5);
  return out;
}

/// The types of all inputs 0 of operators on integers.
std::set<DType> integer_types(const Graph& graph) {
  std::set<DType> out;
  for (const NodeId id : graph.topological_order())
    if (const auto* quantized = op_as<Quantized>(*graph.node(id).op);
        quantized != nullptr && quantized->in[0].dtype)
      out.insert(*quantized->in[0].dtype);
  return out;
}

/// int8 weights, or uint8 ones by channel: TFLite has activations of int8 for both.
TEST(TfliteExport, UnsignedActivationsBecomeSigned) {
  const Shape shape{2, 5, 5, 3};
  for (const DType dtype : {DType::kI8, DType::kU8}) {
    Quantized::Type w = quantized_type(dtype, std::vector<float>{0.011f, 0.02f, 0.007f, 0.013f}, 0);
    if (dtype == DType::kU8) {
      Quantization moved = *w.quantization;
      moved.zero_point.assign(4, 128);
      w.quantization = std::make_shared<const Quantization>(moved);
    }
    const Graph graph =
        integer_layer(make_op<Conv>([](Conv& conv) { conv.window.auto_pad = AutoPad::kSameUpper; }), shape,
                      integer_weights(dtype, {4, 3, 3, 3}), quantized_type(DType::kU8, 0.0078f, 120), w,
                      quantized_type(DType::kU8, 0.05f, 99), Rounding::kOnnx);
    const Graph again = as_tflite(graph);
    EXPECT_EQ(integer_types(again), std::set<DType>{DType::kI8});
    // Halves are rounded in another way: a step of the output.
    EXPECT_LT(distance(graph, again, {filled(shape, 0.37f)}), 0.0501);
  }
}

/// The graph's own inputs and outputs keep their types.
TEST(TfliteExport, UnsignedInputsStayUnsigned) {
  Graph graph;
  const Quantized::Type x_type = quantized_type(DType::kU8, 0.01f, 100),
                        y_type = quantized_type(DType::kU8, 0.05f, 9);
  Fact x_fact(DType::kU8, Shape{3, 7});
  x_fact.quantization = x_type.quantization;
  const ValueId x = graph.add_input("x", x_fact);
  Quantized op;
  op.op = make_op<Gemm>([](Gemm& gemm) { gemm.transpose_b = true; });
  op.in = {x_type, quantized_type(DType::kI8, 0.01f, 0)};
  op.out = {y_type};
  op.rounding = Rounding::kOnnx;
  const ValueId w = graph.add_constant("w", integer_weights(DType::kI8, {5, 7}));
  graph.add_output("y", add(graph, "gemm", make_op(op), {x, w}));
  const Graph again = as_tflite(graph);
  EXPECT_EQ(again.fact(again.inputs()[0]).dtype, DType::kU8);
  EXPECT_EQ(again.fact(again.outputs()[0].value).dtype, DType::kU8);
  EXPECT_EQ(again.outputs()[0].name, "y");
  EXPECT_LE(distance(graph, again, {integer_weights(DType::kU8, {3, 7})}), 1);
}

TEST(TfliteExport, ProductsByColumnsBecomeLayers) {
  const Quantized::Type w = quantized_type(DType::kI8, std::vector<float>{0.011f, 0.02f, 0.007f}, 1);
  for (const Shape& shape : {Shape{5, 12}, Shape{2, 3, 12}}) {
    const Graph graph = integer_layer(make_op(MatMul{}), shape, integer_weights(DType::kI8, {12, 3}),
                                      quantized_type(DType::kU8, 0.0078f, 120), w,
                                      quantized_type(DType::kU8, 0.03f, 99), Rounding::kOnnx);
    const Graph again = as_tflite(graph);
    EXPECT_EQ(count(again, "QuantizedGemm"), 1);
    EXPECT_LT(distance(graph, again, {filled(shape, 0.37f)}), 0.0301);
  }
}

/// Exact: the same arithmetic on both sides.
TEST(TfliteExport, IntegerConvolutionsOverOneAxisAndInGroups) {
  const Quantized::Type x = quantized_type(DType::kI8, 0.0078f, -3), y = quantized_type(DType::kI8, 0.03f, 5),
                        w = quantized_type(DType::kI8, std::vector<float>(6, 0.011f), 0);
  for (const int64_t groups : {1, 2, 6}) {
    const auto line = make_op<Conv>([&](Conv& conv) {
      conv.groups = groups;
      conv.window.dilations = {2};
      conv.window.strides = {1};
    });
    const Graph graph = integer_layer(line, {2, 17, 6}, integer_weights(DType::kI8, {6, 3, 6 / groups}), x, w,
                                      y, Rounding::kTflite);
    EXPECT_EQ(distance(graph, as_tflite(graph), {filled({2, 17, 6}, 0.37f)}), 0) << groups;
    const auto back = make_op<ConvTranspose>([&](ConvTranspose& conv) {
      conv.groups = groups;
      conv.window.strides = {2, 2};
    });
    const Graph turned = integer_layer(back, {2, 4, 5, 6}, integer_weights(DType::kI8, {6, 2, 3, 6 / groups}),
                                       x, w, y, Rounding::kTflite);
    EXPECT_EQ(distance(turned, as_tflite(turned), {filled({2, 4, 5, 6}, 0.37f)}), 0) << groups;
  }
}

TEST(TfliteExport, OpenSizesNameTheNearestWay) {
  Graph graph;
  const ValueId x = graph.add_input(
      "photo", Fact(DType::kF32, Dims{Dim::named("N"), Dim::named("H"), Dim::named("W"), Dim(3)}));
  ConvTranspose op;
  const ValueId w = graph.add_constant("w", filled({6, 3, 3, 3}, 0.8f));
  graph.add_output("y", add(graph, "deconv", make_op(op), {x, w}));
  const auto refused = export_tflite_bytes(graph);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("--shape photo=1x256x256x3"), std::string::npos)
      << refused.error().text();
}

TEST(TfliteExport, SizesHave32Bits) {
  Graph graph;
  const ValueId x = graph.add_input("wide", Fact(DType::kF32, Shape{1, int64_t{1} << 31}));
  graph.add_output("y", add(graph, "relu", make_op(Relu{}), {x}));
  const auto refused = export_tflite_bytes(graph);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("\"wide\""), std::string::npos) << refused.error().text();
}

TEST(TfliteExport, QuotientsOfSizesThatManyReadAreFoundAtOnce) {
  // Each list reads the one before 3000 times: 3000^3 ways from the quotient to the sizes.
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Dims{Dim::named("N"), Dim(2)}));
  ValueId sizes = add(graph, "sizes", make_op(ShapeOp{}), {x});
  const ValueId zero = graph.add_constant("zero", Tensor::of<int64_t>({1}, {0}));
  const ValueId one = graph.add_constant("one", Tensor::of<int64_t>({1}, {1}));
  for (int i = 0; i < 3; ++i) {
    const ValueId all = add(graph, format("all{}", i), make_op(Concat{}), std::vector<ValueId>(3000, sizes));
    sizes = add(graph, format("first{}", i), make_op(Slice{}), {all, zero, one});
  }
  const ValueId two = graph.add_constant("two", Tensor::of<int64_t>({1}, {2}));
  graph.add_output("y", add(graph, "half", make_op(Div{}), {sizes, two}));
  const auto written = export_tflite_bytes(graph);
  EXPECT_TRUE(written) << written.error().text();
}

TEST(TfliteExport, SomeSizesOfAnOpenInput) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Dims{Dim::named("N"), Dim(2), Dim::named("T")}));
  ShapeOp shape;
  shape.start = 1;
  graph.add_output("y", add(graph, "sizes", make_op(shape), {x}));
  const Graph again = as_tflite(graph);
  EXPECT_EQ(distance(graph, again, {filled({3, 2, 7}, 0.3f)}), 0);
}

}  // namespace
}  // namespace pochade
