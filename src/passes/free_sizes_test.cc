#include "passes/free_sizes.h"

#include <gtest/gtest.h>

#include "graph/evaluate.h"
#include "ops/conv/conv_transpose.h"
#include "ops/resize/resize.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

OpPtr transpose(std::vector<int64_t> perm) {
  return make_op<Transpose>([&](Transpose& op) { op.perm = std::move(perm); });
}

/// x 1,3,16,16 -> channels last -> ConvTranspose with stride 2 and a written-down output size.
Graph upsampler(std::vector<int64_t> output_shape, AutoPad auto_pad) {
  Graph g;
  const ValueId x = g.add_input("x", Fact(DType::kF32, Shape{1, 3, 16, 16}));
  Tensor weights = Tensor::make(DType::kF32, {2, 3, 3, 3}).value();
  for (int64_t i = 0; i < weights.elements(); ++i)
    weights.mutable_data<float>()[static_cast<size_t>(i)] = static_cast<float>(i % 7) - 3;
  const ValueId w = g.add_constant("w", weights);
  const ValueId b = g.add_constant("b", Tensor::of<float>({2}, {0.5f, -1}));
  const ValueId last = g.add_node("last", transpose({0, 2, 3, 1}), {x}).value()[0];
  ConvTranspose conv;
  conv.window.strides = {2, 2};
  conv.window.auto_pad = auto_pad;
  conv.output_shape = std::move(output_shape);
  const ValueId y = g.add_node("up", make_op(conv), {last, w, b}).value()[0];
  g.add_output("y", g.add_node("first", transpose({0, 3, 1, 2}), {y}).value()[0]);
  return g;
}

Tensor ramp(const Shape& shape) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  for (int64_t i = 0; i < out.elements(); ++i)
    out.mutable_data<float>()[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 101);
  return out;
}

TEST(FreeSizes, AWrittenDownSizeBecomesPadsThatGiveTheSame) {
  // 33 is the natural size; 34 adds a row that nothing reaches; 31 and 32 cut, an odd one at either end.
  for (const int64_t size : {31, 32, 33, 34})
    for (const AutoPad auto_pad : {AutoPad::kExplicit, AutoPad::kSameUpper, AutoPad::kSameLower}) {
      const Graph graph = upsampler({size, 33}, auto_pad);
      const auto free = free_sizes(graph);
      ASSERT_TRUE(free) << free.error().text();
      EXPECT_EQ(to_string(free->fact(free->inputs()[0])), "float32 1x3xHxW");
      const Tensor x = ramp({1, 3, 16, 16});
      const Tensor before = evaluate(graph, {x}).value()[0], after = evaluate(*free, {x}).value()[0];
      EXPECT_TRUE(before.identical(after)) << size;
      const Tensor larger = evaluate(*free, {ramp({1, 3, 20, 10})}).value()[0];
      EXPECT_EQ(larger.shape(), (Shape{1, 2, size + 8, 33 - 12}));
    }
}

TEST(FreeSizes, EqualSizesShareANameAndOtherInputsStay) {
  Graph g;
  const ValueId a = g.add_input("a", Fact(DType::kF32, Shape{1, 3, 8, 8}));
  const ValueId b = g.add_input("b", Fact(DType::kF32, Shape{1, 8, 8, 5}));  // no picture
  const ValueId c = g.add_input("c", Fact(DType::kF32, Dims{1, Dim::named("H"), 16, 3}));
  const ValueId d = g.add_input("d", Fact(DType::kF32, Shape{1, 8, 16, 3}));
  for (const ValueId v : {a, b, c, d})
    g.add_output("out " + g.value(v).name,
                 g.add_node(g.value(v).name + "t", transpose({0, 1, 3, 2}), {v}).value()[0]);
  const auto free = free_sizes(g);
  ASSERT_TRUE(free) << free.error().text();
  EXPECT_EQ(to_string(free->fact(free->inputs()[0])), "float32 1x3xH2xW");
  EXPECT_EQ(to_string(free->fact(free->inputs()[1])), "float32 1x8x8x5");
  EXPECT_EQ(to_string(free->fact(free->inputs()[2])), "float32 1xHx16x3");
  EXPECT_EQ(to_string(free->fact(free->inputs()[3])), "float32 1xH2xW2x3");
}

std::string refusal(const Graph& graph) {
  const auto free = free_sizes(graph);
  if (free) return "";
  EXPECT_EQ(free.error().code(), ErrorCode::kNotSupported);
  return free.error().text();
}

TEST(FreeSizes, TheNodeWithAFixedSizeIsNamed) {
  const auto reshaped = [](std::vector<int64_t> shape) {
    Graph g;
    const ValueId x = g.add_input("x", Fact(DType::kF32, Shape{1, 3, 8, 8}));
    const ValueId s = g.add_constant("s", Tensor::of<int64_t>({static_cast<int64_t>(shape.size())}, shape));
    g.add_output("y", g.add_node("flat", make_op(Reshape{}), {x, s}).value()[0]);
    return g;
  };
  EXPECT_NE(refusal(reshaped({1, 192})).find("\"flat\" (Reshape)"), std::string::npos);
  EXPECT_NE(refusal(reshaped({-1, 192})).find("\"flat\" (Reshape)"), std::string::npos);
  EXPECT_EQ(refusal(reshaped({1, -1})), "");

  Graph g;
  const ValueId x = g.add_input("x", Fact(DType::kF32, Shape{1, 8, 8, 3}));
  const ValueId sizes = g.add_constant("sizes", Tensor::of<int64_t>({4}, {1, 4, 4, 3}));
  g.add_output("y", g.add_node("shrink", make_op(Resize{}), {x, kNone, kNone, sizes}).value()[0]);
  EXPECT_NE(refusal(g).find("\"shrink\" (Resize)"), std::string::npos);
}

TEST(FreeSizes, WithoutAFixedPictureThereIsNothingToFree) {
  Graph g;
  const ValueId x = g.add_input("x", Fact(DType::kF32, Dims{1, 3, Dim::named("H"), Dim::named("W")}));
  g.add_output("y", g.add_node("t", transpose({0, 2, 3, 1}), {x}).value()[0]);
  EXPECT_NE(refusal(g).find("no input is a picture"), std::string::npos);
}

}  // namespace
}  // namespace pochade
