#include "media/blend.h"

#include <gtest/gtest.h>

#include "media/test_pictures.h"

namespace pochade {
namespace {

using namespace test;

Image one_pixel(int r, int g, int b) {
  auto image = *Image::create(1, 1, 3);
  const int values[] = {r, g, b};
  for (int c = 0; c < 3; ++c) image.pixel(0, 0)[c] = from_8_bits(static_cast<uint8_t>(values[c]));
  return image;
}

double luma(const Image& image) {
  const uint16_t* p = image.pixel(0, 0);
  return (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) / 257;
}

TEST(Blend, EndsAndMiddle) {
  const Image photo = gradient(5, 5);
  auto painting = one_pixel(200, 100, 0);
  ASSERT_TRUE(blend(painting, one_pixel(100, 0, 50), 0.25f));
  EXPECT_EQ(to_8_bits(painting.pixel(0, 0)[0]), 125);
  EXPECT_EQ(to_8_bits(painting.pixel(0, 0)[1]), 25);
  EXPECT_NEAR(painting.pixel(0, 0)[2] / 257.0, 37.5, 0.01);
  auto other = *Image::create(5, 5, 4);
  for (auto& value : other.values()) value = 1234;
  ASSERT_TRUE(blend(other, photo, 1));
  for (const auto value : other.values()) EXPECT_EQ(value, 1234);
  ASSERT_TRUE(blend(other, photo, 0));
  EXPECT_EQ(other.pixel(3, 4)[1], photo.pixel(3, 4)[1]);
  EXPECT_EQ(other.pixel(3, 4)[3], 1234);  // the painting's alpha
}

TEST(Blend, BadArgumentsAreErrors) {
  auto painting = gradient(5, 5);
  EXPECT_FALSE(blend(painting, gradient(5, 4), 0.5f));
  EXPECT_FALSE(blend(painting, gradient(5, 5), 1.5f));
  EXPECT_FALSE(blend(painting, gradient(5, 5), -0.1f));
  EXPECT_FALSE(blend(painting, gradient(5, 5), std::numeric_limits<float>::quiet_NaN()));
  EXPECT_FALSE(keep_colors(painting, gradient(4, 5)));
}

TEST(KeepColors, LumaOfThePaintingChromaOfThePhoto) {
  auto painting = one_pixel(120, 130, 90);
  const double light = luma(painting);
  const Image photo = one_pixel(140, 110, 100);
  ASSERT_TRUE(keep_colors(painting, photo));
  EXPECT_NEAR(luma(painting), light, 0.02);
  const uint16_t *p = painting.pixel(0, 0), *q = photo.pixel(0, 0);
  EXPECT_NEAR(p[0] - p[2], q[0] - q[2], 2);
  EXPECT_NEAR(p[0] - p[1], q[0] - q[1], 2);
}

TEST(KeepColors, ColoursOutsideTheGamutGetPalerNotLighter) {
  for (const int level : {0, 3, 128, 250, 255}) {
    auto painting = one_pixel(level, level, level);
    ASSERT_TRUE(keep_colors(painting, one_pixel(255, 0, 0)));
    EXPECT_NEAR(luma(painting), level, 0.02);
    const uint16_t* p = painting.pixel(0, 0);
    EXPECT_GE(p[0], p[1]);
    EXPECT_NEAR(p[1], p[2], 1);
  }
}

}  // namespace
}  // namespace pochade
