// Each pass on a hand-sized graph: what is left of it, and that the oracle's results stay.

#include <gtest/gtest.h>

#include <cmath>

#include "graph/evaluate.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantized.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "passes/fold_constants.h"
#include "passes/pipeline.h"

namespace pochade {
namespace {

/// Values in [-1, 1) that differ from each other and do not repeat soon.
Tensor values(const Shape& shape, int seed) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  uint32_t state = static_cast<uint32_t>(seed) * 2654435761u + 1;
  for (float& v : out.mutable_data<float>()) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  return out;
}

class Builder {
 public:
  Graph graph;
  ValueId input(const Shape& shape) {
    return graph.add_input(format("x{}", graph.inputs().size()), Fact(DType::kF32, shape));
  }
  ValueId constant(Tensor tensor) {
    return graph.add_constant(format("c{}", graph.value_count()), std::move(tensor));
  }
  ValueId constant(const Shape& shape) { return constant(values(shape, graph.value_count() + 7)); }
  /// `shape` of numbers above 0.
  ValueId positive(const Shape& shape) {
    Tensor t = values(shape, graph.value_count() + 7);
    for (float& v : t.mutable_data<float>()) v = v * v + 0.5f;
    return constant(std::move(t));
  }
  template <typename D>
  ValueId add(D op, std::vector<ValueId> inputs) {
    auto out = graph.add_node(format("n{}", graph.node_count()), make_op(std::move(op)), std::move(inputs));
    EXPECT_TRUE(out) << out.error().text();
    return (*out)[0];
  }
  ValueId batch_norm(ValueId x, int64_t channels) {
    return add(BatchNormalization{}, {x, constant(Shape{channels}), constant(Shape{channels}),
                                      constant(Shape{channels}), positive({channels})});
  }
  void output(ValueId v) { graph.add_output(format("y{}", graph.outputs().size()), v); }
};

/// Optimises, compares the oracle's results before and after, and gives the new graph.
Graph optimised(const Graph& graph, double tolerance = 1e-5) {
  auto out = optimise(graph);
  EXPECT_TRUE(out) << out.error().text();
  if (!out) return graph;
  Tensors inputs;
  for (const ValueId v : graph.inputs())
    inputs.push_back(values(*graph.fact(v).shape(), v + 1).cast(*graph.fact(v).dtype).value());
  const auto before = evaluate(graph, inputs), after = evaluate(*out, inputs);
  EXPECT_TRUE(before && after) << (before ? "" : before.error().text())
                               << (after ? "" : after.error().text());
  if (!before || !after) return graph;
  EXPECT_EQ(before->size(), after->size());
  for (size_t i = 0; i < before->size(); ++i) {
    EXPECT_EQ((*before)[i].dtype(), (*after)[i].dtype());
    EXPECT_EQ((*before)[i].shape(), (*after)[i].shape());
    const auto a = to_floats((*before)[i]), b = to_floats((*after)[i]);
    for (size_t k = 0; k < a.size(); ++k) {
      EXPECT_NEAR(a[k], b[k], tolerance * (1 + std::fabs(a[k]))) << "output " << i << " element " << k;
      if (::testing::Test::HasFailure()) return *out;
    }
  }
  return *std::move(out);
}

std::string operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const NodeId n : graph.topological_order()) names.emplace_back(graph.node(n).op->name());
  return join(names, " ");
}

Conv grouped(int64_t groups, std::vector<int64_t> pads = {}) {
  Conv conv;
  conv.groups = groups;
  conv.window.pads_begin = conv.window.pads_end = std::move(pads);
  return conv;
}

TEST(FoldBatchNorm, IntoTheConvolutionBeforeItWithGroupsAndBias) {
  for (const int64_t groups : {1, 2}) {
    Builder b;
    const ValueId x = b.input({1, 5, 4, 4});
    const ValueId y =
        b.add(grouped(groups, {1, 1}), {x, b.constant({6, 3, 3, 4 / groups}), b.constant(Shape{6})});
    b.output(b.add(Relu{}, {b.batch_norm(y, 6)}));
    const Graph out = optimised(b.graph);
    EXPECT_EQ(operators(out), "Conv");
    EXPECT_EQ(op_as<Conv>(*out.node(0).op)->act.kind, Activation::Kind::kRelu);
  }
}

TEST(FoldBatchNorm, IntoConvTransposeAndGemm) {
  Builder b;
  const ValueId x = b.input({1, 3, 4, 4});
  b.output(b.batch_norm(b.add(ConvTranspose{}, {x, b.constant({5, 2, 2, 4})}), 5));
  const ValueId z = b.input({3, 4});
  Gemm gemm;
  gemm.alpha = 0.5f;
  gemm.beta = 2;
  b.output(b.batch_norm(b.add(gemm, {z, b.constant({4, 6}), b.constant({1, 6})}), 6));
  gemm.transpose_b = true;
  b.output(b.batch_norm(b.add(gemm, {z, b.constant({6, 4})}), 6));
  EXPECT_EQ(operators(optimised(b.graph)), "ConvTranspose Gemm Gemm");
}

TEST(FoldBatchNorm, IntoTheConvolutionAfterItUnlessZerosPadThat) {
  for (const int64_t pad : {0, 1}) {
    Builder b;
    const ValueId x = b.input({1, 5, 4, 4});
    b.output(b.add(grouped(2, {pad, pad}), {b.batch_norm(x, 4), b.constant({6, 3, 3, 2})}));
    EXPECT_EQ(operators(optimised(b.graph)), pad == 0 ? "Conv" : "BatchNormalization Conv");
  }
}

TEST(FoldBatchNorm, AValueThatIsReadTwiceStays) {
  Builder b;
  const ValueId y = b.add(Conv{}, {b.input({1, 5, 4, 4}), b.constant({6, 1, 1, 4})});
  b.output(b.batch_norm(y, 6));
  b.output(y);
  EXPECT_EQ(operators(optimised(b.graph)), "Conv BatchNormalization");
}

TEST(FoldBatchNorm, AZeroVarianceWithoutEpsilonStays) {
  Builder b;
  const ValueId y = b.add(Conv{}, {b.input({1, 2, 2, 1}), b.constant({1, 1, 1, 1})});
  BatchNormalization norm;
  norm.epsilon = 0;
  const ValueId one = b.constant(Tensor::of<float>({1}, {1})), zero = b.constant(Tensor::of<float>({1}, {0}));
  b.output(b.add(norm, {y, one, one, one, zero}));
  const auto out = optimise(b.graph);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(operators(*out), "Conv BatchNormalization");
}

TEST(FoldScaleBias, EveryFormOfArithmeticByChannel) {
  Builder b;
  ValueId y = b.add(Conv{}, {b.input({2, 3, 3, 2}), b.constant({4, 2, 2, 2})});
  y = b.add(Mul{}, {y, b.constant(Shape{4})});
  y = b.add(Add{}, {b.constant({1, 1, 1, 4}), y});
  y = b.add(Sub{}, {b.constant({1, 4}), y});
  y = b.add(Div{}, {y, b.positive({1})});
  y = b.add(Sub{}, {y, b.constant(Shape{})});
  b.output(y);
  EXPECT_EQ(operators(optimised(b.graph)), "Conv");
}

TEST(FoldScaleBias, IntoTheConvolutionAfterIt) {
  Builder b;
  const ValueId scaled = b.add(Mul{}, {b.input({1, 4, 4, 3}), b.constant(Shape{3})});
  b.output(b.add(grouped(1, {1, 1}), {scaled, b.constant({2, 3, 3, 3})}));  // a scale passes zero padding
  EXPECT_EQ(operators(optimised(b.graph)), "Conv");
}

TEST(FoldScaleBias, LeavesWhatVariesOverThePicture) {
  Builder b;
  const ValueId y = b.add(Conv{}, {b.input({1, 3, 3, 2}), b.constant({4, 1, 1, 2})});
  b.output(b.add(Mul{}, {y, b.constant({1, 3, 3, 4})}));
  b.output(b.add(Div{}, {b.positive({1, 1, 1, 2}), b.input({1, 3, 3, 2})}));
  EXPECT_EQ(operators(optimised(b.graph, 1e-4)), "Conv Mul Div");
}

TEST(FoldScaleBias, MatMulWithABiasBecomesGemm) {
  Builder b;
  const ValueId y = b.add(MatMul{}, {b.input({2, 3}), b.constant({3, 4})});
  b.output(b.add(Add{}, {y, b.constant(Shape{4})}));
  EXPECT_EQ(operators(optimised(b.graph)), "Gemm");
}

TEST(FoldActivation, EveryFunctionThatAConvolutionTakes) {
  const auto fold = [](auto op) {
    Builder b;
    const ValueId y = b.add(Conv{}, {b.input({1, 3, 3, 2}), b.constant({4, 1, 1, 2})});
    b.output(b.add(op, {y}));
    EXPECT_EQ(operators(optimised(b.graph)), "Conv") << op.name();
  };
  fold(Relu{});
  fold(Sigmoid{});
  fold(Tanh{});
  fold(HardSwish{});
  fold(HardSigmoid{});
  fold(LeakyRelu{});
  fold(Elu{});
  fold(Gelu{});
}

TEST(FoldActivation, ClipAndGates) {
  Builder b;
  const auto conv = [&] { return b.add(Conv{}, {b.graph.inputs()[0], b.constant({4, 1, 1, 2})}); };
  b.input({1, 3, 3, 2});
  b.output(b.add(Clip{}, {conv(), b.constant(Tensor::scalar(0.0f)), b.constant(Tensor::scalar(0.5f))}));
  b.output(b.add(Clip{}, {conv(), kNone, b.constant(Tensor::scalar(0.5f))}));
  const ValueId y = conv();
  b.output(b.add(Mul{}, {b.add(Sigmoid{}, {y}), y}));
  const ValueId z = conv();
  HardSigmoid sixth;
  sixth.alpha = 1.0f / 6;
  b.output(b.add(Mul{}, {z, b.add(sixth, {z})}));
  EXPECT_EQ(operators(optimised(b.graph)), "Conv Conv Conv Conv");
}

TEST(FoldActivation, OnlyOneAndOnlyIfNobodyElseReads) {
  Builder b;
  const ValueId x = b.input({1, 3, 3, 2});
  b.output(b.add(Tanh{}, {b.add(Relu{}, {b.add(Conv{}, {x, b.constant({4, 1, 1, 2})})})}));
  const ValueId shared = b.add(InstanceNormalization{}, {x, b.constant(Shape{2}), b.constant(Shape{2})});
  b.output(b.add(Relu{}, {shared}));
  b.output(shared);
  EXPECT_EQ(operators(optimised(b.graph)), "Conv Tanh InstanceNormalization Relu");
}

ValueId pad(Builder& b, ValueId x, PadFill fill, const std::vector<int64_t>& sizes, float value = 0) {
  Pad op;
  op.mode = fill;
  const ValueId pads = b.constant(Tensor::of<int64_t>({static_cast<int64_t>(sizes.size())}, sizes));
  return b.add(op, {x, pads, b.constant(Tensor::scalar(value))});
}

TEST(FoldPad, IntoConvolutionsInEveryMode) {
  for (const PadFill fill : {PadFill::kConstant, PadFill::kReflect, PadFill::kEdge}) {
    Builder b;
    const ValueId x = b.input({1, 4, 5, 2});
    b.output(b.add(Conv{}, {pad(b, x, fill, {0, 1, 2, 0, 0, 0, 1, 0}), b.constant({3, 3, 3, 2})}));
    const Graph out = optimised(b.graph);
    EXPECT_EQ(operators(out), "Conv");
    EXPECT_EQ(op_as<Conv>(*out.node(0).op)->window.pads_begin, (std::vector<int64_t>{1, 2}));
    EXPECT_EQ(op_as<Conv>(*out.node(0).op)->window.pads_end, (std::vector<int64_t>{0, 1}));
  }
}

TEST(FoldPad, LeavesChannelsValuesAndReflectionOverPads) {
  Builder b;
  const ValueId x = b.input({1, 4, 4, 2});
  b.output(
      b.add(Conv{}, {pad(b, x, PadFill::kConstant, {0, 0, 0, 1, 0, 0, 0, 0}), b.constant({3, 1, 1, 3})}));
  b.output(
      b.add(Conv{}, {pad(b, x, PadFill::kConstant, {0, 1, 1, 0, 0, 1, 1, 0}, 2), b.constant({3, 1, 1, 2})}));
  b.output(b.add(grouped(1, {1, 1}),
                 {pad(b, x, PadFill::kReflect, {0, 1, 1, 0, 0, 1, 1, 0}), b.constant({3, 3, 3, 2})}));
  EXPECT_EQ(operators(optimised(b.graph)), "Pad Conv Pad Conv Pad Conv");
}

TEST(FoldPad, OfIntegersIntoConvolutionsOfTheSameType) {
  const auto build = [](float conv_scale, int8_t value) {
    Builder b;
    const Quantized::Type type = quantized_type(DType::kI8, 0.5f, 3);
    Fact x(DType::kI8, Shape{1, 4, 4, 2});
    x.quantization = type.quantization;
    Quantized pad;
    pad.op = make_op(Pad{});
    pad.in = {type, {}, type};
    pad.out = {type};
    Quantized conv;
    conv.op = make_op(Conv{});
    conv.in = {quantized_type(DType::kI8, conv_scale, 3), quantized_type(DType::kI8, 0.1f, 0)};
    conv.out = {type};
    const ValueId pads = b.constant(Tensor::of<int64_t>({8}, {0, 1, 2, 0, 0, 0, 1, 0}));
    const ValueId fill = b.constant(Tensor::scalar(value));
    const ValueId padded = b.add(pad, {b.graph.add_input("x", x), pads, fill});
    b.output(b.add(conv, {padded, b.constant(Tensor::of<int8_t>({3, 3, 3, 2}, std::vector<int8_t>(54, 1)))}));
    return operators(optimised(b.graph));
  };
  EXPECT_EQ(build(0.5f, 3), "QuantizedConv");
  EXPECT_EQ(build(0.5f, 0), "QuantizedPad QuantizedConv");  // no real zero
}

TEST(FoldPad, IntoPools) {
  Builder b;
  const ValueId x = b.input({1, 5, 5, 2});
  const std::vector<int64_t> sizes{0, 1, 1, 0, 0, 1, 1, 0};
  AveragePool average;
  average.kernel = {3, 3};
  b.output(b.add(average, {pad(b, x, PadFill::kConstant, sizes)}));
  MaxPool most;
  most.kernel = {3, 3};
  b.output(b.add(most, {pad(b, x, PadFill::kConstant, sizes, -INFINITY)}));
  b.output(b.add(most, {pad(b, b.input({1, 5, 5, 2}), PadFill::kConstant, sizes, 0)}));  // zeros may win
  EXPECT_EQ(operators(optimised(b.graph)), "AveragePool MaxPool Pad MaxPool");
}

TEST(RemoveIdentities, EveryForm) {
  Builder b;
  ValueId y = b.input({2, 3});
  y = b.add(Identity{}, {y});
  y = b.add(Dropout{}, {y});
  y = b.add(Cast{}, {y});
  Transpose same;
  same.perm = {0, 1};
  y = b.add(same, {y});
  y = pad(b, y, PadFill::kConstant, {0, 0, 0, 0});
  const auto ints = [&](std::vector<int64_t> v) {
    return b.constant(Tensor::of<int64_t>({static_cast<int64_t>(v.size())}, v));
  };
  y = b.add(Slice{}, {y, ints({0, 0}), ints({100, 3}), ints({0, 1})});
  y = b.add(Add{}, {y, b.constant(Tensor::scalar(0.0f))});
  y = b.add(Mul{}, {b.constant(Tensor::of<float>({3}, {1, 1, 1})), y});
  y = b.add(Tanh{}, {y});
  b.output(y);
  EXPECT_EQ(operators(optimised(b.graph, 0)), "Tanh");
}

TEST(RemoveIdentities, WhatChangesSomethingStays) {
  Builder b;
  const ValueId x = b.input({1, 3});
  const auto ints = [&](std::vector<int64_t> v) {
    return b.constant(Tensor::of<int64_t>({static_cast<int64_t>(v.size())}, v));
  };
  b.output(b.add(Add{}, {x, b.constant(Tensor::of<float>({2, 1}, {0, 0}))}));      // broadcasts
  b.output(b.add(Slice{}, {x, ints({-1}), ints({-100}), ints({1}), ints({-1})}));  // reverses
  b.output(b.add(Sub{}, {b.constant(Tensor::scalar(0.0f)), x}));
  EXPECT_EQ(operators(optimised(b.graph, 0)), "Add Slice Sub");
}

TEST(CommonSubexpressions, EqualNodesOfEqualConstantsMerge) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const auto branch = [&](float n) {
    return b.add(Exp{}, {b.add(Add{}, {x, b.constant(Tensor::scalar(n))})});
  };
  b.output(branch(1));
  b.output(branch(1));
  b.output(branch(2));
  EXPECT_EQ(operators(optimised(b.graph, 0)), "Add Exp Add Exp");
}

TEST(HalfToFloat, CastsStandAtInputsAndOutputsOnly) {
  for (const DType half : {DType::kF16, DType::kBF16}) {
    Builder b;
    const ValueId x = b.graph.add_input("x", Fact(half, Shape{1, 4, 4, 2}));
    const ValueId w = b.graph.add_constant("w", values({3, 3, 3, 2}, 5).cast(half).value());
    const ValueId y = b.add(Conv{}, {x, w});
    b.output(y);  // an output, and read on
    b.output(b.add(Tanh{}, {y}));
    const Graph out = optimised(b.graph, half == DType::kF16 ? 2e-3 : 2e-2);
    EXPECT_EQ(operators(out), "Cast Conv Tanh Cast Cast");
    EXPECT_EQ(out.fact(out.inputs()[0]).dtype, half);
    PassOptions keep;
    keep.half_to_float = false;
    EXPECT_EQ(operators(optimise(b.graph, keep).value()), "Conv Tanh");
  }
}

TEST(FoldPlainConstants, WeightsOfIntegersStayButWhatIsComputedOfThemDoesNot) {
  Builder b;
  const ValueId scale = b.constant(Tensor::scalar(0.5f));
  const auto real = [&](const Shape& shape) {
    const Tensor integers =
        Tensor::of<int8_t>(shape, std::vector<int8_t>(static_cast<size_t>(shape.elements()), 6));
    return b.add(DequantizeLinear{}, {b.constant(integers), scale});
  };
  Transpose turn;
  turn.perm = {1, 0};
  const ValueId weights = b.add(turn, {real({3, 2})});
  const ValueId sum = b.add(Add{}, {b.add(turn, {real({2, 3})}), b.constant(Tensor::scalar(1.0f))});
  b.output(b.add(MatMul{}, {b.add(MatMul{}, {b.input({4, 2}), weights}), sum}));
  auto rewrite = fold_plain_constants(b.graph);
  ASSERT_TRUE(rewrite);
  const Graph folded = (*std::move(rewrite)).apply().value();
  std::map<std::string_view, int> counts;
  for (NodeId n = 0; n < folded.node_count(); ++n) ++counts[folded.node(n).op->name()];
  EXPECT_EQ(counts,
            (std::map<std::string_view, int>{{"DequantizeLinear", 1}, {"Transpose", 1}, {"MatMul", 2}}));
  const Tensor four =
      folded.fact(folded.node(folded.value(folded.outputs()[0].value).producer).inputs[1]).constant;
  ASSERT_EQ(four.shape(), (Shape{3, 2}));
  for (const float v : four.data<float>()) EXPECT_EQ(v, 4);
}

TEST(CancelQdq, RequantizingTheSameWayGoesAndRoundingStays) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const ValueId scale = b.constant(Tensor::scalar(0.1f)), other = b.constant(Tensor::scalar(0.2f));
  const ValueId zero = b.constant(Tensor::scalar<int8_t>(3));
  QuantizeLinear quantize;
  DequantizeLinear dequantize;
  const ValueId q = b.add(quantize, {x, scale, zero});
  const ValueId real = b.add(dequantize, {q, scale, zero});
  b.output(b.add(dequantize, {b.add(quantize, {real, scale, zero}), scale, zero}));
  b.output(b.add(quantize, {real, other, zero}));
  EXPECT_EQ(operators(optimised(b.graph, 0)), "Quantize Requantize Dequantize");
  PassOptions keep;
  keep.keep_qdq = true;
  EXPECT_EQ(operators(optimise(b.graph, keep).value()), "QuantizeLinear DequantizeLinear QuantizeLinear");
}

}  // namespace
}  // namespace pochade
