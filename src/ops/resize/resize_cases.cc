#include "ops/cases.h"
#include "ops/resize/resize.h"

namespace pochade {
namespace {

Case& add(Cases& cases, const Resize& op, const Shape& x, std::vector<int64_t> sizes) {
  const auto count = static_cast<int64_t>(sizes.size());
  return cases.add("x{}_to_{}_{}", op, x, join(sizes, "x"), op.fields_text())
      .input(f32(x))
      .no_input()
      .no_input()
      .weight(Tensor::of<int64_t>({count}, std::move(sizes)));
}

Case& add(Cases& cases, const Resize& op, const Shape& x, std::vector<float> scales) {
  const auto count = static_cast<int64_t>(scales.size());
  return cases.add("x{}_by_{}_{}", op, x, join(scales, "x"), op.fields_text())
      .input(f32(x))
      .no_input()
      .weight(Tensor::of<float>({count}, std::move(scales)));
}

}  // namespace

Cases resize_cases() {
  using Coordinates = Resize::Coordinates;
  Cases cases;
  for (const auto mode : {Resize::Mode::kNearest, Resize::Mode::kLinear, Resize::Mode::kCubic}) {
    Resize op;
    op.mode = mode;
    for (const int64_t channels : {1, 3, 8, 15, 16, 17, 33})
      add(cases, op, {1, 5, 7, channels}, std::vector<float>{1, 2, 2, 1});
    for (const auto coordinates :
         {Coordinates::kHalfPixelSymmetric, Coordinates::kPytorchHalfPixel, Coordinates::kAlignCorners,
          Coordinates::kAsymmetric, Coordinates::kTfHalfPixelForNn}) {
      op.coordinates = coordinates;
      add(cases, op, {2, 5, 7, 3}, std::vector<float>{1, 1.7f, 0.6f, 1});
      add(cases, op, {1, 9, 8, 4}, std::vector<int64_t>{1, 4, 11, 4});
      add(cases, op, {1, 9, 8, 4}, std::vector<int64_t>{1, 1, 1, 4});
    }
    op.coordinates = Coordinates::kHalfPixel;
    add(cases, op, {3, 8, 9}, std::vector<int64_t>{3, 8, 20});   // innermost alone
    add(cases, op, {3, 8, 9}, std::vector<int64_t>{3, 13, 9});   // middle alone
    add(cases, op, {3, 8, 9}, std::vector<int64_t>{3, 13, 20});  // channels-first
    add(cases, op, {2, 3, 4, 5, 6}, std::vector<int64_t>{2, 3, 8, 10, 6});
    add(cases, op, {2, 8, 9, 3}, std::vector<int64_t>{2, 8, 9, 3});  // nothing to do
    op.axes = {2, 1};
    add(cases, op, {1, 5, 6, 3}, std::vector<int64_t>{9, 10});
    op.axes = {};
    op.antialias = mode != Resize::Mode::kNearest;
    add(cases, op, {1, 17, 21, 5}, std::vector<int64_t>{1, 5, 6, 5});
    op.exclude_outside = op.antialias;
    add(cases, op, {1, 15, 20, 5}, std::vector<int64_t>{1, 7, 9, 5});
  }
  Resize nearest;
  for (const auto rounding :
       {Resize::Nearest::kRoundPreferFloor, Resize::Nearest::kRoundPreferCeil, Resize::Nearest::kFloor,
        Resize::Nearest::kCeil, Resize::Nearest::kCeilIfShrinking}) {
    nearest.nearest = rounding;
    nearest.coordinates = Coordinates::kAsymmetric;
    add(cases, nearest, {1, 6, 7, 9}, std::vector<float>{1, 2, 3, 1});
    add(cases, nearest, {1, 6, 7, 9}, std::vector<float>{1, 0.4f, 1.5f, 1});
  }
  return cases;
}

}  // namespace pochade
