#include <gtest/gtest.h>

#include <cmath>

#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {
namespace {

Facts facts(const Tensors& in) {
  Facts out;
  for (const Tensor& t : in) out.push_back(t.defined() ? Fact(t) : Fact());
  return out;
}

/// infer() and eval() agree on types and shapes; gives the first output.
Tensor run(const Op& op, const Tensors& in) {
  const auto inferred = op.infer(facts(in));
  EXPECT_TRUE(inferred) << inferred.error().text();
  const auto out = op.eval(in);
  EXPECT_TRUE(out) << out.error().text();
  if (!inferred || !out) return Tensor::scalar(0.0f);
  EXPECT_EQ((*out)[0].dtype(), *(*inferred)[0].dtype);
  EXPECT_EQ((*out)[0].shape(), *(*inferred)[0].shape());
  return (*out)[0];
}

std::string error_of(const Op& op, const Tensors& in) {
  const auto out = op.infer(facts(in));
  return out ? "none" : out.error().text();
}

using Ints = std::vector<int64_t>;

TEST(QuantizeLinear, HalvesGoToTheEvenNeighbourAndValuesSaturate) {
  const Tensor x = Tensor::of<float>({8}, {1, 3, 5, -1, -3, 1000, -1000, 0});
  const Tensor scale = Tensor::scalar(2.0f);
  // x / 2 = 0.5 1.5 2.5 -0.5 -1.5 500 -500 0
  EXPECT_EQ(to_int64s(run(QuantizeLinear{}, {x, scale, Tensor::scalar<uint8_t>(128)})),
            (Ints{128, 130, 130, 128, 126, 255, 0, 128}));
  EXPECT_EQ(to_int64s(run(QuantizeLinear{}, {x, scale, Tensor::scalar<int8_t>(-1)})),
            (Ints{-1, 1, 1, -1, -3, 127, -128, -1}));
  EXPECT_EQ(to_int64s(run(QuantizeLinear{}, {x, scale, Tensor::scalar<int16_t>(0)})),
            (Ints{0, 2, 2, 0, -2, 500, -500, 0}));
  EXPECT_EQ(run(QuantizeLinear{}, {x, scale}).dtype(), DType::kU8);
  QuantizeLinear away;
  away.rounding = Rounding::kTflite;
  away.dtype = DType::kI8;
  EXPECT_EQ(to_int64s(run(away, {x, scale})), (Ints{1, 2, 3, -1, -2, 127, -128, 0}));
}

TEST(QuantizeLinear, NaNAndInfinitiesAreDefined) {
  const Tensor x = Tensor::of<float>({3}, {NAN, INFINITY, -INFINITY});
  EXPECT_EQ(to_int64s(run(QuantizeLinear{}, {x, Tensor::scalar(1.0f)})), (Ints{0, 255, 0}));
}

TEST(QuantizeLinear, ScalesAlongAnAxisAndInBlocks) {
  const Tensor x = Tensor::of<float>({2, 3}, {10, 10, 10, 20, 20, 20});
  QuantizeLinear op;
  op.axis = -1;
  EXPECT_EQ(to_int64s(run(op, {x, Tensor::of<float>({3}, {1, 2, 5})})), (Ints{10, 5, 2, 20, 10, 4}));
  op.axis = 0;
  EXPECT_EQ(to_int64s(run(op, {x, Tensor::of<float>({2}, {1, 2})})), (Ints{10, 10, 10, 10, 10, 10}));
  op.axis = 1;
  op.block_size = 2;  // columns 0 and 1 share a scale, column 2 has its own
  const Tensor blocks = Tensor::of<float>({2, 2}, {1, 10, 2, 4});
  EXPECT_EQ(to_int64s(run(op, {x, blocks})), (Ints{10, 10, 1, 10, 10, 5}));
  DequantizeLinear back;
  back.block_size = 2;
  const Tensor q = Tensor::of<int8_t>({2, 3}, {10, 10, 1, 10, 10, 5});
  EXPECT_EQ(to_floats(run(back, {q, blocks})), to_floats(x));
}

TEST(QuantizeLinear, ErrorsNameShapesAndTypes) {
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(error_of(QuantizeLinear{}, {x, Tensor::of<float>({2}, {1, 1})}),
            "scale has the shape 2, expected 3 for x of 2x3");
  QuantizeLinear outside;
  outside.axis = 2;
  EXPECT_EQ(error_of(outside, {x, Tensor::of<float>({3}, {1, 1, 1})}), "axis 2 is outside [-2, 2)");
  EXPECT_EQ(error_of(QuantizeLinear{}, {x, Tensor::scalar(1.0f), Tensor::scalar(0.0f)}),
            "y is float32, expected int8 or uint8 or int16 or uint16");
  EXPECT_EQ(error_of(DequantizeLinear{},
                     {Tensor::of<int8_t>({1}, {1}), Tensor::scalar(1.0f), Tensor::scalar<uint8_t>(0)}),
            "zero_point is uint8, expected int8");
}

TEST(DequantizeLinear, SubtractsBeforeItMultipliesAndTakesInt32) {
  const Tensor x = Tensor::of<uint8_t>({3}, {0, 128, 255});
  EXPECT_EQ(to_floats(run(DequantizeLinear{}, {x, Tensor::scalar(0.5f), Tensor::scalar<uint8_t>(128)})),
            (std::vector<float>{-64, 0, 63.5}));
  const Tensor wide = Tensor::of<int32_t>({2}, {-100000, 3});
  EXPECT_EQ(to_floats(run(DequantizeLinear{}, {wide, Tensor::scalar(0.25f)})),
            (std::vector<float>{-25000, 0.75f}));
  const Tensor half = run(DequantizeLinear{}, {x, Tensor::scalar(Half(0.5f))});
  EXPECT_EQ(half.dtype(), DType::kF16);
  EXPECT_EQ(to_floats(half), (std::vector<float>{0, 64, 127.5}));
}

TEST(DynamicQuantizeLinear, TheRangeContainsZero) {
  const auto all = DynamicQuantizeLinear{}.eval(Tensors{Tensor::of<float>({3}, {0, 255, 102})}).value();
  EXPECT_EQ(to_int64s(all[0]), (Ints{0, 255, 102}));
  EXPECT_EQ(to_floats(all[1]), (std::vector<float>{1}));
  EXPECT_EQ(to_int64s(all[2]), (Ints{0}));
  const auto below = DynamicQuantizeLinear{}.eval(Tensors{Tensor::of<float>({2}, {-255, -51})}).value();
  EXPECT_EQ(to_int64s(below[0]), (Ints{0, 204}));
  EXPECT_EQ(to_int64s(below[2]), (Ints{255}));
  const auto zeros = DynamicQuantizeLinear{}.eval(Tensors{Tensor::of<float>({2}, {0, 0})}).value();
  EXPECT_EQ(to_floats(zeros[1]), (std::vector<float>{1}));
  EXPECT_EQ(to_int64s(zeros[0]), (Ints{0, 0}));
}

TEST(Requantize, TfliteMultipliesByAFixedPointFraction) {
  EXPECT_EQ(requantize(100, 0.5f, Rounding::kTflite), 50);
  EXPECT_EQ(requantize(5, 0.5f, Rounding::kTflite), 3);    // 2.5 up
  EXPECT_EQ(requantize(-5, 0.5f, Rounding::kTflite), -2);  // -2.5 up, in the product
  EXPECT_EQ(requantize(-5, 0.25f, Rounding::kTflite), -1);
  EXPECT_EQ(requantize(-6, 0.25f, Rounding::kTflite), -2);  // -1.5 away from zero, in the shift
  EXPECT_EQ(requantize(5, 0.5f, Rounding::kOnnx), 2);       // to even
  EXPECT_EQ(requantize(7, 3.0f, Rounding::kTflite), 21);
  EXPECT_EQ(requantize(1000, 0.001f, Rounding::kTflite), 1);
  EXPECT_EQ(requantize(1 << 30, 1e-20f, Rounding::kTflite), 0);
}

TEST(ConvInteger, PaddingIsTheZeroPoint) {
  // x - 1 = 1 2 3 (one row), w = 1 1 1: sums of neighbours, zeros outside.
  const Tensor x = Tensor::of<uint8_t>({1, 3, 1}, {2, 3, 4});
  const Tensor w = Tensor::of<uint8_t>({2, 3, 1}, {1, 1, 1, 0, 2, 0});
  ConvInteger op;
  op.window.pads_begin = op.window.pads_end = {1};
  EXPECT_EQ(to_int64s(run(op, {x, w, Tensor::scalar<uint8_t>(1)})), (Ints{3, 2, 6, 4, 5, 6}));
  const Tensor by_channel = Tensor::of<uint8_t>({2}, {0, 1});  // second filter becomes -1 1 -1
  EXPECT_EQ(to_int64s(run(op, {x, w, Tensor::scalar<uint8_t>(1), by_channel})), (Ints{3, -1, 6, -2, 5, 1}));
  EXPECT_EQ(error_of(op, {x, w, Tensor::of<uint8_t>({2}, {1, 1})}),
            "x_zero_point has the shape 2, expected a scalar");
}

TEST(QLinearConv, GroupsBiasAndScalesByChannel) {
  const Tensor x = Tensor::of<int8_t>({1, 1, 1, 2}, {10, 20});
  const Tensor w = Tensor::of<int8_t>({2, 1, 1, 1}, {3, -4});  // depthwise
  QLinearConv op;
  op.groups = 2;
  const Tensor y =
      run(op, {x, Tensor::scalar(0.5f), Tensor::scalar<int8_t>(0), w, Tensor::of<float>({2}, {1, 0.5f}),
               Tensor::of<int8_t>({2}, {0, 0}), Tensor::scalar(2.0f), Tensor::scalar<uint8_t>(100),
               Tensor::of<int32_t>({2}, {2, 0})});
  // (30 + 2) * 0.5 * 1 / 2 = 8;  -80 * 0.5 * 0.5 / 2 = -10
  EXPECT_EQ(to_int64s(y), (Ints{108, 90}));
  EXPECT_EQ(y.dtype(), DType::kU8);
}

TEST(MatMulInteger, ZeroPointsByRowAndColumn) {
  const Tensor a = Tensor::of<uint8_t>({2, 2}, {1, 2, 3, 4});
  const Tensor b = Tensor::of<uint8_t>({2, 2}, {5, 6, 7, 8});
  EXPECT_EQ(to_int64s(run(MatMulInteger{}, {a, b})), (Ints{19, 22, 43, 50}));
  // a - (1, 3) by row = 0 1 / 0 1;  b - (5, 6) by column = 0 0 / 2 2
  EXPECT_EQ(to_int64s(run(MatMulInteger{},
                          {a, b, Tensor::of<uint8_t>({2}, {1, 3}), Tensor::of<uint8_t>({2}, {5, 6})})),
            (Ints{2, 2, 2, 2}));
  const Tensor v = Tensor::of<uint8_t>({2}, {1, 1});
  EXPECT_EQ(to_int64s(run(MatMulInteger{}, {v, b})), (Ints{12, 14}));
  EXPECT_EQ(to_int64s(run(MatMulInteger{}, {a, v})), (Ints{3, 7}));
  EXPECT_EQ(to_int64s(run(MatMulInteger{}, {v, v})), (Ints{2}));
  EXPECT_EQ(error_of(MatMulInteger{}, {a, Tensor::of<uint8_t>({3, 1}, {1, 1, 1})}),
            "a has 2 columns but b has 3 rows");
}

TEST(QLinearMatMul, BatchesBroadcast) {
  const Tensor a = Tensor::of<int8_t>({2, 1, 2}, {1, 2, 3, 4});
  const Tensor b = Tensor::of<int8_t>({2, 1}, {10, 20});
  const Tensor one = Tensor::scalar(1.0f), zero = Tensor::scalar<int8_t>(0);
  EXPECT_EQ(to_int64s(run(QLinearMatMul{},
                          {a, one, zero, b, one, zero, Tensor::scalar(10.0f), Tensor::scalar<int8_t>(1)})),
            (Ints{6, 12}));
}

}  // namespace
}  // namespace pochade
