#include "data/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "media/test_pictures.h"

namespace pochade {
namespace {

TEST(Metrics, WilsonInterval) {
  const Interval half = wilson_interval(50, 100);
  EXPECT_NEAR(half.low, 0.4038, 1e-4);  // Newcombe 1998, table I's formula
  EXPECT_NEAR(half.high, 0.5962, 1e-4);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(10, 10).low, 0.7225, 1e-4);
}

TEST(Metrics, TopScoresAreStableAndNanIsLast) {
  const float scores[] = {0.1f, NAN, 0.5f, 0.5f, 0.2f};
  EXPECT_EQ(top_scores(scores, 3), (std::vector<size_t>{2, 3, 4}));
  EXPECT_EQ(top_scores(scores, 9), (std::vector<size_t>{2, 3, 4, 0, 1}));
}

TEST(Metrics, Classification) {
  Classification c;
  c.add(2, std::vector<float>{0, 0, 1, 0, 0, 0, 0});
  c.add(1, std::vector<float>{9, 8, 7, 6, 5, 4, 3});
  c.add(6, std::vector<float>{9, 8, 7, 6, 5, 4, 3});
  c.add(6, std::vector<float>{});
  EXPECT_EQ(c.n(), 4);
  EXPECT_DOUBLE_EQ(c.top1(), 0.25);
  EXPECT_DOUBLE_EQ(c.top5(), 0.5);
  EXPECT_EQ(c.confusion().at({1, 0}), 1);
  EXPECT_EQ(c.confusion().size(), 3u);
}

TEST(Metrics, Overlap) {
  EXPECT_DOUBLE_EQ(overlap({0, 0, 2, 2}, {1, 1, 3, 3}), 1.0 / 7);
  EXPECT_DOUBLE_EQ(overlap({0, 0, 2, 2}, {2, 0, 4, 2}), 0);
  EXPECT_DOUBLE_EQ(overlap({3, 3, 1, 1}, {0, 0, 4, 4}), 0);  // turned inside out
  EXPECT_DOUBLE_EQ(overlap({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

// Three true boxes; found in the order of their scores: right, wrong, right. Precision 1, 1/2, 2/3 at recall
// 1/3, 1/3, 2/3; made monotone 1, 2/3, 2/3: 1/3 * 1 + 1/3 * 2/3 = 5/9.
TEST(Metrics, AveragePrecisionByHand) {
  AveragePrecision ap;
  ap.add(std::vector<ScoredBox>{{{0, 0, 10, 10}, 0, 0.9}, {{50, 50, 60, 60}, 0, 0.8}},
         std::vector<TrueBox>{{{0, 0, 10, 10}, 0}, {{20, 20, 30, 30}, 0}});
  ap.add(std::vector<ScoredBox>{{{0, 0, 10, 10}, 0, 0.7}}, std::vector<TrueBox>{{{0, 0, 10, 9}, 0}});
  EXPECT_NEAR(*ap.of(0), 5.0 / 9, 1e-12);
  EXPECT_NEAR(ap.mean(), 5.0 / 9, 1e-12);
  EXPECT_NEAR(*ap.of(0, 9), 1.0 / 3, 1e-12);  // 0.9 is too little for 0.95
  EXPECT_FALSE(ap.of(1));
  EXPECT_EQ(ap.true_boxes(0), 3);
}

TEST(Metrics, OneTrueBoxIsFoundOnce) {
  AveragePrecision ap;
  ap.add(std::vector<ScoredBox>{{{0, 0, 10, 10}, 0, 0.9}, {{0, 0, 10, 10}, 0, 0.8}},
         std::vector<TrueBox>{{{0, 0, 10, 10}, 0}, {{40, 40, 50, 50}, 0}});
  EXPECT_NEAR(*ap.of(0), 0.5, 1e-12);
}

TEST(Metrics, DifficultBoxesDoNotCount) {
  AveragePrecision ap;
  ap.add(std::vector<ScoredBox>{{{0, 0, 10, 10}, 0, 0.9}, {{20, 20, 30, 30}, 0, 0.8}},
         std::vector<TrueBox>{{{0, 0, 10, 10}, 0, true}, {{20, 20, 30, 30}, 0}});
  EXPECT_NEAR(*ap.of(0), 1.0, 1e-12);
  EXPECT_EQ(ap.true_boxes(0), 1);
}

TEST(Metrics, MeanIou) {
  MeanIou iou;
  ASSERT_TRUE(iou.add(std::vector<uint8_t>{0, 0, 1, 1, 2}, std::vector<uint8_t>{0, 1, 1, 1, 255}));
  EXPECT_DOUBLE_EQ(*iou.of(0), 0.5);
  EXPECT_DOUBLE_EQ(*iou.of(1), 2.0 / 3);
  EXPECT_FALSE(iou.of(2));  // only where nothing counts
  EXPECT_DOUBLE_EQ(iou.mean(), 7.0 / 12);
  EXPECT_DOUBLE_EQ(iou.pixel_accuracy(), 0.75);
  EXPECT_FALSE(iou.add(std::vector<uint8_t>{0}, std::vector<uint8_t>{0, 1}));
}

TEST(Metrics, PsnrAndSsim) {
  const Image a = test::gradient(32, 24);
  EXPECT_TRUE(std::isinf(*psnr_db(a, a)));
  EXPECT_DOUBLE_EQ(*ssim(a, a), 1);
  Image b = a.clone().value();
  for (uint16_t& v : b.values())
    v = from_8_bits(static_cast<uint8_t>(to_8_bits(v) ^ 1));  // every value off by one
  EXPECT_NEAR(*psnr_db(a, b), 20 * std::log10(255.0), 1e-9);
  EXPECT_LT(*ssim(a, b), 1);
  EXPECT_GT(*ssim(a, b), 0.9);
  EXPECT_FALSE(psnr_db(a, test::gradient(24, 32)));
  EXPECT_FALSE(ssim(test::gradient(10, 10), test::gradient(10, 10)));
}

}  // namespace
}  // namespace pochade
