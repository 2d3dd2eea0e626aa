#include "formats/tensorflow/import.h"

#include <gtest/gtest.h>

#include "formats/tensorflow/bundle_builder.h"
#include "formats/tensorflow/graph_builder.h"
#include "graph/evaluate.h"

namespace pochade::tensorflow {
namespace {

std::string error_of(const GraphBuilder& builder) {
  const auto graph = import_graphdef(builder.bytes());
  return graph ? "" : graph.error().text();
}

#define EXPECT_ERROR(builder, text) \
  EXPECT_NE(error_of(builder).find(text), std::string::npos) << "\"" << error_of(builder) << "\""

/// The only output of a graph, evaluated by the oracles.
Tensor run(const GraphBuilder& builder, const Tensors& inputs) {
  const auto graph = import_graphdef(builder.bytes());
  EXPECT_TRUE(graph) << graph.error().text();
  if (!graph) return Tensor::scalar(0.0f);
  EXPECT_TRUE(graph->verify());
  const auto out = evaluate(*graph, inputs);
  EXPECT_TRUE(out) << out.error().text();
  return out ? out->at(0) : Tensor::scalar(0.0f);
}

Tensor floats(const Shape& shape, const std::vector<float>& values) {
  return Tensor::of<float>(shape, values);
}
std::vector<float> counting(int64_t count) {
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(static_cast<float>(i));
  return out;
}

std::vector<std::string> names(const Graph& graph, bool outputs) {
  std::vector<std::string> out;
  if (outputs)
    for (const GraphOutput& o : graph.outputs()) out.push_back(o.name);
  else
    for (const ValueId v : graph.inputs()) out.push_back(graph.value(v).name);
  return out;
}

// Frozen graphs -----------------------------------------------------------------------------------------

TEST(GraphDef, InputsAndOutputsAreWhatIsReadByNobody) {
  GraphBuilder builder;
  builder.input("second", {2, -1})
      .input("first", {2, 3})
      .input("keep_prob", {})
      .node("sum", "AddV2", {"first", "second"})
      .node("checked", "CheckNumerics", {"sum"}, {text_attr("message", "not a number")})
      .node("out", "Relu", {"checked"})
      .node("save", "SaveV2", {"out"})
      .node("init", "NoOp", {"^out"})
      .floats("unused", {1}, {1})
      .node("of_nothing", "Neg", {"unused"})
      .node("split", "Split", {"axis", "sum"}, {integer_attr("num_split", 2)})
      .int32s("axis", {}, {0});
  const Graph graph = import_graphdef(builder.bytes()).value();
  EXPECT_EQ(names(graph, false), (std::vector<std::string>{"second", "first"}));
  EXPECT_EQ(names(graph, true), (std::vector<std::string>{"out", "split", "split:1"}));
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "float32 2x?");
  EXPECT_EQ(graph.node_count(), 3);  // Add, Relu, Split: nothing of the rest is left
}

TEST(GraphDef, ConvolutionsReadWeightsWithTheirOutputsLast) {
  GraphBuilder builder;
  builder.input("x", {1, 3, 3, 2})
      .floats("w", {2, 2, 2, 1}, counting(8))
      .node("y", "Conv2D", {"x", "w"},
            {integers_attr("strides", {1, 1, 1, 1}), text_attr("padding", "VALID")});
  // The window at the corner: x = 0..3, 6..9 by channels, times 0..7.
  const Tensor y = run(builder, {floats({1, 3, 3, 2}, counting(18))});
  EXPECT_EQ(to_string(y.shape()), "1x2x2x1");
  EXPECT_EQ(to_floats(y)[0], 0 * 0 + 1 * 1 + 2 * 2 + 3 * 3 + 6 * 4 + 7 * 5 + 8 * 6 + 9 * 7);
}

/// Both layouts of one network, and SAME padding, which is 0 before and 1 behind here.
TEST(GraphDef, ChannelsFirstAndLastAgree) {
  const auto network = [](bool first) {
    GraphBuilder builder;
    const std::string format = first ? "NCHW" : "NHWC";
    const std::vector<int64_t> two =
        first ? std::vector<int64_t>{1, 1, 2, 2} : std::vector<int64_t>{1, 2, 2, 1};
    builder.input("x", first ? std::vector<int64_t>{1, 2, 4, 4} : std::vector<int64_t>{1, 4, 4, 2})
        .floats("w", {3, 3, 2, 2}, counting(36))
        .floats("b", {2}, {1, -1})
        .node("conv", "Conv2D", {"x", "w"},
              {integers_attr("strides", two), text_attr("padding", "SAME"), text_attr("data_format", format)})
        .node("y", "BiasAdd", {"conv", "b"}, {text_attr("data_format", format)})
        .node("pool", "MaxPool", {"y"},
              {integers_attr("ksize", two), integers_attr("strides", two), text_attr("padding", "VALID"),
               text_attr("data_format", format)});
    return builder;
  };
  std::vector<float> last = counting(32), first(32);
  for (size_t pixel = 0; pixel < 16; ++pixel)
    for (size_t c = 0; c < 2; ++c) first[c * 16 + pixel] = last[pixel * 2 + c];
  const Tensor a = run(network(false), {floats({1, 4, 4, 2}, last)}),
               b = run(network(true), {floats({1, 2, 4, 4}, first)});
  EXPECT_EQ(to_string(a.shape()), "1x1x1x2");
  EXPECT_EQ(to_string(b.shape()), "1x2x1x1");
  EXPECT_EQ(to_floats(a), to_floats(b));
}

TEST(GraphDef, DepthwiseChannelsAreInputThenMultiplier) {
  GraphBuilder builder;
  builder.input("x", {1, 1, 1, 2})
      .floats("w", {1, 1, 2, 2}, {1, 10, 100, 1000})
      .node("y", "DepthwiseConv2dNative", {"x", "w"},
            {integers_attr("strides", {1, 1, 1, 1}), text_attr("padding", "SAME")});
  EXPECT_EQ(to_floats(run(builder, {floats({1, 1, 1, 2}, {2, 3})})), (std::vector<float>{2, 20, 300, 3000}));
}

TEST(GraphDef, PlaceholdersWithoutAShapeTakeWhatTheirReadersNeed) {
  GraphBuilder builder;
  builder.node("x", "Placeholder", {}, {type_attr("dtype", kFloatType)})
      .floats("mean", {3}, {1, 2, 3})
      .node("centred", "Sub", {"x", "mean"})
      .floats("w", {1, 1, 3, 4}, counting(12))
      .node("read", "Identity", {"w"})
      .node("y", "Conv2D", {"centred", "read"},
            {integers_attr("strides", {1, 1, 1, 1}), text_attr("padding", "SAME")});
  const Graph graph = import_graphdef(builder.bytes()).value();
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "float32 ?x?x?x3");
  EXPECT_EQ(to_string(graph.fact(graph.outputs()[0].value)), "float32 ?x?x?x4");
}

TEST(GraphDef, SizesThatAreKnownInPartStayKnown) {
  GraphBuilder builder;
  builder.input("x", {-1, 6, 2})
      .node("shape", "Shape", {"x"})
      .int32s("zero", {1}, {0})
      .int32s("one", {1}, {1})
      .int32s("two", {1}, {2})
      .node("batch", "StridedSlice", {"shape", "zero", "one", "one"}, {integer_attr("shrink_axis_mask", 1)})
      .node("rows", "StridedSlice", {"shape", "one", "two", "one"}, {integer_attr("shrink_axis_mask", 1)})
      .int32s("four", {}, {4})
      .int32s("three", {}, {3})
      .node("half", "FloorDiv", {"rows", "three"})
      .node("sizes", "Pack", {"batch", "half", "three", "half"},
            {integer_attr("axis", 0), integer_attr("N", 4)})
      .node("y", "Reshape", {"x", "sizes"});
  const Graph graph = import_graphdef(builder.bytes()).value();
  EXPECT_EQ(to_string(graph.fact(graph.outputs()[0].value)), "float32 ?x2x3x2");
  EXPECT_EQ(graph.node_count(), 1);  // the arithmetic of sizes is gone
}

struct SliceCase {
  std::vector<int32_t> begin, end, strides;
  int64_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
  std::string shape;
  std::vector<float> values;
};

TEST(GraphDef, StridedSliceReadsEveryMask) {
  // As numpy slices arange(12).reshape(3, 4).
  const std::vector<SliceCase> cases = {
      {{1, 1}, {2, 3}, {1, 1}, 0, 0, 0, 0, 0, "1x2", {5, 6}},
      {{0, 0}, {0, 0}, {1, 2}, 3, 3, 0, 0, 0, "3x2", {0, 2, 4, 6, 8, 10}},
      {{-1}, {0}, {1}, 0, 0, 0, 0, 1, "4", {8, 9, 10, 11}},
      {{0, 0}, {0, -3}, {1, -1}, 3, 1, 0, 0, 0, "3x2", {3, 2, 7, 6, 11, 10}},
      {{0, 0}, {0, 0}, {-1, -2}, 3, 3, 0, 0, 0, "3x2", {11, 9, 7, 5, 3, 1}},
      {{0, 2}, {0, 3}, {1, 1}, 0, 0, 1, 0, 0, "3x1", {2, 6, 10}},
      {{0, 0, 1}, {0, 0, 2}, {1, 1, 1}, 0, 0, 1, 2, 4, "3x1", {1, 5, 9}},
      {{0, 1}, {0, 2}, {1, 1}, 0, 0, 0, 1, 0, "1x1x4", {4, 5, 6, 7}},
  };
  for (const SliceCase& c : cases) {
    GraphBuilder builder;
    const auto n = static_cast<int64_t>(c.begin.size());
    builder.input("x", {3, 4})
        .int32s("begin", {n}, c.begin)
        .int32s("end", {n}, c.end)
        .int32s("strides", {n}, c.strides)
        .node("y", "StridedSlice", {"x", "begin", "end", "strides"},
              {integer_attr("begin_mask", c.begin_mask), integer_attr("end_mask", c.end_mask),
               integer_attr("ellipsis_mask", c.ellipsis_mask), integer_attr("new_axis_mask", c.new_axis_mask),
               integer_attr("shrink_axis_mask", c.shrink_axis_mask)});
    const Tensor y = run(builder, {floats({3, 4}, counting(12))});
    EXPECT_EQ(to_string(y.shape()), c.shape);
    EXPECT_EQ(to_floats(y), c.values) << c.shape;
  }
}

TEST(GraphDef, OneValueMayStandForAWholeTensor) {
  WireWriter tensor, large;
  tensor.integer(1, kFloatType);
  tensor.message(2, shape_message({2, 3}));
  tensor.packed(5, std::vector<float>{7, 8});
  large.integer(1, kFloatType);
  large.message(2, shape_message({1024, 1024, 1024}));
  large.packed(5, std::vector<float>{1});
  GraphBuilder builder;
  builder.input("x", {2, 3}).constant("c", kFloatType, tensor).node("y", "Mul", {"x", "c"});
  EXPECT_EQ(to_floats(run(builder, {floats({2, 3}, {1, 1, 1, 1, 1, 1})})),
            (std::vector<float>{7, 8, 8, 8, 8, 8}));
  GraphBuilder giant;  // 4 GB that nobody has to have
  giant.input("x", {1}).constant("c", kFloatType, large).node("y", "Mul", {"x", "c"});
  EXPECT_EQ(error_of(giant), "");
}

TEST(GraphDef, RefusesByName) {
  GraphBuilder unknown;
  unknown.input("x", {2}).node("a", "Foo", {"x"}).node("b", "Bar", {"a"});
  EXPECT_ERROR(unknown, "operators that are not supported: Bar (node \"b\"), Foo (node \"a\")");
  GraphBuilder attribute;
  attribute.input("x", {2}).node("y", "Relu", {"x"}, {integer_attr("leak", 3), type_attr("T", 1)});
  EXPECT_ERROR(attribute, "node \"y\" (Relu): attribute \"leak\" is not known");
  GraphBuilder missing;
  missing.input("x", {2}).node("y", "Add", {"x", "nobody"});
  EXPECT_ERROR(missing, "node \"y\" (Add) reads \"nobody\", but no node has that name");
  GraphBuilder cycle;
  cycle.input("x", {2}).node("a", "Add", {"x", "b"}).node("b", "Relu", {"a"}).node("y", "Neg", {"b"});
  EXPECT_ERROR(cycle, "is part of a cycle");
  GraphBuilder twice;
  twice.input("x", {2}).node("x", "Relu", {"x"});
  EXPECT_ERROR(twice, "two nodes have the name \"x\"");
  GraphBuilder variable;
  variable.input("x", {2})
      .node("v", "VariableV2", {}, {type_attr("dtype", 1), shape_attr("shape", {2})})
      .node("y", "Add", {"x", "v"});
  EXPECT_ERROR(variable, "freeze the graph");
  GraphBuilder format;
  format.input("x", {1, 2, 2, 4})
      .node("y", "DepthToSpace", {"x"},
            {integer_attr("block_size", 2), text_attr("data_format", "NCHW_VECT_C")});
  EXPECT_ERROR(format, "data_format is \"NCHW_VECT_C\"");
  GraphBuilder text;
  text.input("x", {}, 7).node("y", "StringLength", {"x"});
  EXPECT_ERROR(text, "node \"y\" (StringLength): this operator is not supported");
  EXPECT_ERROR(GraphBuilder(), "no nodes");
}

TEST(GraphDef, EveryTruncationIsAnErrorOrAGraph) {
  GraphBuilder builder;
  builder.input("x", {2, 3}).floats("w", {3, 2}, counting(6)).node("y", "MatMul", {"x", "w"});
  const std::string whole(builder.bytes().text());
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto graph = import_graphdef(Bytes::copy_of(whole.substr(0, size)));
    if (graph) {
      EXPECT_TRUE(graph->verify()) << size;
    }
  }
}

// Functions, branches, loops ----------------------------------------------------------------------------

/// double(x) = x + x, and both(x) = (double(x), -x).
GraphBuilder with_functions() {
  GraphBuilder builder;
  builder
      .function(function_message("double", {{"x", 1}}, {{"y", 1}}, {node_message("sum", "AddV2", {"x", "x"})},
                                 {{"y", "sum:z:0"}}))
      .function(
          function_message("both", {{"x", 1}}, {{"first", 1}, {"second", 1}},
                           {node_message("call", "PartitionedCall", {"x"}, {function_attr("f", "double")}),
                            node_message("minus", "Neg", {"x"})},
                           {{"first", "call:output:0"}, {"second", "minus:y:0"}}))
      .input("x", {2});
  return builder;
}

TEST(GraphDef, FunctionsAreInlined) {
  GraphBuilder builder = with_functions();
  builder.node("call", "StatefulPartitionedCall", {"x"}, {function_attr("f", "both")})
      .node("y", "Sub", {"call", "call:1"});
  EXPECT_EQ(to_floats(run(builder, {floats({2}, {1, -5})})), (std::vector<float>{3, -15}));
  const Graph graph = import_graphdef(builder.bytes()).value();
  EXPECT_NE(graph.dump().find("\"call/call/sum\""), std::string::npos) << graph.dump();
}

TEST(GraphDef, FunctionsThatCallThemselvesAreRefused) {
  GraphBuilder builder;
  builder
      .function(function_message("f", {{"x", 1}}, {{"y", 1}},
                                 {node_message("c", "PartitionedCall", {"x"}, {function_attr("f", "f")})},
                                 {{"y", "c:output:0"}}))
      .input("x", {2})
      .node("y", "PartitionedCall", {"x"}, {function_attr("f", "f")});
  EXPECT_ERROR(builder, "deep");
}

TEST(GraphDef, FunctionsThatChangeVariablesAreRefused) {
  GraphBuilder builder;
  builder
      .function(function_message(
          "f", {{"x", 1}}, {{"y", 1}},
          {node_message("a", "AssignAddVariableOp", {"x", "x"}), node_message("r", "Relu", {"x"})},
          {{"y", "r:activations:0"}}))
      .input("x", {2})
      .node("y", "StatefulPartitionedCall", {"x"}, {function_attr("f", "f")});
  EXPECT_ERROR(builder, "\"y/a\" (AssignAddVariableOp) changes a variable while running");
}

TEST(GraphDef, ABranchIsTakenOrChosen) {
  const auto branches = [](GraphBuilder& builder) {
    builder.function(function_message("yes", {{"x", 1}}, {{"y", 1}}, {node_message("r", "Relu", {"x"})},
                                      {{"y", "r:activations:0"}}));
    builder.function(
        function_message("no", {{"x", 1}}, {{"y", 1}}, {node_message("r", "Neg", {"x"})}, {{"y", "r:y:0"}}));
    builder.input("x", {2});
  };
  const std::vector<Attr> attrs{function_attr("then_branch", "yes"), function_attr("else_branch", "no")};
  GraphBuilder taken;
  branches(taken);
  taken.constant("c", kBoolType, tensor_message<char>(kBoolType, {}, {0})).node("y", "If", {"c", "x"}, attrs);
  EXPECT_EQ(to_floats(run(taken, {floats({2}, {1, -5})})), (std::vector<float>{-1, 5}));
  EXPECT_EQ(import_graphdef(taken.bytes())->node_count(), 1);

  GraphBuilder chosen;
  branches(chosen);
  chosen.input("c", {}, kBoolType).node("y", "StatelessIf", {"c", "x"}, attrs);
  EXPECT_EQ(to_floats(run(chosen, {floats({2}, {1, -5}), Tensor::scalar(true)})), (std::vector<float>{1, 0}));
  EXPECT_EQ(to_floats(run(chosen, {floats({2}, {1, -5}), Tensor::scalar(false)})),
            (std::vector<float>{-1, 5}));
}

TEST(GraphDef, SwitchAndMergeChoose) {
  GraphBuilder builder;
  builder.input("x", {2})
      .input("c", {}, kBoolType)
      .node("switch", "Switch", {"x", "c"})
      .node("pivot", "Switch", {"c", "c"})
      .node("yes", "Identity", {"pivot:1"})
      .node("one", "Const", {"^yes"},
            {type_attr("dtype", 1), tensor_attr("value", tensor_message<float>(1, {2}, {1, 1}))})
      .node("minus", "Neg", {"switch"})
      .node("y", "Merge", {"minus", "one"});
  EXPECT_EQ(to_floats(run(builder, {floats({2}, {4, 5}), Tensor::scalar(true)})), (std::vector<float>{1, 1}));
  EXPECT_EQ(to_floats(run(builder, {floats({2}, {4, 5}), Tensor::scalar(false)})),
            (std::vector<float>{-4, -5}));
}

/// for (i = 0; i < steps; ++i) x = x + x
GraphBuilder frame_loop(bool known) {
  GraphBuilder builder;
  const Attr frame = text_attr("frame_name", "loop");
  builder.input("x", {2});
  known ? builder.int32s("steps", {}, {3}) : builder.input("steps", {}, kInt32Type);
  builder.int32s("zero", {}, {0})
      .node("i0", "Enter", {"zero"}, {frame})
      .node("x0", "Enter", {"x"}, {frame})
      .node("n", "Enter", {"steps"}, {frame, flag_attr("is_constant", true)})
      .node("i", "Merge", {"i0", "i_next"})
      .node("xi", "Merge", {"x0", "x_next"})
      .node("less", "Less", {"i", "n"})
      .node("cond", "LoopCond", {"less"})
      .node("i_switch", "Switch", {"i", "cond"})
      .node("x_switch", "Switch", {"xi", "cond"})
      .node("i_body", "Identity", {"i_switch:1"})
      .node("one", "Const", {"^i_body"},
            {type_attr("dtype", 3), tensor_attr("value", tensor_message<int32_t>(3, {}, {1}))})
      .node("i_add", "Add", {"i_body", "one"})
      .node("x_add", "Add", {"x_switch:1", "x_switch:1"})
      .node("i_next", "NextIteration", {"i_add"})
      .node("x_next", "NextIteration", {"x_add"})
      .node("i_exit", "Exit", {"i_switch"})
      .node("x_exit", "Exit", {"x_switch"})
      .node("y", "Identity", {"x_exit"});
  return builder;
}

TEST(GraphDef, FramesOfLoopsAreUnrolled) {
  EXPECT_EQ(to_floats(run(frame_loop(true), {floats({2}, {1, 5})})), (std::vector<float>{8, 40}));
  EXPECT_EQ(names(*import_graphdef(frame_loop(true).bytes()), true), (std::vector<std::string>{"y"}));
  EXPECT_ERROR(frame_loop(false), "the number of steps of the loop \"loop\" is not known before running");
}

TEST(GraphDef, WhileIsUnrolled) {
  GraphBuilder builder;
  builder
      .function(function_message(
          "goes_on", {{"i", 3}, {"x", 1}}, {{"y", 10}},
          {node_message("n", "Const", {},
                        {type_attr("dtype", 3), tensor_attr("value", tensor_message<int32_t>(3, {}, {3}))}),
           node_message("less", "Less", {"i", "n:output:0"})},
          {{"y", "less:z:0"}}))
      .function(function_message(
          "step", {{"i", 3}, {"x", 1}}, {{"a", 3}, {"b", 1}},
          {node_message("one", "Const", {},
                        {type_attr("dtype", 3), tensor_attr("value", tensor_message<int32_t>(3, {}, {1}))}),
           node_message("add", "AddV2", {"i", "one:output:0"}), node_message("twice", "AddV2", {"x", "x"})},
          {{"a", "add:z:0"}, {"b", "twice:z:0"}}))
      .input("x", {2})
      .int32s("zero", {}, {0})
      .node("loop", "StatelessWhile", {"zero", "x"},
            {function_attr("cond", "goes_on"), function_attr("body", "step")})
      .node("y", "Identity", {"loop:1"});
  EXPECT_EQ(to_floats(run(builder, {floats({2}, {1, 5})})), (std::vector<float>{8, 40}));
}

TEST(GraphDef, TensorArraysAreListsOfValues) {
  GraphBuilder builder;
  builder.input("x", {2, 3})
      .int32s("two", {}, {2})
      .int32s("indices", {2}, {0, 1})
      .int32s("reversed", {2}, {1, 0})
      .int32s("one", {}, {1})
      .node("ta", "TensorArrayV3", {"two"}, {type_attr("dtype", 1)})
      .node("filled", "TensorArrayScatterV3", {"ta", "indices", "x", "ta:1"})
      .node("row", "TensorArrayReadV3", {"ta", "one", "filled"}, {type_attr("dtype", 1)})
      .node("minus", "Neg", {"row"})
      .node("written", "TensorArrayWriteV3", {"ta", "one", "minus", "filled"})
      .node("y", "TensorArrayGatherV3", {"ta", "reversed", "written"}, {type_attr("dtype", 1)});
  EXPECT_EQ(to_floats(run(builder, {floats({2, 3}, counting(6))})),
            (std::vector<float>{-3, -4, -5, 0, 1, 2}));
}

// Audio -------------------------------------------------------------------------------------------------

TEST(GraphDef, AStringThatDecodeWavReadsIsBytes) {
  GraphBuilder builder;
  builder.input("wav", {}, 7)
      .node("pass", "Identity", {"wav"})
      .node("decoded", "DecodeWav", {"pass"},
            {integer_attr("desired_channels", 1), integer_attr("desired_samples", 4)})
      .node("y", "Abs", {"decoded"});
  const Graph graph = import_graphdef(builder.bytes()).value();
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "uint8 ?");
  EXPECT_EQ(to_string(graph.fact(graph.outputs()[0].value)), "float32 4x1");
}

// SavedModels -------------------------------------------------------------------------------------------

GraphBuilder variable_graph() {
  GraphBuilder builder;
  builder
      .function(function_message("serve", {{"x", 1}, {"w", 20}}, {{"y", 1}},
                                 {node_message("read", "ReadVariableOp", {"w"}, {type_attr("dtype", 1)}),
                                  node_message("product", "Mul", {"x", "read:value:0"})},
                                 {{"y", "product:z:0"}}))
      .input("serving_default_x", {-1, 2})
      .node("w", "VarHandleOp", {}, {type_attr("dtype", 1), text_attr("shared_name", "weight")})
      .node("call", "StatefulPartitionedCall", {"serving_default_x", "w"}, {function_attr("f", "serve")});
  return builder;
}

/// What a model of version 2 runs to restore itself says which key belongs to which variable.
void add_restore(GraphBuilder& builder, std::string_view key) {
  WireWriter names;
  names.integer(1, 7);
  names.message(2, shape_message({1}));
  names.text(8, key);
  builder
      .function(function_message(
          "restore", {{"file", 7}, {"variable", 20}}, {},
          {node_message("names", "Const", {}, {type_attr("dtype", 7), tensor_attr("value", names)}),
           node_message("restored", "RestoreV2", {"file", "names:output:0", "names:output:0"}),
           node_message("value", "Identity", {"restored:tensors:0"}),
           node_message("assign", "AssignVariableOp", {"variable", "value:output:0"})},
          {}))
      .input("filename", {}, 7)
      .node("restore_all", "StatefulPartitionedCall", {"filename", "w"}, {function_attr("f", "restore")});
}

TEST(SavedModel, SignaturesNameInputsAndOutputs) {
  GraphBuilder builder = variable_graph();
  add_restore(builder, "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE");
  BundleBuilder variables;
  variables.floats("layer/kernel/.ATTRIBUTES/VARIABLE_VALUE", {2}, {10, 100}).floats("other", {1}, {5});
  const auto graph = import_saved_model(saved_model_bytes(builder, {{"x", "serving_default_x:0", 1, {-1, 2}}},
                                                          {{"scores", "call:0", 1, {-1, 2}}}),
                                        variables.index(), variables.data());
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(names(*graph, false), (std::vector<std::string>{"x"}));
  EXPECT_EQ(names(*graph, true), (std::vector<std::string>{"scores"}));
  EXPECT_EQ(graph->metadata().at("signature"), "serving_default");
  const auto out = evaluate(*graph, {floats({1, 2}, {1, 2})});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_floats(out->at(0)), (std::vector<float>{10, 200}));
}

TEST(SavedModel, VariablesThatNothingRestoresGoByTheirNames) {
  BundleBuilder variables;
  variables.floats("weight", {2}, {3, 4});
  const Bytes file = saved_model_bytes(variable_graph(), {{"x", "serving_default_x:0", 1, {-1, 2}}},
                                       {{"scores", "call:0", 1, {-1, 2}}});
  const auto graph = import_saved_model(file, variables.index(), variables.data());
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(to_floats(evaluate(*graph, {floats({1, 2}, {1, 1})})->at(0)), (std::vector<float>{3, 4}));
  BundleBuilder others;
  others.floats("something", {2}, {3, 4});
  const auto none = import_saved_model(file, others.index(), others.data());
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text().find("nothing in the model restores the variable \"w\""), std::string::npos)
      << none.error().text();
}

TEST(SavedModel, WithoutASignatureIsRefused) {
  WireWriter meta, out;
  meta.message(2, variable_graph().message());
  out.integer(1, 1);
  out.message(2, meta);
  const auto graph = import_saved_model(Bytes::copy_of(out.str()), {}, {});
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().text().find("has no signature"), std::string::npos);
}

}  // namespace
}  // namespace pochade::tensorflow
