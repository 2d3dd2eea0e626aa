#include "data/compare.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pochade {
namespace {

TEST(Compare, FiguresOfAHandWorkedPair) {
  const Difference d =
      compare("y", Tensor::of<float>({4}, {0, 3, 4, 0}), Tensor::of<float>({4}, {0, 3, 4, 1}));
  EXPECT_EQ(d.max_abs, 1);
  EXPECT_EQ(d.max_relative, 0.25);
  EXPECT_NEAR(d.cosine, 25 / std::sqrt(25.0 * 26.0), 1e-12);
  EXPECT_NEAR(d.psnr_db, 20 * std::log10(4.0) + 10 * std::log10(4.0),
              1e-9);  // range 4, mean squared error 1/4
}

TEST(Compare, EqualIsInfinitePsnrAndNanMustMatch) {
  const float nan = std::nanf("");
  EXPECT_TRUE(
      std::isinf(compare("y", Tensor::of<float>({2}, {1, nan}), Tensor::of<float>({2}, {1, nan})).psnr_db));
  EXPECT_TRUE(
      std::isinf(compare("y", Tensor::of<float>({2}, {1, nan}), Tensor::of<float>({2}, {1, 2})).max_abs));
}

TEST(Compare, OtherShapesAreNamed) {
  EXPECT_EQ(compare("y", Tensor::of<float>({2}, {1, 2}), Tensor::of<float>({1, 2}, {1, 2})).mismatch,
            "float32 2 against float32 1x2");
}

}  // namespace
}  // namespace pochade
