#include "formats/tflite/export.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/export.h"
#include "formats/onnx/case_graph.h"
#include "formats/tflite/import.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/quant/quantized.h"

namespace pochade {
namespace {

/// Every generated case of every operator survives, or is refused by name; nothing else can happen.
TEST(TfliteExport, EveryCase) {
  const Cases cases = all_cases();
  int written = 0;
  for (const Case& test : cases.list()) {
    auto built = case_graph(test);
    if (!built || built->graph.inputs().empty()) continue;
    const auto bytes = export_tflite_bytes(built->graph);
    if (!bytes) {
      EXPECT_EQ(bytes.error().code(), ErrorCode::kNotSupported) << test.name << ": " << bytes.error().text();
      continue;
    }
    const auto again = import_tflite(Bytes::copy_of(*bytes));
    // Types and ranks that TFLite's operators do not have are refused when they are read back.
    if (!again) continue;
    ++written;
    const auto results = evaluate(*again, built->inputs);
    // Integers are rounded as TFLite rounds.
    if (const auto rounded = as_computed_by(built->graph, "x.tflite"); rounded && *rounded)
      built->results = evaluate(**rounded, built->inputs).value();
    if (!results) {
      ADD_FAILURE() << test.name << ": " << results.error().text();
      continue;
    }
    // ONNX's integers are rounded as TFLite rounds: a step.
    const auto* quantized = op_as<Quantized>(*test.op);
    const bool rounds = quantized != nullptr && quantized->rounding == Rounding::kOnnx;
    for (size_t i = 0; i < results->size(); ++i)
      EXPECT_LE(rounds ? largest_difference(built->results[i], (*results)[i])
                       : relative_difference(built->results[i], (*results)[i]),
                rounds ? 1 : 1e-4)
          << test.name;
  }
  EXPECT_GE(written, 600);
}

TEST(TfliteExport, IntegersKeepTheirScales) {
  Graph graph;
  const auto type = quantized_type(DType::kI8, 0.05f, 3);
  Fact fact(DType::kI8, Shape{1, 6, 6, 2});
  fact.quantization = type.quantization;
  const ValueId x = graph.add_input("x", fact);
  Tensor weights = Tensor::make(DType::kI8, {3, 3, 3, 2}).value();
  int8_t next = -100;
  for (int8_t& w : weights.mutable_data<int8_t>()) w = next += 3;
  Quantized op;
  Conv conv;
  conv.window.auto_pad = AutoPad::kSameUpper;
  op.op = make_op(conv);
  op.in = {type, quantized_type(DType::kI8, {0.01f, 0.02f, 0.03f}, 0), {DType::kI32, nullptr}};
  op.out = {quantized_type(DType::kI8, 0.2f, -5)};
  op.act = {ActivationKind::kRelu, 0, 0};
  const ValueId w = graph.add_constant("w", weights);
  const ValueId b = graph.add_constant("b", Tensor::of<int32_t>({3}, {100, -200, 300}));
  graph.add_output("y", graph.add_node("conv", make_op(op), {x, w, b}).value()[0]);
  const auto bytes = export_tflite_bytes(graph);
  ASSERT_TRUE(bytes) << bytes.error().text();
  const auto again = import_tflite(Bytes::copy_of(*bytes));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again->fact(again->inputs()[0]).quantization, *type.quantization);
  EXPECT_EQ(*again->fact(again->outputs()[0].value).quantization, *op.out[0].quantization);
  Tensor input = Tensor::make(DType::kI8, {1, 6, 6, 2}).value();
  for (int8_t& v : input.mutable_data<int8_t>()) v = next = static_cast<int8_t>(next * 5 + 17);
  const Tensors before = evaluate(graph, {input}).value(), after = evaluate(*again, {input}).value();
  EXPECT_TRUE(before[0].identical(after[0]));
}

TEST(TfliteExport, RefusesWhatTfliteLacksByName) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2}));
  graph.add_output("y", graph.add_node("sign", make_op(Softsign{}), {x}).value()[0]);
  const auto refused = export_tflite_bytes(graph);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotSupported);
  EXPECT_TRUE(refused.error().text().starts_with("node \"sign\" (Softsign): ")) << refused.error().text();
}

}  // namespace
}  // namespace pochade
