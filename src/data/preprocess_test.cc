#include "data/preprocess.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data/card.h"
#include "data/decide.h"

namespace pochade {
namespace {

using testing::TempDir;

TEST(Preprocess, Presets) {
  const auto at = [](const PictureSide& side, size_t colour, double v) {
    return v * side.multiply[colour] + side.add[colour];
  };
  EXPECT_EQ(preprocess_preset("raw")->input.channels, ChannelOrder::kRgb);
  EXPECT_EQ(at(preprocess_preset("raw")->input, 1, 200), 200);
  EXPECT_DOUBLE_EQ(at(preprocess_preset("unit")->input, 0, 255), 1);
  EXPECT_DOUBLE_EQ(at(preprocess_preset("signed")->input, 2, 0), -1);
  EXPECT_DOUBLE_EQ(at(preprocess_preset("signed")->output, 2, 255), 1);
  const auto mean = *preprocess_preset("bgr_mean");
  EXPECT_EQ(mean.input.channels, ChannelOrder::kBgr);
  EXPECT_DOUBLE_EQ(at(mean.input, 0, 0), -123.68);  // red
  EXPECT_DOUBLE_EQ(at(mean.input, 2, 0), -103.939);
  EXPECT_FALSE(preprocess_preset("other"));
}

TEST(Card, MeanAndScaleFollowTheChannelsOfTheNetwork) {
  const auto how = parse_card(
      "[input]\nchannels = \"bgr\"\nrange = [0, 1]\nmean = [0.1, 0.2, 0.3]\nscale = [10, 20, "
      "30]\n[output]\nrange = [-1, 1]\n",
      "c.toml");
  ASSERT_TRUE(how) << how.error().text();
  EXPECT_NEAR(how->preprocess.input.multiply[2] * 255 + how->preprocess.input.add[2], (1 - 0.1) * 10,
              1e-12);  // blue comes first
  EXPECT_NEAR(how->preprocess.input.multiply[0] * 255 + how->preprocess.input.add[0], (1 - 0.3) * 30, 1e-12);
  EXPECT_EQ(how->preprocess.output.channels, ChannelOrder::kBgr);  // as the input, since it does not say
  EXPECT_DOUBLE_EQ(how->preprocess.output.add[1], -1);
}

TEST(Card, EmptyIsTheDefault) {
  EXPECT_EQ(parse_card("", "c.toml")->preprocess, Preprocess());
}

TEST(Card, FaultsNameFileLineAndKey) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"[input]\nchannel = \"rgb\"\n", "c.toml, line 2: input.channel: unknown key"},
      {"colour = 1\n", "c.toml, line 1: colour: unknown key"},
      {"title = 5\n", "line 1: title: expected a text"},
      {"[input]\n\nchannels = \"grb\"\n", "line 3: input.channels: expected \"rgb\" or \"bgr\""},
      {"[input]\nchannels = 3\n", "input.channels: expected"},
      {"[input]\nrange = [0]\n", "input.range: has 1 values, expected 2"},
      {"[input]\nrange = 1\n", "input.range: expected 2 numbers"},
      {"[input]\nrange = [1, 1.0]\n", "its two ends are equal"},
      {"[input]\nrange = [0, \"1\"]\n", "input.range: expected a number"},
      {"[input]\nrange = [0, nan]\n", "input.range: expected a number"},
      {"[input]\nmean = [1, 2]\n", "input.mean: has 2 values, expected 3"},
      {"[output]\nscale = 0\n", "output.scale: 0 would lose the picture"},
      {"[input]\nmultiple = 0\n", "input.multiple: 0 is not in 1..1024"},
      {"[input]\nmultiple = 4.0\n", "input.multiple: expected an integer"},
      {"[input]\npad = -1\n", "input.pad: -1 is not in 0..4096"},
      {"[input]\nnoise_std = -0.1\n", "input.noise_std: -0.1 is not in"},
      {"[input]\nnoise_seed = -5\n", "input.noise_seed"},
      {"[output]\npad = 3\n", "output.pad: unknown key"},
      {"input = 3\n", "line 1: input: expected a section [input]"},
      {"[input\n", "c.toml, line 1"},
      {"[!input]\n", "c.toml, line 1"},
      {"[\x10task]\n", "c.toml, line 1"},
      {"[\xc3\xa9]\n", "c.toml, line 1"},
      {"title = \xc3\xa9\n", "c.toml, line 1"},
      {"[input]\npad = 1\npad = 2\n", "c.toml, line 3"},
      {"\xff\xfe", "c.toml, line 1"},
  };
  for (const auto& c : cases) {
    const auto how = parse_card(c.text, "c.toml");
    ASSERT_FALSE(how) << c.text;
    EXPECT_NE(how.error().text().find(c.message), std::string::npos) << how.error().text();
    EXPECT_EQ(how.error().text().find('\n'), std::string::npos);
  }
  EXPECT_FALSE(parse_card("a = " + std::string(100000, '['), "c.toml"));
}

ModelHints candy() {
  const std::string doc = "Stylized image. Image(s) in BGR format. It is a [N, C, H, W]-tensor.";
  return {.metadata = {{"author", "someone"}}, .input_docs = {""}, .output_docs = {doc}, .model_doc = ""};
}

TEST(Decide, OutputDocumentationAlone) {
  const auto decision = decide_preprocess({}, {}, candy());
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->preprocess.input.channels, ChannelOrder::kBgr);
  EXPECT_EQ(decision->preprocess.output.channels, ChannelOrder::kBgr);
  EXPECT_EQ(decision->preprocess.input.multiply[0], 1);
  ASSERT_EQ(decision->reasons.size(), 4u);
  EXPECT_EQ(decision->reasons[0], "input channels BGR: documentation of the output");
  EXPECT_EQ(decision->reasons[1], "input values 0..255: nothing says so, a guess");
}

TEST(Decide, MetadataBeforeDocumentation) {
  auto hints = candy();
  hints.metadata["Image.BitmapPixelFormat"] = "Rgb8";
  hints.metadata["Image.NominalPixelRange"] = "Normalized_0_1";
  const auto decision = decide_preprocess({}, {}, hints);
  EXPECT_EQ(decision->preprocess, *preprocess_preset("unit"));
  EXPECT_EQ(decision->reasons[0], "input channels RGB: metadata Image.BitmapPixelFormat = Rgb8");
  hints.metadata["Image.BitmapPixelFormat"] = "Gray8";
  hints.metadata["Image.NominalPixelRange"] = "Normalized_1_1";
  const auto other = decide_preprocess({}, {}, hints);
  EXPECT_EQ(other->preprocess.input.channels, ChannelOrder::kBgr);  // from the documentation
  EXPECT_EQ(other->preprocess.input.add[0], -1);
  EXPECT_NE(other->reasons[0].find("Gray8 is not understood"), std::string::npos);
}

TEST(Decide, RangesInDocumentation) {
  const struct {
    const char* doc;
    double low, high;
  } cases[] = {{"RGB 0..1 in and out", 0, 1},
               {"values in [0, 1]", 0, 1},
               {"from -1 to 1", -1, 1},
               {"[-1.0, 1.0], rgb", -1, 1},
               {"0-255", 0, 255},
               {"pixels 0.0 to 1.0.", 0, 1},
               {"a 10..1 thing, 0 of 1 or 3", 0, 255},
               {"N x 3 x 720 x 720", 0, 255}};
  for (const auto& c : cases) {
    const auto decision = decide_preprocess(
        {}, {}, {.metadata = {}, .input_docs = {c.doc}, .output_docs = {}, .model_doc = ""});
    PictureSide expected;
    expected.set_range(c.low, c.high);
    EXPECT_EQ(decision->preprocess.input.add, expected.add) << c.doc;
    EXPECT_EQ(decision->preprocess.input.multiply, expected.multiply) << c.doc;
  }
}

TEST(Decide, WordsOnlyAndNotBoth) {
  for (const char* doc : {"embgrading", "RGB or BGR", "rgba is not it"}) {
    const auto decision =
        decide_preprocess({}, {}, {.metadata = {}, .input_docs = {doc}, .output_docs = {}, .model_doc = ""});
    EXPECT_EQ(decision->preprocess.input.channels, ChannelOrder::kRgb) << doc;
    EXPECT_NE(decision->reasons[0].find("a guess"), std::string::npos) << doc;
  }
}

TEST(Decide, FlagsBeforeCardBeforeModel) {
  const auto card = std::filesystem::path(TempDir()) / "pochade_decide_test.toml";
  std::ofstream(card) << "[input]\nrange = [-1, 1]\npad = 8\nnoise_std = 0.5\n";
  const auto from_card = decide_preprocess({}, card, candy());
  ASSERT_TRUE(from_card) << from_card.error().text();
  EXPECT_EQ(from_card->preprocess.input.channels, ChannelOrder::kRgb);
  EXPECT_EQ(from_card->preprocess.pad, 8);
  EXPECT_EQ(from_card->reasons.size(), 3u);
  const auto from_flag = decide_preprocess({.preprocess = "unit", .channels = {}}, card, candy());
  EXPECT_EQ(from_flag->preprocess, *preprocess_preset("unit"));
  const auto named = decide_preprocess({.preprocess = card.string(), .channels = "bgr"}, {}, candy());
  ASSERT_TRUE(named);
  EXPECT_EQ(named->preprocess.pad, 8);
  EXPECT_EQ(named->preprocess.input.channels, ChannelOrder::kBgr);
  std::filesystem::remove(card);
  EXPECT_FALSE(decide_preprocess({}, card, candy()));  // it is there no more
  EXPECT_FALSE(decide_preprocess({.preprocess = "unite", .channels = {}}, {}, {}));
  EXPECT_FALSE(decide_preprocess({.preprocess = {}, .channels = "gbr"}, {}, {}));
}

TEST(Decide, ChannelFlagMovesNoMeans) {
  const auto decision = decide_preprocess({.preprocess = "bgr_mean", .channels = "rgb"}, {}, {});
  EXPECT_EQ(decision->preprocess.input.channels, ChannelOrder::kRgb);
  EXPECT_EQ(decision->preprocess.input.add[0], -123.68);
}

}  // namespace
}  // namespace pochade
