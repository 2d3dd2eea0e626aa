#include "ops/resize/resize.h"

#include "ops/op_testing.h"
#include "ops/resize/grid_sample.h"

namespace pochade {
namespace {

using Coordinates = Resize::Coordinates;
using Mode = Resize::Mode;

std::vector<float> by_scales(const Resize& op, const Tensor& x, std::vector<float> scales) {
  const auto n = static_cast<int64_t>(scales.size());
  return oracle_floats(op, {x, Tensor(), Tensor::of<float>({n}, std::move(scales))});
}
std::vector<float> by_sizes(const Resize& op, const Tensor& x, std::vector<int64_t> sizes) {
  const auto n = static_cast<int64_t>(sizes.size());
  return oracle_floats(op, {x, Tensor(), Tensor(), Tensor::of<int64_t>({n}, std::move(sizes))});
}
Resize resize(Mode mode, Coordinates coordinates = Coordinates::kHalfPixel) {
  Resize op;
  op.mode = mode;
  op.coordinates = coordinates;
  return op;
}

// The numbers below are the examples of ONNX's Resize, along one axis where that says enough.
TEST(Resize, NearestExamples) {
  expect_floats(by_scales(resize(Mode::kNearest), counting({2, 2}, 1), {2, 3}),
                {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4});
  expect_floats(by_scales(resize(Mode::kNearest), counting({2, 4}, 1), {0.6f, 0.6f}), {1, 3});
  Resize op = resize(Mode::kNearest, Coordinates::kTfHalfPixelForNn);
  expect_floats(by_sizes(op, counting({4, 4}, 1), {3, 2}), {6, 8, 10, 12, 14, 16});
  op = resize(Mode::kNearest);
  op.nearest = Resize::Nearest::kCeil;
  expect_floats(by_sizes(op, counting({4}, 1), {8}), {1, 2, 2, 3, 3, 4, 4, 4});
  op = resize(Mode::kNearest, Coordinates::kAlignCorners);
  op.nearest = Resize::Nearest::kFloor;
  expect_floats(by_sizes(op, counting({4}, 1), {8}), {1, 1, 1, 2, 2, 3, 3, 4});
  op = resize(Mode::kNearest, Coordinates::kAsymmetric);
  op.nearest = Resize::Nearest::kRoundPreferCeil;
  expect_floats(by_sizes(op, counting({4}, 1), {8}), {1, 2, 2, 3, 3, 4, 4, 4});
  op.nearest = Resize::Nearest::kRoundPreferFloor;
  expect_floats(by_sizes(op, counting({4}, 1), {8}), {1, 1, 2, 2, 3, 3, 4, 4});
}

TEST(Resize, OldResizeRoundsUpWhenItShrinks) {
  Resize op = resize(Mode::kNearest, Coordinates::kAsymmetric);
  op.nearest = Resize::Nearest::kCeilIfShrinking;
  expect_floats(by_scales(op, counting({5}), {0.6f}), {0, 2, 4});  // 0, 1.67, 3.33
  expect_floats(by_scales(op, counting({2}), {1.5f}), {0, 0, 1});  // 0, 0.67, 1.33
}

TEST(Resize, LinearExamples) {
  expect_floats(by_scales(resize(Mode::kLinear), counting({2, 2}, 1), {2, 2}),
                {1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3, 3.25f, 3.75f, 4});
  expect_floats(by_scales(resize(Mode::kLinear, Coordinates::kAlignCorners), counting({2, 2}, 1), {1, 2}),
                {1, 4.0f / 3, 5.0f / 3, 2, 3, 10.0f / 3, 11.0f / 3, 4});
  expect_floats(by_scales(resize(Mode::kLinear), counting({2, 4}, 1), {0.6f, 0.6f}),
                {2.6666665f, 4.3333331f});
  expect_floats(by_sizes(resize(Mode::kLinear, Coordinates::kPytorchHalfPixel), counting({4, 4}, 1), {3, 1}),
                {1.6666666f, 7, 12.333333f});
  Resize op = resize(Mode::kLinear);
  op.antialias = true;
  expect_floats(by_scales(op, counting({4, 4}, 1), {0.6f, 0.6f}), {2.875f, 4.5f, 9.375f, 11});
}

TEST(Resize, CubicExamples) {
  expect_floats(by_scales(resize(Mode::kCubic), counting({4, 4}, 1), {0.8f, 0.8f}),
                {1.47119141f, 2.78125f, 4.08251953f, 6.71142578f, 8.02148438f, 9.32275391f, 11.91650391f,
                 13.2265625f, 14.52783203f});
  Resize op = resize(Mode::kCubic);
  op.cubic_coefficient = -0.5f;
  op.exclude_outside = true;
  // Inside, where all four taps are there, a straight line stays straight.
  const auto y = by_scales(op, counting({8}), {2});
  for (size_t i = 5; i < 11; ++i) EXPECT_NEAR(y[i], (static_cast<float>(i) + 0.5f) / 2 - 0.5f, 1e-5f);
}

TEST(Resize, HalfPixelSymmetricKeepsTheMiddle) {
  // 5 * 0.7 = 3.5 elements are cut to 3, but the middle of y still sees the middle of x.
  const auto y = by_scales(resize(Mode::kLinear, Coordinates::kHalfPixelSymmetric), counting({5}), {0.7f});
  ASSERT_EQ(y.size(), 3u);
  EXPECT_NEAR(y[1], 2, 1e-5f);
  EXPECT_NEAR(y[0] + y[2], 4, 1e-5f);
}

TEST(Resize, CropSeesTheExtrapolationValueOutside) {
  Resize op = resize(Mode::kLinear, Coordinates::kTfCropAndResize);
  op.extrapolation_value = 10;
  const Tensor roi = Tensor::of<float>({2}, {0, 2});
  expect_floats(oracle_floats(op, {counting({3}), roi, Tensor(), Tensor::of<int64_t>({1}, {5})}),
                {0, 1, 2, 10, 10});
  EXPECT_FALSE(run_oracle(op, {counting({3}), Tensor(), Tensor(), Tensor::of<int64_t>({1}, {5})}));
}

TEST(Resize, NamedAxesAndAspectRatio) {
  Resize op = resize(Mode::kNearest);
  op.axes = {2, 1};
  const Facts facts{Fact(DType::kF32, Dims{Dim::named("N"), Dim(4), Dim(8), Dim(3)}), Fact(), Fact(),
                    Fact(Tensor::of<int64_t>({2}, {4, 6}))};
  EXPECT_EQ(to_string((*op.infer(facts))[0]), "float32 Nx6x4x3");
  op.aspect_ratio = Resize::AspectRatio::kNotLarger;  // scales 0.5 and 1.5: 0.5 for both
  EXPECT_EQ((*run_oracle(op, {counting({1, 4, 8, 3}), Tensor(), Tensor(), facts[3].constant}))[0].shape(),
            (Shape{1, 2, 4, 3}));
  op.aspect_ratio = Resize::AspectRatio::kNotSmaller;
  EXPECT_EQ((*run_oracle(op, {counting({1, 4, 8, 3}), Tensor(), Tensor(), facts[3].constant}))[0].shape(),
            (Shape{1, 6, 12, 3}));
}

TEST(Resize, ScaleOfOneKeepsAName) {
  const Facts facts{Fact(DType::kF32, Dims{Dim::named("N"), Dim::named("H"), Dim(3)}), Fact(),
                    Fact(Tensor::of<float>({3}, {1, 2, 1}))};
  EXPECT_EQ(to_string((*resize(Mode::kNearest).infer(facts))[0]), "float32 Nx?x3");
}

TEST(Resize, RefusesWhatMakesNoSense) {
  const Fact x(DType::kF32, Shape{2, 2}), scales(Tensor::of<float>({2}, {1, 2})),
      sizes(Tensor::of<int64_t>({2}, {2, 4}));
  expect_refused(Resize{}, {x}, "exactly one");
  expect_refused(Resize{}, {x, Fact(), scales, sizes}, "exactly one");
  expect_refused(Resize{}, {x, Fact(), Fact(Tensor::of<float>({1}, {1}))}, "2 axes");
  expect_refused(Resize{}, {x, Fact(), Fact(Tensor::of<float>({2}, {1, -1}))}, "scale");
  expect_refused(Resize{},
                 {x, Fact(), Fact(Tensor::of<float>({2}, {1, std::numeric_limits<float>::quiet_NaN()}))},
                 "scale");
  expect_refused(Resize{}, {x, Fact(), Fact(), Fact(Tensor::of<int64_t>({2}, {1, -4}))}, "size");
  expect_refused(Resize{},
                 {Fact(DType::kF32, Shape{1 << 30, 1}), Fact(), Fact(Tensor::of<float>({2}, {1e30f, 1}))},
                 "too large");
  Resize op;
  op.axes = {0, 2};
  expect_refused(op, {x, Fact(), scales}, "axis 2");
  const auto empty = run_oracle(
      Resize{}, {Tensor::make(DType::kF32, Shape{0, 2}).value(), Tensor(), Tensor(), sizes.constant});
  EXPECT_FALSE(empty);
}

TEST(GridSample, CornersAndBorders) {
  const Tensor x = Tensor::of<float>({1, 2, 2, 1}, {1, 2, 3, 4});
  const auto at = [](std::vector<float> grid) {
    const auto n = static_cast<int64_t>(grid.size() / 2);
    return Tensor::of<float>({1, 1, n, 2}, std::move(grid));
  };
  GridSample op;
  expect_floats(oracle_floats(op, {x, at({0, 0, 0.5f, -0.5f, -1, -1})}), {2.5f, 2, 0.25f});
  op.align_corners = true;
  expect_floats(oracle_floats(op, {x, at({1, -1, 0, 1, -2, 0})}), {2, 3.5f, 1});
  op.padding = GridSample::Padding::kBorder;
  expect_floats(oracle_floats(op, {x, at({-9, 0, 9, 9})}), {2, 4});
  op.padding = GridSample::Padding::kReflection;
  expect_floats(oracle_floats(op, {x, at({3, -1, -5, 3})}), {1, 1});
  op.mode = GridSample::Mode::kNearest;
  expect_floats(oracle_floats(op, {x, at({0.4f, -0.6f})}), {2});
  EXPECT_FALSE(run_oracle(op, {x, Tensor::of<float>({1, 1, 1, 3}, {0, 0, 0})}));
}

TEST(AffineGrid, IdentityMapMeetsGridSample) {
  const Tensor x = counting({1, 3, 4, 2}), theta = Tensor::of<float>({1, 2, 3}, {1, 0, 0, 0, 1, 0});
  for (const bool align : {false, true}) {
    AffineGrid op;
    op.align_corners = align;
    const auto grid = run_oracle(op, {theta, Tensor::of<int64_t>({4}, {1, 2, 3, 4})});
    ASSERT_TRUE(grid) << grid.error().text();
    GridSample sample;
    sample.align_corners = align;
    expect_floats(oracle_floats(sample, {x, (*grid)[0]}), to_floats(x), 1e-4f);
  }
}

TEST(RoiAlign, MeanOfACell) {
  RoiAlign op;
  op.out_h = op.out_w = 1;
  op.half_pixel = false;
  op.sampling_ratio = 2;
  const Tensor x = counting({1, 4, 4, 1}), image = Tensor::of<int64_t>({1}, {0});
  // Samples at 0.5 and 1.5 along each axis: the mean is the value at (1, 1).
  expect_floats(oracle_floats(op, {x, Tensor::of<float>({1, 4}, {0, 0, 2, 2}), image}), {5});
  op.half_pixel = true;
  expect_floats(oracle_floats(op, {x, Tensor::of<float>({1, 4}, {1, 1, 3, 3}), image}), {7.5f});
  expect_floats(oracle_floats(op, {x, Tensor::of<float>({1, 4}, {90, 90, 93, 93}), image}), {0});
  EXPECT_FALSE(run_oracle(op, {x, Tensor::of<float>({1, 4}, {0, 0, 2, 2}), Tensor::of<int64_t>({1}, {1})}));
}

}  // namespace
}  // namespace pochade
