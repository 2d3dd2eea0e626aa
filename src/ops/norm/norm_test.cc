#include "ops/norm/norm.h"

#include <cmath>

#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/op_testing.h"

namespace pochade {
namespace {

Tensor floats(const Shape& shape, std::vector<float> values) {
  return Tensor::of<float>(shape, std::move(values));
}

TEST(BatchNormalization, UsesTheGivenStatistics) {
  const Tensor x = floats({1, 2, 2}, {1, 10, 3, 30});
  const Tensors in{x, floats({2}, {2, 1}), floats({2}, {0, 5}), floats({2}, {1, 10}), floats({2}, {4, 100})};
  BatchNormalization op;
  op.epsilon = 0;
  expect_floats(oracle_floats(op, in), {0, 5, 2, 7});
  op.act = {Activation::Kind::kClip, 1, 6};
  expect_floats(oracle_floats(op, in), {1, 5, 2, 6});
}

TEST(BatchNormalization, TrainingUsesTheBatchAndMovesTheRunningStatistics) {
  BatchNormalization op;
  op.epsilon = 0;
  op.training = true;
  op.momentum = 0.75f;
  const auto y = run_oracle(
      op, {floats({2, 1}, {1, 5}), floats({1}, {1}), floats({1}, {0}), floats({1}, {7}), floats({1}, {8})});
  ASSERT_TRUE(y) << y.error().text();
  expect_floats(to_floats((*y)[0]), {-1, 1});
  expect_floats(to_floats((*y)[1]), {6});  // 7 * 0.75 + 3 * 0.25
  expect_floats(to_floats((*y)[2]), {7});  // 8 * 0.75 + 4 * 0.25
}

TEST(InstanceNormalization, EachImageAndChannelByItself) {
  InstanceNormalization op;
  op.epsilon = 0;
  const Tensor x = floats({2, 2, 2}, {1, 10, 3, 30, 5, 7, 5.5f, 8});
  const auto y = oracle_floats(op, {x, floats({2}, {1, 3}), floats({2}, {0, 1})});
  expect_floats(y, {-1, -2, 1, 4, -1, -2, 1, 4});
}

TEST(GroupNormalization, NeighbouringChannelsTogether) {
  GroupNormalization op;
  op.groups = 2;
  op.epsilon = 0;
  const Tensor x = floats({1, 1, 1, 4}, {1, 3, 10, 20});
  expect_floats(oracle_floats(op, {x, floats({2}, {1, 2}), floats({2}, {0, 1})}), {-1, 1, -1, 3});
  expect_floats(oracle_floats(op, {x, floats({4}, {1, 2, 3, 4}), floats({4}, {0, 0, 0, 1})}), {-1, 2, -3, 5});
  expect_refused(
      op, {Fact(DType::kF32, Shape{1, 2, 2, 3}), Fact(DType::kF32, Shape{3}), Fact(DType::kF32, Shape{3})},
      "groups");
}

TEST(LayerNormalization, RowsAndTheirStatistics) {
  LayerNormalization op;
  op.epsilon = 0;
  op.with_statistics = true;
  const auto y = run_oracle(op, {floats({2, 2}, {1, 3, 5, 15}), floats({2}, {1, 10}), floats({1}, {0.5f})});
  ASSERT_TRUE(y) << y.error().text();
  expect_floats(to_floats((*y)[0]), {-0.5f, 10.5f, -0.5f, 10.5f});
  expect_floats(to_floats((*y)[1]), {2, 10});
  expect_floats(to_floats((*y)[2]), {1, 0.2f});
  EXPECT_EQ(to_string((*y)[1].shape()), "2x1");
  op.axis = 2;
  expect_refused(op, {Fact(DType::kF32, Shape{2, 2}), Fact(DType::kF32, Shape{2})}, "axis");
  op.axis = -1;
  expect_refused(op, {Fact(DType::kF32, Shape{2, 2}), Fact(DType::kF32, Shape{3})}, "");
}

TEST(Softmax, OneAxisOrAllToTheEnd) {
  Softmax op;
  op.axis = 1;
  const float e = std::exp(1.0f);
  const Tensor x = floats({1, 2, 2}, {0, 1, 1, 1});
  expect_floats(oracle_floats(op, {x}), {1 / (1 + e), 0.5f, e / (1 + e), 0.5f});
  op.to_end = true;
  expect_floats(oracle_floats(op, {x}), {1 / (1 + 3 * e), e / (1 + 3 * e), e / (1 + 3 * e), e / (1 + 3 * e)});
  op.axis = 3;
  expect_floats(oracle_floats(op, {x}), {1, 1, 1, 1});
  op.to_end = false;
  expect_refused(op, {Fact(x)}, "axis");
}

TEST(Softmax, LargeNumbersDoNotOverflow) {
  const Tensor x = floats({1, 2}, {10000, 10001});
  expect_floats(oracle_floats(Softmax{}, {x}), {0.26894142f, 0.73105858f});
  expect_floats(oracle_floats(LogSoftmax{}, {x}), {-1.3132616f, -0.31326166f});
}

TEST(Lrn, WindowOverChannels) {
  Lrn op;
  op.size = 2;  // the channel itself and the next one
  op.alpha = 2;
  op.beta = 1;
  expect_floats(oracle_floats(op, {floats({1, 1, 1, 3}, {1, 2, 3})}), {1.0f / 6, 2.0f / 14, 3.0f / 10});
  op.size = 3;
  op.alpha = 3;
  expect_floats(oracle_floats(op, {floats({1, 1, 1, 3}, {1, 2, 3})}), {1.0f / 6, 2.0f / 15, 3.0f / 14});
}

TEST(LpNormalization, DividesByTheNormAndKeepsZeros) {
  LpNormalization op;
  expect_floats(oracle_floats(op, {floats({2, 2}, {3, 4, 0, 0})}), {0.6f, 0.8f, 0, 0});
  op.p = 1;
  op.axis = 0;
  expect_floats(oracle_floats(op, {floats({2, 2}, {3, 4, -1, 0})}), {0.75f, 1, -0.25f, 0});
  op.p = 3;
  expect_refused(op, {Fact(DType::kF32, Shape{2})}, "p is 3");
}

TEST(MeanVarianceNormalization, OverTheNamedAxes) {
  MeanVarianceNormalization op;
  op.axes = {0, -1};
  expect_floats(oracle_floats(op, {floats({2, 2, 1}, {1, 10, 3, 30})}), {-1, -1, 1, 1});
}

TEST(Norms, RefuseWhatDoesNotFit) {
  const Fact x(DType::kF32, Shape{1, 4, 4, 2}), two(DType::kF32, Shape{2}), three(DType::kF32, Shape{3});
  expect_refused(InstanceNormalization{}, {x, two, three}, "bias");
  expect_refused(InstanceNormalization{}, {Fact(DType::kF32, Shape{1, 2}), two, two}, "rank");
  expect_refused(BatchNormalization{}, {x, two, two, two, three}, "variance");
  expect_refused(BatchNormalization{}, {x, two, two}, "inputs");
  expect_refused(Softmax{}, {Fact(DType::kI32, Shape{2})}, "int32");
  Lrn lrn;
  lrn.size = 0;
  expect_refused(lrn, {x}, "size");
}

}  // namespace
}  // namespace pochade
