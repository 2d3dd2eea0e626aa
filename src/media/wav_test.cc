#include "media/wav.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>

namespace pochade {
namespace {

std::string le(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

/// A WAV file of these sample bytes; `extra` goes between format and data.
std::string wav(uint16_t encoding, int channels, uint32_t rate, int bits, const std::string& data,
                const std::string& extra = "") {
  std::string format = le(encoding, 2) + le(static_cast<uint64_t>(channels), 2) + le(rate, 4) + le(0, 4) +
                       le(0, 2) + le(static_cast<uint64_t>(bits), 2);
  if (encoding == 0xfffe)
    format += le(22, 2) + le(static_cast<uint64_t>(bits), 2) + le(0, 4) + le(1, 2) + std::string(14, '\0');
  return "RIFF" + le(0, 4) + "WAVEfmt " + le(format.size(), 4) + format + extra + "data" +
         le(data.size(), 4) + data;
}

Result<Sound> parse(const std::string& file) {
  return parse_wav_file(std::as_bytes(std::span(file)));
}

TEST(Wav, EveryEncoding) {
  const auto floats = [](const std::string& file) {
    const auto sound = parse(file);
    EXPECT_TRUE(sound) << sound.error().text();
    return sound ? sound->samples : std::vector<float>();
  };
  using Samples = std::vector<float>;
  EXPECT_EQ(floats(wav(1, 1, 8000, 8, std::string("\x00\x80\xc0", 3))), (Samples{-1, 0, 0.5f}));
  EXPECT_EQ(floats(wav(1, 1, 8000, 16, le(0x8000, 2) + le(0x4000, 2))), (Samples{-1, 0.5f}));
  EXPECT_EQ(floats(wav(1, 1, 8000, 24, le(0x800000, 3) + le(0x200000, 3))), (Samples{-1, 0.25f}));
  EXPECT_EQ(floats(wav(1, 1, 8000, 32, le(0xc0000000, 4))), (Samples{-0.5f}));
  EXPECT_EQ(floats(wav(3, 1, 8000, 32, le(std::bit_cast<uint32_t>(0.75f), 4))), (Samples{0.75f}));
  EXPECT_EQ(floats(wav(3, 1, 8000, 64, le(std::bit_cast<uint64_t>(-0.75), 8))), (Samples{-0.75f}));
  EXPECT_EQ(floats(wav(0xfffe, 1, 8000, 16, le(0x4000, 2))), (Samples{0.5f}));
  EXPECT_EQ(floats(wav(1, 2, 8000, 16, le(0x4000, 2) + le(0, 2))), (Samples{0.25f}));  // the mean of both
}

TEST(Wav, OtherChunksAndOddSizes) {
  const auto sound =
      parse(wav(1, 1, 44100, 16, le(0x4000, 2), "LIST" + le(3, 4) + "abc" + std::string(1, '\0')));
  ASSERT_TRUE(sound) << sound.error().text();
  EXPECT_EQ(sound->rate, 44100);
  EXPECT_EQ(sound->samples.size(), 1u);
}

TEST(Wav, CutShortGivesWhatIsThere) {
  const std::string file = wav(1, 1, 8000, 16, std::string(100, 'x'));
  for (size_t length = 0; length < file.size(); ++length) {
    const auto sound = parse(file.substr(0, length));
    if (length < 44)
      EXPECT_FALSE(sound) << length;
    else
      EXPECT_EQ(sound->samples.size(), (length - 44) / 2);
  }
}

TEST(Wav, Refused) {
  const struct {
    std::string file;
    const char* message;
  } cases[] = {{"OggS", "not a WAV file"},
               {wav(6, 1, 8000, 8, "x"), "encoding 6 of 8 bits"},
               {wav(1, 1, 8000, 12, "x"), "of 12 bits"},
               {wav(1, 0, 8000, 16, "x"), "0 channels"},
               {wav(1, 1, 10, 16, "x"), "10 samples a second"},
               {wav(3, 1, 8000, 32, le(0x7f800000, 4)), "no number"}};
  for (const auto& c : cases) {
    const auto sound = parse(c.file);
    ASSERT_FALSE(sound);
    EXPECT_NE(sound.error().text().find(c.message), std::string::npos) << sound.error().text();
  }
}

TEST(Wav, WrittenAndRead) {
  const Sound sound{22050, {0, 0.5f, -1, 0.25f}};
  const auto back = parse(wav_bytes(sound));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->rate, 22050);
  EXPECT_EQ(back->samples, sound.samples);
}

Sound sine(int64_t rate, double hertz, double seconds) {
  Sound out{rate, std::vector<float>(static_cast<size_t>(static_cast<double>(rate) * seconds))};
  for (size_t i = 0; i < out.samples.size(); ++i)
    out.samples[i] = static_cast<float>(
        std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / static_cast<double>(rate)));
  return out;
}

TEST(Resampled, KeepsTonesAndRemovesAliases) {
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{8000, 16000}, {44100, 16000}, {16000, 11025}}) {
    const auto tone = resampled(sine(from, 1000, 0.5), to);
    ASSERT_TRUE(tone);
    const Sound wanted = sine(to, 1000, 0.5);
    EXPECT_NEAR(static_cast<double>(tone->samples.size()), static_cast<double>(wanted.samples.size()), 1);
    for (size_t i = wanted.samples.size() / 4; i < wanted.samples.size() / 2; ++i)
      ASSERT_NEAR(tone->samples[i], wanted.samples[i], 1e-3) << from << " to " << to;
  }
  // Rates without a common divisor, and a sound shorter than their sets of weights: as a longer one begins.
  const auto odd = resampled(sine(44101, 1000, 0.02), 15991),
             longer = resampled(sine(44101, 1000, 0.1), 15991);
  for (size_t i = 0; i < 200; ++i) ASSERT_NEAR(odd->samples[i], longer->samples[i], 1e-6) << i;
  const auto alias = resampled(sine(44100, 12000, 0.5), 16000);  // above the new half rate
  for (size_t i = 1000; i < 4000; ++i) ASSERT_NEAR(alias->samples[i], 0, 1e-3);
}

}  // namespace
}  // namespace pochade
