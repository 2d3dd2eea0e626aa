// Groups of DequantizeLinear, an operator and QuantizeLinear become operators on integers, whose results are
// the group's.

#include <gtest/gtest.h>

#include <cmath>

#include "graph/evaluate.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantized.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"
#include "passes/pipeline.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  double uniform(double low, double high) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * static_cast<double>(state_ >> 11) * 0x1p-53;
  }

 private:
  uint64_t state_;
};

Tensor random_tensor(DType dtype, const Shape& shape, double low, double high, Random& random) {
  Tensor wide = Tensor::make(DType::kF64, shape).value();
  for (double& v : wide.mutable_data<double>()) {
    v = random.uniform(low, high);
    if (!is_float(dtype)) v = std::floor(v);
  }
  return wide.cast(dtype).value();
}

/// Builds graphs as ONNX Runtime's quantizer writes them.
class Builder {
 public:
  explicit Builder(uint64_t seed) : random(seed) {}
  Graph graph;
  Random random;

  ValueId input(const Shape& shape) { return graph.add_input("x", Fact(DType::kF32, shape)); }
  ValueId constant(Tensor tensor) {
    return graph.add_constant(format("c{}", graph.value_count()), std::move(tensor));
  }
  template <typename D>
  ValueId add(D op, std::vector<ValueId> inputs) {
    auto out = graph.add_node(format("n{}", graph.node_count()), make_op(std::move(op)), std::move(inputs));
    EXPECT_TRUE(out) << out.error().text();
    return (*out)[0];
  }
  ValueId zero(DType dtype, int32_t value) {
    return constant(Tensor::scalar<int32_t>(value).cast(dtype).value());
  }
  /// Quantizes and dequantizes.
  ValueId qdq(ValueId x, float scale, int32_t zero_point, DType dtype = DType::kU8) {
    return dequantized(quantized(x, scale, zero_point, dtype), scale, zero_point, dtype);
  }
  ValueId quantized(ValueId x, float scale, int32_t zero_point, DType dtype = DType::kU8) {
    return add(QuantizeLinear{}, {x, constant(Tensor::scalar(scale)), zero(dtype, zero_point)});
  }
  ValueId dequantized(ValueId q, float scale, int32_t zero_point, DType dtype = DType::kU8) {
    return add(DequantizeLinear{}, {q, constant(Tensor::scalar(scale)), zero(dtype, zero_point)});
  }
  /// Weights of random int8 with a scale for each index along `axis`, or with one (-1).
  ValueId weights(const Shape& shape, int axis, DType dtype = DType::kI8) {
    const double low = dtype == DType::kI8 ? -127 : 0, high = dtype == DType::kI8 ? 128 : 256;
    const ValueId w = constant(random_tensor(dtype, shape, low, high, random));
    if (axis < 0) return dequantized(w, 0.01f, dtype == DType::kI8 ? 0 : 130, dtype);
    return dequantized_by_channel(w, axis, shape[axis], 1);
  }
  ValueId dequantized_by_channel(ValueId w, int axis, int64_t channels, double unit) {
    std::vector<float> scales;
    for (int64_t i = 0; i < channels; ++i)
      scales.push_back(static_cast<float>(unit * (0.004 + 0.001 * static_cast<double>(i % 7))));
    DequantizeLinear op;
    op.axis = axis;
    return add(op, {w, constant(Tensor::of<float>({channels}, scales))});
  }
  void output(ValueId v) { graph.add_output("y", v); }
};

std::string operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const NodeId n : graph.topological_order()) names.emplace_back(graph.node(n).op->name());
  return join(names, " ");
}

/// Optimises; the results differ by a step of the output at most, and that rarely.
std::string folded(const Builder& b, double step) {
  auto out = optimise(b.graph);
  EXPECT_TRUE(out) << out.error().text();
  if (!out) return "";
  const Status valid = out->verify();
  EXPECT_TRUE(valid) << valid.error().text();
  Random random(99);
  Tensors inputs;
  for (const ValueId v : b.graph.inputs())
    inputs.push_back(random_tensor(*b.graph.fact(v).dtype, *b.graph.fact(v).shape(), -3, 3, random));
  const auto before = evaluate(b.graph, inputs), after = evaluate(*out, inputs);
  EXPECT_TRUE(before && after);
  if (!before || !after) return "";
  EXPECT_EQ((*before)[0].shape(), (*after)[0].shape());
  EXPECT_EQ((*before)[0].dtype(), (*after)[0].dtype());
  const auto want = to_floats((*before)[0]), got = to_floats((*after)[0]);
  size_t different = 0;
  double least = 1e9, most = -1e9;
  for (size_t i = 0; i < want.size(); ++i) {
    least = std::min(least, static_cast<double>(want[i]));
    most = std::max(most, static_cast<double>(want[i]));
    different += want[i] != got[i];
    EXPECT_NEAR(want[i], got[i], step * 1.001) << "element " << i;
  }
  EXPECT_LE(different, want.size() / 50 + 1);
  EXPECT_GT(most - least, 3 * step) << "this could hardly fail";
  return operators(*out);
}

/// Channels first, as ONNX has it.
template <typename D>
ValueId channels_last(Builder& b, D op, std::vector<ValueId> inputs) {
  Transpose to, back;
  to.perm = {0, 2, 3, 1};
  back.perm = {0, 3, 1, 2};
  inputs[0] = b.add(to, {inputs[0]});
  if (inputs.size() > 1) inputs[1] = b.add(to, {inputs[1]});
  return b.add(back, {b.add(std::move(op), std::move(inputs))});
}

TEST(FoldQdq, ConvolutionsWithTheirBiasAndBounds) {
  for (const int axis : {0, -1})
    for (const bool real_bias : {false, true})
      for (const bool relu : {false, true}) {
        SCOPED_TRACE(format("axis {} real bias {} relu {}", axis, real_bias, relu));
        Builder b(17);
        const ValueId x = b.qdq(b.input({1, 5, 6, 7}), 0.02f, 100);
        const ValueId w = b.weights({9, 5, 3, 3}, axis, axis == 0 ? DType::kI8 : DType::kU8);
        const ValueId counts = b.constant(random_tensor(DType::kI32, {9}, -900, 900, b.random));
        const ValueId bias =
            real_bias   ? b.constant(random_tensor(DType::kF32, {9}, -1, 1, b.random))
            : axis == 0 ? b.dequantized_by_channel(counts, 0, 9, 0.02)
                        : b.add(DequantizeLinear{}, {counts, b.constant(Tensor::scalar(0.02f * 0.01f))});
        ValueId y = channels_last(b, Conv{}, {x, w, bias});
        if (relu) y = b.add(Relu{}, {y});
        b.output(b.qdq(y, 0.05f, relu ? 0 : 128));
        EXPECT_EQ(folded(b, 0.05), "Transpose Quantize QuantizedConv QuantizedTranspose Dequantize");
      }
}

TEST(FoldQdq, ChannelsOfNothingMayHaveAnyBias) {
  // What a quantizer writes for a channel of weights that are 0: a scale next to 0, and a bias beyond int32's
  // sums.
  for (const float dead_scale : {1e-20f, 1e-6f}) {
    SCOPED_TRACE(dead_scale);
    Builder b(17);
    const ValueId x = b.qdq(b.input({1, 6, 7, 5}), 0.02f, 100);
    const std::vector<float> scales{0.01f, dead_scale, 0.01f};
    const std::vector<int32_t> counts{100, -2147483647, -200};
    const auto by_channel = [&](Tensor integers, float unit) {
      std::vector<float> units = scales;
      for (float& scale : units) scale *= unit;
      DequantizeLinear op;
      op.axis = 0;
      return b.add(op, {b.constant(std::move(integers)), b.constant(Tensor::of<float>({3}, units))});
    };
    const ValueId w = by_channel(random_tensor(DType::kI8, {3, 3, 3, 5}, -127, 128, b.random), 1);
    const ValueId bias = by_channel(Tensor::of<int32_t>({3}, counts), 0.02f);
    b.output(b.qdq(b.add(Conv{}, {x, w, bias}), 0.05f, 128));
    // A bias that can be seen is none that integers have room for.
    EXPECT_EQ(folded(b, 0.05), dead_scale < 1e-10f ? "Quantize QuantizedConv Dequantize"
                                                   : "Quantize Dequantize Conv Quantize Dequantize");
  }
}

TEST(FoldQdq, WeightsMayBeTurnedBeforeTheyAreDequantized) {
  Builder b(17);
  const ValueId x = b.qdq(b.input({1, 6, 7, 5}), 0.02f, 100);
  Transpose turn;
  turn.perm = {3, 1, 2, 0};
  const ValueId w = b.add(turn, {b.constant(random_tensor(DType::kI8, {5, 3, 3, 9}, -127, 128, b.random))});
  b.output(b.qdq(b.add(Conv{}, {x, b.dequantized_by_channel(w, 0, 9, 1)}), 0.05f, 128));
  EXPECT_EQ(folded(b, 0.05), "Quantize QuantizedConv Dequantize");
}

TEST(FoldQdq, AChainStaysOnIntegersToTheEnd) {
  Builder b(5);
  const ValueId x = b.qdq(b.input({1, 4, 8, 8}), 0.02f, 120);
  Conv conv;
  conv.groups = 4;
  const ValueId a = b.qdq(channels_last(b, conv, {x, b.weights({4, 1, 3, 3}, 0)}), 0.03f, 110);
  MaxPool pool;
  pool.kernel = {2, 2};
  const ValueId p = b.qdq(channels_last(b, pool, {a}), 0.03f, 110);
  Concat concat;
  concat.axis = 1;
  const ValueId c = b.qdq(b.add(concat, {p, b.qdq(b.add(Sigmoid{}, {p}), 1 / 256.0f, 0)}), 0.025f, 90);
  const ValueId sum = b.qdq(b.add(Add{}, {c, c}), 0.05f, 100);
  const ValueId g = b.qdq(channels_last(b, GlobalAveragePool{}, {sum}), 0.02f, 128);
  const ValueId flat = b.qdq(b.add(Flatten{}, {g}), 0.02f, 128);
  Gemm gemm;
  gemm.transpose_b = true;
  const ValueId dense = b.qdq(b.add(gemm, {flat, b.weights({10, 8}, 0)}), 0.01f, 128);
  b.output(b.qdq(b.add(Softmax{}, {dense}), 1 / 256.0f, 0));
  const std::string found = folded(b, 1 / 256.0);
  EXPECT_EQ(found,
            "Transpose Quantize QuantizedConv QuantizedMaxPool QuantizedSigmoid QuantizedConcat QuantizedAdd "
            "QuantizedReduceMean QuantizedReshape QuantizedGemm QuantizedSoftmax Dequantize");
}

TEST(FoldQdq, ProductsOfMatricesTurnTheirWeights) {
  for (const bool transpose : {false, true}) {
    Builder b(8);
    const ValueId x = b.qdq(b.input({4, 12}), 0.02f, 100);
    Gemm gemm;
    gemm.transpose_b = transpose;
    gemm.alpha = 0.5f;
    const Shape shape = transpose ? Shape{6, 12} : Shape{12, 6};
    const ValueId bias = b.constant(random_tensor(DType::kF32, {6}, -1, 1, b.random));
    b.output(b.qdq(b.add(gemm, {x, b.weights(shape, transpose ? 0 : 1), bias}), 0.02f, 128));
    EXPECT_EQ(folded(b, 0.02), "Quantize QuantizedGemm Dequantize");
  }
  Builder b(9);
  const ValueId x = b.qdq(b.input({2, 3, 12}), 0.02f, -5, DType::kI8);
  b.output(b.qdq(b.add(MatMul{}, {x, b.weights({12, 6}, 1)}), 0.03f, 3, DType::kI8));
  EXPECT_EQ(folded(b, 0.03), "Quantize QuantizedMatMul Dequantize");
}

TEST(FoldQdq, FunctionsOfOneValueAndOfPairs) {
  Builder b(3);
  const ValueId x = b.qdq(b.input({3, 50}), 0.03f, 128);
  const ValueId h = b.qdq(b.add(HardSigmoid{}, {x}), 1 / 256.0f, 0);
  const ValueId product = b.qdq(b.add(Mul{}, {x, h}), 0.02f, 100);
  const ValueId shifted = b.qdq(b.add(Add{}, {product, b.constant(Tensor::scalar(0.3f))}), 0.02f, 90);
  // A constant of the other 8-bit type.
  const ValueId row =
      b.dequantized(b.constant(random_tensor(DType::kI8, {50}, -100, 100, b.random)), 0.01f, 4, DType::kI8);
  b.output(b.qdq(b.add(Relu{}, {b.add(Sub{}, {shifted, row})}), 0.02f, 0));
  EXPECT_EQ(folded(b, 0.02), "Quantize Quantized QuantizedMul QuantizedAdd QuantizedSub Dequantize");
}

TEST(FoldQdq, NormalizationByChannelIsALine) {
  Builder b(4);
  const ValueId x = b.qdq(b.input({2, 3, 3, 5}), 0.03f, 128);
  const auto parameter = [&](double low) {
    return b.constant(random_tensor(DType::kF32, {5}, low, 1, b.random));
  };
  const ValueId y =
      b.add(BatchNormalization{}, {x, parameter(-1), parameter(-1), parameter(-1), parameter(0.2)});
  b.output(b.qdq(b.add(Relu{}, {y}), 0.02f, 10));
  EXPECT_EQ(folded(b, 0.02), "Quantize Quantized Dequantize");
}

TEST(FoldQdq, ConstantsByChannelAreLinesToo) {
  Builder b(5);
  const ValueId x = b.qdq(b.input({2, 3, 3, 5}), 0.03f, 128);
  const auto constant = [&](const Shape& shape) {
    return b.constant(random_tensor(DType::kF32, shape, -1, 1, b.random));
  };
  const ValueId sum = b.qdq(b.add(Relu{}, {b.add(Add{}, {constant({5}), x})}), 0.02f, 10);
  b.output(b.qdq(b.add(Mul{}, {sum, constant({1, 1, 5})}), 0.02f, 128));
  EXPECT_EQ(folded(b, 0.02), "Quantize Quantized Quantized Dequantize");
  Builder other(6);  // by row, and numbers that have no place
  const ValueId rows = other.qdq(other.input({2, 3, 3, 5}), 0.03f, 128);
  const ValueId by_row =
      other.add(Add{}, {rows, other.constant(random_tensor(DType::kF32, {3, 1}, -1, 1, other.random))});
  const std::vector<float> infinite = {1, std::numeric_limits<float>::infinity(), 1, 1, 1};
  const ValueId far =
      other.add(Mul{}, {other.qdq(by_row, 0.02f, 10), other.constant(Tensor::of<float>({5}, infinite))});
  other.output(other.qdq(far, 0.02f, 128));
  EXPECT_EQ(operators(optimise(other.graph).value()),
            "Quantize Dequantize Add Quantize Dequantize Mul Quantize Dequantize");
}

TEST(FoldQdq, MovesOfIntegersKeepTheirMeaning) {
  Builder b(6);
  const ValueId q = b.quantized(b.input({1, 4, 5, 6}), 0.03f, 128);
  Transpose turn;
  turn.perm = {0, 2, 3, 1};
  const ValueId moved = b.add(turn, {q});  // of the integers themselves
  const ValueId real = b.dequantized(moved, 0.03f, 128);
  const ValueId pads = b.constant(Tensor::of<int64_t>({8}, {0, 1, 1, 0, 0, 0, 2, 0}));
  const ValueId padded = b.add(Pad{}, {real, pads, b.constant(Tensor::scalar(0.0f))});
  Resize resize;
  resize.axes = {1, 2};
  const ValueId size = b.constant(Tensor::of<int64_t>({2}, {12, 9}));
  const ValueId bigger = b.add(resize, {padded, kNone, kNone, size});
  b.output(b.qdq(bigger, 0.06f, 100));
  EXPECT_EQ(folded(b, 0.06),
            "Quantize QuantizedTranspose QuantizedPad QuantizedResize Requantize Dequantize");
}

TEST(FoldQdq, WhatHasNoIntegersStaysReal) {
  Builder b(7);
  const ValueId x = b.qdq(b.input({1, 6, 6, 3}), 0.02f, 100);
  // No bound, and weights of 16 bits.
  const ValueId y = b.add(Conv{}, {x, b.weights({4, 3, 3, 3}, 0)});
  const ValueId z =
      b.add(Conv{}, {b.qdq(b.add(Tanh{}, {y}), 0.01f, 128),
                     b.dequantized(b.constant(random_tensor(DType::kI16, {2, 3, 3, 4}, -999, 999, b.random)),
                                   0.001f, 0, DType::kI16)});
  b.output(b.qdq(z, 0.05f, 128));
  EXPECT_EQ(folded(b, 0.05), "Quantize Dequantize Conv Quantize Dequantize Conv Quantize Dequantize");
}

TEST(FoldQdq, WeightsStayIntegersWhenSizesAreGiven) {
  Builder b(11);
  Fact fact(DType::kF32, Shape{1, 6, 6, 3});
  fact.dims->at(1) = Dim::named("H");
  const ValueId x = b.qdq(b.graph.add_input("x", fact), 0.02f, 100);
  b.output(b.qdq(b.add(Conv{}, {x, b.weights({4, 3, 3, 3}, 0)}), 0.05f, 128));
  const auto special = specialise(b.graph, {{"x", Shape{1, 6, 6, 3}}});
  ASSERT_TRUE(special) << special.error().text();
  EXPECT_EQ(operators(optimise(*special).value()), "Quantize QuantizedConv Dequantize");
  EXPECT_EQ(operators(optimise(b.graph).value()), "Quantize QuantizedConv Dequantize");
}

TEST(ExpandQlinear, BecomesTheSameOperators) {
  Builder b(12);
  const ValueId scale = b.constant(Tensor::scalar(0.02f)), w_scale = b.constant(Tensor::scalar(0.01f)),
                y_scale = b.constant(Tensor::scalar(0.1f)), zero = b.zero(DType::kU8, 128),
                w_zero = b.zero(DType::kI8, 0);
  const ValueId q = b.quantized(b.input({1, 6, 6, 3}), 0.02f, 128);
  const ValueId w = b.constant(random_tensor(DType::kI8, {4, 3, 3, 3}, -127, 128, b.random));
  const ValueId bias = b.constant(random_tensor(DType::kI32, {4}, -900, 900, b.random));
  const ValueId y = b.add(QLinearConv{}, {q, scale, zero, w, w_scale, w_zero, y_scale, zero, bias});
  const ValueId m = b.constant(random_tensor(DType::kI8, {4, 7}, -127, 128, b.random));
  const ValueId z = b.add(QLinearMatMul{}, {y, y_scale, zero, m, w_scale, w_zero, y_scale, zero});
  b.output(b.dequantized(z, 0.1f, 128));
  EXPECT_EQ(folded(b, 0.1), "Quantize QuantizedConv QuantizedMatMul Dequantize");
}

}  // namespace
}  // namespace pochade
