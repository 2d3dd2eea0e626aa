#include "media/decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "media/encode.h"
#include "media/test_pictures.h"
#include "media/transform.h"

namespace pochade {
namespace {

using namespace test;

std::vector<uint8_t> bytes_of(const Image& image) {
  std::vector<uint8_t> out;
  for (const uint16_t value : image.values()) out.push_back(to_8_bits(value));
  return out;
}

::testing::AssertionResult is_error(const Result<DecodedImage>& result, std::string_view part) {
  if (result) return ::testing::AssertionFailure() << "decoded";
  if (result.error().text().find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error().text();
}

TEST(Decode, FormatIsToldByContent) {
  const Image image = gradient(9, 7);
  for (const auto format : {ImageFormat::kJpeg, ImageFormat::kPng, ImageFormat::kWebp})
    EXPECT_EQ(decode_image(*encode_image(image, format))->format, format);
  EXPECT_TRUE(is_error(decode_image({}), "empty"));
  EXPECT_TRUE(is_error(decode_image(std::as_bytes(std::span("hello, world, no picture"))), "not a JPEG"));
}

TEST(Decode, Png16BitsKeepsAllBits) {
  PngSpec spec{.width = 2, .height = 1, .bits = 16};
  spec.rows = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0, 1, 0xff, 0xfe, 0x80, 0};
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  const uint16_t expected[] = {0x1234, 0x5678, 0x9abc, 1, 0xfffe, 0x8000};
  EXPECT_EQ(std::memcmp(decoded->image.values().data(), expected, sizeof(expected)), 0);
  EXPECT_FALSE(decoded->image.has_alpha());
}

TEST(Decode, PngGreyOfFewBitsAndTransparency) {
  PngSpec spec{.width = 4, .height = 1, .bits = 2, .color_type = 0};
  spec.rows = {0b00011011};
  spec.grey_transparent = 2;
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  ASSERT_TRUE(decoded->image.has_alpha());
  for (int x = 0; x < 4; ++x) {
    const uint16_t* p = decoded->image.pixel(x, 0);
    for (int c = 0; c < 3; ++c) EXPECT_EQ(to_8_bits(p[c]), 85 * x);
    EXPECT_EQ(p[3], x == 2 ? 0 : 65535);
  }
}

TEST(Decode, PngPaletteWithAlpha) {
  PngSpec spec{.width = 3, .height = 1, .bits = 8, .color_type = 3};
  spec.palette = {10, 20, 30, 200, 100, 50, 1, 2, 3};
  spec.palette_alpha = {255, 128};
  spec.rows = {1, 0, 2};
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(bytes_of(decoded->image),
            (std::vector<uint8_t>{200, 100, 50, 128, 10, 20, 30, 255, 1, 2, 3, 255}));
}

TEST(Decode, PngInterlacedIsTheSamePicture) {
  const Image image = gradient(37, 23);
  PngSpec spec{.width = 37, .height = 23, .interlaced = true, .rows = bytes_of(image)};
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(difference(decoded->image, image).largest, 0);
}

TEST(Decode, PngLinearGammaIsConverted) {
  PngSpec spec{.width = 3, .height = 1};
  spec.rows = {0, 0, 0, 55, 55, 55, 255, 255, 255};
  spec.gamma = 1.0;
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  // Linear 55/255 is sRGB 1.055 * 0.2157^(1/2.4) - 0.055 = 0.5018.
  const uint8_t expected[] = {0, 128, 255};
  for (int x = 0; x < 3; ++x)
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(to_8_bits(decoded->image.pixel(x, 0)[c]), expected[x], 1);
  spec.gamma = 0.45455;  // the usual "sRGB"
  EXPECT_EQ(bytes_of(decode_image(png_file(spec))->image), spec.rows);
}

// Adobe RGB (128, 200, 60) in sRGB: gamma 2.19921875, then the matrices of both spaces (both white points are
// D65).
void expect_adobe_converted(const Image& image, int tolerance) {
  for (int x = 0; x < image.width(); ++x) {
    const uint16_t* p = image.pixel(x, 0);
    EXPECT_NEAR(to_8_bits(p[0]), 77, tolerance);
    EXPECT_NEAR(to_8_bits(p[1]), 201, tolerance);
    EXPECT_NEAR(to_8_bits(p[2]), 37, tolerance);
  }
}

Image adobe_green(int width, int height, int channels = 3) {
  auto image = *Image::create(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const uint8_t values[] = {128, 200, 60, 77};
      for (int c = 0; c < channels; ++c) image.pixel(x, y)[c] = from_8_bits(values[c]);
    }
  return image;
}

TEST(Decode, IccProfileOfPng) {
  const Image image = adobe_green(5, 2);
  PngSpec spec{.width = 5, .height = 2, .rows = bytes_of(image), .icc = rgb_profile()};
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  expect_adobe_converted(decoded->image, 1);
  ASSERT_EQ(decoded->notes.size(), 1u);
}

TEST(Decode, IccProfileOfPng16WithAlphaKeepsAlpha) {
  PngSpec spec{.width = 300, .height = 1, .bits = 16, .color_type = 6, .icc = rgb_profile()};
  for (int x = 0; x < 300; ++x)
    for (const int value : {128, 200, 60, x % 256})
      spec.rows.insert(spec.rows.end(), 2, static_cast<uint8_t>(value));
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  expect_adobe_converted(decoded->image, 1);
  for (int x = 0; x < 300; ++x) EXPECT_EQ(decoded->image.pixel(x, 0)[3], (x % 256) * 257);
}

TEST(Decode, IccProfileOfJpegAndWebp) {
  const Image image = adobe_green(16, 16);
  JpegSpec spec{.width = 16, .height = 16, .rows = bytes_of(image), .icc = rgb_profile()};
  const auto jpeg = decode_image(jpeg_file(spec));
  ASSERT_TRUE(jpeg) << jpeg.error().text();
  expect_adobe_converted(jpeg->image, 4);
  const auto webp = decode_image(webp_file(adobe_green(16, 16, 4), rgb_profile(), {}));
  ASSERT_TRUE(webp) << webp.error().text();
  expect_adobe_converted(webp->image, 1);
  EXPECT_EQ(to_8_bits(webp->image.pixel(3, 3)[3]), 77);
}

TEST(Decode, IccProfileOfSrgbChangesNoBit) {
  const Image image = gradient(40, 30);
  PngSpec spec{.width = 40, .height = 30, .rows = bytes_of(image), .icc = rgb_profile(/*srgb=*/true)};
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(std::memcmp(decoded->image.values().data(), image.values().data(), image.values().size_bytes()),
            0);
  EXPECT_TRUE(decoded->notes.empty());
}

TEST(Decode, DamagedOrForeignIccProfileIsIgnored) {
  const Image image = gradient(16, 16);
  JpegSpec spec{.width = 16, .height = 16, .rows = bytes_of(image)};
  const auto plain = decode_image(jpeg_file(spec));
  spec.icc = FileBytes(500, std::byte{7});
  EXPECT_EQ(difference(decode_image(jpeg_file(spec))->image, plain->image).largest, 0);
  spec.icc = grey_profile(1.0);  // of a grey picture, in a coloured one
  EXPECT_EQ(difference(decode_image(jpeg_file(spec))->image, plain->image).largest, 0);
}

TEST(Decode, GreyIccProfile) {
  PngSpec spec{.width = 3, .height = 1, .color_type = 0, .rows = {0, 55, 255}, .icc = grey_profile(1.0)};
  const auto decoded = decode_image(png_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  const int expected[] = {0, 128, 255};
  for (int x = 0; x < 3; ++x)
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(to_8_bits(decoded->image.pixel(x, 0)[c]), expected[x], 1);
}

TEST(Decode, JpegGreyAndProgressive) {
  JpegSpec spec{.width = 20, .height = 11, .colors = JpegColors::kGrey, .progressive = true};
  for (int i = 0; i < 220; ++i) spec.rows.push_back(static_cast<uint8_t>(40 + i / 2));
  const auto decoded = decode_image(jpeg_file(spec));
  ASSERT_TRUE(decoded) << decoded.error().text();
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 20; ++x)
      for (int c = 0; c < 3; ++c)
        EXPECT_NEAR(to_8_bits(decoded->image.pixel(x, y)[c]), 40 + (y * 20 + x) / 2, 4);
}

TEST(Decode, JpegOfInks) {
  for (const auto colors : {JpegColors::kCmyk, JpegColors::kYcck})
    for (const bool adobe : {true, false}) {
      if (colors == JpegColors::kYcck && !adobe) continue;  // only Adobe's marker says YCCK
      JpegSpec spec{.width = 16, .height = 16, .colors = colors, .adobe_marker = adobe};
      // Cyan 20%, magenta 60%, yellow 0%, black 20%.
      const uint8_t ink[] = {51, 153, 0, 51};
      for (int i = 0; i < 256; ++i)
        for (const uint8_t value : ink)
          spec.rows.push_back(adobe ? static_cast<uint8_t>(255 - value) : value);
      const auto decoded = decode_image(jpeg_file(spec));
      ASSERT_TRUE(decoded) << decoded.error().text();
      const uint16_t* p = decoded->image.pixel(8, 8);
      EXPECT_NEAR(to_8_bits(p[0]), 163, 3);
      EXPECT_NEAR(to_8_bits(p[1]), 82, 3);
      EXPECT_NEAR(to_8_bits(p[2]), 204, 3);
    }
}

// A picture whose corners tell its orientation: red top left, green top right, blue bottom left.
Image corners(int width, int height) {
  auto image = *Image::create(width, height, 3);
  const auto square = [&](int x0, int y0, int channel) {
    for (int y = y0; y < y0 + 16; ++y)
      for (int x = x0; x < x0 + 16; ++x) image.pixel(x, y)[channel] = 65535;
  };
  square(0, 0, 0);
  square(width - 16, 0, 1);
  square(0, height - 16, 2);
  return image;
}

// The stored picture that orientation n turns into `upright` (EXIF 2.32, table of orientations), written out
// in full.
Image stored_for(const Image& upright, int orientation) {
  const int w = upright.width(), h = upright.height();
  const bool swapped = orientation >= 5;
  auto out = *Image::create(swapped ? h : w, swapped ? w : h, 3);
  for (int row = 0; row < out.height(); ++row)
    for (int column = 0; column < out.width(); ++column) {
      int x = 0, y = 0;
      switch (orientation) {
        case 1:
          x = column, y = row;
          break;
        case 2:
          x = w - 1 - column, y = row;
          break;
        case 3:
          x = w - 1 - column, y = h - 1 - row;
          break;
        case 4:
          x = column, y = h - 1 - row;
          break;
        case 5:
          x = row, y = column;
          break;
        case 6:
          x = w - 1 - row, y = column;
          break;
        case 7:
          x = w - 1 - row, y = h - 1 - column;
          break;
        case 8:
          x = row, y = h - 1 - column;
          break;
      }
      std::memcpy(out.pixel(column, row), upright.pixel(x, y), 6);
    }
  return out;
}

TEST(Decode, EveryOrientationOfEveryFormat) {
  const Image upright = corners(64, 48);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image stored = stored_for(upright, orientation);
    const bool little_endian = orientation % 2 == 0;
    JpegSpec jpeg{.width = stored.width(), .height = stored.height(), .rows = bytes_of(stored)};
    jpeg.exif = exif_block(orientation, little_endian, true);
    const auto from_jpeg = decode_image(jpeg_file(jpeg));
    ASSERT_TRUE(from_jpeg) << from_jpeg.error().text();
    EXPECT_LT(difference(from_jpeg->image, upright).mean, 2.0) << orientation;

    PngSpec png{.width = stored.width(), .height = stored.height(), .rows = bytes_of(stored)};
    png.exif = exif_block(orientation, little_endian, false);
    EXPECT_EQ(difference(decode_image(png_file(png))->image, upright).largest, 0) << orientation;

    const auto webp = webp_file(stored, {}, exif_block(orientation, little_endian, false));
    EXPECT_EQ(difference(decode_image(webp)->image, upright).largest, 0) << orientation;
  }
}

TEST(Decode, WebpAnimationGivesItsFirstFrame) {
  const Image image = gradient(24, 17, 4);
  const auto decoded = decode_image(webp_file(image, {}, {}, 3));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(difference(decoded->image, image).largest, 0);
}

TEST(Decode, HeicWithTransformationAlphaAndProfile) {
  const Image upright = corners(64, 48);
  for (const int orientation : {1, 3, 6, 8}) {
    const auto file = heic_file(stored_for(upright, orientation), orientation, {});
    if (file.empty()) {
      const char* ci = std::getenv("CI");
      if (ci != nullptr && std::string_view(ci) == "true") FAIL() << "libheif has no HEVC encoder here";
      GTEST_SKIP() << "libheif has no HEVC encoder here";
    }
    const auto decoded = decode_image(file);
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(decoded->format, ImageFormat::kHeif);
    EXPECT_LT(difference(decoded->image, upright).mean, 4.0) << orientation;
  }
  const auto profiled = decode_image(heic_file(adobe_green(64, 64), 1, rgb_profile()));
  ASSERT_TRUE(profiled) << profiled.error().text();
  expect_adobe_converted(profiled->image, 6);
  const Image transparent = gradient(64, 64, 4);
  const auto decoded = decode_image(heic_file(transparent, 1, {}));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_LT(difference(decoded->image, transparent).mean, 3.0);
}

std::vector<std::pair<std::string, FileBytes>> one_of_each() {
  const Image image = gradient(61, 47);
  const auto rows = bytes_of(image);
  std::vector<std::pair<std::string, FileBytes>> files;
  files.emplace_back("jpeg", jpeg_file({.width = 61, .height = 47, .rows = rows, .icc = rgb_profile()}));
  files.emplace_back("progressive",
                     jpeg_file({.width = 61, .height = 47, .progressive = true, .rows = rows}));
  files.emplace_back("png", png_file({.width = 61, .height = 47, .rows = rows, .icc = rgb_profile()}));
  files.emplace_back("interlaced", png_file({.width = 61, .height = 47, .interlaced = true, .rows = rows}));
  files.emplace_back("webp", *encode_image(image, ImageFormat::kWebp));
  files.emplace_back("extended webp",
                     webp_file(gradient(61, 47, 4), rgb_profile(), exif_block(3, true, false)));
  files.emplace_back("animated webp", webp_file(image, {}, {}, 2));
  if (auto heic = heic_file(gradient(64, 48), 6, {}); !heic.empty())
    files.emplace_back("heic", std::move(heic));
  return files;
}

// A prefix gives an error, or the whole picture if only what follows the pixels is missing.
TEST(Decode, CutShortAnywhere) {
  for (const auto& [name, file] : one_of_each()) {
    const auto whole = decode_image(file);
    ASSERT_TRUE(whole) << name << ": " << whole.error().text();
    int refused = 0;
    for (size_t size = 0; size < file.size(); size += 97) {
      // A copy of exactly this size, so that the sanitizer sees a read past its end.
      const FileBytes cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
      const auto decoded = decode_image(cut);
      if (!decoded) {
        ++refused;
        EXPECT_FALSE(decoded.error().text().empty());
      } else {
        EXPECT_EQ(difference(decoded->image, whole->image).largest, 0) << name << " cut to " << size;
      }
    }
    EXPECT_GT(refused, static_cast<int>(file.size() / 97 * 3 / 4)) << name;
  }
}

TEST(Decode, JpegWithoutItsEndMarkerIsWhole) {
  const Image image = gradient(33, 33);
  auto file = jpeg_file({.width = 33, .height = 33, .rows = bytes_of(image)});
  const auto whole = decode_image(file);
  file.resize(file.size() - 2);
  const auto decoded = decode_image(file);
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(difference(decoded->image, whole->image).largest, 0);
  file.resize(file.size() - 40);
  EXPECT_TRUE(is_error(decode_image(file), "cut short"));
}

TEST(Decode, FlippedBytesNeverCrash) {
  std::mt19937 random(7);
  for (const auto& [name, file] : one_of_each())
    for (int round = 0; round < 150; ++round) {
      FileBytes damaged = file;
      for (int i = 0; i < 1 + round % 8; ++i)
        damaged[random() % damaged.size()] = static_cast<std::byte>(random() & 0xff);
      const auto decoded = decode_image(damaged, {.pixels = 1'000'000});
      EXPECT_TRUE(decoded || !decoded.error().text().empty());
    }
}

void put_u32(FileBytes& file, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::byte>(value >> (24 - 8 * i) & 0xff);
}

uint32_t crc32_of(std::span<const std::byte> bytes) {
  uint32_t crc = 0xffffffffu;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

FileBytes png_saying(uint32_t width, uint32_t height) {
  FileBytes file = png_file({.width = 1, .height = 1, .rows = {1, 2, 3}});
  put_u32(file, 16, width);
  put_u32(file, 20, height);
  put_u32(file, 29, crc32_of(std::span(file).subspan(12, 17)));
  return file;
}

TEST(Decode, GiantHeadersAreRefusedBeforeMemoryIsTaken) {
  EXPECT_TRUE(
      is_error(decode_image(png_saying(0x7fffffff, 0x7fffffff)), "more than the limit of 400 million"));
  EXPECT_TRUE(is_error(decode_image(png_saying(20000, 20000)), "cannot hold"));
  EXPECT_TRUE(is_error(decode_image(png_saying(20000, 20000), {.pixels = 1'000'000}), "limit of 1 million"));
  EXPECT_FALSE(decode_image(png_saying(0, 5)));

  FileBytes jpeg = jpeg_file({.width = 16, .height = 16, .rows = bytes_of(gradient(16, 16))});
  size_t frame = 0;
  while (jpeg[frame] != std::byte{0xff} || jpeg[frame + 1] != std::byte{0xc0}) ++frame;
  put_u32(jpeg, frame + 5, 16000u << 16 | 16000u);
  EXPECT_TRUE(is_error(decode_image(jpeg), "cannot hold"));
  put_u32(jpeg, frame + 5, 65000u << 16 | 65000u);
  EXPECT_TRUE(is_error(decode_image(jpeg), "more than the limit"));
}

// A chunk that claims two gigabytes in a file of some hundred bytes; -malloc_limit_mb of the fuzzer watches
// the same.
TEST(Decode, PngChunkLargerThanTheFile) {
  PngSpec spec{.width = 8, .height = 8, .rows = bytes_of(gradient(8, 8)), .exif = exif_block(6, true, false)};
  FileBytes file = png_file(spec);
  size_t at = 0;
  while (std::memcmp(file.data() + at, "eXIf", 4) != 0) ++at;
  put_u32(file, at - 4, 0x7ffffff0);
  EXPECT_FALSE(decode_image(file));
}

TEST(Decode, MemoryLimitIsToldInBytes) {
  const auto file = *encode_image(gradient(100, 100), ImageFormat::kPng);
  EXPECT_TRUE(is_error(decode_image(file, {.memory_bytes = 59'999}), "need about 60 kB of memory"));
  EXPECT_TRUE(decode_image(file, {.memory_bytes = 60'000}));
}

TEST(Decode, FilesAreNamedInErrors) {
  EXPECT_TRUE(is_error(read_image("/nonexistent/photo.jpg"), "/nonexistent/photo.jpg"));
}

}  // namespace
}  // namespace pochade
