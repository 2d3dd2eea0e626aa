#include "media/encode.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "media/test_pictures.h"

namespace pochade {
namespace {

using namespace test;

bool contains(std::span<const std::byte> bytes, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(text) !=
         std::string::npos;
}

TEST(Encode, RoundTrips) {
  for (const int channels : {3, 4}) {
    const Image image = gradient(51, 33, channels);
    const auto png = decode_image(*encode_image(image, ImageFormat::kPng));
    EXPECT_EQ(difference(png->image, image).largest, 0);
    const auto lossless = decode_image(*encode_image(image, ImageFormat::kWebp, {.lossless = true}));
    EXPECT_EQ(difference(lossless->image, image).largest, 0);
    const auto webp = decode_image(*encode_image(image, ImageFormat::kWebp));
    EXPECT_LT(difference(webp->image, image).mean, 2.5);
  }
  const Image image = gradient(51, 33);
  EXPECT_LT(difference(decode_image(*encode_image(image, ImageFormat::kJpeg))->image, image).mean, 1.5);
}

TEST(Encode, Png16BitsKeepsAllBits) {
  auto image = *Image::create(3, 2, 4);
  uint16_t value = 1;
  for (auto& v : image.values()) v = value = static_cast<uint16_t>(value * 40503u + 77);
  const auto decoded = decode_image(*encode_image(image, ImageFormat::kPng, {.png_bits = 16}));
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(std::ranges::equal(decoded->image.values(), image.values()));
}

TEST(Encode, JpegLaysTransparencyOnWhite) {
  auto image = *Image::create(16, 16, 4);  // transparent black
  for (int y = 0; y < 16; ++y)
    for (int x = 8; x < 16; ++x) image.pixel(x, y)[0] = image.pixel(x, y)[3] = 65535;  // opaque red
  const auto decoded = decode_image(*encode_image(image, ImageFormat::kJpeg));
  EXPECT_FALSE(decoded->image.has_alpha());
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(to_8_bits(decoded->image.pixel(2, 8)[c]), 255, 3);
  EXPECT_NEAR(to_8_bits(decoded->image.pixel(13, 8)[1]), 0, 6);
}

TEST(Encode, QualityCounts) {
  const Image image = gradient(128, 128);
  for (const auto format : {ImageFormat::kJpeg, ImageFormat::kWebp})
    EXPECT_LT(encode_image(image, format, {.quality = 20})->size(),
              encode_image(image, format, {.quality = 95})->size());
  EXPECT_FALSE(encode_image(image, ImageFormat::kJpeg, {.quality = 0}));
  EXPECT_FALSE(encode_image(image, ImageFormat::kJpeg, {.quality = 101}));
}

TEST(Encode, NothingOfTheSourceFileIsWritten) {
  const Image image = gradient(16, 16);
  for (const auto format : {ImageFormat::kJpeg, ImageFormat::kPng, ImageFormat::kWebp}) {
    const auto bytes = *encode_image(image, format);
    for (const char* name : {"Exif", "EXIF", "eXIf", "http", "tEXt", "tIME"})
      EXPECT_FALSE(contains(bytes, name));
  }
  EXPECT_TRUE(contains(*encode_image(image, ImageFormat::kPng), "sRGB"));
}

TEST(Encode, NamesAndLimits) {
  EXPECT_EQ(*output_format(".JPG"), ImageFormat::kJpeg);
  EXPECT_EQ(*output_format("jpeg"), ImageFormat::kJpeg);
  EXPECT_EQ(*output_format(".webp"), ImageFormat::kWebp);
  EXPECT_FALSE(output_format(".gif"));
  EXPECT_FALSE(output_format(""));
  EXPECT_FALSE(encode_image(gradient(8, 8), ImageFormat::kHeif));
  EXPECT_FALSE(encode_image(gradient(16384, 1), ImageFormat::kWebp));
  EXPECT_FALSE(encode_image(gradient(65501, 1), ImageFormat::kJpeg));
}

TEST(Encode, FilesByExtension) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "pochade_encode_test";
  std::filesystem::create_directories(folder);
  const Image image = gradient(20, 10);
  ASSERT_TRUE(write_image(folder / "a.webp", image));
  EXPECT_EQ(read_image(folder / "a.webp")->format, ImageFormat::kWebp);
  ASSERT_TRUE(write_image(folder / "b.jpg", image, ImageFormat::kPng));
  EXPECT_EQ(read_image(folder / "b.jpg")->format, ImageFormat::kPng);
  EXPECT_FALSE(write_image(folder / "c.bmp", image));
  EXPECT_FALSE(std::filesystem::exists(folder / "c.bmp"));
  EXPECT_FALSE(write_image(folder / "no" / "d.png", image));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace pochade
