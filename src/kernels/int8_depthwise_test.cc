#include <algorithm>

#include "kernels/int8_testing.h"

namespace pochade {
namespace {

class Int8Depthwise : public KernelTest {};
POCHADE_KERNEL_TESTS(Int8Depthwise);
using Bytes = GuardedBuffer<uint8_t>;

/// Weights are kh, kw, channels * multiplier, as TFLite has them.
std::vector<int32_t> reference(const DepthwiseShape& s, const Int8Numbers& n, const uint8_t* x,
                               const std::vector<uint8_t>& w, const Int8Channels& channels) {
  const size_t outputs = s.channels * s.multiplier;
  std::vector<int32_t> y;
  for (size_t b = 0; b < s.batch; ++b)
    for (size_t oh = 0; oh < s.out_height; ++oh)
      for (size_t ow = 0; ow < s.out_width; ++ow)
        for (size_t o = 0; o < outputs; ++o) {
          int64_t sum = 0;
          for (size_t r = 0; r < s.kernel_h; ++r)
            for (size_t t = 0; t < s.kernel_w; ++t) {
              const ptrdiff_t ih = static_cast<ptrdiff_t>(oh * s.stride_h + r * s.dilation_h) - s.pad_top;
              const ptrdiff_t iw = static_cast<ptrdiff_t>(ow * s.stride_w + t * s.dilation_w) - s.pad_left;
              if (ih < 0 || iw < 0 || ih >= static_cast<ptrdiff_t>(s.height) ||
                  iw >= static_cast<ptrdiff_t>(s.width))
                continue;
              const size_t pixel =
                  (b * s.height + static_cast<size_t>(ih)) * s.width + static_cast<size_t>(iw);
              sum += (value_of(x[pixel * s.channels + o / s.multiplier], n.x_signed) - n.x_zero) *
                     (value_of(w[(r * s.kernel_w + t) * outputs + o], n.w_signed) - n.w_zero);
            }
          y.push_back(requantized(sum, channels, o, n));
        }
  return y;
}

void check(const Kernels& table, DepthwiseShape s, const Int8Case& test = {}) {
  if (s.out_height == 0)
    s.out_height = (s.height + 2 * s.pad_top - (s.kernel_h - 1) * s.dilation_h - 1) / s.stride_h + 1;
  if (s.out_width == 0)
    s.out_width = (s.width + 2 * s.pad_left - (s.kernel_w - 1) * s.dilation_w - 1) / s.stride_w + 1;
  const auto t = [](auto v) { return std::to_string(v) + " "; };
  SCOPED_TRACE("h,w,c,m " + t(s.height) + t(s.width) + t(s.channels) + t(s.multiplier) + "kernel " +
               t(s.kernel_h) + t(s.kernel_w) + "stride " + t(s.stride_h) + t(s.stride_w) + "dilation " +
               t(s.dilation_h) + t(s.dilation_w) + "pad " + t(s.pad_top) + t(s.pad_left) +
               text(test.numbers));
  const Int8Kernels& k = *table.int8;
  const Int8Numbers& n = test.numbers;
  const size_t outputs = s.channels * s.multiplier;
  Int8DepthwisePlan plan;
  k.depthwise_plan(s, n, &plan);
  const std::vector<uint8_t> w =
      random_bytes(s.kernel_h * s.kernel_w * outputs, 2, n.w_signed, test.extremes);
  Bytes x(random_bytes(s.batch * s.height * s.width * s.channels, 1, n.x_signed, test.extremes)), weights(w),
      y(s.batch * s.out_height * s.out_width * outputs *
        (n.rounding == Int8Rounding::kSums ? sizeof(int32_t) : 1));
  GuardedBuffer<char> packed(plan.packed_bytes), scratch(plan.scratch_bytes);
  const Int8Channels channels(outputs, test, s.kernel_h * s.kernel_w);
  Int8Source source{weights.data(),
                    1,
                    static_cast<ptrdiff_t>(s.kernel_w * outputs),
                    static_cast<ptrdiff_t>(outputs),
                    0,
                    {},
                    {},
                    {},
                    {},
                    {}};
  channels.fill(&source);
  k.depthwise_pack(packing_plan(plan), source, packed.data());
  const std::vector<int32_t> want = output_bytes_of(reference(s, n, x.data(), w, channels), n);
  const Int8Args args{x.data(), packed.data(), y.data()};
  expect_bytes(s.batch * s.out_height, y, want,
               [&](Range rows) { k.depthwise(plan, args, rows, scratch.data()); });
}

TEST_P(Int8Depthwise, EveryKindOfNumber) {
  for (const Int8Case& test : int8_cases())
    for (size_t stride : {1, 2})
      for (size_t c : {3, 16, 77})
        check(k(),
              {.batch = 2,
               .height = 6,
               .width = 7,
               .channels = c,
               .kernel_h = 3,
               .kernel_w = 3,
               .stride_h = stride,
               .stride_w = stride,
               .pad_top = 1,
               .pad_left = 1},
              test);
}

TEST_P(Int8Depthwise, EveryChannelCountAroundTheBlocks) {
  for (size_t c = 1; c <= 140; c += c < 70 ? 1 : 7)
    check(k(),
          {.height = 3, .width = 5, .channels = c, .kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1},
          {.numbers = {.x_zero = -128}});
}

TEST_P(Int8Depthwise, KernelsStridesAndDilations) {
  for (size_t size : {1, 2, 3, 5, 7})
    for (size_t stride : {1, 2, 3})
      for (size_t dilation : {1, 2, 4})
        for (size_t width : {5, 18})
          check(k(),
                {.height = 9,
                 .width = width,
                 .channels = 20,
                 .out_height = 5,
                 .out_width = (width + 1) / stride,
                 .kernel_h = size,
                 .kernel_w = size,
                 .stride_h = stride,
                 .stride_w = stride,
                 .dilation_h = dilation,
                 .dilation_w = dilation,
                 .pad_top = static_cast<ptrdiff_t>(size / 2),
                 .pad_left = static_cast<ptrdiff_t>(size / 2)},
                {.numbers = {.x_zero = 31}});
}

TEST_P(Int8Depthwise, FewChannelsAtAStrideOfTwo) {
  for (size_t c : {1, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104})
    for (size_t width : {4, 21, 38})
      for (size_t dilation : {1, 2})
        for (ptrdiff_t left : {-1, 0, 1})
          check(k(),
                {.batch = 2,
                 .height = 5,
                 .width = width,
                 .channels = c,
                 .out_height = 3,
                 .out_width = width / 2,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .stride_h = 2,
                 .stride_w = 2,
                 .dilation_w = dilation,
                 .pad_top = 1,
                 .pad_left = left},
                {.numbers = {.x_zero = 31}});
}

TEST_P(Int8Depthwise, UnevenWindows) {
  for (ptrdiff_t top : {-1, 0, 3})
    for (ptrdiff_t left : {-2, 0, 5})
      check(k(),
            {.height = 6,
             .width = 9,
             .channels = 10,
             .out_height = 8,
             .out_width = 7,
             .kernel_h = 4,
             .kernel_w = 3,
             .stride_h = 1,
             .stride_w = 2,
             .pad_top = top,
             .pad_left = left},
            {.numbers = {.x_zero = 31}});
}

TEST_P(Int8Depthwise, Multipliers) {
  for (size_t c : {1, 3, 9})
    for (size_t multiplier : {2, 8, 13})
      check(k(),
            {.batch = 2,
             .height = 6,
             .width = 7,
             .channels = c,
             .multiplier = multiplier,
             .kernel_h = 3,
             .kernel_w = 3,
             .stride_h = 2,
             .stride_w = 1,
             .pad_top = 1,
             .pad_left = 1},
            {.numbers = {.x_signed = false, .w_signed = false, .x_zero = 12, .w_zero = 0}});
}

TEST_P(Int8Depthwise, EveryStepOfTheRequantization) {
  const Int8Kernels& kernels = *k().int8;
  expect_every_step([&](const Int8Numbers& numbers, const Int8Channels& channels) {
    const size_t n = channels.bias.size();
    Int8DepthwisePlan plan;
    kernels.depthwise_plan({.height = 1, .width = 1, .channels = n, .out_height = 1, .out_width = 1}, numbers,
                           &plan);
    const std::vector<uint8_t> zeros(n), weights(n, 1);
    GuardedBuffer<char> packed(plan.packed_bytes), scratch(plan.scratch_bytes);
    Bytes x(zeros);
    std::vector<uint8_t> y(n, 99);
    Int8Source source{
        weights.data(), 1, static_cast<ptrdiff_t>(n), static_cast<ptrdiff_t>(n), 0, {}, {}, {}, {}, {}};
    channels.fill(&source);
    kernels.depthwise_pack(plan, source, packed.data());
    const Int8Args args{x.data(), packed.data(), y.data()};
    kernels.depthwise(plan, args, {0, 0}, scratch.data());
    EXPECT_EQ(std::vector<uint8_t>(n, 99), y);  // no rows
    kernels.depthwise(plan, args, {0, 1}, scratch.data());
    return y;
  });
}

}  // namespace
}  // namespace pochade
