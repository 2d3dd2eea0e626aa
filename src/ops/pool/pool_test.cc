#include <cmath>
#include <limits>

#include "ops/op_testing.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"

namespace pochade {
namespace {

Window steps(int64_t stride, int64_t pad, bool ceil_mode = false) {
  Window window;
  window.strides = {stride, stride};
  window.pads_begin = window.pads_end = {pad, pad};
  window.ceil_mode = ceil_mode;
  return window;
}

template <typename D>
D pool(std::vector<int64_t> kernel, Window window) {
  D op;
  op.kernel = std::move(kernel);
  op.window = std::move(window);
  return op;
}

TEST(MaxPool, ExamplesOfTheSpecification) {
  const Tensor x = counting({1, 5, 5, 1}, 1);
  expect_floats(
      oracle_floats(pool<MaxPool>({5, 5}, steps(1, 2)), {x}),
      {13, 14, 15, 15, 15, 18, 19, 20, 20, 20, 23, 24, 25, 25, 25, 23, 24, 25, 25, 25, 23, 24, 25, 25, 25});
  expect_floats(oracle_floats(pool<MaxPool>({2, 2}, steps(2, 0)), {x}), {7, 9, 17, 19});
  expect_floats(oracle_floats(pool<MaxPool>({3, 3}, steps(2, 0, true)), {counting({1, 4, 4, 1}, 1)}),
                {11, 12, 15, 16});
  Window dilated;
  dilated.dilations = {2, 2};
  expect_floats(oracle_floats(pool<MaxPool>({2, 2}, dilated), {counting({1, 4, 4, 1}, 1)}), {11, 12, 15, 16});
}

TEST(MaxPool, IndicesCountInOnnxOrder) {
  MaxPool op = pool<MaxPool>({2, 2}, steps(2, 0));
  op.with_indices = true;
  // Two channels of 2x4: 0 2 4 6 / 8 10 12 14 and the same + 1.
  const auto y = run_oracle(op, {counting({1, 2, 4, 2})});
  ASSERT_TRUE(y) << y.error().text();
  EXPECT_EQ(to_floats((*y)[0]), (std::vector<float>{10, 11, 14, 15}));
  EXPECT_EQ(to_int64s((*y)[1]), (std::vector<int64_t>{5, 13, 7, 15}));
  op.column_major = true;
  EXPECT_EQ(to_int64s((*run_oracle(op, {counting({1, 2, 4, 2})}))[1]), (std::vector<int64_t>{3, 11, 7, 15}));
}

TEST(MaxPool, PaddingNeverWinsAndNanDoes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto y = oracle_floats(pool<MaxPool>({3}, {{}, {}, {1}, {1}, AutoPad::kExplicit, false}),
                               {Tensor::of<float>({1, 4, 1}, {-5, -6, -7, nan})});
  EXPECT_EQ(y[0], -5);
  EXPECT_EQ(y[1], -5);
  EXPECT_TRUE(std::isnan(y[2]) && std::isnan(y[3]));
}

TEST(MaxPool, BytesStayBytes) {
  const auto y = run_oracle(pool<MaxPool>({2}, {}), {Tensor::of<uint8_t>({1, 3, 1}, {1, 200, 3})});
  ASSERT_TRUE(y);
  EXPECT_EQ((*y)[0].dtype(), DType::kU8);
  EXPECT_EQ(to_int64s((*y)[0]), (std::vector<int64_t>{200, 200}));
}

TEST(AveragePool, ExamplesOfTheSpecification) {
  const Tensor x = counting({1, 5, 5, 1}, 1);
  AveragePool op = pool<AveragePool>({5, 5}, steps(1, 2));
  expect_floats(oracle_floats(op, {x}),
                {7,     7.5f, 8,     8.5f, 9,     9.5f, 10,    10.5f, 11,    11.5f, 12,    12.5f, 13,
                 13.5f, 14,   14.5f, 15,   15.5f, 16,   16.5f, 17,    17.5f, 18,    18.5f, 19});
  op.count_include_pad = true;
  expect_floats(oracle_floats(op, {x}),
                {2.52f, 3.6f, 4.8f,  4.08f, 3.24f, 4.56f,  6.4f,  8.4f,  7.04f, 5.52f, 7.2f,  10,   13,
                 10.8f, 8.4f, 6.96f, 9.6f,  12.4f, 10.24f, 7.92f, 6.12f, 8.4f,  10.8f, 8.88f, 6.84f},
                1e-4f);
  expect_floats(oracle_floats(pool<AveragePool>({3, 3}, steps(2, 0, true)), {counting({1, 4, 4, 1}, 1)}),
                {6, 7.5f, 12, 13.5f});
}

TEST(AveragePool, WhatCeilModeAddsIsNotCounted) {
  AveragePool op;
  op.kernel = {3};
  op.window = {{2}, {}, {1}, {1}, AutoPad::kExplicit, true};
  op.count_include_pad = true;
  // 0 | 6 6 6 6 | 0 and one more that is not there: the last window has two elements.
  expect_floats(oracle_floats(op, {filled({1, 4, 1}, 6)}), {4, 6, 3});
}

TEST(LpPool, SumsPowers) {
  LpPool op = pool<LpPool>({2}, {});
  expect_floats(oracle_floats(op, {Tensor::of<float>({1, 3, 1}, {3, -4, 0})}), {5, 4});
  op.p = 1;
  expect_floats(oracle_floats(op, {Tensor::of<float>({1, 3, 1}, {3, -4, 0})}), {7, 4});
}

TEST(GlobalPools, ReducePixelsOnly) {
  const Tensor x = Tensor::of<float>({1, 1, 2, 2}, {1, -3, 3, 5});
  expect_floats(oracle_floats(GlobalAveragePool{}, {x}), {2, 1});
  expect_floats(oracle_floats(GlobalMaxPool{}, {x}), {3, 5});
  expect_floats(oracle_floats(GlobalLpPool{}, {x}), {std::sqrt(10.0f), std::sqrt(34.0f)});
}

// The example of ONNX's MaxUnpool.
TEST(MaxUnpool, PutsValuesBack) {
  MaxUnpool op = pool<MaxUnpool>({2, 2}, steps(2, 0));
  const Tensor x = counting({1, 2, 2, 1}, 1), indices = Tensor::of<int64_t>({1, 2, 2, 1}, {5, 7, 13, 15});
  expect_floats(oracle_floats(op, {x, indices}), {0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4});
  const auto outside = run_oracle(op, {x, Tensor::of<int64_t>({1, 2, 2, 1}, {5, 7, 13, 16})});
  ASSERT_FALSE(outside);
  EXPECT_NE(outside.error().text().find("16"), std::string::npos);
}

TEST(MaxUnpool, IsTheReverseOfMaxPoolForSeveralChannels) {
  MaxPool down = pool<MaxPool>({2, 2}, steps(2, 0));
  down.with_indices = true;
  const auto pooled = run_oracle(down, {counting({2, 4, 4, 3}, 1)});
  ASSERT_TRUE(pooled);
  const auto up = oracle_floats(pool<MaxUnpool>({2, 2}, steps(2, 0)), *pooled);
  const auto x = to_floats(counting({2, 4, 4, 3}, 1));
  int kept = 0;
  for (size_t i = 0; i < up.size(); ++i) {
    if (up[i] == 0) continue;
    EXPECT_EQ(up[i], x[i]);
    ++kept;
  }
  EXPECT_EQ(kept, 2 * 2 * 2 * 3);
}

TEST(MaxRoiPool, TakesTheLargestOfEachCell) {
  MaxRoiPool op;
  op.pooled_h = op.pooled_w = 2;
  const Tensor rois = Tensor::of<float>({2, 5}, {0, 0, 0, 3, 3, 0, 1, 1, 1, 1});
  expect_floats(oracle_floats(op, {counting({1, 4, 4, 1}), rois}), {5, 7, 13, 15, 5, 5, 5, 5});
  EXPECT_FALSE(run_oracle(op, {counting({1, 4, 4, 1}), Tensor::of<float>({1, 5}, {1, 0, 0, 3, 3})}));
}

TEST(Pools, RefuseWhatDoesNotFit) {
  const Fact x(DType::kF32, Shape{1, 4, 4, 2});
  expect_refused(pool<MaxPool>({2}, {}), {x}, "rank");
  expect_refused(pool<MaxPool>({5, 5}, {}), {x}, "does not fit");
  expect_refused(pool<MaxPool>({2, 0}, {}), {x}, "kernel");
  expect_refused(pool<AveragePool>({2, 2}, {}), {Fact(DType::kI32, Shape{1, 4, 4, 2})}, "int32");
  expect_refused(GlobalAveragePool{}, {Fact(DType::kF32, Shape{4})}, "rank");
  LpPool lp = pool<LpPool>({2, 2}, {});
  lp.p = 0;
  expect_refused(lp, {x}, "p is 0");
  expect_refused(pool<MaxUnpool>({2, 2}, {}), {x, Fact(DType::kI64, Shape{1, 4, 4, 3})}, "indices");
}

}  // namespace
}  // namespace pochade
