#include "formats/onnx/import.h"

#include <gtest/gtest.h>

#include <limits>

#include "formats/onnx/model_builder.h"
#include "formats/onnx/scope.h"
#include "graph/evaluate.h"

namespace pochade::onnx {
namespace {

constexpr auto kFloat = ElementType::kFloat;

Result<Graph> import(const ModelBuilder& model) {
  return import_onnx(model.bytes(), "");
}

std::string error_of(const ModelBuilder& model) {
  const auto graph = import(model);
  return graph ? "" : graph.error().text();
}

#define EXPECT_ERROR(model, text) \
  EXPECT_NE(error_of(model).find(text), std::string::npos) << "\"" << error_of(model) << "\""

/// x (2x3) -> Transpose -> y
ModelBuilder transpose_model() {
  return ModelBuilder(13).input("x", kFloat, {"2", "3"}).node("Transpose", {"x"}, {"y"}).output("y");
}

TEST(OnnxImport, NamesFactsAndTextsAreTheFiles) {
  ModelBuilder model(13);
  model.input("picture", kFloat, {"N", "3", ""}, "0 to 255, BGR")
      .node("Transpose", {"picture"}, {"out put"})
      .output("out put");
  model.metadata("Image.BitmapPixelFormat", "Bgr8");
  const Graph graph = import(model).value();
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "picture");
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "float32 Nx3x?");
  EXPECT_EQ(graph.outputs()[0].name, "out put");
  EXPECT_EQ(to_string(graph.fact(graph.outputs()[0].value)), "float32 ?x3xN");
  EXPECT_EQ(graph.metadata().at("doc:picture"), "0 to 255, BGR");
  EXPECT_EQ(graph.metadata().at("Image.BitmapPixelFormat"), "Bgr8");
  EXPECT_TRUE(graph.verify());
}

TEST(OnnxImport, PlaceholdersOfUnknownSizesAreNotNames) {
  const Graph graph =
      import(ModelBuilder(13).input("x", kFloat, {"?", "None"}).node("Transpose", {"x"}, {"y"}).output("y"))
          .value();
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "float32 ?x?");
}

TEST(OnnxImport, NodesMayStandInAnyOrder) {
  ModelBuilder model(13);
  model.input("x", kFloat, {"2", "3"})
      .node("Transpose", {"b"}, {"y"})
      .node("Transpose", {"a"}, {"b"})
      .node("Transpose", {"x"}, {"a"})
      .output("y");
  const Graph graph = import(model).value();
  EXPECT_EQ(graph.node_count(), 3);
  const auto out = evaluate(graph, {Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6})});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_floats((*out)[0]), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(OnnxImport, WeightsThatAreAlsoInputsAreConstants) {
  ModelBuilder model(7);
  model.input("w", kFloat, {"2", "1"}).initializer(raw_tensor("w", kFloat, {2, 1}, std::vector<float>{5, 6}));
  model.node("Transpose", {"w"}, {"y"}).output("y");
  const Graph graph = import(model).value();
  EXPECT_TRUE(graph.inputs().empty());
  EXPECT_EQ(to_floats(evaluate(graph, {}).value()[0]), (std::vector<float>{5, 6}));
}

TEST(OnnxImport, AnInputOrAWeightMayBeAnOutput) {
  ModelBuilder model(13);
  model.input("x", kFloat, {"1"})
      .initializer(raw_tensor("w", kFloat, {1}, std::vector<float>{5}))
      .output("x")
      .output("w");
  const Graph graph = import(model).value();
  const Tensors out = evaluate(graph, {Tensor::of<float>({1}, {3})}).value();
  EXPECT_EQ(to_floats(out[0]), (std::vector<float>{3}));
  EXPECT_EQ(to_floats(out[1]), (std::vector<float>{5}));
}

TEST(OnnxImport, ConstantsInEveryForm) {
  ModelBuilder model(13);
  model.node("Constant", {}, {"a"},
             {tensor_attribute("value", raw_tensor("", kFloat, {1}, std::vector<float>{1}))});
  model.node("Constant", {}, {"b"}, {attribute("value_float", 2.0f)});
  model.node("Constant", {}, {"c"}, {attribute("value_int", int64_t{3})});
  model.node("Constant", {}, {"d"}, {attribute("value_ints", std::vector<int64_t>{4, 5})});
  for (const char* name : {"a", "b"}) model.output(name);
  for (const char* name : {"c", "d"}) model.output(name, ElementType::kInt64);
  const Tensors out = evaluate(import(model).value(), {}).value();
  EXPECT_EQ(to_floats(out[0]), (std::vector<float>{1}));
  EXPECT_EQ(out[1].rank(), 0);
  EXPECT_EQ(to_floats(out[1]), (std::vector<float>{2}));
  EXPECT_EQ(to_int64s(out[2]), (std::vector<int64_t>{3}));
  EXPECT_EQ(to_int64s(out[3]), (std::vector<int64_t>{4, 5}));

  EXPECT_ERROR(ModelBuilder(13).node("Constant", {}, {"a"}, {attribute("value_string", "x")}).output("a"),
               "value_string");
  EXPECT_ERROR(ModelBuilder(13).node("Constant", {}, {"a"}).output("a"), "expected one value");
}

WireWriter function(std::string_view name, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs, const std::vector<WireWriter>& nodes,
                    const std::vector<std::string>& attributes = {}) {
  WireWriter out;
  out.text(1, name);
  for (const auto& input : inputs) out.text(4, input);
  for (const auto& output : outputs) out.text(5, output);
  for (const auto& text : attributes) out.text(6, text);
  for (const auto& n : nodes) out.message(7, n);
  out.message(9, opset("", 13));
  out.message(9, opset("own", 1));
  out.text(10, "own");
  return out;
}

TEST(OnnxImport, FunctionsAreExpandedWithTheirAttributes) {
  const WireWriter inner =
      function("Turn", {"in"}, {"out"},
               {node("Transpose", {"in"}, {"out"}, {reference_attribute("perm", "order", 7)})}, {"order"});
  const WireWriter outer =
      function("Twice", {"p"}, {"q"},
               {node("Turn", {"p"}, {"in"}, {attribute("order", std::vector<int64_t>{1, 2, 0})}, "", "own"),
                node("Turn", {"in"}, {"q"}, {}, "", "own")});  // without order: reversed
  ModelBuilder model(13);
  model.domain("own", 1).function(inner).function(outer).input("in", kFloat, {"2", "3", "4"});
  model.node("Twice", {"in"}, {"y"}, {}, "call", "own").output("y");
  const auto graph = import(model);
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(graph->node_count(), 2);
  EXPECT_EQ(to_string(graph->fact(graph->outputs()[0].value)), "float32 2x4x3");

  ModelBuilder endless(13);
  endless.domain("own", 1).function(function("F", {"a"}, {"b"}, {node("F", {"a"}, {"b"}, {}, "", "own")}));
  endless.input("x", kFloat, {}).node("F", {"x"}, {"y"}, {}, "", "own").output("y");
  EXPECT_ERROR(endless, "functions call each other");

  ModelBuilder unknown(13);
  unknown.domain("own", 1).function(
      function("F", {"a"}, {"b"}, {node("Mystery", {"a"}, {"b"}, {}, "hidden", "own")}));
  unknown.input("x", kFloat, {}).node("F", {"x"}, {"y"}, {}, "", "own").output("y");
  EXPECT_ERROR(unknown, "Mystery (domain own, opset 1, node \"hidden\")");
}

TEST(OnnxImport, IfWithAKnownConditionBecomesItsBranch) {
  const auto branch = [](const std::vector<int64_t>& perm) {
    WireWriter out;
    out.message(1, node("Transpose", {"x"}, {"inside"}, {attribute("perm", perm)}));
    out.message(12, value_info("inside", kFloat, {}));
    return out;
  };
  const auto model = [&](int64_t condition) {
    ModelBuilder out(13);
    out.input("x", kFloat, {"2", "3", "4"});
    out.node("Constant", {}, {"c"},
             {tensor_attribute("value", raw_tensor("", ElementType::kBool, {},
                                                   std::string_view(condition != 0 ? "\1" : "\0", 1)))});
    out.node("If", {"c"}, {"y"},
             {graph_attribute("then_branch", branch({0, 2, 1})),
              graph_attribute("else_branch", branch({2, 0, 1}))});
    return out.output("y");
  };
  const Graph yes = import(model(1)).value(), no = import(model(0)).value();
  EXPECT_EQ(to_string(yes.fact(yes.outputs()[0].value)), "float32 2x4x3");
  EXPECT_EQ(to_string(no.fact(no.outputs()[0].value)), "float32 4x2x3");
}

TEST(OnnxImport, AllUnknownOperatorsAreNamedAtOnce) {
  ModelBuilder model(13);
  model.domain("com.example", 3).input("x", kFloat, {"1"});
  model.node("Foo", {"x"}, {"a"}, {}, "first")
      .node("Foo", {"a"}, {"b"}, {}, "second")
      .node("Bar", {"b"}, {"y"}, {}, "third", "com.example");
  const std::string error = error_of(model.output("y"));
  EXPECT_NE(error.find("Foo (domain ai.onnx, opset 13, node \"first\")"), std::string::npos) << error;
  EXPECT_NE(error.find("Bar (domain com.example, opset 3, node \"third\")"), std::string::npos) << error;
  EXPECT_EQ(error.find("second"), std::string::npos) << error;
}

TEST(OnnxImport, WhatARowDoesNotReadIsRefused) {
  EXPECT_ERROR(ModelBuilder(13)
                   .input("x", kFloat, {"1"})
                   .node("Transpose", {"x"}, {"y"}, {attribute("axis", int64_t{1})}, "t")
                   .output("y"),
               "node \"t\" (Transpose): attribute \"axis\" is not known");
  EXPECT_ERROR(ModelBuilder(13).input("x", kFloat, {"1"}).node("Transpose", {"x", "x"}, {"y"}).output("y"),
               "2 inputs");
  EXPECT_ERROR(ModelBuilder(13).input("x", kFloat, {"1"}).node("Transpose", {"x"}, {"y", "z"}).output("y"),
               "output 1 is not computed");
  EXPECT_ERROR(ModelBuilder(13)
                   .input("x", kFloat, {"1"})
                   .node("Transpose", {"x"}, {"y"}, {attribute("perm", 1.5f)})
                   .output("y"),
               "attribute \"perm\" is a number, expected a list of integers");
}

TEST(OnnxImport, DamagedGraphsGiveOneClearLine) {
  const auto x = [] { return ModelBuilder(13).input("x", kFloat, {"2", "3"}); };
  EXPECT_ERROR(
      x().node("Transpose", {"a"}, {"b"}, {}, "p").node("Transpose", {"b"}, {"a"}, {}, "q").output("b"),
      "cycle");
  EXPECT_ERROR(x().node("Transpose", {"y"}, {"y"}).output("y"), "cycle");
  EXPECT_ERROR(x().node("Transpose", {"x"}, {"y"}).node("Transpose", {"x"}, {"y"}).output("y"),
               "writes \"y\" already");
  EXPECT_ERROR(x().node("Transpose", {"x"}, {"x"}).output("x"), "\"x\"");
  EXPECT_ERROR(x().node("Transpose", {"nothing"}, {"y"}).output("y"),
               "\"nothing\" is read, but no input, initializer or node gives it");
  EXPECT_ERROR(x().node("Transpose", {"x"}, {"y"}).output("z"), "\"z\"");
  EXPECT_ERROR(x().node("Transpose", {"x"}, {"y"}), "no outputs");
  EXPECT_ERROR(x().node("Transpose", {""}, {"y"}).output("y"), "Transpose");
  EXPECT_ERROR(x().input("x", kFloat, {}).output("x"), "two inputs");
  EXPECT_ERROR(x().output("x").output("x"), "two outputs");
  EXPECT_ERROR(transpose_model()
                   .initializer(raw_tensor("w", kFloat, {1}, "abcd"))
                   .initializer(raw_tensor("w", kFloat, {1}, "abcd")),
               "two initializers");
  EXPECT_ERROR(
      x().node("Transpose", {"x"}, {"y"}, {attribute("perm", std::vector<int64_t>{0, 0})}).output("y"),
      "twice");
  EXPECT_ERROR(x().node("Transpose", {"x"}, {"y"}).output("y", ElementType::kInt32), "declared int32");
}

TEST(OnnxImport, ImpossibleInputsAreRefused) {
  const auto with = [](ElementType type, const DimTexts& dims) {
    return ModelBuilder(13)
        .input("x", type, dims)
        .node("Transpose", {"x"}, {"y"})
        .output("y", ElementType::kUndefined);
  };
  EXPECT_ERROR(with(kFloat, {"-3"}), "a dimension is -3");
  EXPECT_ERROR(with(kFloat, {"4611686018427387904", "4611686018427387904"}), "overflows");
  EXPECT_ERROR(with(kFloat, {"1", "1", "1", "1", "1", "1", "1", "1", "1"}), "dimensions");
  EXPECT_ERROR(with(ElementType::kString, {"1"}), "string");
  EXPECT_ERROR(with(ElementType::kUndefined, {"1"}), "input \"x\"");
  EXPECT_EQ(error_of(with(kFloat, {"0", "5"})), "");
}

TEST(OnnxImport, OpsetsOutsideTheRangeAreRefused) {
  EXPECT_ERROR(ModelBuilder(0).input("x", kFloat, {}).output("x"), "opset 0 is not supported");
  EXPECT_ERROR(ModelBuilder(6).input("x", kFloat, {"1"}).node("Add", {"x", "x"}, {"y"}).output("y"),
               "Add (domain ai.onnx, opset 6");
  EXPECT_EQ(error_of(ModelBuilder(1).input("x", kFloat, {"1"}).node("Transpose", {"x"}, {"y"}).output("y")),
            "");
  EXPECT_ERROR(ModelBuilder(kNewestOpset + 1).input("x", kFloat, {}).output("x"), "is not supported");
}

TEST(OnnxImport, NanWeightsGiveAWarning) {
  ModelBuilder model(13);
  model.initializer(
      raw_tensor("w", kFloat, {2}, std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}));
  model.initializer(raw_tensor("v", kFloat, {2}, std::vector<float>{1, 2}));
  const Graph graph = import(model.output("w").output("v")).value();
  EXPECT_TRUE(graph.metadata().contains("warning:w"));
  EXPECT_FALSE(graph.metadata().contains("warning:v"));
}

TEST(OnnxImport, EveryTruncationAndEveryFlippedByteEndsInAnAnswer) {
  ModelBuilder model = transpose_model();
  model.initializer(raw_tensor("w", kFloat, {2, 3}, std::vector<float>(6, 1)));
  model.node("Transpose", {"w"}, {"z"}, {attribute("perm", std::vector<int64_t>{1, 0})}).output("z");
  const std::string whole = model.str();
  ASSERT_TRUE(import_onnx(Bytes::copy_of(whole), ""));
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto graph = import_onnx(Bytes::copy_of(whole.substr(0, size)), "");
    ASSERT_FALSE(graph) << size;  // the graph is the last field: nothing shorter holds it
    EXPECT_FALSE(graph.error().text().empty());
  }
  for (size_t at = 0; at < whole.size(); ++at)
    for (const int flip : {1, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const auto graph = import_onnx(Bytes::copy_of(damaged), "");
      EXPECT_TRUE(!graph || graph->verify()) << at;
    }
}

}  // namespace
}  // namespace pochade::onnx
