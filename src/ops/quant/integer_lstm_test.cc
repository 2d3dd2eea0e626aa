#include "ops/quant/integer_lstm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "kernels/quantized_args.h"
#include "ops/op_testing.h"
#include "ops/quant/fixed_point.h"
#include "ops/quant/fixed_point16.h"

namespace pochade {
namespace {

/// 2 sequences, 3 inputs, 4 cells, 4 outputs; what TFLite computes is tested where files are read.
IntegerLstm lstm() {
  IntegerLstm op;
  op.scales.assign(IntegerLstm::kInputs, 0.01f);
  op.scales[19] = 1.0f / 2048;
  op.gate_scales.assign(4, 1.0f / 4096);
  op.hidden_scale = 0.01f;
  return op;
}

Facts lstm_facts() {
  Facts in(IntegerLstm::kInputs);
  in[0] = Fact(DType::kI8, Shape{2, 5, 3});
  for (size_t gate = 0; gate < 4; ++gate) {
    in[1 + gate] = Fact(DType::kI8, Shape{4, 3});
    in[5 + gate] = Fact(DType::kI8, Shape{4, 4});
    in[12 + gate] = Fact(DType::kI32, Shape{4});
  }
  in[18] = Fact(DType::kI8, Shape{2, 4});
  in[19] = Fact(DType::kI16, Shape{2, 4});
  return in;
}

TEST(IntegerLstm, GivesOutputAndStatesWithTheirScales) {
  IntegerLstm op = lstm();
  op.h_zero = 7;
  const auto out = op.infer(lstm_facts());
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_string(*(*out)[0].shape()), "2x5x4");
  EXPECT_EQ((*out)[0].quantization->zero_point[0], 7);
  EXPECT_EQ(to_string(*(*out)[1].shape()), "2x4");
  EXPECT_EQ((*out)[2].dtype, DType::kI16);
  EXPECT_EQ((*out)[2].quantization->scale[0], 1.0f / 2048);
  EXPECT_EQ(op.cost(lstm_facts(), *out).macs, 10 * 4 * (4 * 3 + 4 * 4));
}

TEST(IntegerLstm, RefusesWhatDoesNotFit) {
  const auto without = [](std::initializer_list<size_t> absent) {
    Facts in = lstm_facts();
    for (const size_t i : absent) in[i] = Fact();
    return in;
  };
  const auto with = [](size_t i, Fact fact) {
    Facts in = lstm_facts();
    in[i] = std::move(fact);
    return in;
  };
  EXPECT_TRUE(lstm().infer(without({1, 5, 12})));
  expect_refused(lstm(), without({1}), "2 of 3 weights and biases of the input gate");
  expect_refused(lstm(), without({14}), "input 14 (a bias) is missing");
  expect_refused(lstm(), with(10, Fact(DType::kI16, Shape{4})), "1 of 2 peepholes");
  expect_refused(lstm(), with(20, Fact(DType::kI16, Shape{4})), "the input gate differs");
  expect_refused(lstm(), with(0, Fact(DType::kI8, Shape{2, 5, 9})), "input 0 (x) is int8 2x5x9");
  expect_refused(lstm(), with(19, Fact(DType::kI16, Shape{2, 5})), "expected int8 5x3");
  expect_refused(lstm(), with(17, Fact(DType::kI32, Shape{4})), "without a projection");
  IntegerLstm op = lstm();
  op.scales[19] = 0.001f;
  expect_refused(op, lstm_facts(), "expected a power of two");
  op = lstm();
  op.scales[2] = std::nanf("");
  expect_refused(op, lstm_facts(), "input 2 has the scale");
  op = lstm();
  op.hidden_zero = 128;
  expect_refused(op, lstm_facts(), "128 does not fit int8");
  op = lstm();
  op.cell_clip = -1;
  expect_refused(op, lstm_facts(), "cell_clip is -1");
}

TEST(IntegerLstm, GatesEqualTheOracleOnEveryIsa) {
  for (const Isa isa : supported_isas()) {
    const QuantizedKernels& k = *kernels(isa)->quantized;
    std::vector<int16_t> every(65536);
    for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<int16_t>(i);
    std::vector<int16_t> got = every;
    k.gate_sigmoid(got.data(), got.size());
    for (size_t i = 0; i < every.size(); ++i)
      ASSERT_EQ(got[i], sigmoid_q3(every[i])) << every[i] << " on " << name(isa);
    for (int bits = 0; bits <= 6; ++bits) {
      got = every;
      k.gate_tanh(got.data(), got.size(), bits);
      for (size_t i = 0; i < every.size(); ++i)
        ASSERT_EQ(got[i], tanh_q(every[i], bits)) << every[i] << " with " << bits << " bits on " << name(isa);
    }
  }
}

TEST(IntegerLstm, SumsOfGatesSaturateOnEveryIsa) {
  const int8_t x[] = {100, -100, 3}, w[] = {100, 100, 1, 127, -128, 2, -128, 127, 2};
  const int32_t bias[] = {7, -9, 2000000000};
  for (const Isa isa : supported_isas())
    for (const FixedPoint by :
         {FixedPoint{1 << 30, 1}, FixedPoint{1500000000, 4}, FixedPoint{1100000000, -9}})
      for (const bool starts : {false, true}) {
        int16_t y[] = {-5, 32000, 11}, before[] = {-5, 32000, 11};
        kernels(isa)->quantized->gate_sums({.x = x,
                                            .w = w,
                                            .bias = bias,
                                            .y = y,
                                            .n = 3,
                                            .k = 3,
                                            .scale = {by.value, std::max(-by.exponent, 0)},
                                            .left = std::max(by.exponent, 0),
                                            .starts = starts});
        for (size_t row = 0; row < 3; ++row) {
          int64_t sum = bias[row];
          for (size_t i = 0; i < 3; ++i) sum += w[row * 3 + i] * x[i];
          const int64_t all = int64_t{multiply(wrap_int32(sum), by)} + (starts ? 0 : before[row]);
          EXPECT_EQ(y[row], std::clamp<int64_t>(all, -32768, 32767)) << row << " on " << name(isa);
        }
      }
}

TEST(IntegerSvdf, RefusesWhatDoesNotFit) {
  const Facts right = {Fact(DType::kI8, Shape{2, 3}), Fact(DType::kI8, Shape{4, 3}),
                       Fact(DType::kI16, Shape{4, 6}), Fact(), Fact(DType::kI16, Shape{2, 24})};
  IntegerSvdf op;
  op.rank = 2;
  const auto out = op.infer(right);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_string(*(*out)[0].shape()), "2x2");
  EXPECT_EQ(op.cost(right, *out).macs, 2 * 12 + 48);
  Facts wrong = right;
  wrong[4] = Fact(DType::kI16, Shape{2, 25});
  expect_refused(op, wrong, "the state 2x25");
  wrong = right;
  wrong[3] = Fact(DType::kI32, Shape{3});
  expect_refused(op, wrong, "expected 2 values");
  op.rank = 3;
  expect_refused(op, right, "the rank 3");
  op.rank = 2;
  op.y_scale = 0;
  expect_refused(op, right, "a scale is 0");
  op.y_scale = 1;
  op.x_zero = -129;
  expect_refused(op, right, "-129 does not fit int8");
}

}  // namespace
}  // namespace pochade
