#include <algorithm>

#include "kernels/testing.h"

namespace pochade {
namespace {

class Depthwise : public KernelTest {};
POCHADE_KERNEL_TESTS(Depthwise);
class Pool : public KernelTest {};
POCHADE_KERNEL_TESTS(Pool);
class Resize : public KernelTest {};
POCHADE_KERNEL_TESTS(Resize);
using Floats = GuardedBuffer<float>;

void check(const Kernels& k, DepthwiseShape s, const Activation& activation = {}, bool with_bias = true) {
  SCOPED_TRACE("h,w,c " + std::to_string(s.height) + " " + std::to_string(s.width) + " " +
               std::to_string(s.channels) + " kernel " + std::to_string(s.kernel_h) + " stride " +
               std::to_string(s.stride_h) + " pad " + std::to_string(s.pad_left));
  if (s.out_height == 0)
    s.out_height = (s.height + 2 * s.pad_top - (s.kernel_h - 1) * s.dilation_h - 1) / s.stride_h + 1;
  if (s.out_width == 0)
    s.out_width = (s.width + 2 * s.pad_left - (s.kernel_w - 1) * s.dilation_w - 1) / s.stride_w + 1;
  const size_t outputs = s.channels * s.multiplier;
  Floats x(numbers(s.batch * s.height * s.width * s.channels, 1)),
      f(numbers(s.kernel_h * s.kernel_w * outputs, 2)), bias(numbers(outputs, 3)),
      y(s.batch * s.out_height * s.out_width * outputs);
  std::vector<double> want(y.size());
  for (size_t n = 0; n < s.batch; ++n)
    for (size_t oh = 0; oh < s.out_height; ++oh)
      for (size_t ow = 0; ow < s.out_width; ++ow)
        for (size_t o = 0; o < outputs; ++o) {
          double sum = with_bias ? bias[o] : 0;
          for (size_t r = 0; r < s.kernel_h; ++r)
            for (size_t t = 0; t < s.kernel_w; ++t) {
              const ptrdiff_t ih = static_cast<ptrdiff_t>(oh * s.stride_h + r * s.dilation_h) - s.pad_top;
              const ptrdiff_t iw = static_cast<ptrdiff_t>(ow * s.stride_w + t * s.dilation_w) - s.pad_left;
              if (ih < 0 || iw < 0 || ih >= static_cast<ptrdiff_t>(s.height) ||
                  iw >= static_cast<ptrdiff_t>(s.width))
                continue;
              sum += static_cast<double>(
                         x[((n * s.height + ih) * s.width + iw) * s.channels + o / s.multiplier]) *
                     f[(r * s.kernel_w + t) * outputs + o];
            }
          want[((n * s.out_height + oh) * s.out_width + ow) * outputs + o] =
              activation_oracle(activation, sum);
        }
  const DepthwiseArgs args{x.data(), f.data(), with_bias ? bias.data() : nullptr, y.data(), activation};
  run_divided(s.batch * s.out_height, y, [&](Range rows) { k.depthwise(s, args, rows); });
  expect_near(want, y.data(), 1e-5, 1e-5, "depthwise");
}

TEST_P(Depthwise, SizesChannelsAndKernels) {
  for (size_t kernel : {1, 2, 3, 5, 7})
    for (size_t stride : {1, 2, 3})
      for (size_t width : {1, 2, 4, 7, 9, 19})
        for (size_t channels : {1, 5, 16, 33})
          check(k(), {.batch = 2,
                      .height = 7,
                      .width = width,
                      .channels = channels,
                      .kernel_h = kernel,
                      .kernel_w = kernel,
                      .stride_h = stride,
                      .stride_w = stride,
                      .pad_top = static_cast<ptrdiff_t>(kernel / 2),
                      .pad_left = static_cast<ptrdiff_t>(kernel / 2)});
}

TEST_P(Depthwise, DilationsUnevenPadsAndMultipliers) {
  check(k(), {.height = 9,
              .width = 12,
              .channels = 20,
              .kernel_h = 3,
              .kernel_w = 3,
              .dilation_h = 2,
              .dilation_w = 3,
              .pad_top = 2,
              .pad_left = 3});
  check(k(), {.height = 9,
              .width = 12,
              .channels = 20,
              .out_height = 12,
              .out_width = 30,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = 5,
              .pad_left = 8});
  check(k(), {.height = 9,
              .width = 12,
              .channels = 20,
              .out_height = 4,
              .out_width = 5,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = -2,
              .pad_left = -1});
  check(k(),
        {.height = 9, .width = 12, .channels = 20, .kernel_h = 3, .kernel_w = 5, .pad_top = 1, .pad_left = 2},
        {}, false);
  for (size_t multiplier : {2, 3, 32})
    check(k(), {.height = 6,
                .width = 5,
                .channels = 7,
                .multiplier = multiplier,
                .kernel_h = 3,
                .kernel_w = 3,
                .pad_top = 1,
                .pad_left = 1});
}

TEST_P(Depthwise, Activations) {
  for (const Activation& activation : all_activations())
    check(
        k(),
        {.height = 6, .width = 11, .channels = 19, .kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1},
        activation);
}

void check_pool(const Kernels& k, PoolArgs a, bool max) {
  SCOPED_TRACE("c " + std::to_string(a.channels) + " kernel " + std::to_string(a.kernel_h) + " pad " +
               std::to_string(a.pad_top));
  Floats x(numbers(a.batch * a.height * a.width * a.channels, 1)),
      y(a.batch * a.out_height * a.out_width * a.channels);
  a.x = x.data();
  a.y = y.data();
  const auto inside = [](ptrdiff_t i, ptrdiff_t low, ptrdiff_t high) { return i >= low && i < high; };
  std::vector<double> want;
  for (size_t n = 0; n < a.batch; ++n)
    for (size_t oh = 0; oh < a.out_height; ++oh)
      for (size_t ow = 0; ow < a.out_width; ++ow)
        for (size_t c = 0; c < a.channels; ++c) {
          double sum = 0, most = -INFINITY;
          int count = 0;
          for (size_t r = 0; r < a.kernel_h; ++r)
            for (size_t t = 0; t < a.kernel_w; ++t) {
              const ptrdiff_t h = static_cast<ptrdiff_t>(oh * a.stride_h + r * a.dilation_h) - a.pad_top;
              const ptrdiff_t w = static_cast<ptrdiff_t>(ow * a.stride_w + t * a.dilation_w) - a.pad_left;
              const ptrdiff_t height = a.height, width = a.width;
              const bool real = inside(h, 0, height) && inside(w, 0, width);
              if (real) {
                const double v = x[((n * a.height + h) * a.width + w) * a.channels + c];
                sum += v;
                most = std::max(most, v);
              }
              count += a.count_include_pad ? inside(h, -a.pad_top, height + a.pad_bottom) &&
                                                 inside(w, -a.pad_left, width + a.pad_right)
                                           : real;
            }
          want.push_back(max ? most : count == 0 ? 0 : sum / count);
        }
  run_divided(a.batch * a.out_height, y,
              [&](Range rows) { max ? k.max_pool(a, rows) : k.average_pool(a, rows); });
  expect_near(want, y.data(), 1e-6, 1e-6, "pool");
}

TEST_P(Pool, KernelsPadsAndChannels) {
  for (size_t channels : {1, 3, 16, 17, 64, 100})
    for (size_t kernel : {1, 2, 3, 5})
      for (ptrdiff_t pad : {0, 1})
        for (bool include : {false, true})
          for (bool max : {false, true}) {
            if (pad >= static_cast<ptrdiff_t>(kernel)) continue;
            // One row and column more than fit: ceil_mode.
            const size_t out = (9 + 2 * pad - kernel + 1) / 2 + 1;
            check_pool(k(),
                       {.batch = 2,
                        .height = 9,
                        .width = 9,
                        .channels = channels,
                        .out_height = out,
                        .out_width = out,
                        .kernel_h = kernel,
                        .kernel_w = kernel,
                        .stride_h = 2,
                        .stride_w = 2,
                        .pad_top = pad,
                        .pad_left = pad,
                        .count_include_pad = include,
                        .pad_bottom = pad + 1,
                        .pad_right = pad},
                       max);
          }
  check_pool(k(),
             {.height = 9,
              .width = 8,
              .channels = 5,
              .out_height = 5,
              .out_width = 4,
              .kernel_h = 3,
              .kernel_w = 3,
              .dilation_h = 2,
              .dilation_w = 2},
             true);
}

TEST_P(Pool, NanWins) {
  Floats x(numbers(4 * 20, 1)), y(20);
  x[20 + 3] = NAN;
  const PoolArgs args{.x = x.data(),
                      .y = y.data(),
                      .height = 2,
                      .width = 2,
                      .channels = 20,
                      .out_height = 1,
                      .out_width = 1,
                      .kernel_h = 2,
                      .kernel_w = 2};
  k().max_pool(args, {0, 1});
  EXPECT_TRUE(std::isnan(y[3]));
  EXPECT_FALSE(std::isnan(y[4]));
}

TEST_P(Resize, TablesOfAnyTaps) {
  for (size_t channels : {1, 3, 16, 21})
    for (size_t taps : {1, 2, 4}) {
      ResizeArgs a{.batch = 2,
                   .height = 5,
                   .width = 6,
                   .channels = channels,
                   .out_height = 9,
                   .out_width = 11,
                   .row_taps = taps,
                   .column_taps = taps};
      Floats x(numbers(2 * 5 * 6 * channels, 1)), y(2 * 9 * 11 * channels), row_weight(numbers(9 * taps, 2)),
          column_weight(numbers(11 * taps, 3));
      GuardedBuffer<int32_t> row_index(9 * taps), column_index(11 * taps);
      for (size_t i = 0; i < row_index.size(); ++i) row_index[i] = static_cast<int32_t>((i * 7 + 3) % 5);
      for (size_t i = 0; i < column_index.size(); ++i)
        column_index[i] = static_cast<int32_t>((i * 5 + 1) % 6);
      a.x = x.data();
      a.y = y.data();
      a.row_index = row_index.data();
      a.column_index = column_index.data();
      for (bool weighted : {false, true}) {
        if (!weighted && taps > 1) continue;
        a.row_weight = weighted ? row_weight.data() : nullptr;
        a.column_weight = weighted ? column_weight.data() : nullptr;
        GuardedBuffer<char> scratch(k().resize_scratch_bytes(a));
        std::vector<double> want;
        for (size_t n = 0; n < 2; ++n)
          for (size_t i = 0; i < 9; ++i)
            for (size_t j = 0; j < 11; ++j)
              for (size_t c = 0; c < channels; ++c) {
                double sum = 0;
                for (size_t p = 0; p < taps; ++p)
                  for (size_t q = 0; q < taps; ++q)
                    sum += (weighted
                                ? static_cast<double>(row_weight[i * taps + p]) * column_weight[j * taps + q]
                                : 1) *
                           x[((n * 5 + row_index[i * taps + p]) * 6 + column_index[j * taps + q]) * channels +
                             c];
                want.push_back(sum);
              }
        run_divided(2 * 9, y, [&](Range rows) { k().resize(a, rows, scratch.data()); });
        expect_near(want, y.data(), 1e-5, 1e-5, "resize");
      }
    }
}

}  // namespace
}  // namespace pochade
