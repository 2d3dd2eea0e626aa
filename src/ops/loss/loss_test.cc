#include "ops/loss/loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pochade {
namespace {

// Two pictures, three classes, two places: x[n, c, d].
const Tensor kX = Tensor::of<float>({2, 3, 2}, {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12});
const Tensor kTarget = Tensor::of<int64_t>({2, 2}, {0, 2, 1, 1});  // -x: 1 6 9 10
const Tensor kWeight = Tensor::of<float>({3}, {1, 2, 3});

std::vector<float> loss(LossReduction reduction, const Tensors& in, std::optional<int64_t> ignore = {}) {
  NegativeLogLikelihoodLoss op;
  op.loss = {reduction, ignore.has_value(), ignore.value_or(0)};
  const auto out = op.eval(in);
  EXPECT_TRUE(out) << out.error().text();
  return out ? to_floats((*out)[0]) : std::vector<float>{};
}

TEST(NegativeLogLikelihoodLoss, ReductionsAndWeights) {
  using V = std::vector<float>;
  EXPECT_EQ(loss(LossReduction::kEach, {kX, kTarget}), (V{1, 6, 9, 10}));
  EXPECT_EQ(loss(LossReduction::kSum, {kX, kTarget}), V{26});
  EXPECT_EQ(loss(LossReduction::kMean, {kX, kTarget}), V{6.5});
  EXPECT_EQ(loss(LossReduction::kEach, {kX, kTarget, kWeight}), (V{1, 18, 18, 20}));
  EXPECT_EQ(loss(LossReduction::kMean, {kX, kTarget, kWeight}), V{57.0f / 8});
}

TEST(NegativeLogLikelihoodLoss, AnIgnoredClassCountsNothingAndNeedNotExist) {
  using V = std::vector<float>;
  EXPECT_EQ(loss(LossReduction::kEach, {kX, kTarget}, 1), (V{1, 6, 0, 0}));
  EXPECT_EQ(loss(LossReduction::kMean, {kX, kTarget}, 1), V{3.5});
  const Tensor outside = Tensor::of<int64_t>({2, 2}, {0, -100, 1, 1});
  EXPECT_EQ(loss(LossReduction::kSum, {kX, outside}, -100), V{20});
  const auto wrong = NegativeLogLikelihoodLoss{}.eval(Tensors{kX, outside});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text(), "target -100 is no class of 3");
}

TEST(SoftmaxCrossEntropyLoss, GivesTheLogProbabilitiesToo) {
  SoftmaxCrossEntropyLoss op;
  op.loss.reduction = LossReduction::kEach;
  // Softmax of (0, ln 3) is (1/4, 3/4); 1000 more on all changes nothing.
  const float ln3 = std::log(3.0f);
  const auto out =
      op.eval(Tensors{Tensor::of<float>({2, 2}, {0, ln3, 1000, 1000}), Tensor::of<int32_t>({2}, {0, 1})});
  ASSERT_TRUE(out);
  EXPECT_NEAR(to_floats((*out)[0])[0], std::log(4.0), 1e-6);
  EXPECT_NEAR(to_floats((*out)[0])[1], std::log(2.0), 1e-6);
  EXPECT_NEAR(to_floats((*out)[1])[1], std::log(0.75), 1e-6);
  EXPECT_EQ((*out)[1].shape(), (Shape{2, 2}));
}

TEST(Loss, ShapesMustAgree) {
  const auto error = [](const Facts& in) {
    const auto out = SoftmaxCrossEntropyLoss{}.infer(in);
    return out ? std::string("none") : out.error().text();
  };
  const Fact x(DType::kF32, Shape{2, 3, 4});
  EXPECT_EQ(error({x, Fact(DType::kI64, Shape{2, 5})}), "target is 2x5 for x of 2x3x4");
  EXPECT_EQ(error({x, Fact(DType::kI64, Shape{2})}), "target has rank 1, expected 2");
  EXPECT_EQ(error({x, Fact(DType::kI64, Shape{2, 4}), Fact(DType::kF32, Shape{4})}),
            "4 weights for 3 classes");
  EXPECT_EQ(error({x, Fact(DType::kF32, Shape{2, 4})}), "target is float32, expected int32 or int64");
}

}  // namespace
}  // namespace pochade
