#include "data/audio_features.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "data/micro_front_end.h"

namespace pochade {
namespace {

std::vector<float> tone(double hertz, int64_t rate, size_t count) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(
        0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / static_cast<double>(rate)));
  return out;
}

TEST(AudioFeatures, ShapesAndPadding) {
  AudioFrontEnd how{.window = 640, .stride = 320};
  EXPECT_EQ(samples_needed(how), 16000);
  const auto features = audio_features(tone(440, 16000, 100), how);  // far too short: silence follows
  ASSERT_TRUE(features) << features.error().text();
  EXPECT_EQ(features->shape(), (Shape{49, 10}));
  // Silence: every band is ln(1e-6), whose DCT is 2 * 40 * ln(1e-6) / sqrt(80), 0, 0, ...
  const auto values = features->data<float>();
  EXPECT_NEAR(values[480], 80 * std::log(1e-6) / std::sqrt(80.0), 1e-3);
  EXPECT_NEAR(values[481], 0, 1e-3);
}

TEST(AudioFeatures, LogMelPeaksAtTheTone) {
  AudioFrontEnd how{.kind = AudioFrontEnd::Kind::kLogMel,
                    .window = 1024,
                    .stride = 512,
                    .frames = 5,
                    .mel_bins = 128,
                    .low_hz = 0,
                    .high_hz = 8000};
  const auto features = audio_features(tone(1000, 16000, 4000), how);
  ASSERT_TRUE(features);
  const auto row = features->data<float>().subspan(2 * 128, 128);
  const auto peak = std::ranges::max_element(row) - row.begin();
  // 1000 Hz is 15 mel of 0..45.2 in 129 steps: the corner after 42.8 of them.
  EXPECT_NEAR(static_cast<double>(peak), 41.8, 1);
}

TEST(AudioFeatures, EntersAsTheInputIs) {
  AudioFrontEnd how{.kind = AudioFrontEnd::Kind::kMicro, .frames = 2, .low_hz = 125, .high_hz = 7500};
  const auto sound = tone(700, 16000, 800);
  const auto real = audio_features(sound, how);
  ASSERT_TRUE(real);
  const auto bytes = enter_sound(sound, how, Fact(DType::kI8, Shape{1, 80}));
  ASSERT_TRUE(bytes) << bytes.error().text();
  const auto wider = enter_sound(sound, how, Fact(DType::kF32, Shape{1, 2, 40, 1}));
  EXPECT_EQ(wider->shape(), (Shape{1, 2, 40, 1}));
  for (size_t i = 0; i < 80; ++i) {
    const int integer = static_cast<int>(std::lround(real->data<float>()[i] * 25.6f));
    EXPECT_EQ(bytes->data<int8_t>()[i], std::min((integer * 256 + 333) / 666, 255) - 128);
    EXPECT_EQ(wider->data<float>()[i], real->data<float>()[i]);
  }
  const auto wrong = enter_sound(sound, how, Fact(DType::kI8, Shape{1, 81}));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text().find("2 frames of 40 features"), std::string::npos);
}

TEST(MicroFrontEnd, SilenceIsZeroAndLoudnessHardlyMatters) {
  MicroFrontEnd quiet(16000, 480, 40, 125, 7500), half(16000, 480, 40, 125, 7500),
      full(16000, 480, 40, 125, 7500);
  EXPECT_EQ(quiet.frame(std::vector<int16_t>(480)), std::vector<uint16_t>(40));
  std::vector<int16_t> loud, soft;
  for (int i = 0; i < 480; ++i) {
    const double v = std::sin(i * 0.4) * 30000;
    loud.push_back(static_cast<int16_t>(v));
    soft.push_back(static_cast<int16_t>(v / 2));
  }
  const auto a = full.frame(loud), b = half.frame(soft);
  const auto peak = std::ranges::max_element(a) - a.begin();
  EXPECT_EQ(peak, std::ranges::max_element(b) - b.begin());
  EXPECT_GT(a[static_cast<size_t>(peak)], 500);
  EXPECT_LT(a[static_cast<size_t>(peak)] - b[static_cast<size_t>(peak)], 64);  // less than a factor of e
}

}  // namespace
}  // namespace pochade
