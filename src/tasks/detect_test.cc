#include "tasks/detect.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/card.h"
#include "tasks/draw.h"
#include "tasks/font.h"

namespace pochade {
namespace {

Detection at(double left, double score, size_t label = 0) {
  return {{left, 0, left + 10, 10}, label, score, {}};
}

TEST(Overlaps, TheBestOfEachLabelStays) {
  const auto kept = without_overlaps({at(0, 0.5), at(1, 0.9), at(2, 0.7, 1), at(30, 0.6)}, 0.5, 10);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].score, 0.9);
  EXPECT_EQ(kept[1].label, 1u);  // another label is not covered
  EXPECT_EQ(kept[2].score, 0.6);
  EXPECT_EQ(without_overlaps({at(0, 0.5), at(30, 0.9)}, 0.5, 1).size(), 1u);
}

TEST(Anchors, OfTheFaceDetectorAndOfBlazeFace) {
  const AnchorGrid grids[] = {{8, {{10, 10}, {16, 16}, {24, 24}}},
                              {16, {{32, 32}, {48, 48}}},
                              {32, {{64, 64}, {96, 96}}},
                              {64, {{128, 128}, {192, 192}, {256, 240}}}};
  const auto anchors = anchors_of(grids, 240, 320);
  EXPECT_EQ(anchors.size(), 4420u);
  EXPECT_EQ(anchors[3].x, 12);
  EXPECT_EQ(anchors[3].y, 4);
  const AnchorGrid blaze[] = {{8, {2, {128, 128}}}, {16, {6, {128, 128}}}};
  EXPECT_EQ(anchors_of(blaze, 128, 128).size(), 896u);
  const AnchorGrid uneven[] = {{16, {{1, 1}}}};
  EXPECT_DOUBLE_EQ(anchors_of(uneven, 300, 300)[0].x, 8);
  EXPECT_DOUBLE_EQ(anchors_of(uneven, 300, 300, true)[0].x, 150.0 / 19);
}

NetworkOutput output(const char* name, const Shape& shape, const std::vector<float>& values) {
  return {name, Tensor::of<float>(shape, values)};
}

TEST(Decode, FinishedBoxesInEveryOrder) {
  const struct {
    BoxOrder order;
    std::vector<float> box;
  } cases[] = {{BoxOrder::kXyxy, {0.1f, 0.2f, 0.3f, 0.6f}},
               {BoxOrder::kYxyx, {0.2f, 0.1f, 0.6f, 0.3f}},
               {BoxOrder::kXywh, {0.2f, 0.4f, 0.2f, 0.4f}},
               {BoxOrder::kYxhw, {0.4f, 0.2f, 0.4f, 0.2f}}};
  for (const auto& c : cases) {
    DetectCard how;
    how.order = c.order;
    const NetworkOutput outputs[] = {output("scores", {1, 1, 3}, {0.05f, 0.2f, 0.75f}),
                                     output("boxes", {1, 1, 4}, c.box)};
    const auto found = decode_boxes(outputs, how, 100, 200, 0.5);
    ASSERT_TRUE(found) << found.error().text();
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ((*found)[0].label, 1u);  // the background is not counted
    EXPECT_NEAR((*found)[0].box.left, 20, 1e-4);
    EXPECT_NEAR((*found)[0].box.top, 20, 1e-4);
    EXPECT_NEAR((*found)[0].box.right, 60, 1e-4);
    EXPECT_NEAR((*found)[0].box.bottom, 60, 1e-4);
    EXPECT_TRUE(decode_boxes(outputs, how, 100, 200, 0.8)->empty());
  }
}

TEST(Decode, AnchorsAsSsdHasThem) {
  DetectCard how;
  how.decoder = DetectCard::Decoder::kAnchors;
  how.order = BoxOrder::kYxhw;
  how.center_scale = 0.1;
  how.size_scale = 0.2;
  how.activation = ScoreActivation::kSigmoid;
  how.grids = {{100, {{40, 20}}}};
  const NetworkOutput outputs[] = {output("boxes", {1, 1, 4}, {1, 2, 0, std::log(2.0f) / 0.2f}),
                                   output("scores", {1, 1, 2}, {9, 0})};
  const auto found = decode_boxes(outputs, how, 100, 100, 0.4);
  ASSERT_TRUE(found) << found.error().text();
  const Detection& d = (*found)[0];
  EXPECT_NEAR(d.score, 0.5, 1e-6);
  EXPECT_NEAR((d.box.left + d.box.right) / 2, 50 + 2 * 0.1 * 40, 1e-4);
  EXPECT_NEAR((d.box.top + d.box.bottom) / 2, 50 + 1 * 0.1 * 20, 1e-4);
  EXPECT_NEAR(d.box.right - d.box.left, 80, 1e-4);
  EXPECT_NEAR(d.box.bottom - d.box.top, 20, 1e-4);
  how.grids[0].sides.push_back({1, 1});
  const auto wrong = decode_boxes(outputs, how, 100, 100, 0.4);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text().find("2 anchors"), std::string::npos);
}

TEST(Decode, BlazeFaceWithKeypoints) {
  DetectCard how;
  how.decoder = DetectCard::Decoder::kAnchors;
  how.order = BoxOrder::kXywh;
  how.center_scale = how.size_scale = 1.0 / 128;
  how.exponential = false;
  how.background = -1;
  how.keypoints = {"eye"};
  how.grids = {{128, {{128, 128}}}};
  const NetworkOutput outputs[] = {output("r", {1, 1, 6}, {4, -4, 32, 16, 10, 20}),
                                   output("c", {1, 1, 1}, {1})};
  const auto found = decode_boxes(outputs, how, 128, 128, 0.5);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_NEAR((*found)[0].box.left, 64 + 4 - 16, 1e-6);
  EXPECT_NEAR((*found)[0].box.bottom, 64 - 4 + 8, 1e-6);
  EXPECT_NEAR((*found)[0].keypoints[0].x, 74, 1e-6);
  EXPECT_NEAR((*found)[0].keypoints[0].y, 84, 1e-6);
}

TEST(Decode, PostprocessedOutputsAndTheirCount) {
  DetectCard how;
  how.decoder = DetectCard::Decoder::kPostprocess;
  const NetworkOutput outputs[] = {output("b", {1, 2, 4}, {0.1f, 0.2f, 0.3f, 0.4f, 0, 0, 1, 1}),
                                   output("c", {1, 2}, {7, 3}), output("s", {1, 2}, {0.9f, 0.8f}),
                                   output("n", {1}, {1})};
  const auto found = decode_boxes(outputs, how, 10, 100, 0.5);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].label, 7u);
  EXPECT_NEAR((*found)[0].box.left, 20, 1e-4);
  EXPECT_NEAR((*found)[0].box.bottom, 3, 1e-4);
  EXPECT_FALSE(decode_boxes(std::span(outputs).first(3), how, 10, 100, 0.5));
}

TEST(Decode, PostprocessedOutputsOfOneBox) {
  DetectCard how;
  how.decoder = DetectCard::Decoder::kPostprocess;
  const NetworkOutput outputs[] = {output("b", {1, 1, 4}, {0, 0, 1, 1}), output("c", {1, 1}, {7}),
                                   output("s", {1, 1}, {0.9f}), output("n", {1}, {1})};
  const auto found = decode_boxes(outputs, how, 10, 10, 0.5);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].label, 7u);
  EXPECT_EQ((*found)[0].score, double{0.9f});
}

TEST(Decode, NumbersThatAreNoneAreNoBoxes) {
  DetectCard how;
  how.decoder = DetectCard::Decoder::kPostprocess;
  const auto found = [&](float left, float count) {
    const NetworkOutput outputs[] = {output("b", {1, 2, 4}, {0, left, 1, 1, 0, 0, 1, 1}),
                                     output("c", {1, 2}, {7, 3}), output("s", {1, 2}, {0.9f, 0.8f}),
                                     output("n", {1}, {count})};
    return decode_boxes(outputs, how, 10, 10, 0.5);
  };
  EXPECT_EQ(found(NAN, 2)->size(), 1u);
  EXPECT_EQ(found(INFINITY, 1e30f)->size(), 1u);
  EXPECT_FALSE(found(0, NAN));
  EXPECT_FALSE(found(0, -1));
}

TEST(Decode, WhatDoesNotFitIsNamed) {
  const NetworkOutput outputs[] = {output("first", {1, 5, 7}, std::vector<float>(35)),
                                   output("second", {1, 3}, {0, 0, 0})};
  const auto found = decode_boxes(outputs, DetectCard(), 10, 10, 0.5);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().text().find("\"first\" 1x5x7"), std::string::npos) << found.error().text();
  DetectCard named;
  named.boxes_output = 5;
  named.scores_output = 0;
  EXPECT_FALSE(decode_boxes(outputs, named, 10, 10, 0.5));
}

TEST(TaskCard, SectionsAndFaults) {
  const auto good = parse_card(
      "[task]\nkind = \"detect\"\nlabels = [\"a\", \"b\"]\nthreshold = 0.25\n[detect]\ndecoder = "
      "\"anchors\"\norder = "
      "\"yxhw\"\nstrides = [8]\nanchors = [[10, [20, 30]]]\n[input]\nfit = \"pad\"\nsize = [10, 20]\n",
      "c.toml");
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(good->task.kind, TaskKind::kDetect);
  EXPECT_EQ(good->task.labels.size(), 2u);
  EXPECT_EQ(good->task.detect->grids[0].sides[1][1], 30);
  EXPECT_EQ(good->preprocess.fit, Fit::kPad);
  EXPECT_EQ((*good->preprocess.size)[1], 20);
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"[task]\nkind = \"paint\"\n", "line 2: task.kind: expected one of: classify"},
      {"[task]\nlabels = \"nowhere.txt\"\n", "line 2: task.labels:"},
      {"[task]\nlabels = [1]\n", "task.labels: expected a text"},
      {"[detect]\ndecoder = \"anchors\"\n", "needs strides and anchors"},
      {"[detect]\nstrides = [8, 16]\nanchors = [[1]]\n", "a row for each"},
      {"[detect]\nstrides = [0.5]\nanchors = [[1]]\n", "no whole number"},
      {"[detect]\nstrides = [8]\nanchors = [[-1]]\n", "greater than 0"},
      {"[detect]\nbox = 1\n", "detect.box: unknown key"},
      {"[audio]\nfront_end = \"fft\"\n", "audio.front_end: expected one of: mfcc"},
      {"[audio]\nrate = 8000\nhigh_hz = 4001\n", "audio.high_hz: 4001 must lie between"},
      {"[input]\nfit = \"zoom\"\n", "input.fit: expected one of: crop, stretch, pad"},
      {"[input]\nsize = [10]\n", "input.size: expected [height, width]"},
  };
  for (const auto& c : cases) {
    const auto read = parse_card(c.text, "c.toml");
    ASSERT_FALSE(read) << c.text;
    EXPECT_NE(read.error().text().find(c.message), std::string::npos) << read.error().text();
  }
}

std::array<int, 3> rgb(const Image& picture, int x, int y) {
  const uint16_t* p = picture.pixel(x, y);
  return {to_8_bits(p[0]), to_8_bits(p[1]), to_8_bits(p[2])};
}

TEST(Draw, FramesStayInsideThePicture) {
  Image picture = Image::create(20, 10, 3).value();
  draw_frame(picture, {-5, 2, 8, 50}, {255, 0, 0}, 2);
  EXPECT_EQ(rgb(picture, 0, 2), (std::array{255, 0, 0}));
  EXPECT_EQ(rgb(picture, 7, 9), (std::array{255, 0, 0}));
  EXPECT_EQ(rgb(picture, 5, 5), (std::array{0, 0, 0}));
  EXPECT_EQ(rgb(picture, 8, 2), (std::array{0, 0, 0}));
  EXPECT_EQ(rgb(picture, 0, 1), (std::array{0, 0, 0}));
  draw_line(picture, -1e9, -1e9, 1e9, 1e9, {0, 255, 0}, 1);  // ends
  draw_dot(picture, 1e9, 0, 3, {0, 0, 255});
}

TEST(Draw, NothingAppearsWhereACoordinateIsNoNumber) {
  Image picture = Image::create(20, 10, 3).value();
  draw_line(picture, NAN, 2, 8, 5, {255, 0, 0}, 1);
  draw_dot(picture, 5, NAN, 3, {255, 0, 0});
  draw_frame(picture, {NAN, 2, NAN, 8}, {255, 0, 0}, 1);
  for (int x = 0; x < 20; ++x)
    for (int y = 0; y < 10; ++y) EXPECT_EQ(rgb(picture, x, y), (std::array{0, 0, 0}));
}

TEST(Draw, LettersHaveTheirDots) {
  Image picture = Image::create(30, 12, 3).value();
  draw_label(picture, "T", 2, 1, {255, 255, 255}, 1);
  for (int column = 0; column < 5; ++column) EXPECT_EQ(rgb(picture, 3 + column, 2), (std::array{0, 0, 0}));
  EXPECT_EQ(rgb(picture, 5, 8), (std::array{0, 0, 0}));
  EXPECT_EQ(rgb(picture, 3, 8), (std::array{255, 255, 255}));
  draw_label(picture, "far too long for the picture", 25, 11, {0, 0, 0}, 3);  // ends
  EXPECT_EQ(&glyph('\x80'), &glyph('?'));
  for (char c = '!'; c < '\x7f'; ++c)
    for (char d = static_cast<char>(c + 1); d < '\x7f'; ++d) EXPECT_NE(glyph(c), glyph(d)) << c << d;
}

TEST(Draw, MaskMixesAndLeavesTheBackground) {
  Image picture = Image::create(2, 1, 3).value();
  ASSERT_TRUE(draw_mask(picture, {2, 1, {0, 1}}, 0.5));
  EXPECT_EQ(rgb(picture, 0, 0), (std::array{0, 0, 0}));
  EXPECT_EQ(rgb(picture, 1, 0), (std::array{64, 0, 0}));
  EXPECT_FALSE(draw_mask(picture, {1, 1, {0}}, 0.5));
}

TEST(Draw, NeighbouringLabelsDiffer) {
  for (size_t label = 0; label < 20; ++label) {
    const Colour a = colour_of_label(label), b = colour_of_label(label + 1);
    int difference = 0;
    for (size_t c = 0; c < 3; ++c) difference += std::abs(a[c] - b[c]);
    EXPECT_GT(difference, 100) << label;
  }
}

}  // namespace
}  // namespace pochade
