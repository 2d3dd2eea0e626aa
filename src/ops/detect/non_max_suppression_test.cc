#include "ops/detect/non_max_suppression.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

using Ints = std::vector<int64_t>;

// Boxes 0 and 1 overlap by half of each (1 / 3 of their union), box 2 stands alone, box 3 is box 0 with its
// corners exchanged.
const Tensor kBoxes = Tensor::of<float>({1, 4, 4}, {0, 0, 2, 2, 0, 1, 2, 3, 10, 10, 12, 12, 2, 2, 0, 0});
const Tensor kScores = Tensor::of<float>({1, 1, 4}, {0.5f, 0.9f, 0.3f, 0.5f});

Ints select(const NonMaxSuppression& op, int64_t most, float iou, std::optional<float> score = {},
            const Tensor& scores = kScores) {
  const auto out = op.eval(Tensors{kBoxes, scores, Tensor::scalar(most), Tensor::scalar(iou),
                                   score ? Tensor::scalar(*score) : Tensor()});
  EXPECT_TRUE(out) << out.error().text();
  return out ? to_int64s((*out)[0]) : Ints{};
}

TEST(NonMaxSuppression, BestFirstAndOverlapsGo) {
  EXPECT_EQ(select({}, 4, 0.5f),
            (Ints{0, 0, 1, 0, 0, 0, 0, 0, 2}));              // 3 is 0 again; of equal scores the first
  EXPECT_EQ(select({}, 4, 0.3f), (Ints{0, 0, 1, 0, 0, 2}));  // 1 / 3 is above 0.3
  EXPECT_EQ(select({}, 4, 1.0f).size(), 12u);
}

TEST(NonMaxSuppression, LimitsByCountAndScore) {
  EXPECT_EQ(select({}, 1, 0.5f), (Ints{0, 0, 1}));
  EXPECT_EQ(select({}, 0, 0.5f), Ints{});
  EXPECT_EQ(select({}, 4, 0.5f, 0.5f), (Ints{0, 0, 1}));  // only above the threshold
  const auto none = NonMaxSuppression{}.eval(Tensors{kBoxes, kScores});
  EXPECT_EQ((*none)[0].shape(), (Shape{0, 3}));  // without a limit: nothing, as ONNX says
}

TEST(NonMaxSuppression, ClassesDoNotSuppressEachOther) {
  const Tensor scores = Tensor::of<float>({1, 2, 4}, {0.9f, 0, 0, 0, 0, 0.8f, 0, 0});
  EXPECT_EQ(select({}, 1, 0.0f, 0.1f, scores), (Ints{0, 0, 0, 0, 1, 1}));
}

TEST(NonMaxSuppression, BoxesByTheirCentre) {
  NonMaxSuppression op;
  op.center_point_box =
      true;  // x, y, width, height: 0 is (0,0) 2x2, 1 is (0,1) 2x3, 2 far away, 3 has no area
  EXPECT_EQ(select(op, 4, 0.1f), (Ints{0, 0, 1, 0, 0, 3, 0, 0, 2}));
}

TEST(NonMaxSuppression, TheCountIsBounded) {
  const auto bound = [](const Facts& in) { return NonMaxSuppression{}.infer(in).value()[0].dim(0).bound(); };
  EXPECT_EQ(bound({Fact(DType::kF32, Shape{2, 100, 4}), Fact(DType::kF32, Shape{2, 3, 100}),
                   Fact(Tensor::scalar<int64_t>(10))}),
            60);
  EXPECT_EQ(bound({Fact(DType::kF32, Shape{2, 100, 4}), Fact(DType::kF32, Shape{2, 3, 100}),
                   Fact(DType::kI64, Shape{})}),
            600);
  const auto wrong = NonMaxSuppression{}.infer(
      Facts{Fact(DType::kF32, Shape{2, 100, 4}), Fact(DType::kF32, Shape{2, 3, 99})});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text(), "scores have the shape 2x3x99, expected 2xCx100");
}

}  // namespace
}  // namespace pochade
