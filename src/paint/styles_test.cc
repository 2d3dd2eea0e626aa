#include "paint/styles.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>

#include "data/card.h"
#include "paint/noise.h"

namespace pochade {
namespace {

using testing::TempDir;

TEST(Noise, SameBitsEverywhere) {
  // Recorded once; equal on every machine, compiler and C library. Bits, so that nothing is rounded on the
  // way.
  const struct {
    uint64_t seed;
    int64_t x, y;
    std::array<uint32_t, 3> bits;
  } cases[] = {
      {1, 0, 0, {0xbf3eb4e8, 0x3f9a659d, 0xbf9ff9ac}},
      {1, 1, 0, {0x3fa688d9, 0x3fc603a6, 0xbe3012ba}},
      {1, 0, 1, {0x3d7ae874, 0xbe7eac2a, 0xbc103ce9}},
      {2, 1000, 700, {0xbe5e9b7c, 0xbefe745f, 0x3f19f002}},
      {0, 0, 0, {0x3f2fcab7, 0xbf1e5429, 0xbced2754}},
      {0xffffffffffffffffu, 12345, 54321, {0xbf83a79a, 0x3d7df28d, 0xbee36def}},
  };
  for (const auto& c : cases) {
    const auto values = gaussian_noise(c.seed, c.x, c.y);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), c.bits[i]) << values[i];
  }
}

// Moments of a standard normal distribution; 300,000 values: the standard error of the mean is 0.0018.
TEST(Noise, IsStandardNormal) {
  double sum = 0, square = 0, cube = 0, fourth = 0, neighbours = 0, channels = 0;
  int beyond_two = 0, count = 0;
  float previous = 0;
  for (int y = 0; y < 250; ++y)
    for (int x = 0; x < 400; ++x) {
      const auto values = gaussian_noise(7, x, y);
      for (const float v : values) {
        sum += v;
        square += double{v} * v;
        cube += std::pow(double{v}, 3);
        fourth += std::pow(double{v}, 4);
        beyond_two += std::abs(v) > 2;
        ++count;
      }
      neighbours += double{previous} * values[0];
      channels += double{values[0]} * values[1] + double{values[1]} * values[2];
      previous = values[0];
    }
  EXPECT_NEAR(sum / count, 0, 0.01);
  EXPECT_NEAR(square / count, 1, 0.01);
  EXPECT_NEAR(cube / count, 0, 0.03);
  EXPECT_NEAR(fourth / count, 3, 0.1);
  EXPECT_NEAR(beyond_two / static_cast<double>(count), 0.0455, 0.002);
  EXPECT_NEAR(neighbours / 100000, 0, 0.015);
  EXPECT_NEAR(channels / 200000, 0, 0.015);
}

TEST(Styles, CardOfTheDefault) {
  const auto style = find_style(kDefaultStyle);
  ASSERT_TRUE(style) << style.error().text();
  const auto card = card_beside(style->model);
  ASSERT_TRUE(card);
  const auto how = read_card(*card);
  ASSERT_TRUE(how) << how.error().text();
  EXPECT_EQ(how->preprocess.multiple, 4);
  EXPECT_EQ(how->preprocess.pad, 32);
  EXPECT_DOUBLE_EQ(how->preprocess.noise_std, 0.05);
  EXPECT_EQ(how->preprocess.noise_seed, 1u);
  EXPECT_EQ(how->preprocess.input, preprocess_preset("unit")->input);
  EXPECT_EQ(how->preprocess.output, preprocess_preset("unit")->output);
}

TEST(Styles, FoundByNameWithAListInTheError) {
  EXPECT_EQ(find_style("first_style")->name, "first_style");
  const auto missing = find_style("../first_style");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("first_style"), std::string::npos);
  EXPECT_NE(missing.error().text().find("there are"), std::string::npos);
  const auto folder = std::filesystem::path(TempDir()) / "pochade_styles_test";
  std::filesystem::create_directories(folder / "a");
  std::filesystem::create_directories(folder / "b");
  std::ofstream(folder / "a" / "wave.onnx") << "x";
  std::ofstream(folder / "b" / "wave.onnx") << "y";
  std::ofstream(folder / "b" / "ink.onnx") << "y";
  std::ofstream(folder / "b" / "ink.toml") << "";
  const auto styles = list_styles({folder / "a", folder / "b", folder / "none"});
  ASSERT_EQ(styles.size(), 2u);
  EXPECT_EQ(styles[0].name, "ink");
  EXPECT_EQ(styles[1].model, folder / "a" / "wave.onnx");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace pochade
