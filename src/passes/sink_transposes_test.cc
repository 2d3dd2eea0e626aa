#include "passes/sink_transposes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "graph/evaluate.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/global_pool.h"
#include "ops/quant/quantize_linear.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "passes/permutation.h"

namespace pochade {
namespace {

Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor out = Tensor::make(DType::kF32, shape).value();
  for (float& x : out.mutable_data<float>()) x = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
  return out;
}

Tensor ints(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

/// A graph in the layout of channel-first files, as an importer builds it.
struct Builder {
  Graph graph;
  uint32_t seed = 1;

  ValueId input(const Shape& shape) {
    return graph.add_input(format("x{}", graph.inputs().size()), Fact(DType::kF32, shape));
  }
  ValueId named_input(Dims dims) {
    return graph.add_input(format("x{}", graph.inputs().size()), Fact(DType::kF32, std::move(dims)));
  }
  void output(ValueId v) { graph.add_output(format("y{}", graph.outputs().size()), v); }
  std::vector<ValueId> nodes(OpPtr op, std::vector<ValueId> in) {
    auto out = graph.add_node(format("n{}", graph.node_count()), std::move(op), std::move(in));
    EXPECT_TRUE(out) << out.error().text();
    return out.value();
  }
  template <typename D>
  ValueId add(D op, std::vector<ValueId> in) {
    return nodes(make_op(std::move(op)), std::move(in))[0];
  }
  ValueId constant(Tensor tensor) {
    return graph.add_constant(format("c{}", graph.value_count()), std::move(tensor));
  }
  ValueId weights(const Shape& shape) { return constant(random_tensor(shape, ++seed)); }
  ValueId transpose(ValueId x, std::vector<int64_t> perm) {
    Transpose op;
    op.perm = std::move(perm);
    return add(op, {x});
  }
  const Fact& fact(ValueId v) const { return graph.fact(v); }
  /// 1x1 convolution of N,C,H,W.
  ValueId conv(ValueId x, int64_t channels) {
    const int64_t in = fact(x).dim(1).number();
    return transpose(add(Conv{}, {transpose(x, {0, 2, 3, 1}), weights({channels, 1, 1, in})}), {0, 3, 1, 2});
  }
  ValueId global_average(ValueId x) {
    return transpose(add(GlobalAveragePool{}, {transpose(x, {0, 2, 3, 1})}), {0, 3, 1, 2});
  }
  ValueId reshape(ValueId x, const std::vector<int64_t>& shape) {
    return add(Reshape{}, {x, constant(ints(shape))});
  }
};

Graph sunk(const Graph& graph) {
  Graph now = graph;
  for (int round = 0; round < 20; ++round) {
    auto rewrite = sink_transposes(now);
    EXPECT_TRUE(rewrite) << rewrite.error().text();
    if (!rewrite || rewrite->empty()) return now;
    const int before = count_activation_transposes(now);
    auto next = std::move(*rewrite).apply();
    EXPECT_TRUE(next) << next.error().text() << "\n" << now.dump();
    if (!next) return now;
    EXPECT_LE(count_activation_transposes(*next), before) << now.dump() << "\n" << next->dump();
    now = *std::move(next);
  }
  ADD_FAILURE() << "does not come to an end:\n" << now.dump();
  return now;
}

Tensors random_inputs(const Graph& graph, const std::vector<Shape>& shapes = {}) {
  Tensors out;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Shape shape = i < shapes.size() ? shapes[i] : graph.fact(graph.inputs()[i]).shape().value();
    out.push_back(random_tensor(shape, 77 + static_cast<uint32_t>(i)));
  }
  return out;
}

void expect_same(const Graph& a, const Graph& b, const Tensors& inputs) {
  const auto wanted = evaluate(a, inputs), got = evaluate(b, inputs);
  ASSERT_TRUE(wanted) << wanted.error().text() << "\n" << a.dump();
  ASSERT_TRUE(got) << got.error().text() << "\n" << b.dump();
  ASSERT_EQ(wanted->size(), got->size());
  for (size_t i = 0; i < wanted->size(); ++i) {
    ASSERT_EQ((*wanted)[i].dtype(), (*got)[i].dtype());
    ASSERT_EQ((*wanted)[i].shape(), (*got)[i].shape()) << a.dump() << b.dump();
    const auto x = to_floats((*wanted)[i]), y = to_floats((*got)[i]);
    for (size_t e = 0; e < x.size(); ++e)
      ASSERT_NEAR(x[e], y[e], 1e-4f * std::max(1.0f, std::fabs(x[e])))
          << "output " << i << " element " << e << "\n"
          << a.dump() << "\n"
          << b.dump();
  }
}

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

/// A graph of random operators on small tensors, with transposes everywhere.
Graph random_graph(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  Builder b;
  b.seed = seed;
  std::vector<ValueId> values{b.input({2, 3, 4, 5}), b.input({1, 4, 3, 4})};
  const int count = 4 + below(24);
  for (int i = 0; i < count; ++i) {
    const ValueId x =
        values[values.size() - 1 -
               static_cast<size_t>(below(static_cast<int>(std::min<size_t>(values.size(), 4))))];
    const Shape shape = b.fact(x).shape().value();
    if (shape.elements() > 4000) continue;
    const int rank = shape.rank();
    const int axis = rank == 0 ? 0 : below(rank);
    std::vector<int64_t> perm;
    for (int a = 0; a < rank; ++a) perm.push_back(a);
    std::shuffle(perm.begin(), perm.end(), random);
    const auto per_axis = [&](auto&& f) {
      std::vector<int64_t> out;
      for (int a = 0; a < rank; ++a) out.push_back(f(a));
      return out;
    };
    switch (below(26)) {
      case 0:
      case 1:
        values.push_back(b.transpose(x, perm));
        break;
      case 2:
        values.push_back(b.add(Relu{}, {x}));
        break;
      case 3:
        for (const ValueId y : values)
          if (b.fact(y).shape() == shape && below(2)) {
            values.push_back(b.add(Add{}, {x, y}));
            break;
          }
        break;
      case 4: {
        Shape c;
        for (int a = below(rank + 1); a < rank; ++a) c.push_back(below(2) ? 1 : shape[a]);
        values.push_back(below(2) ? b.add(Add{}, {x, b.weights(c)}) : b.add(Mul{}, {b.weights(c), x}));
        break;
      }
      case 5:
        if (rank == 4 && shape[1] > 0) values.push_back(b.conv(x, 1 + below(4)));
        break;
      case 6:
        if (rank == 4) values.push_back(b.global_average(x));
        break;
      case 7: {
        Concat concat;
        concat.axis = axis - (below(2) ? rank : 0);
        if (rank > 0) values.push_back(b.add(concat, {x, x}));
        break;
      }
      case 8:
        if (rank > 0)
          values.push_back(b.add(
              Slice{}, {x, b.constant(ints({0})), b.constant(ints({std::max<int64_t>(1, shape[axis] - 1)})),
                        b.constant(ints({axis}))}));
        break;
      case 9:
        values.push_back(b.add(Pad{}, {x, b.constant(ints([&] {
                                         auto begin = per_axis([&](int) { return below(2); }),
                                              end = per_axis([&](int) { return below(2); });
                                         begin.insert(begin.end(), end.begin(), end.end());
                                         return begin;
                                       }()))}));
        break;
      case 10: {
        ReduceMean mean;
        mean.keep_dims = below(2) != 0;
        if (rank > 1) values.push_back(b.add(mean, {x, b.constant(ints({axis - rank}))}));
        break;
      }
      case 11: {
        Softmax softmax;
        softmax.axis = axis;
        softmax.to_end = below(2) != 0;
        if (rank > 0) values.push_back(b.add(softmax, {x}));
        break;
      }
      case 12: {
        if (rank < 2) break;
        // Merge two neighbours.
        const int at = below(rank - 1);
        std::vector<int64_t> to;
        for (int a = 0; a < rank; ++a) {
          if (a == at + 1)
            to.back() *= shape[a];
          else
            to.push_back(shape[a]);
        }
        values.push_back(b.reshape(x, to));
        break;
      }
      case 13: {
        if (rank == 0 || rank > 5) break;
        std::vector<int64_t> to = per_axis([&](int a) { return shape[a]; });
        for (const int64_t factor : {2, 3})
          if (to[static_cast<size_t>(axis)] % factor == 0) {
            to[static_cast<size_t>(axis)] /= factor;
            to.insert(to.begin() + axis, factor);
            break;
          }
        values.push_back(b.reshape(x, to));
        break;
      }
      case 14:
        if (rank < 6) values.push_back(b.add(Unsqueeze{}, {x, b.constant(ints({below(rank + 1)}))}));
        break;
      case 15:
        if (rank > 1 && shape[axis] == 1) values.push_back(b.add(Squeeze{}, {x, b.constant(ints({axis}))}));
        break;
      case 16: {
        Split split;
        split.axis = axis;
        split.outputs = 2;
        if (rank > 0 && shape[axis] > 1)
          for (const ValueId part : b.nodes(make_op(split), {x})) values.push_back(part);
        break;
      }
      case 17: {
        Gather gather;
        gather.axis = axis;
        if (rank > 0)
          values.push_back(b.add(
              gather, {x, below(2) ? b.constant(ints({0, -1})) : b.constant(Tensor::scalar<int64_t>(0))}));
        break;
      }
      case 18:
        if (rank > 1) values.push_back(b.add(MatMul{}, {x, b.weights({shape.back(), 1 + below(4)})}));
        break;
      case 19: {
        Resize resize;
        resize.axes = {axis};
        if (rank > 0) values.push_back(b.add(resize, {x, kNone, kNone, b.constant(ints({shape[axis] + 1}))}));
        break;
      }
      case 20:
        values.push_back(
            b.add(Expand{}, {x, b.constant(ints(per_axis([&](int a) { return shape[a] == 1 ? 2 : 1; })))}));
        break;
      case 21: {
        ArgMax arg;
        arg.axis = axis;
        arg.keep_dims = below(2) != 0;
        if (rank > 1) values.push_back(b.add(Cast{}, {b.add(arg, {x})}));
        break;
      }
      case 22:
        if (rank > 0) values.push_back(b.add(CumSum{}, {x, b.constant(Tensor::scalar<int64_t>(axis))}));
        break;
      case 23: {
        TopK top;
        top.axis = axis;
        if (rank > 0) values.push_back(b.nodes(make_op(top), {x, b.constant(ints({1}))})[0]);
        break;
      }
      case 24:
        if (rank > 0) values.push_back(b.add(LayerNormalization{}, {x, b.weights({shape.back()})}));
        break;
      case 25: {
        if (rank < 2) break;
        const ValueId flat = b.add(Flatten{}, {x});
        values.push_back(b.add(MatMul{}, {flat, b.weights({b.fact(flat).dim(1).number(), 4})}));
        break;
      }
    }
  }
  for (int i = 0; i < 1 + below(3); ++i)
    b.output(values[values.size() - 1 -
                    static_cast<size_t>(below(static_cast<int>(std::min<size_t>(values.size(), 3))))]);
  return b.graph;
}

TEST(SinkTransposes, RandomGraphsGiveTheSameAndNeverMoreTransposes) {
  int before = 0, after = 0;
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const Graph result = sunk(graph);
    expect_same(graph, result, random_inputs(graph));
    if (HasFatalFailure() || HasNonfatalFailure()) return;
    before += count_activation_transposes(graph);
    after += count_activation_transposes(result);
  }
  EXPECT_LT(after * 2, before);  // these graphs are full of what cancels
}

TEST(SinkTransposes, RandomGraphsOfUnknownSizesGiveTheSame) {
  int freed = 0, transposes = 0;
  for (uint32_t seed = 5000; seed < 5600; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    Retype retype(graph);
    ASSERT_TRUE(retype.retype_input(
        "x0", Fact(DType::kF32, Dims{Dim::named("N"), Dim(3), Dim::named("H"), Dim::named("W")})));
    ASSERT_TRUE(retype.retype_input("x1", Fact(DType::kF32, Dims{Dim(), Dim(4), Dim(3), Dim::named("V")})));
    retype.declare_inner_values();
    for (const GraphOutput& output : graph.outputs()) ASSERT_TRUE(retype.declare_output(output.name));
    const auto unknown = std::move(retype).apply();
    if (!unknown) continue;  // its constants allow no other sizes
    ++freed;
    const Graph result = sunk(*unknown);
    expect_same(graph, result, random_inputs(graph));
    if (HasFatalFailure() || HasNonfatalFailure()) return;
    transposes += count_activation_transposes(*unknown) - count_activation_transposes(result);
  }
  EXPECT_GT(freed, 100);
  EXPECT_GT(transposes, 200);
}

}  // namespace
}  // namespace pochade
