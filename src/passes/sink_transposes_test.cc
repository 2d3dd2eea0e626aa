#include "passes/sink_transposes.h"

#include <gtest/gtest.h>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/quant/quantize_linear.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "passes/sink_transposes_testing.h"

namespace pochade {
namespace {

using Builder = ChannelsFirstBuilder;

/// Sinks, compares the results, and gives the number of transposes left.
int left(const Graph& graph, const std::vector<Shape>& shapes = {}) {
  const Graph after = sunk(graph);
  expect_same(graph, after, random_inputs(graph, shapes));
  return count_activation_transposes(after);
}

// What stays in every N,C,H,W network with convolutions: one transpose at its input, one at its output.
constexpr int kBorders = 2;

TEST(SinkTransposes, NothingToDoGivesAnEmptyRewrite) {
  Builder b;
  b.output(b.conv(b.input({1, 3, 4, 5}), 2));
  EXPECT_TRUE(sink_transposes(b.graph)->empty());
}

TEST(SinkTransposes, NeighboursMergeAndIdentitiesGo) {
  Builder b;
  const ValueId x = b.input({2, 3, 4, 5});
  b.output(b.transpose(b.transpose(x, {0, 2, 3, 1}), {0, 3, 1, 2}));
  b.output(b.transpose(b.transpose(x, {1, 0, 2, 3}), {0, 2, 1, 3}));
  b.output(b.transpose(b.transpose(b.transpose(x, {}), {}), {0, 1, 2, 3}));
  EXPECT_EQ(left(b.graph), 1);
}

TEST(SinkTransposes, EqualTransposesOfOneValueAreOne) {
  Builder b;
  const ValueId x = b.input({2, 3, 4, 5});
  b.output(b.add(Conv{}, {b.transpose(x, {0, 2, 3, 1}), b.weights({2, 1, 1, 3})}));
  b.output(b.add(Conv{}, {b.transpose(x, {0, 2, 3, 1}), b.weights({4, 1, 1, 3})}));
  EXPECT_EQ(left(b.graph), 1);
}

TEST(SinkTransposes, AxesOfSizeOneNeedNoTranspose) {
  Builder b;
  b.output(b.global_average(b.conv(b.input({2, 1, 4, 5}), 6)));
  EXPECT_EQ(left(b.graph), 0);
}

TEST(SinkTransposes, ElementwiseChainWithConstants) {
  Builder b;
  ValueId x = b.conv(b.input({2, 3, 4, 5}), 6);
  x = b.add(Relu{}, {x});
  x = b.add(Add{}, {x, b.weights({6, 1, 1})});
  x = b.add(Mul{}, {b.weights({1, 6, 1, 1}), x});
  x = b.add(Sub{}, {x, b.weights({5})});
  x = b.add(Add{}, {x, b.weights({2, 6, 4, 5})});
  x = b.add(Mul{}, {x, b.constant(Tensor::scalar(2.0f))});
  x = b.add(Clip{}, {x, b.constant(Tensor::scalar(-1.0f)), kNone});
  x = b.add(PRelu{}, {x, b.weights({6, 1, 1})});
  b.output(b.conv(x, 3));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, ResidualBranches) {
  Builder b;
  ValueId x = b.conv(b.input({1, 3, 4, 5}), 6);
  for (int i = 0; i < 3; ++i) x = b.add(Add{}, {x, b.conv(b.add(Relu{}, {b.conv(x, 6)}), 6)});
  b.output(x);
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, ABranchFromTheInputIsTransposedOnce) {
  // relu(x) is read by a convolution and added to another: transposing x once is enough.
  Builder b;
  const ValueId x = b.add(Relu{}, {b.input({1, 6, 4, 5})});
  b.output(b.conv(b.add(Add{}, {x, b.conv(x, 6)}), 2));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, TwoUsesOfOneTransposeDoNotBecomeTwo) {
  Builder b;
  const ValueId x = b.conv(b.input({1, 6, 4, 5}), 6);
  b.output(b.add(Relu{}, {x}));
  b.output(b.add(Sigmoid{}, {x}));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, AConcatOfBranchesAndSlicesPadsAndSplits) {
  Builder b;
  const ValueId x = b.conv(b.input({1, 4, 6, 5}), 6);
  Concat concat;
  concat.axis = 1;
  ValueId y = b.add(concat, {b.conv(x, 3), b.add(Relu{}, {b.conv(x, 5)}), x, b.weights({1, 2, 6, 5})});
  y = b.add(Slice{}, {y, b.constant(ints({1, -4})), b.constant(ints({9, 1000})), b.constant(ints({1, -2})),
                      b.constant(ints({1, 2}))});
  y = b.add(Slice{}, {y, b.constant(ints({0, 1})), b.constant(ints({1, 8}))});
  y = b.add(Pad{}, {y, b.constant(ints({0, 0, 1, 2, 0, 1, 3, 0}))});
  Split split;
  split.axis = 1;
  split.outputs = 2;
  const auto parts = b.nodes(make_op(split), {y});
  b.output(b.conv(b.add(Mul{}, {parts[0], parts[1]}), 2));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, ReductionsSoftmaxArgMaxGatherCumSum) {
  Builder b;
  const ValueId x = b.conv(b.input({2, 4, 6, 5}), 6);
  Softmax softmax;
  softmax.axis = 1;
  const ValueId y = b.conv(b.add(softmax, {x}), 4);
  b.output(b.add(ReduceMean{}, {b.conv(y, 3), b.constant(ints({2, 3}))}));  // N,C,1,1: a Reshape
  ReduceSum drop;
  drop.keep_dims = false;
  b.output(b.add(drop, {y, b.constant(ints({-1, 2}))}));  // N,C
  ArgMax arg;
  arg.axis = 1;
  arg.keep_dims = false;
  b.output(b.add(arg, {y}));  // N,H,W
  Gather gather;
  gather.axis = 1;
  b.output(b.add(gather, {y, b.constant(Tensor::scalar<int64_t>(2))}));  // N,H,W
  b.output(b.add(gather, {b.add(CumSum{}, {b.conv(y, 3), b.constant(Tensor::scalar<int64_t>(1))}),
                          b.constant(ints({1}))}));
  EXPECT_EQ(left(b.graph), 1);
}

TEST(SinkTransposes, ResizeExpandTile) {
  Builder b;
  ValueId x = b.conv(b.input({1, 4, 6, 5}), 6);
  Resize resize;
  resize.mode = Resize::Mode::kLinear;
  x = b.add(resize, {x, kNone, b.constant(Tensor::of<float>({4}, {1, 1, 2, 3}))});
  resize.axes = {2, 3};
  x = b.add(resize, {x, kNone, kNone, b.constant(ints({7, 9}))});
  x = b.add(Tile{}, {x, b.constant(ints({1, 2, 1, 3}))});
  x = b.add(Expand{}, {x, b.constant(ints({3, 1, 1, 1}))});
  b.output(b.conv(x, 2));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, QuantizeAlongTheChannels) {
  Builder b;
  ValueId x = b.conv(b.input({1, 4, 6, 5}), 3);
  const ValueId scale = b.constant(Tensor::of<float>({3}, {0.1f, 0.2f, 0.05f})),
                zero = b.constant(Tensor::of<uint8_t>({3}, {128, 100, 3}));
  x = b.add(QuantizeLinear{}, {x, scale, zero});
  x = b.add(DequantizeLinear{}, {x, scale, zero});
  b.output(b.conv(x, 2));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, SqueezeAndExcite) {
  Builder b;
  const ValueId x = b.conv(b.input({2, 4, 6, 5}), 6);
  // With convolutions, and with products of matrices.
  const ValueId gate = b.add(Sigmoid{}, {b.conv(b.add(Relu{}, {b.conv(b.global_average(x), 2)}), 6)});
  const ValueId y = b.conv(b.add(Mul{}, {x, gate}), 6);
  ValueId squeezed = b.add(Squeeze{}, {b.global_average(y), b.constant(ints({2, 3}))});
  squeezed = b.add(Sigmoid{}, {b.add(MatMul{}, {squeezed, b.weights({6, 6})})});
  const ValueId z = b.conv(b.add(Mul{}, {y, b.add(Unsqueeze{}, {squeezed, b.constant(ints({2, 3}))})}), 6);
  ReduceMean mean;
  mean.keep_dims = false;
  ValueId flat = b.add(mean, {z, b.constant(ints({2, 3}))});
  flat = b.add(Gemm{}, {flat, b.weights({6, 6}), b.weights({6})});
  b.output(b.conv(b.add(Mul{}, {b.reshape(b.add(Sigmoid{}, {flat}), {0, 6, 1, 1}), z}), 3));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, ChannelShuffleKeepsItsOwnTransposeOnly) {
  Builder b;
  ValueId x = b.conv(b.input({2, 4, 6, 5}), 6);
  x = b.reshape(x, {2, 2, 3, 6, 5});
  x = b.transpose(x, {0, 2, 1, 3, 4});
  x = b.reshape(x, {2, -1, 6, 5});
  b.output(b.conv(x, 3));
  EXPECT_EQ(left(b.graph), kBorders + 1);
}

TEST(SinkTransposes, FlattenBeforeWeightsReordersTheWeights) {
  for (const bool gemm : {false, true}) {
    Builder b;
    ValueId x = b.conv(b.input({2, 4, 3, 5}), 6);
    x = gemm ? b.add(Flatten{}, {x}) : b.reshape(x, {2, 90});
    x = b.add(Relu{}, {x});
    Gemm product;
    product.transpose_b = true;
    b.output(gemm ? b.add(product, {x, b.weights({7, 90}), b.weights({7})})
                  : b.add(MatMul{}, {x, b.weights({90, 7})}));
    EXPECT_EQ(left(b.graph), 1);
  }
}

TEST(SinkTransposes, DropoutBetweenFlattenAndWeights) {
  Builder b;
  Dropout dropout;
  dropout.gives_mask = true;
  const auto x = b.nodes(make_op(dropout), {b.conv(b.input({2, 4, 3, 5}), 6)});
  ValueId y = b.add(Dropout{}, {b.reshape(x[0], {0, -1})});
  y = b.add(Clip{}, {y, b.constant(Tensor::scalar(-0.5f)), b.constant(Tensor::scalar(0.5f))});
  b.output(b.add(MatMul{}, {y, b.weights({90, 3})}));
  b.output(b.add(Gemm{}, {y, b.weights({90, 2})}));
  EXPECT_EQ(left(b.graph), 1);
}

TEST(SinkTransposes, FlattenThatSomethingElseReadsKeepsItsTranspose) {
  Builder b;
  const ValueId x = b.add(Flatten{}, {b.conv(b.input({2, 4, 3, 5}), 6)});
  b.output(b.add(MatMul{}, {x, b.weights({90, 7})}));
  b.output(x);
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, FlattenAfterGlobalPoolIsOnlyAReshape) {
  Builder b;
  const ValueId x =
      b.global_average(b.conv(b.named_input({Dim::named("N"), Dim(4), Dim::named("H"), Dim::named("W")}), 6));
  b.output(b.add(Softmax{}, {b.add(Flatten{}, {x})}));
  EXPECT_EQ(left(b.graph, {Shape{3, 4, 6, 5}}), 1);
}

TEST(SinkTransposes, DetectionHeadsThatEndWithChannelsLast) {
  Builder b;
  const ValueId x = b.conv(b.input({1, 4, 6, 5}), 6);
  const ValueId head = b.reshape(b.transpose(b.conv(x, 4), {0, 2, 3, 1}), {1, -1, 2});
  Concat concat;
  concat.axis = 1;
  const ValueId second = b.reshape(b.transpose(b.conv(b.add(Relu{}, {x}), 2), {0, 2, 3, 1}), {1, -1, 2});
  b.output(b.add(Softmax{}, {b.add(concat, {head, second})}));
  EXPECT_EQ(left(b.graph), 1);
}

TEST(SinkTransposes, TokensFromAConvolution) {
  // N,C,H,W -> N,C,H*W -> N,H*W,C, as vision transformers cut pictures into patches, and back.
  Builder b;
  ValueId x = b.conv(b.input({2, 4, 6, 5}), 8);
  x = b.transpose(b.reshape(x, {2, 8, 30}), {0, 2, 1});
  LayerNormalization norm;
  x = b.add(norm, {x, b.weights({8}), b.weights({8})});
  x = b.add(MatMul{}, {x, b.weights({8, 8})});
  x = b.reshape(b.transpose(x, {0, 2, 1}), {2, 8, 6, 5});
  b.output(b.conv(x, 3));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, LayerNormalisationBetweenConvolutions) {
  // ConvNeXt: channels-last inside the block, channels-first outside of it.
  Builder b;
  const ValueId x = b.conv(b.input({1, 4, 6, 5}), 8);
  ValueId y = b.transpose(b.conv(x, 8), {0, 2, 3, 1});
  y = b.add(LayerNormalization{}, {y, b.weights({8}), b.weights({8})});
  y = b.add(Relu{}, {b.add(MatMul{}, {y, b.weights({8, 16})})});
  y = b.add(Mul{}, {b.add(MatMul{}, {y, b.weights({16, 8})}), b.weights({8})});
  b.output(b.conv(b.add(Add{}, {x, b.transpose(y, {0, 3, 1, 2})}), 2));
  EXPECT_EQ(left(b.graph), kBorders);
}

TEST(SinkTransposes, SizesAreReadInAnyOrder) {
  Builder b;
  const ValueId x = b.conv(b.named_input({Dim::named("N"), Dim(4), Dim::named("H"), Dim::named("W")}), 6);
  const ValueId small = b.conv(x, 3);
  ShapeOp shape;
  b.output(b.add(shape, {small}));
  shape.start = -2;
  const ValueId sizes = b.add(shape, {x});
  Resize resize;
  resize.axes = {2, 3};
  const ValueId up =
      b.add(resize, {b.conv(x, 2), kNone, kNone, b.add(Mul{}, {sizes, b.constant(ints({2, 3}))})});
  b.output(b.conv(up, 2));
  EXPECT_EQ(left(b.graph, {Shape{2, 4, 6, 5}}), kBorders);
}

TEST(SinkTransposes, NamedSizes) {
  Builder b;
  ValueId x = b.conv(b.named_input({Dim::named("N"), Dim(3), Dim::named("H"), Dim::named("W")}), 6);
  x = b.add(Add{}, {x, b.add(Relu{}, {b.conv(x, 6)})});
  x = b.add(Pad{}, {x, b.constant(ints({0, 0, 1, 1, 0, 0, 1, 1}))});
  x = b.add(Mul{}, {x, b.global_average(b.conv(x, 6))});
  b.output(b.conv(x, 3));
  EXPECT_EQ(left(b.graph, {Shape{2, 3, 4, 5}}), kBorders);
}

TEST(SinkTransposes, AMatrixThatIsTransposedIsReadAsItLies) {
  Builder b;
  const ValueId x = b.input({4, 3}), y = b.input({5, 3});
  b.output(b.add(Gemm{}, {b.transpose(b.transpose(x, {1, 0}), {1, 0}), b.transpose(y, {1, 0})}));
  EXPECT_EQ(left(b.graph), 0);
}

TEST(SinkTransposes, ThousandsOfNodesTakeLittleTime) {
  Builder b;
  ValueId x = b.conv(b.input({1, 2, 3, 3}), 4);
  for (int i = 0; i < 700; ++i) x = b.add(Add{}, {b.add(Relu{}, {b.conv(x, 4)}), x});
  b.output(x);
  const auto rewrite = sink_transposes(b.graph);
  ASSERT_TRUE(rewrite);
  EXPECT_EQ(count_activation_transposes(sunk(b.graph)), kBorders);
}

}  // namespace
}  // namespace pochade
