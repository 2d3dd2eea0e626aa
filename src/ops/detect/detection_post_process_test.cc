#include "ops/detect/detection_post_process.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pochade {
namespace {

/// Four anchors of 10 x 10 at x = 5, 6, 45 and 85, whose codes are 0: the boxes are the anchors.
Tensors inputs(const std::vector<float>& scores, int64_t columns) {
  return {Tensor::make(DType::kF32, {1, 4, 4}).value(), Tensor::of<float>({1, 4, columns}, scores),
          Tensor::of<float>({4, 4}, {5, 5, 10, 10, 5, 6, 10, 10, 5, 45, 10, 10, 5, 85, 10, 10})};
}

std::vector<float> floats(const Tensor& tensor) {
  return to_floats(tensor);
}

TEST(DetectionPostProcess, KeepsTheBestOfThoseThatOverlap) {
  DetectionPostProcess op;
  op.max_detections = 3;
  op.classes = 2;
  op.score_threshold = 0.3f;
  // Background first. The first two boxes overlap; the last one is below the threshold.
  const auto out = op.eval(inputs({0, 0.6f, 0.1f, 0, 0.2f, 0.9f, 0, 0.7f, 0.2f, 0, 0.1f, 0.2f}, 3));
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(floats((*out)[0]), (std::vector<float>{0, 1, 10, 11, 0, 40, 10, 50, 0, 0, 0, 0}));
  EXPECT_EQ(floats((*out)[1]), (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(floats((*out)[2]), (std::vector<float>{0.9f, 0.7f, 0}));
  EXPECT_EQ(floats((*out)[3]), (std::vector<float>{2}));
}

TEST(DetectionPostProcess, SearchesEachClassByItself) {
  DetectionPostProcess op;
  op.max_detections = 3;
  op.classes = 2;
  op.by_class = true;
  op.score_threshold = 0.3f;
  const auto out = op.eval(inputs({0.6f, 0.1f, 0.2f, 0.9f, 0.7f, 0.2f, 0.1f, 0.2f}, 2));
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(floats((*out)[2]), (std::vector<float>{0.9f, 0.7f, 0.6f}));
  EXPECT_EQ(floats((*out)[1]), (std::vector<float>{1, 0, 0}));  // both classes of the overlapping boxes
  EXPECT_EQ(floats((*out)[3]), (std::vector<float>{3}));
}

TEST(DetectionPostProcess, DecodesAgainstAnchors) {
  DetectionPostProcess op;
  op.y_scale = op.x_scale = 10;
  op.height_scale = op.width_scale = 5;
  const Tensors in{Tensor::of<float>({1, 1, 4}, {10, -10, 0, 5}), Tensor::of<float>({1, 1, 1}, {1}),
                   Tensor::of<float>({1, 4}, {20, 30, 4, 2})};
  const auto out = op.eval(in);
  ASSERT_TRUE(out) << out.error().text();
  const std::vector<float> box = floats((*out)[0]);
  EXPECT_FLOAT_EQ(box[0], 22);
  EXPECT_FLOAT_EQ(box[2], 26);
  EXPECT_FLOAT_EQ(box[1], 28 - std::exp(1.0f));
  EXPECT_FLOAT_EQ(box[3], 28 + std::exp(1.0f));
}

TEST(DetectionPostProcess, RefusesWhatDoesNotGoTogether) {
  DetectionPostProcess op;
  op.classes = 5;
  EXPECT_FALSE(op.eval(inputs(std::vector<float>(12, 0), 3)));
  op.classes = 2;
  op.y_scale = 0;
  EXPECT_FALSE(op.eval(inputs(std::vector<float>(12, 0), 3)));
}

}  // namespace
}  // namespace pochade
