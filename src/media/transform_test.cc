#include "media/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "media/exif.h"
#include "media/test_pictures.h"

namespace pochade {
namespace {

using namespace test;

Image grey_row(const std::vector<int>& values) {
  auto image = *Image::create(static_cast<int64_t>(values.size()), 1, 3);
  for (size_t x = 0; x < values.size(); ++x)
    for (int c = 0; c < 3; ++c) image.pixel(static_cast<int>(x), 0)[c] = static_cast<uint16_t>(values[x]);
  return image;
}

std::vector<int> first_channel(const Image& image) {
  std::vector<int> out;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) out.push_back(image.pixel(x, y)[0]);
  return out;
}

// By hand. 4 to 2: scale 2, support 2, centres 1 and 3. Taps of centre 1 are pixels 0, 1, 2 at distances
// -0.5, 0.5, 1.5 of source pixels, halved: weights 0.75, 0.75, 0.25, sum 1.75.
TEST(Resize, TriangleShrinksLikePillow) {
  const Image image = grey_row({0, 7000, 14000, 28000});
  const auto out = resize(image, 2, 1, Filter::kTriangle);
  ASSERT_TRUE(out);
  const double first = (0.75 * 0 + 0.75 * 7000 + 0.25 * 14000) / 1.75;
  const double second = (0.25 * 7000 + 0.75 * 14000 + 0.75 * 28000) / 1.75;
  EXPECT_EQ(first_channel(*out),
            (std::vector<int>{static_cast<int>(std::lround(first)), static_cast<int>(std::lround(second))}));
}

// 2 to 4: scale 0.5, support 1, centres 0.25, 0.75, 1.25, 1.75: weights 1 | 0.75, 0.25 | 0.25, 0.75 | 1.
TEST(Resize, TriangleGrowsLikePillow) {
  const auto out = resize(grey_row({1000, 9000}), 4, 1, Filter::kTriangle);
  ASSERT_TRUE(out);
  EXPECT_EQ(first_channel(*out), (std::vector<int>{1000, 3000, 7000, 9000}));
}

// 3 to 2: scale 1.5, centres 0.75 and 2.25, taps 0, 1 of the first: distances -0.25, 0.75 over 1.5.
TEST(Resize, TriangleByAFraction) {
  const auto out = resize(grey_row({3000, 6000, 60000}), 2, 1, Filter::kTriangle);
  ASSERT_TRUE(out);
  const double near = 1 - 0.25 / 1.5, far = 1 - 0.75 / 1.5;
  EXPECT_EQ(first_channel(*out)[0], std::lround((near * 3000 + far * 6000) / (near + far)));
  EXPECT_EQ(first_channel(*out)[1], std::lround((near * 60000 + far * 6000) / (near + far)));
}

double sinc(double x) {
  return x == 0 ? 1 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi);
}

// Every output of a two-dimensional resize against the plain double sum of its definition.
TEST(Resize, BothFiltersFollowTheirDefinition) {
  const Image image = gradient(23, 17);
  for (const auto filter : {Filter::kTriangle, Filter::kLanczos3})
    for (const auto& [width, height] : {std::pair{7, 5}, {40, 9}, {11, 50}, {23, 17}, {1, 1}}) {
      const auto out = resize(image, width, height, filter);
      ASSERT_TRUE(out);
      const double reach = filter == Filter::kTriangle ? 1 : 3;
      const auto weight = [&](double x) {
        if (std::abs(x) >= reach) return 0.0;
        return filter == Filter::kTriangle ? 1 - std::abs(x) : sinc(x) * sinc(x / 3);
      };
      const double sx = 23.0 / width, sy = 17.0 / height;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
          double sum = 0, total = 0;
          for (int v = 0; v < 17; ++v)
            for (int u = 0; u < 23; ++u) {
              const double w = weight((u + 0.5 - (x + 0.5) * sx) / std::max(sx, 1.0)) *
                               weight((v + 0.5 - (y + 0.5) * sy) / std::max(sy, 1.0));
              sum += w * image.pixel(u, v)[2];
              total += w;
            }
          const bool same_size = width == 23 && height == 17;
          EXPECT_NEAR(out->pixel(x, y)[2], std::clamp(sum / total, 0.0, 65535.0), same_size ? 0 : 40)
              << width << "x" << height << " at " << x << "," << y;
        }
    }
}

TEST(Resize, ConstantStaysConstant) {
  auto image = *Image::create(31, 19, 4);
  for (auto& value : image.values()) value = 54321;
  for (const auto filter : {Filter::kTriangle, Filter::kLanczos3}) {
    const auto out = resize(image, 13, 44, filter);
    for (const auto value : out->values()) EXPECT_NEAR(value, 54321, 1);
  }
}

TEST(Resize, TransparentPixelsLendNoColour) {
  auto image = *Image::create(2, 1, 4);
  const uint16_t opaque_red[] = {65535, 0, 0, 65535}, clear_blue[] = {0, 0, 65535, 0};
  std::ranges::copy(opaque_red, image.pixel(0, 0));
  std::ranges::copy(clear_blue, image.pixel(1, 0));
  const auto out = resize(image, 1, 1, Filter::kTriangle);
  const uint16_t* p = out->pixel(0, 0);
  EXPECT_EQ(p[0], 65535);
  EXPECT_EQ(p[2], 0);
  EXPECT_NEAR(p[3], 32768, 1);
}

TEST(Resize, ImpossibleSizesAreRefused) {
  const Image image = gradient(4, 4);
  EXPECT_FALSE(resize(image, 0, 4));
  EXPECT_FALSE(resize(image, 4, -1));
  EXPECT_FALSE(resize(image, int64_t{1} << 40, 4));
  EXPECT_FALSE(resize(image, 1 << 20, 1 << 20));
  EXPECT_FALSE(fit_long_side(image, 0));
  EXPECT_FALSE(fill(image, 0, 5));
}

TEST(Transform, CropTakesTheRectangle) {
  const Image image = gradient(10, 8);
  const auto out = crop(image, 3, 2, 4, 5);
  ASSERT_TRUE(out);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 4; ++x) EXPECT_EQ(out->pixel(x, y)[0], image.pixel(x + 3, y + 2)[0]);
  EXPECT_FALSE(crop(image, 7, 2, 4, 5));
  EXPECT_FALSE(crop(image, -1, 2, 4, 5));
  EXPECT_FALSE(crop(image, 0, 0, 11, 8));
}

TEST(Transform, FillCutsAroundTheCentre) {
  const Image image = gradient(100, 40);
  const auto out = fill(image, 40, 40);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->width(), 40);
  ASSERT_EQ(out->height(), 40);
  EXPECT_EQ(out->pixel(0, 7)[0], image.pixel(30, 7)[0]);  // no scaling needed: a plain cut
  for (const auto& [width, height] : {std::pair{33, 77}, {200, 10}, {1, 1}}) {
    const auto any = fill(image, width, height);
    ASSERT_TRUE(any);
    EXPECT_EQ(any->width(), width);
    EXPECT_EQ(any->height(), height);
  }
  // A strip is not scaled up whole first.
  EXPECT_TRUE(fill(gradient(5000, 2), 64, 64));
}

TEST(Transform, FitKeepsTheProportion) {
  const auto wide = fit_long_side(gradient(300, 200), 150);
  EXPECT_EQ(wide->width(), 150);
  EXPECT_EQ(wide->height(), 100);
  const auto strip = fit_long_side(gradient(2, 500), 100);
  EXPECT_EQ(strip->width(), 1);
  EXPECT_EQ(strip->height(), 100);
}

TEST(Exif, OrientationOfBothByteOrdersAndOfRubbish) {
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool little_endian : {true, false})
      for (const bool prefix : {true, false})
        EXPECT_EQ(exif_orientation(exif_block(orientation, little_endian, prefix)), orientation);
  EXPECT_EQ(exif_orientation(exif_block(9, true, true)), 1);
  EXPECT_EQ(exif_orientation(exif_block(0, true, true)), 1);
  EXPECT_EQ(exif_orientation({}), 1);
  auto block = exif_block(6, true, false);
  for (size_t size = 0; size < block.size() - 6; ++size) {
    const FileBytes cut(block.begin(), block.begin() + static_cast<ptrdiff_t>(size));
    const int orientation = exif_orientation(cut);
    EXPECT_TRUE(orientation == 1 || orientation == 6);
  }
  for (size_t i = 4; i < 8; ++i) block[i] = std::byte{0xff};  // a directory far outside
  EXPECT_EQ(exif_orientation(block), 1);
}

}  // namespace
}  // namespace pochade
