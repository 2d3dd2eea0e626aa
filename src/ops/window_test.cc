#include "ops/window.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

int64_t out_size(const Window& window, int64_t kernel, int64_t in) {
  return window.resolve(0, kernel, in)->out;
}

TEST(Window, SizesAreThoseOfTheSpecification) {
  Window window;
  EXPECT_EQ(out_size(window, 3, 5), 3);
  window.strides = {2};
  EXPECT_EQ(out_size(window, 3, 5), 2);
  EXPECT_EQ(out_size(window, 3, 6), 2);
  window.pads_begin = window.pads_end = {1};
  EXPECT_EQ(out_size(window, 3, 6), 3);
  window.dilations = {2};  // an extent of 5
  EXPECT_EQ(out_size(window, 3, 6), 2);
}

TEST(Window, CeilModeCountsACutWindowButNotOneInThePadding) {
  Window window;
  window.ceil_mode = true;
  window.strides = {2};
  EXPECT_EQ(out_size(window, 3, 4), 2);  // elements 0..2, and 2..3
  window.strides = {3};
  window.pads_begin = window.pads_end = {1};
  // Windows of 2 start at -1, 2, 5: the last one would lie in the padding behind 4 elements alone.
  EXPECT_EQ(out_size(window, 2, 4), 2);
}

TEST(Window, SamePaddingKeepsCeilOfSizeByStride) {
  Window window;
  window.strides = {2};
  window.auto_pad = AutoPad::kSameUpper;
  WindowAxis axis = *window.resolve(0, 2, 5);
  EXPECT_EQ(axis.out, 3);
  EXPECT_EQ(axis.pad_begin, 0);
  EXPECT_EQ(axis.pad_end, 1);
  window.auto_pad = AutoPad::kSameLower;
  axis = *window.resolve(0, 2, 5);
  EXPECT_EQ(axis.pad_begin, 1);
  EXPECT_EQ(axis.pad_end, 0);
}

TEST(Window, AnUnknownSizeSurvivesOnlyAWindowThatKeepsIt) {
  Window window;
  EXPECT_EQ(*window.out_dim(0, 1, Dim::named("H")), Dim::named("H"));
  EXPECT_EQ(*window.out_dim(0, 3, Dim::named("H")), Dim());
  window.pads_begin = window.pads_end = {1};
  EXPECT_EQ(*window.out_dim(0, 3, Dim::named("H")), Dim::named("H"));
  window.strides = {2};
  EXPECT_EQ(*window.out_dim(0, 3, Dim::named("H")), Dim());
  EXPECT_EQ(*window.out_dim(0, 3, Dim(7)), Dim(4));
}

TEST(Window, RefusesWhatMakesNoSense) {
  const std::vector<int64_t> kernel{3, 3};
  EXPECT_TRUE(Window{}.check(kernel, 2));
  EXPECT_FALSE(Window{}.check(kernel, 3));
  EXPECT_FALSE(Window{}.check(std::vector<int64_t>{3, 0}, 2));
  Window window;
  window.strides = {1};
  EXPECT_FALSE(window.check(kernel, 2));
  window.strides = {1, 0};
  EXPECT_FALSE(window.check(kernel, 2));
  window.strides = {1, int64_t{1} << 40};
  EXPECT_FALSE(window.check(kernel, 2));
  window = {};
  window.dilations = {-1, 1};
  EXPECT_FALSE(window.check(kernel, 2));
  EXPECT_FALSE(Window{}.resolve(0, 4, 3));
  EXPECT_FALSE(Window{}.resolve(0, 1, INT64_MAX));
}

}  // namespace
}  // namespace pochade
