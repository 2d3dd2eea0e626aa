// What is said of two models: the same, where they part, how many steps of integers lie between them.

#include "data/verify.h"

#include <gtest/gtest.h>

#include "data/verify_export.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/quant/quantized.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

ValueId add(Graph& graph, const std::string& name, OpPtr op, std::vector<ValueId> inputs) {
  auto out = graph.add_node(name, std::move(op), std::move(inputs));
  EXPECT_TRUE(out) << out.error().text();
  return (*out)[0];
}

ValueId turned(Graph& graph, const std::string& name, ValueId x, std::vector<int64_t> perm) {
  Transpose op;
  op.perm.assign(perm.begin(), perm.end());
  return add(graph, name, make_op(op), {x});
}

/// (x as its layout has it) * 2 * factor, in four channels of 4x4: sizes do not tell the layouts apart.
Graph in_layout(bool channels_first, float factor) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{1, 4, 4, 4}));
  const ValueId turned_x = channels_first ? turned(graph, "in", x, {0, 3, 1, 2}) : x;
  const ValueId m =
      add(graph, "m", make_op(Mul{}), {turned_x, graph.add_constant("two", Tensor::scalar(2.0f))});
  const ValueId y =
      add(graph, "y", make_op(Mul{}), {m, graph.add_constant("factor", Tensor::scalar(factor))});
  graph.add_output("out", channels_first ? turned(graph, "out", y, {0, 2, 3, 1}) : y);
  return graph;
}

TEST(Verify, ModelsOfOtherLayoutsPartWhereTheyDiffer) {
  VerifyOptions options;
  const auto same = verify_models(in_layout(false, 3), in_layout(true, 3), options);
  ASSERT_TRUE(same) << same.error().text();
  EXPECT_TRUE(same->same);
  for (const bool first : {false, true}) {
    const auto verdict = verify_models(in_layout(first, 3), in_layout(!first, 4), options);
    ASSERT_TRUE(verdict) << verdict.error().text();
    EXPECT_FALSE(verdict->same);
    ASSERT_TRUE(verdict->first);
    EXPECT_EQ(verdict->first->name, "y");
  }
}

constexpr float kScale = 0.0625f, kProductScale = 0.0078125f;  // their products are halves of steps

/// x * x on integers, as numbers again if asked.
Graph square(Rounding rounding, float scale, bool real) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{1, 500}));
  const auto of_x = quantized_type(DType::kI8, kScale, -5), of_y = quantized_type(DType::kI8, scale, -100);
  Quantized quantize, product, dequantize;
  quantize.op = dequantize.op = make_op(Identity{});
  quantize.in = {{}};
  quantize.out = {of_x};
  product.op = make_op(Mul{});
  product.in = {of_x, of_x};
  product.out = {of_y};
  dequantize.in = {of_y};
  dequantize.out = {{}};
  const auto made = [&](const std::string& name, Quantized op, std::vector<ValueId> inputs) {
    op.rounding = rounding;
    return add(graph, name, std::make_shared<const Quantized>(std::move(op)), std::move(inputs));
  };
  const ValueId q = made("q", quantize, {x});
  ValueId y = made("square", product, {q, q});
  if (real) y = made("real", dequantize, {y});
  graph.add_output("y", y);
  return graph;
}

TEST(Verify, CountsTheStepsOfIntegersAndOfWhatWasDequantized) {
  const Graph tflite = square(Rounding::kTflite, kProductScale, false);
  EXPECT_EQ(integer_step(tflite, tflite.outputs()[0].value), 1);
  EXPECT_EQ(integer_step(tflite, tflite.inputs()[0]), 0);
  const Graph real = square(Rounding::kTflite, kProductScale, true);
  EXPECT_EQ(integer_step(real, real.outputs()[0].value), kProductScale);
  for (const bool dequantized : {false, true}) {
    const auto verdict = verify_models(square(Rounding::kTflite, kProductScale, dequantized),
                                       square(Rounding::kOnnx, kProductScale, dequantized), {});
    ASSERT_TRUE(verdict) << verdict.error().text();
    EXPECT_FALSE(verdict->same);
    EXPECT_EQ(verdict->outputs[0].steps(), 1);  // halves go away from zero, and to even numbers
  }
}

TEST(Verify, TellsRoundingFromOtherDifferences) {
  const Graph a = square(Rounding::kTflite, kProductScale, true);
  const auto by_rounding = [&](const Graph& b, const std::string& path) {
    const auto out = differ_by_rounding_alone(a, b, path, {});
    EXPECT_TRUE(out) << out.error().text();
    return out.value_or(false);
  };
  EXPECT_TRUE(by_rounding(square(Rounding::kOnnx, kProductScale, true), "b.onnx"));
  EXPECT_FALSE(by_rounding(square(Rounding::kOnnx, 1.1f * kProductScale, true), "b.onnx"));
  EXPECT_FALSE(by_rounding(square(Rounding::kOnnx, kProductScale, true), "b.h5"));
  // Nothing in a file of TFLite rounds in another way than a.
  EXPECT_FALSE(by_rounding(square(Rounding::kOnnx, kProductScale, true), "b.tflite"));
}

}  // namespace
}  // namespace pochade
