#include "paint/paint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "media/test_pictures.h"
#include "paint/noise.h"
#include "paint/output.h"
#include "paint/picture_tensor.h"

namespace pochade {
namespace {

using test::difference;
using test::gradient;

/// A network that we can see through.
class FakePainter : public Painter {
 public:
  std::optional<PictureSize> fixed;
  int64_t multiple = 1;  // other sizes come back rounded up
  int64_t refuses_below_multiple = 1;
  int64_t scale = 1;
  int64_t bytes = 0;
  bool inverts = false;
  PictureSize seen;

  std::optional<PictureSize> fixed_size() override { return fixed; }
  Result<PictureSize> painting_size(PictureSize photo) override {
    if (photo.height % refuses_below_multiple != 0 || photo.width % refuses_below_multiple != 0)
      return Error::invalid_model("Concat: sizes differ");
    const auto up = [&](int64_t v) { return (v + multiple - 1) / multiple * multiple * scale; };
    return PictureSize{up(photo.height), up(photo.width)};
  }
  int64_t predicted_bytes(PictureSize) override { return bytes; }
  Result<Tensor> paint(const Tensor& photo) override {
    seen = {photo.shape()[1], photo.shape()[2]};
    TRY(auto out, Tensor::make(DType::kF32, {1, seen.height * scale, seen.width * scale, 3}));
    const auto from = photo.data<float>();
    const auto to = out.mutable_data<float>();
    for (int64_t y = 0; y < seen.height * scale; ++y)
      for (int64_t x = 0; x < seen.width * scale; ++x)
        for (int64_t c = 0; c < 3; ++c) {
          const float v = from[static_cast<size_t>((y / scale * seen.width + x / scale) * 3 + c)];
          to[static_cast<size_t>((y * seen.width * scale + x) * 3 + c)] = inverts ? 255 - v : v;
        }
    return out;
  }
};

TEST(PictureTensor, ReflectionRepeatsNoEdge) {
  const int64_t expected[] = {2, 1, 0, 1, 2, 3, 2, 1, 0, 1};
  for (int64_t i = -2; i < 8; ++i) EXPECT_EQ(reflected(i, 4), expected[i + 2]);
  for (int64_t i = -5; i < 5; ++i) EXPECT_EQ(reflected(i, 1), 0);
  EXPECT_EQ(reflected(-1000001, 2), 1);
}

TEST(PictureTensor, EightBitValuesEnterExactly) {
  auto photo = *Image::create(256, 1, 3);
  for (int x = 0; x < 256; ++x)
    for (int c = 0; c < 3; ++c) photo.pixel(x, 0)[c] = from_8_bits(static_cast<uint8_t>((x + c * 50) % 256));
  const auto raw = *to_tensor(photo, {}, 1, 256, 0, 0);
  const auto unit = *to_tensor(photo, *preprocess_preset("unit"), 1, 256, 0, 0);
  const auto mean = *to_tensor(photo, *preprocess_preset("bgr_mean"), 1, 256, 0, 0);
  for (size_t x = 0; x < 256; ++x) {
    const auto red = static_cast<float>(x), blue = static_cast<float>((x + 100) % 256);
    EXPECT_EQ(raw.data<float>()[3 * x], red);
    EXPECT_EQ(unit.data<float>()[3 * x], red / 255.0f);
    EXPECT_NEAR(mean.data<float>()[3 * x], blue - 103.939f, 1e-5);
    EXPECT_NEAR(mean.data<float>()[3 * x + 2], red - 123.68f, 1e-5);
  }
}

TEST(PictureTensor, EveryPresetComesBack) {
  const Image photo = gradient(21, 13);
  for (const char* name : {"raw", "unit", "signed", "bgr_mean"}) {
    const auto how = *preprocess_preset(name);
    const auto tensor = *to_tensor(photo, how, 20, 30, 3, 5);
    const auto back = from_tensor(tensor, how.output, 3, 5, 13, 21);
    ASSERT_TRUE(back);
    EXPECT_EQ(difference(*back, photo).largest, 0) << name;
    EXPECT_EQ(tensor.data<float>()[(1 * 30 + 4) * 3 + 1],
              tensor.data<float>()[(5 * 30 + 6) * 3 + 1]);  // reflected
  }
}

TEST(PictureTensor, NoiseIsPlacedByPositionAndScaledByItsUnits) {
  const Image photo = gradient(6, 5);
  Preprocess how;
  how.noise_std = 2;
  how.noise_seed = 9;
  const auto noisy = *to_tensor(photo, how, 9, 10, 2, 2);
  const auto plain = *to_tensor(photo, {}, 9, 10, 2, 2);
  for (int64_t y = 0; y < 9; ++y)
    for (int64_t x = 0; x < 10; ++x) {
      const auto noise = gaussian_noise(9, x, y);
      for (size_t c = 0; c < 3; ++c) {
        const size_t at = static_cast<size_t>(y * 10 + x) * 3 + c;
        EXPECT_EQ(noisy.data<float>()[at], plain.data<float>()[at] + 2 * noise[c]);
      }
    }
}

TEST(PictureTensor, WildValuesAreClipped) {
  const auto tensor =
      Tensor::of<float>({1, 1, 2, 3}, {std::nanf(""), -std::numeric_limits<float>::infinity(), -5, 300,
                                       std::numeric_limits<float>::infinity(), 127.5f});
  const auto image = from_tensor(tensor, {}, 0, 0, 1, 2);
  ASSERT_TRUE(image);
  const uint16_t expected[] = {0, 0, 0, 65535, 65535, 32768};
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(image->values()[i], expected[i]);
}

TEST(PictureTensor, OtherTensorsAreErrors) {
  EXPECT_FALSE(from_tensor(*Tensor::make(DType::kF32, {1, 4, 4, 1}), {}, 0, 0, 4, 4));
  EXPECT_FALSE(from_tensor(*Tensor::make(DType::kF32, {4, 4, 3}), {}, 0, 0, 4, 4));
  EXPECT_FALSE(from_tensor(*Tensor::make(DType::kF32, {1, 4, 4, 3}), {}, 1, 0, 4, 4));
}

Preprocess card(int multiple, int pad) {
  Preprocess how;
  how.multiple = multiple;
  how.pad = pad;
  return how;
}

TEST(Place, PadsToTheMultipleAroundTheMiddle) {
  FakePainter painter;
  const auto at = place({512, 767}, card(4, 32), painter);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->entering, (PictureSize{576, 832}));
  EXPECT_EQ(at->top, 32);
  EXPECT_EQ(at->left, 32);
  EXPECT_EQ(place({512, 768}, card(1, 0), painter)->entering, (PictureSize{512, 768}));
}

TEST(Place, FindsAMultipleThatTheNetworkTakes) {
  FakePainter rounds_up;
  rounds_up.multiple = 8;
  EXPECT_EQ(place({513, 770}, {}, rounds_up)->entering, (PictureSize{520, 776}));
  FakePainter refuses;
  refuses.refuses_below_multiple = 32;
  EXPECT_EQ(place({513, 770}, {}, refuses)->entering, (PictureSize{544, 800}));
  EXPECT_EQ(place({513, 770}, card(6, 0), refuses)->entering, (PictureSize{576, 864}));
  refuses.refuses_below_multiple = 1000;
  const auto none = place({513, 770}, {}, refuses);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text().find("Concat: sizes differ"), std::string::npos);
}

TEST(Paint, IdentityGivesThePhotoBackWhateverTheBorder) {
  for (const auto& [width, height] : {std::pair{61, 43}, {1, 1}, {2, 90}, {64, 64}}) {
    const Image photo = gradient(width, height);
    FakePainter painter;
    painter.refuses_below_multiple = 8;
    const auto painting = paint_photo(photo, card(4, 32), painter, {});
    ASSERT_TRUE(painting) << painting.error().text();
    EXPECT_EQ(difference(*painting, photo).largest, 0);
    EXPECT_EQ(painter.seen.height % 8, 0);
    EXPECT_GE(painter.seen.height, height + 64);
  }
}

TEST(Paint, AlphaIsCarriedOver) {
  const Image photo = gradient(30, 20, 4);
  FakePainter painter;
  painter.inverts = true;
  const auto painting = paint_photo(photo, {}, painter, {});
  ASSERT_TRUE(painting);
  ASSERT_TRUE(painting->has_alpha());
  EXPECT_EQ(painting->pixel(17, 3)[3], photo.pixel(17, 3)[3]);
  EXPECT_EQ(painting->pixel(17, 3)[0], 65535 - photo.pixel(17, 3)[0]);
}

TEST(Paint, StrengthAndColours) {
  const Image photo = gradient(30, 20);
  FakePainter painter;
  painter.inverts = true;
  EXPECT_EQ(difference(*paint_photo(photo, {}, painter, {.strength = 0}), photo).largest, 0);
  const auto half = *paint_photo(photo, {}, painter, {.strength = 0.5f});
  for (const auto value : half.values()) EXPECT_NEAR(value, 32768, 1);
  const auto colours = *paint_photo(photo, {}, painter, {.keep_colors = true});
  const uint16_t *p = colours.pixel(15, 10), *q = photo.pixel(15, 10);
  const auto luma = [](const uint16_t* v) { return 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2]; };
  EXPECT_NEAR(luma(p), 65535 - luma(q), 2);
  EXPECT_FALSE(paint_photo(photo, {}, painter, {.strength = 2}));
  EXPECT_FALSE(paint_photo(photo, {}, painter, {.strength = std::nanf("")}));
}

TEST(Paint, NetworkOfOneSize) {
  auto photo = *Image::create(300, 100, 3);
  for (auto& value : photo.values()) value = from_8_bits(90);
  FakePainter painter;
  painter.fixed = PictureSize{72, 72};
  const auto painting = paint_photo(photo, {}, painter, {});
  ASSERT_TRUE(painting) << painting.error().text();
  EXPECT_EQ(painter.seen, (PictureSize{72, 72}));
  EXPECT_EQ(difference(*painting, photo).largest, 0);
  EXPECT_EQ(place({100, 300}, {}, painter)->photo, (PictureSize{24, 72}));
  const Image square = gradient(72, 72);
  EXPECT_EQ(difference(*paint_photo(square, {}, painter, {}), square).largest, 0);
}

TEST(Paint, NetworkThatDoubles) {
  const Image photo = gradient(31, 21, 4);
  FakePainter painter;
  painter.scale = 2;
  const auto painting = paint_photo(photo, card(4, 3), painter, {});
  ASSERT_TRUE(painting) << painting.error().text();
  EXPECT_EQ(painting->width(), 62);
  EXPECT_EQ(painting->height(), 42);
  EXPECT_TRUE(painting->has_alpha());
  EXPECT_EQ(painting->pixel(20, 10)[0], photo.pixel(10, 5)[0]);
}

TEST(Paint, TooLargeForTheMemoryIsToldWithItsSize) {
  FakePainter painter;
  painter.bytes = int64_t{900} * 1'000'000'000'000;
  const auto painting = paint_photo(gradient(8, 8), {}, painter, {});
  ASSERT_FALSE(painting);
  EXPECT_EQ(painting.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_NE(painting.error().text().find("needs about 900 TB of memory"), std::string::npos);
}

TEST(Size, BothForms) {
  EXPECT_EQ(parse_size("640")->long_side, 640);
  EXPECT_EQ(parse_size("640x480")->exact, (PictureSize{480, 640}));
  for (const char* text :
       {"", "x", "0", "-5", "12x", "x12", "12x0", "1.5", "640x480x3", "70000", "99999999999999999999", "12 "})
    EXPECT_FALSE(parse_size(text)) << text;
  const Image photo = gradient(60, 40);
  EXPECT_EQ(resized(photo, *parse_size("30"))->height(), 20);
  EXPECT_EQ(resized(photo, *parse_size("32x32"))->width(), 32);
}

class OutputTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "pochade_output_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "sub");
    for (const char* name : {"a.jpg", "b.PNG", "c.heic", "notes.txt", "a.wave.jpg", "sub/a.jpg"})
      std::ofstream(folder_ / name) << "x";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<std::vector<PaintJob>> plan(std::vector<std::filesystem::path> photos,
                                     std::optional<std::filesystem::path> output = {}, bool force = false,
                                     std::string style = "ink") {
    for (auto& photo : photos)
      if (photo != "-") photo = folder_ / photo;
    if (output && *output != "-") output = folder_ / *output;
    return plan_outputs({photos, output, style, force});
  }
  std::filesystem::path folder_;
};

TEST_F(OutputTest, BesideThePhotoByDefault) {
  const auto jobs = plan({"a.jpg", "b.PNG", "c.heic"});
  ASSERT_TRUE(jobs) << jobs.error().text();
  EXPECT_EQ((*jobs)[0].painting, folder_ / "a.ink.jpg");
  EXPECT_EQ((*jobs)[1].painting, folder_ / "b.ink.PNG");
  EXPECT_EQ((*jobs)[1].format, ImageFormat::kPng);
  EXPECT_EQ((*jobs)[2].painting, folder_ / "c.ink.jpg");
}

TEST_F(OutputTest, FoldersGiveTheirPicturesWithoutOwnPaintings) {
  const auto jobs = plan({"."}, {}, true, "wave");
  ASSERT_TRUE(jobs) << jobs.error().text();
  ASSERT_EQ(jobs->size(), 3u);
  EXPECT_EQ((*jobs)[0].photo.filename(), "a.jpg");
  EXPECT_EQ((*jobs)[2].photo.filename(), "c.heic");
}

TEST_F(OutputTest, FileOrFolder) {
  EXPECT_EQ((*plan({"a.jpg"}, "x.webp"))[0].painting, folder_ / "x.webp");
  EXPECT_EQ((*plan({"a.jpg"}, "x.webp"))[0].format, ImageFormat::kWebp);
  EXPECT_EQ((*plan({"a.jpg"}, "sub"))[0].painting, folder_ / "sub" / "a.ink.jpg");
  EXPECT_EQ((*plan({"a.jpg"}, "new/"))[0].painting, folder_ / "new" / "a.ink.jpg");
  EXPECT_EQ((*plan({"a.jpg", "b.PNG"}, "new"))[1].painting, folder_ / "new" / "b.ink.PNG");
  EXPECT_FALSE(plan({"a.jpg", "b.PNG"}, "notes.txt"));
  EXPECT_FALSE(plan({"a.jpg"}, "x.gif"));
  EXPECT_FALSE(plan({"a.jpg"}, "x"));
}

TEST_F(OutputTest, Pipes) {
  EXPECT_EQ((*plan({"-"}))[0].painting, "-");
  EXPECT_EQ((*plan({"-"}, "sub"))[0].painting, folder_ / "sub" / "painting.ink.png");
  EXPECT_EQ((*plan({"a.jpg"}, "-"))[0].painting, "-");
  EXPECT_FALSE(plan({"a.jpg", "b.PNG"}, "-"));
  EXPECT_FALSE(plan({"-", "-"}));
}

TEST_F(OutputTest, NothingIsLost) {
  const auto existing = plan({"a.jpg"}, {}, false, "wave");
  ASSERT_FALSE(existing);
  EXPECT_NE(existing.error().text().find("a.wave.jpg exists"), std::string::npos);
  EXPECT_NE(existing.error().hint().find("--force"), std::string::npos);
  EXPECT_TRUE(plan({"a.jpg"}, {}, true, "wave"));
  EXPECT_FALSE(plan({"a.jpg"}, "a.jpg", true));  // the photo itself
  EXPECT_FALSE(plan({"a.jpg", "sub/a.jpg"}, "new"));
  EXPECT_FALSE(plan({"missing.jpg"}));
  EXPECT_FALSE(plan({}));
  std::filesystem::remove(folder_ / "sub" / "a.jpg");
  EXPECT_FALSE(plan({"sub"}));  // empty
}

}  // namespace
}  // namespace pochade
