#include "formats/onnx/export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "formats/graph_difference.h"
#include "formats/onnx/case_graph.h"
#include "formats/onnx/import.h"
#include "formats/onnx/model_builder.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/pool/global_pool.h"
#include "ops/shape/concat.h"
#include "ops/shape/transpose.h"
#include "passes/sink_transposes.h"

namespace pochade {
namespace {

Result<Graph> written_and_read(const Graph& graph, int opset = kStandardExportOpset) {
  TRY(const std::string bytes, export_onnx_bytes(graph, {.opset = opset}));
  return import_onnx(Bytes::copy_of(bytes), "");
}

Tensor filled(const Shape& shape, float step) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  float value = -0.7f;
  for (float& v : out.mutable_data<float>()) v = std::sin(value += step);
  return out;
}

/// Every generated case of every operator survives, or is refused by name; nothing else can happen.
void check_cases(int opset, int least_written) {
  const Cases cases = all_cases();
  int written = 0;
  for (const Case& test : cases.list()) {
    const auto built = case_graph(test);
    if (!built) continue;
    const auto bytes = export_onnx_bytes(built->graph, {.opset = opset});
    if (!bytes) {
      EXPECT_EQ(bytes.error().code(), ErrorCode::kNotSupported) << test.name << ": " << bytes.error().text();
      EXPECT_TRUE(bytes.error().text().starts_with("node \"")) << bytes.error().text();
      continue;
    }
    ++written;
    const auto again = import_onnx(Bytes::copy_of(*bytes), "");
    ASSERT_TRUE(again) << test.name << ": " << again.error().text();
    const auto results = evaluate(*again, built->inputs);
    ASSERT_TRUE(results) << test.name << ": " << results.error().text();
    // Integers of TFLite are rounded as ONNX rounds: a step or two, or a part in a thousand of 16 bits.
    const bool rounds = test.name.starts_with("Quantized");
    for (size_t i = 0; i < results->size(); ++i)
      EXPECT_LE(rounds ? std::min(largest_difference(built->results[i], (*results)[i]),
                                  2000 * relative_difference(built->results[i], (*results)[i]))
                       : relative_difference(built->results[i], (*results)[i]),
                rounds ? 2 : 1e-5)
          << test.name << ", opset " << opset;
    const auto twice = written_and_read(*again, opset);
    ASSERT_TRUE(twice) << test.name << ": " << twice.error().text();
    EXPECT_EQ(graph_difference(*again, *twice), "") << test.name;
  }
  EXPECT_GE(written, least_written);
}

TEST(OnnxExport, EveryCaseInTheOldestOpset) {
  check_cases(13, 1900);
}
TEST(OnnxExport, EveryCaseInTheStandardOpset) {
  check_cases(17, 1940);
}
TEST(OnnxExport, EveryCaseInTheNewestOpset) {
  check_cases(21, 1970);
}

/// A channels-last network as TFLite has it: convolutions, a branch, a sum, a pool.
Graph channels_last_network() {
  Graph graph;
  const ValueId x = graph.add_input("picture", Fact(DType::kF32, Dims{Dim::named("N"), 8, 9, 3}));
  const ValueId w1 = graph.add_constant("w1", filled({4, 3, 3, 3}, 0.3f));
  const ValueId w2 = graph.add_constant("w2", filled({4, 1, 1, 4}, 0.7f));
  Conv conv;
  conv.window.auto_pad = AutoPad::kSameUpper;
  conv.act = {ActivationKind::kClip, 0, 6};
  const ValueId a = graph.add_node("first", make_op(conv), {x, w1}).value()[0];
  conv.act = {};
  const ValueId b = graph.add_node("second", make_op(conv), {a, w2}).value()[0];
  const ValueId sum = graph.add_node("sum", make_op(Add{}), {a, b}).value()[0];
  const ValueId silu = graph.add_node("silu", make_op(Silu{}), {sum}).value()[0];
  const ValueId both =
      graph.add_node("both", make_op<Concat>([](Concat& op) { op.axis = 3; }), {silu, a}).value()[0];
  const ValueId third =
      graph.add_node("third", make_op(conv), {both, graph.add_constant("w3", filled({5, 3, 3, 8}, 0.2f))})
          .value()[0];
  graph.add_output("map", third);
  graph.add_output("mean", graph.add_node("pool", make_op(GlobalAveragePool{}), {third}).value()[0]);
  return graph;
}

TEST(OnnxExport, ChannelsLastNetworksTurnOnlyAtTheirEnds) {
  const Graph graph = channels_last_network();
  const auto again = written_and_read(graph);
  ASSERT_TRUE(again) << again.error().text();
  const Tensors inputs{filled({2, 8, 9, 3}, 0.9f)};
  const auto before = evaluate(graph, inputs), after = evaluate(*again, inputs);
  ASSERT_TRUE(before && after);
  for (size_t i = 0; i < before->size(); ++i) EXPECT_LE(relative_difference((*before)[i], (*after)[i]), 1e-6);
  // The names and the sizes of the ends stay, open ones too.
  EXPECT_EQ(again->value(again->inputs()[0]).name, "picture");
  EXPECT_EQ(*again->fact(again->inputs()[0]).dims, *graph.fact(graph.inputs()[0]).dims);
  EXPECT_EQ(again->outputs()[0].name, "map");
  EXPECT_EQ(again->outputs()[1].name, "mean");
  // One at the input and one at the output that has space; the pool's is a Reshape. None are left when the
  // passes have run, since the graph is channels-last by nature.
  Graph sunk = *again;
  for (Rewrite rewrite = sink_transposes(sunk).value(); !rewrite.empty();
       rewrite = sink_transposes(sunk).value())
    sunk = std::move(rewrite).apply().value();
  EXPECT_EQ(count_activation_transposes(sunk), 0);
  const std::string bytes = export_onnx_bytes(graph).value();
  const onnx::ModelProto model = onnx::parse_model(Bytes::copy_of(bytes)).value();
  int transposes = 0;
  for (const onnx::NodeProto& node : model.graph.nodes) transposes += node.op_type == "Transpose";
  EXPECT_LE(transposes, 2);
}

TEST(OnnxExport, NamesThatCollideAreMadeDifferent) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2}));
  const ValueId a = graph.add_node("y", make_op(Relu{}), {x}).value()[0];
  const ValueId b = graph.add_node("y", make_op(Sigmoid{}), {a}).value()[0];
  const ValueId c = graph.add_constant("x", Tensor::of<float>({2}, {1, 2}));
  graph.add_output("y", graph.add_node("x", make_op(Add{}), {b, c}).value()[0]);
  graph.add_output("again", graph.outputs()[0].value);  // one value under two names
  graph.add_output("same", x);                          // an input that is an output
  const auto again = written_and_read(graph);
  ASSERT_TRUE(again) << again.error().text();
  std::set<std::string> nodes;  // two of one name would be refused by ONNX Runtime
  for (const NodeId n : again->topological_order())
    EXPECT_TRUE(nodes.insert(again->node(n).name).second) << again->node(n).name;
  const Tensors inputs{Tensor::of<float>({2}, {-1, 3})};
  const Tensors before = evaluate(graph, inputs).value(), after = evaluate(*again, inputs).value();
  ASSERT_EQ(after.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(relative_difference(before[i], after[i]), 0);
    EXPECT_EQ(again->outputs()[i].name, graph.outputs()[i].name);
  }
}

TEST(OnnxExport, MetadataAndDocumentationStay) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Dims{Dim::named("N"), Dim(), 3}));
  graph.add_output("y", graph.add_node("n", make_op(Relu{}), {x}).value()[0]);
  graph.set_graph_name("name of the graph");
  graph.set_metadata("license", "CC0");
  graph.set_metadata("doc", "what it is for");
  graph.set_metadata("doc:x", "a picture");
  graph.set_metadata("producer", "somebody");
  const Graph again = written_and_read(graph).value();
  EXPECT_EQ(again.name(), "name of the graph");
  EXPECT_EQ(again.metadata().at("license"), "CC0");
  EXPECT_EQ(again.metadata().at("doc"), "what it is for");
  EXPECT_EQ(again.metadata().at("doc:x"), "a picture");
  EXPECT_EQ(again.metadata().at("producer"), "pochade");
  EXPECT_EQ(again.metadata().at("source_producer"), "somebody");
  EXPECT_EQ(graph_difference(graph, again), "");
}

TEST(OnnxExport, RefusesWhatOnnxLacksByName) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kI32, Shape{2}));
  graph.add_output("y", graph.add_node("bits", make_op(BitwiseNot{}), {x}).value()[0]);
  const auto old = export_onnx_bytes(graph, {.opset = 17});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().text(), "node \"bits\" (BitwiseNot): ONNX has BitwiseNot since opset 18 only");
  EXPECT_EQ(old.error().hint(), "Write it with --opset 18.");
  EXPECT_TRUE(export_onnx_bytes(graph, {.opset = 18}));
  EXPECT_FALSE(export_onnx_bytes(graph, {.opset = 12}));
  EXPECT_FALSE(export_onnx_bytes(graph, {.opset = 22}));

  Graph keeps;
  const ValueId state = keeps.add_state_value("memory", Tensor::of<float>({2}, {0, 0}));
  keeps.add_output("y", keeps.add_node("n", make_op(Relu{}), {state}).value()[0]);
  const auto refused = export_onnx_bytes(keeps);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("\"memory\""), std::string::npos);
}

TEST(OnnxExport, MoreThanAFileCanHoldIsRefusedBeforeAnythingIsWritten) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{1}));
  // Never read: the size alone is asked for.
  const Tensor huge =
      Tensor::view(DType::kF32, Shape{int64_t{1} << 30}, reinterpret_cast<const std::byte*>("none"));
  graph.add_output("y",
                   graph.add_node("n", make_op(Concat{}), {x, graph.add_constant("w", huge)}).value()[0]);
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "huge_export";
  std::filesystem::create_directory(folder);
  const Status status = export_onnx(graph, folder / "huge.onnx");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("2147483647"), std::string::npos) << status.error().text();
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

}  // namespace
}  // namespace pochade
