// The kernels of quantized operators, on every instruction set, against the formulas that their arguments
// state.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "kernels/quantized_args.h"

namespace pochade {
namespace {

template <typename F>
void on_every_isa(F&& f) {
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(name(isa));
    f(*kernels(isa)->quantized);
  }
}

int32_t value_of(uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<int8_t>(byte) : byte;
}

std::vector<uint8_t> every_byte(size_t n, size_t step) {
  std::vector<uint8_t> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>(i * step + i / 256);
  return out;
}

/// Runs `kernel` on both signs and all strides; `want` gives the value of one pair.
template <typename Args, typename Kernel, typename Want>
void check_runs(Args args, Kernel kernel, Want want) {
  constexpr size_t kCount = 515;
  const std::vector<uint8_t> a = every_byte(kCount, 37), b = every_byte(kCount, 91);
  for (const bool is_signed : {true, false})
    for (const size_t a_stride : {0, 1})
      for (const size_t b_stride : {0, 1}) {
        args.is_signed = is_signed;
        args.low = is_signed ? -100 : 20;
        args.high = is_signed ? 110 : 250;
        args.zero = is_signed ? -3 : 125;
        on_every_isa([&](const QuantizedKernels& k) {
          std::vector<uint8_t> y(kCount, 0xA5);
          kernel(k, args, QuantizedRun{a.data() + 5, a_stride, b.data() + 5, b_stride, y.data(), kCount - 5});
          for (size_t i = 0; i + 5 < kCount; ++i) {
            const int32_t qa = value_of(a[5 + i * a_stride], is_signed),
                          qb = value_of(b[5 + i * b_stride], is_signed);
            const double exact = want(args, qa, qb);
            const double clamped = std::min<double>(std::max<double>(exact + args.zero, args.low), args.high);
            ASSERT_EQ(value_of(y[i], is_signed), static_cast<int32_t>(clamped))
                << i << ": " << qa << ", " << qb;
          }
          EXPECT_EQ(y.back(), 0xA5);
        });
      }
}

double scaled(int64_t x, const QuantizedScale& scale) {
  const double high =
      std::floor(static_cast<double>(x * scale.multiplier + (int64_t{1} << 30)) / 2147483648.0);
  return std::round(high / std::exp2(scale.right));
}

TEST(QuantizedKernels, Sums) {
  QuantizedSum args;
  args.multiplier_a = 700;
  args.multiplier_b = -512;
  args.offset = 3;
  args.shift = 10;
  check_runs(
      args, [](const QuantizedKernels& k, const auto& a, const QuantizedRun& run) { k.sum(a, run); },
      [](const QuantizedSum& s, int32_t a, int32_t b) {
        return std::round((a * s.multiplier_a + b * s.multiplier_b + s.offset) / 1024.0);
      });
}

TEST(QuantizedKernels, ProductsSaturate) {
  for (const float scale : {0.01f, 0.5f, 30.0f}) {
    QuantizedProduct args;
    args.zero_a = 7;
    args.zero_b = -4;
    args.scale = scale;
    check_runs(
        args, [](const QuantizedKernels& k, const auto& a, const QuantizedRun& run) { k.product(a, run); },
        [](const QuantizedProduct& p, int32_t a, int32_t b) {
          return static_cast<double>(
              std::round(static_cast<float>((a - p.zero_a) * (b - p.zero_b)) * p.scale));
        });
  }
}

TEST(QuantizedKernels, ProductsRoundHalvesToEven) {
  for (const float scale : {0.01f, 0.5f, 30.0f}) {
    QuantizedProduct args;
    args.to_even = true;
    args.zero_a = 7;
    args.zero_b = -4;
    args.scale = scale;
    check_runs(
        args, [](const QuantizedKernels& k, const auto& a, const QuantizedRun& run) { k.product(a, run); },
        [](const QuantizedProduct& p, int32_t a, int32_t b) {
          return static_cast<double>(
              std::nearbyint(static_cast<float>((a - p.zero_a) * (b - p.zero_b)) * p.scale));
        });
  }
}

TEST(QuantizedKernels, RealSumsRoundHalvesToEven) {
  for (const float scale : {0.5f, 0.17f, 2000.0f}) {
    QuantizedRealSum args;
    args.zero_a = 7;
    args.zero_b = -4;
    args.scale_a = scale;
    args.scale_b = -0.25f;
    check_runs(
        args, [](const QuantizedKernels& k, const auto& a, const QuantizedRun& run) { k.real_sum(a, run); },
        [](const QuantizedRealSum& s, int32_t a, int32_t b) {
          const float x =
              static_cast<float>(a - s.zero_a) * s.scale_a + static_cast<float>(b - s.zero_b) * s.scale_b;
          return static_cast<double>(std::nearbyint(x));
        });
  }
}

TEST(QuantizedKernels, ChannelLinesRoundHalvesToEven) {
  constexpr size_t kRows = 9, kChannels = 37;
  const std::vector<uint8_t> x = every_byte(kRows * kChannels, 37);
  std::vector<float> scale, shift;
  for (size_t c = 0; c < kChannels; ++c) {
    scale.push_back(c % 3 == 0 ? 0.5f : -0.013f * static_cast<float>(c));
    shift.push_back(c % 2 == 0 ? 0 : 1e6f * static_cast<float>(c % 7) - 17);
  }
  for (const bool is_signed : {true, false}) {
    const QuantizedChannelLine line{nullptr,
                                    nullptr,
                                    is_signed,
                                    kChannels,
                                    5,
                                    is_signed ? -3 : 125,
                                    is_signed ? -100 : 20,
                                    is_signed ? 110 : 250,
                                    scale.data(),
                                    shift.data()};
    on_every_isa([&](const QuantizedKernels& k) {
      std::vector<uint8_t> y(x.size(), 0xA5);
      QuantizedChannelLine args = line;
      args.x = x.data();
      args.y = y.data();
      k.channel_line(args, {1, kRows});
      for (size_t i = 0; i < x.size(); ++i) {
        if (i < kChannels) {
          EXPECT_EQ(y[i], 0xA5) << "a row that was not asked for";
          continue;
        }
        const float real =
            static_cast<float>(value_of(x[i], is_signed) - 5) * scale[i % kChannels] + shift[i % kChannels];
        const double want =
            std::min<double>(std::max<double>(std::nearbyint(real) + line.zero, line.low), line.high);
        ASSERT_EQ(value_of(y[i], is_signed), static_cast<int32_t>(want)) << i;
      }
    });
  }
}

TEST(QuantizedKernels, ExactSumsAndProducts) {
  for (const int32_t sign : {1, -1}) {
    QuantizedExactSum args;
    args.zero_a = 5;
    args.zero_b = -2;
    args.sign = sign;
    args.scale_a = {1 << 30, 0};
    args.scale_b = {1234567890, 2};
    args.scale = {1987654321, 19};
    check_runs(
        args, [](const QuantizedKernels& k, const auto& a, const QuantizedRun& run) { k.exact_sum(a, run); },
        [](const QuantizedExactSum& s, int32_t a, int32_t b) {
          const double sum = scaled(int64_t{a - s.zero_a} << 20, s.scale_a) +
                             s.sign * scaled(int64_t{b - s.zero_b} * (1 << 20), s.scale_b);
          return scaled(static_cast<int64_t>(sum), s.scale);
        });
  }
  QuantizedExactProduct args;
  args.zero_a = 5;
  args.zero_b = -2;
  args.scale = {1500000000, 6};
  check_runs(
      args,
      [](const QuantizedKernels& k, const auto& a, const QuantizedRun& run) { k.exact_product(a, run); },
      [](const QuantizedExactProduct& p, int32_t a, int32_t b) {
        return scaled(int64_t{a - p.zero_a} * (b - p.zero_b), p.scale);
      });
}

TEST(QuantizedKernels, QuantizeTakesNumbersThatHaveNoPlace) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0, 0.25f, -0.25f, 1e30f, -infinity, std::nanf(""), 3, -3};
  on_every_isa([&](const QuantizedKernels& k) {
    std::vector<int8_t> y(x.size());
    k.quantize({x.data(), y.data(), true, 0.5f, 4, -128, 127}, {0, x.size()});
    EXPECT_EQ(y, (std::vector<int8_t>{4, 5, 3, 127, -128, 4, 10, -2}));
    std::vector<uint8_t> z(x.size());
    k.quantize({x.data(), z.data(), false, 0.5f, 4, 0, 255}, {0, x.size()});
    EXPECT_EQ(z, (std::vector<uint8_t>{4, 5, 3, 255, 0, 4, 10, 0}));
  });
}

TEST(QuantizedKernels, QuantizeRoundsHalvesToEven) {
  const std::vector<float> x = {0.25f, -0.25f, 0.75f, 1.25f, 1e30f, -1e30f, std::nanf("")};
  on_every_isa([&](const QuantizedKernels& k) {
    std::vector<int8_t> y(x.size());
    k.quantize({x.data(), y.data(), true, 0.5f, 4, -128, 127, true}, {0, x.size()});
    EXPECT_EQ(y, (std::vector<int8_t>{4, 4, 6, 6, 127, -128, 4}));
    std::vector<uint8_t> z(x.size());
    k.quantize({x.data(), z.data(), false, 0.5f, 4, 0, 255, true}, {0, x.size()});
    EXPECT_EQ(z, (std::vector<uint8_t>{4, 4, 6, 6, 255, 0, 4}));
  });
}

TEST(QuantizedKernels, RealAveragesRoundHalvesToEven) {
  PoolArgs window;
  window.height = 1;
  window.width = 5;
  window.channels = 1;
  window.out_height = 1;
  window.out_width = 5;
  window.kernel_w = 2;  // the last window holds one column, and one of padding
  const std::vector<int8_t> x = {1, 2, 4, 5, 5};
  on_every_isa([&](const QuantizedKernels& k) {
    for (const bool count_padding : {false, true})
      for (const bool is_signed : {true, false}) {
        std::vector<int8_t> y(5, 99);
        k.average_pool(
            {window, x.data(), y.data(), is_signed, 0, 0, 127, false, true, count_padding, -1, 3, 1.0f},
            {0, 1});
        // Of 2 + 3, 3 + 5, 5 + 6, 6 + 6 and 6: halves to even, then the zero point.
        EXPECT_EQ(y, (std::vector<int8_t>{5, 7, 9, 9, static_cast<int8_t>(count_padding ? 6 : 9)}));
        // Numbers that have no place.
        k.average_pool(
            {window, x.data(), y.data(), is_signed, 0, 0, 127, false, true, count_padding, -1, 3, 1e6f},
            {0, 1});
        EXPECT_EQ(y, std::vector<int8_t>(5, 127));
        k.average_pool(
            {window, x.data(), y.data(), is_signed, 0, 0, 127, false, true, count_padding, 50, 3, 1e6f},
            {0, 1});
        EXPECT_EQ(y, std::vector<int8_t>(5, 0));
      }
  });
}

TEST(QuantizedKernels, WindowsThatSeeNothingAreEmpty) {
  PoolArgs window;
  window.height = window.width = 2;
  window.channels = 3;
  window.out_height = window.out_width = 3;
  window.pad_top = window.pad_left = 1;  // 1x1 windows: the border lies outside
  const std::vector<int8_t> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  on_every_isa([&](const QuantizedKernels& k) {
    for (const auto run : {k.average_pool, k.max_pool})
      for (const bool is_signed : {true, false}) {
        std::vector<int8_t> y(27, 99);
        run({window, x.data(), y.data(), is_signed, 50, 0, 127}, {0, 3});
        for (size_t i = 0; i < 9; ++i) EXPECT_EQ(y[i], 50);
        EXPECT_EQ(y[12], 1);
        EXPECT_EQ(y[26], 12);
      }
  });
}

TEST(QuantizedKernels, DenseSaturates) {
  const std::vector<int8_t> x(4, 100);
  const std::vector<int32_t> offset = {0, 0, 0, -100000};
  const std::vector<int8_t> rows(16, 100);
  const std::vector<double> multiplier = {1e9, -1e9, 2147483647.0 / 40000, 0.0001};
  on_every_isa([&](const QuantizedKernels& k) {
    std::vector<int8_t> y(4);
    k.dense({x.data(), rows.data(), y.data(), true, 1, 4, 4, 0, 0, 5, -128, 127, offset.data(),
             multiplier.data()},
            {0, 4});
    EXPECT_EQ(y, (std::vector<int8_t>{127, -128, 127, -1}));
    // uint8: (40000 + (200 - 128) * (3 - 1) + (4 - 128) * (255 - 1)) / 128 = 67.6, by a real number and in
    // fixed point.
    const std::vector<uint8_t> bytes = {200, 4}, weights = {3, 255};
    const int32_t start = 40000 - 128 * (3 - 1 + 255 - 1);
    const double share = 1.0 / 128;
    uint8_t by_real = 0, by_fixed = 0;
    QuantizedDenseArgs args{bytes.data(), weights.data(), &by_real, false, 1, 1, 2, 128, 1, 5, 0,
                            255,          &start,         &share};
    k.dense(args, {0, 1});
    EXPECT_EQ(by_real, 68 + 5);
    args.y = &by_fixed;
    args.multiplier = nullptr;
    args.fixed = {1 << 30, 6};
    k.dense(args, {0, 1});
    EXPECT_EQ(by_fixed, 68 + 5);
  });
}

TEST(QuantizedKernels, LevelsOfFloats) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {0, 0.25f, -0.25f, 0.3f, -1e9f, 1e9f, 60, -60};
  on_every_isa([&](const QuantizedKernels& k) {
    for (size_t n = 1; n <= 40; ++n) {
      std::vector<float> from, y(n + 1, 7), want;
      const float levels[] = {0, 1, 0, 1, -127 - 3, 127 - 3, 120, -120};
      for (size_t i = 0; i < n; ++i) {
        from.push_back(x[i % x.size()]);
        want.push_back(levels[i % x.size()]);
      }
      k.levels({2, 3, -127, 127}, from.data(), y.data(), n);
      want.push_back(7);
      EXPECT_EQ(y, want);
      from[n - 1] = kNan;
      k.levels({2, 3, -127, 127}, from.data(), y.data(), n);
      EXPECT_TRUE(std::isnan(y[n - 1]));
    }
  });
}

}  // namespace
}  // namespace pochade
