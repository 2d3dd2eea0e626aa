#include <algorithm>

#include "kernels/int8_testing.h"

namespace pochade {
namespace {

class Int8Conv : public KernelTest {};
POCHADE_KERNEL_TESTS(Int8Conv);
using Bytes = GuardedBuffer<uint8_t>;

std::string text(const ConvShape& s) {
  const auto n = [](auto v) { return std::to_string(v) + " "; };
  return "h,w,c,o " + n(s.height) + n(s.width) + n(s.in_channels) + n(s.out_channels) + "out " +
         n(s.out_height) + n(s.out_width) + "kernel " + n(s.kernel_h) + n(s.kernel_w) + "stride " +
         n(s.stride_h) + n(s.stride_w) + "dilation " + n(s.dilation_h) + n(s.dilation_w) + "pad " +
         n(s.pad_top) + n(s.pad_left) + "groups " + n(s.groups);
}

/// Weights are O, kh, kw, I/groups.
std::vector<int32_t> reference(const ConvShape& s, const Int8Numbers& n, const uint8_t* x,
                               const std::vector<uint8_t>& w, const Int8Channels& channels, size_t y_bytes) {
  std::vector<int32_t> y(y_bytes, kUntouched);
  const size_t in = s.in_channels / s.groups, out = s.out_channels / s.groups;
  for (size_t b = 0; b < s.batch; ++b)
    for (size_t oh = 0; oh < s.out_height; ++oh)
      for (size_t ow = 0; ow < s.out_width; ++ow)
        for (size_t o = 0; o < s.out_channels; ++o) {
          int64_t sum = 0;
          for (size_t r = 0; r < s.kernel_h; ++r)
            for (size_t t = 0; t < s.kernel_w; ++t) {
              const ptrdiff_t ih = static_cast<ptrdiff_t>(oh * s.stride_h + r * s.dilation_h) - s.pad_top;
              const ptrdiff_t iw = static_cast<ptrdiff_t>(ow * s.stride_w + t * s.dilation_w) - s.pad_left;
              if (ih < 0 || iw < 0 || ih >= static_cast<ptrdiff_t>(s.height) ||
                  iw >= static_cast<ptrdiff_t>(s.width))
                continue;
              const uint8_t* pixel = x + b * s.x_image + static_cast<size_t>(ih) * s.x_row +
                                     static_cast<size_t>(iw) * s.x_pixel + o / out * in;
              for (size_t c = 0; c < in; ++c)
                sum += (value_of(pixel[c], n.x_signed) - n.x_zero) *
                       (value_of(w[((o * s.kernel_h + r) * s.kernel_w + t) * in + c], n.w_signed) - n.w_zero);
            }
          y[b * s.y_image + oh * s.y_row + ow * s.y_pixel + o] = requantized(sum, channels, o, n);
        }
  return y;
}

void check(const Kernels& table, ConvShape shape, const Int8Case& test = {}) {
  if (shape.out_height == 0)
    shape.out_height =
        (shape.height + 2 * shape.pad_top - (shape.kernel_h - 1) * shape.dilation_h - 1) / shape.stride_h + 1;
  if (shape.out_width == 0)
    shape.out_width =
        (shape.width + 2 * shape.pad_left - (shape.kernel_w - 1) * shape.dilation_w - 1) / shape.stride_w + 1;
  SCOPED_TRACE(text(shape) + pochade::text(test.numbers));
  const Int8Kernels& k = *table.int8;
  const Int8Numbers& n = test.numbers;
  Int8ConvPlan plan;
  k.conv_plan(shape, n, &plan);
  const ConvShape& s = plan.shape;
  const size_t in = s.in_channels / s.groups;
  const size_t x_bytes =
      (s.batch - 1) * s.x_image + (s.height - 1) * s.x_row + (s.width - 1) * s.x_pixel + s.in_channels;
  const size_t y_bytes = (s.batch - 1) * s.y_image + (s.out_height - 1) * s.y_row +
                         (s.out_width - 1) * s.y_pixel + s.out_channels;
  const std::vector<uint8_t> w =
      random_bytes(s.out_channels * s.kernel_h * s.kernel_w * in, 2, n.w_signed, test.extremes);
  const size_t y_size = y_bytes * (n.rounding == Int8Rounding::kSums ? sizeof(int32_t) : 1);
  Bytes x(random_bytes(x_bytes, 1, n.x_signed, test.extremes)), weights(w), y(y_size);
  GuardedBuffer<char> packed(plan.packed_bytes), scratch(plan.scratch_bytes);  // multiples of 64: aligned
  const Int8Channels channels(s.out_channels, test, s.kernel_h * s.kernel_w * in);

  const ptrdiff_t kw = static_cast<ptrdiff_t>(s.kernel_w), ic = static_cast<ptrdiff_t>(in);
  Int8Source source{
      weights.data(), static_cast<ptrdiff_t>(s.kernel_h) * kw * ic, kw * ic, ic, 1, {}, {}, {}, {}, {}};
  channels.fill(&source);
  k.conv_pack(packing_plan(plan), source, packed.data());
  const std::vector<int32_t> want = output_bytes_of(reference(s, n, x.data(), w, channels, y_bytes), n);
  const Int8Args args{x.data(), packed.data(), y.data()};
  expect_bytes(plan.tasks, y, want, [&](Range tasks) { k.conv(plan, args, tasks, scratch.data()); });
}

TEST_P(Int8Conv, EveryKindOfNumber) {
  for (const Int8Case& test : int8_cases())
    for (size_t size : {1, 3})
      for (size_t c : {3, 8, 37}) {
        check(k(),
              {.batch = 2,
               .height = 5,
               .width = 7,
               .in_channels = c,
               .out_channels = 37,
               .kernel_h = size,
               .kernel_w = size,
               .pad_top = static_cast<ptrdiff_t>(size / 2),
               .pad_left = static_cast<ptrdiff_t>(size / 2)},
              test);
      }
}

TEST_P(Int8Conv, EveryChannelCountAroundTheTiles) {
  for (size_t c : {1, 2, 3, 4, 5, 7, 8, 16, 19})
    for (size_t o : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 130})
      check(k(), {.height = 3, .width = 5, .in_channels = c, .out_channels = o});
}

TEST_P(Int8Conv, EveryWidthAroundTheTiles) {
  for (size_t width = 1; width <= 40; ++width)
    for (size_t o : {3, 17, 40, 64}) {
      check(k(), {.height = 1, .width = width, .in_channels = 12, .out_channels = o});
      check(k(),
            {.height = 3,
             .width = width,
             .in_channels = 5,
             .out_channels = o,
             .kernel_h = 3,
             .kernel_w = 3,
             .pad_top = 1,
             .pad_left = 1},
            {.numbers = {.x_zero = -128}});
    }
}

TEST_P(Int8Conv, KernelsStridesAndDilations) {
  for (size_t size : {1, 2, 3, 5})
    for (size_t stride : {1, 2, 3})
      for (size_t dilation : {1, 2})
        for (size_t c : {4, 6})
          check(k(),
                {.batch = 2,
                 .height = 13,
                 .width = 15,
                 .in_channels = c,
                 .out_channels = 20,
                 .kernel_h = size,
                 .kernel_w = size,
                 .stride_h = stride,
                 .stride_w = stride,
                 .dilation_h = dilation,
                 .dilation_w = dilation,
                 .pad_top = static_cast<ptrdiff_t>(size / 2),
                 .pad_left = static_cast<ptrdiff_t>(size / 2)},
                {.numbers = {.x_zero = 5}});
}

TEST_P(Int8Conv, UnevenKernelsAndPads) {
  for (ptrdiff_t top : {-2, 0, 3})
    for (ptrdiff_t left : {-1, 0, 4})
      for (size_t extra : {0, 5})
        check(k(),
              {.height = 9,
               .width = 11,
               .in_channels = 4,
               .out_height = 6 + extra,
               .out_width = 4 + extra,
               .out_channels = 18,
               .kernel_h = 2,
               .kernel_w = 5,
               .stride_h = 1,
               .stride_w = 2,
               .pad_top = top,
               .pad_left = left},
              {.numbers = {.x_zero = -77}});
}

TEST_P(Int8Conv, WithoutPaddingRowsAreReadInPlace) {
  for (size_t stride : {1, 2})
    for (size_t size : {1, 2, 3})
      for (size_t pixel : {0, 20})
        check(k(), {.batch = 2,
                    .height = 7,
                    .width = 9,
                    .in_channels = 16,
                    .out_channels = 33,
                    .kernel_h = size,
                    .kernel_w = size,
                    .stride_h = stride,
                    .stride_w = stride,
                    .x_pixel = pixel});
}

TEST_P(Int8Conv, Groups) {
  for (size_t groups : {2, 4})
    for (size_t each : {1, 3, 8, 17})
      for (size_t size : {1, 3})
        check(k(),
              {.batch = 2,
               .height = 6,
               .width = 7,
               .in_channels = groups * each,
               .out_channels = groups * (each + 2),
               .kernel_h = size,
               .kernel_w = size,
               .pad_top = static_cast<ptrdiff_t>(size / 2),
               .pad_left = static_cast<ptrdiff_t>(size / 2),
               .groups = groups},
              {.numbers = {.x_signed = false, .w_signed = false, .x_zero = 9, .w_zero = 77}});
}

TEST_P(Int8Conv, SlicesOfWiderTensors) {
  check(k(), {.height = 4, .width = 5, .in_channels = 8, .out_channels = 10, .x_pixel = 11, .y_pixel = 13});
  check(k(), {.height = 4,
              .width = 5,
              .in_channels = 8,
              .out_height = 4,
              .out_width = 5,
              .out_channels = 10,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = 1,
              .pad_left = 1,
              .y_pixel = 20,
              .y_row = 200});
}

TEST_P(Int8Conv, LongSumsAndManyTasks) {
  check(k(),
        {.height = 7,
         .width = 7,
         .in_channels = 512,
         .out_channels = 70,
         .kernel_h = 3,
         .kernel_w = 3,
         .pad_top = 1,
         .pad_left = 1},
        {.numbers = {.x_zero = -128}});
  check(k(), {.height = 1, .width = 1, .in_channels = 1280, .out_channels = 1001});
  check(k(), {.height = 20, .width = 33, .in_channels = 1024, .out_channels = 33},
        {.numbers = {.x_signed = false, .w_signed = false, .x_zero = 3, .w_zero = 120}});
}

/// The activation is a real zero, so that a bias is the sum.
TEST_P(Int8Conv, EveryStepOfTheRequantization) {
  const Int8Kernels& kernels = *k().int8;
  expect_every_step([&](const Int8Numbers& numbers, const Int8Channels& channels) {
    const size_t n = channels.bias.size();
    Int8ConvPlan plan;
    kernels.conv_plan(
        {.height = 1, .width = 1, .in_channels = 1, .out_height = 1, .out_width = 1, .out_channels = n},
        numbers, &plan);
    const std::vector<uint8_t> zero(1), weights(n, 1);
    GuardedBuffer<char> packed(plan.packed_bytes), scratch(plan.scratch_bytes);
    std::vector<uint8_t> y(n);
    Int8Source source{weights.data(), 1, 1, 1, 1, {}, {}, {}, {}, {}};
    channels.fill(&source);
    kernels.conv_pack(plan, source, packed.data());
    kernels.conv(plan, {zero.data(), packed.data(), y.data()}, {0, plan.tasks}, scratch.data());
    return y;
  });
}

TEST_P(Int8Conv, PicturesApartAreNotOneMatrix) {
  check(
      k(),
      {.batch = 3, .height = 4, .width = 5, .in_channels = 8, .out_channels = 10, .x_image = 4 * 5 * 8 + 16});
}

TEST_P(Int8Conv, RowsThatAreCopiedAlreadyAreUsedAgain) {
  for (size_t width : {9, 40})
    check(k(), {.height = 70,
                .width = width,
                .in_channels = 4,
                .out_channels = 1,
                .kernel_h = 3,
                .kernel_w = 3,
                .pad_top = 1,
                .pad_left = 1});
}

TEST_P(Int8Conv, HugePicturesAreCutIntoTasks) {
  Int8ConvPlan plan;
  k().int8->conv_plan({.height = 8192,
                       .width = 8192,
                       .in_channels = 256,
                       .out_height = 8192,
                       .out_width = 8192,
                       .out_channels = 256},
                      {}, &plan);
  EXPECT_EQ(64u, plan.tasks);
}

TEST_P(Int8Conv, NothingToDo) {
  Int8ConvPlan plan;
  k().int8->conv_plan({.batch = 0,
                       .height = 3,
                       .width = 3,
                       .in_channels = 3,
                       .out_height = 3,
                       .out_width = 3,
                       .out_channels = 3},
                      {}, &plan);
  EXPECT_EQ(0u, plan.tasks);
}

}  // namespace
}  // namespace pochade
