#pragma once
// For the tests of the 8-bit kernels: random layers, and plain loops that say what is right.

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/testing.h"

namespace pochade {

/// Reproducible integers in [low, high].
inline std::vector<int32_t> integers(size_t n, uint64_t seed, int32_t low, int32_t high) {
  std::vector<int32_t> out(n);
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (int32_t& x : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const uint64_t span = static_cast<uint64_t>(int64_t{high} - low) + 1;
    x = static_cast<int32_t>(low + static_cast<int64_t>((state >> 32) % span));
  }
  return out;
}

inline std::vector<uint8_t> bytes_of(const std::vector<int32_t>& values) {
  std::vector<uint8_t> out;
  for (const int32_t v : values) out.push_back(static_cast<uint8_t>(v));
  return out;
}
inline int32_t value_of(uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<int8_t>(byte) : byte;
}

/// Exponents that spread the sums of random values over the range of the outputs.
inline constexpr int32_t kFitted = 1000;

/// How the sums of a test become outputs.
struct Int8Case {
  Int8Numbers numbers;
  int32_t least_exponent = kFitted, most_exponent = kFitted;
  int32_t bias = 20000;   ///< at most; 0: there is none
  bool extremes = false;  ///< all activations and weights are the least or the greatest of their type
};

/// What belongs to each output channel.
struct Int8Channels {
  std::vector<int32_t> bias, multiplier, exponent;
  std::vector<float> scale;
  std::vector<double> real;

  /// `terms` products are added up for each output.
  Int8Channels(size_t n, const Int8Case& test, size_t terms)
      : bias(integers(n, 11, -test.bias, test.bias)), multiplier(integers(n, 12, 1 << 30, INT32_MAX)) {
    // Products of two random bytes spread by about 5400.
    const int middle = -static_cast<int>(std::log2(5400.0 / 60 * std::sqrt(static_cast<double>(terms))));
    const bool fitted = test.least_exponent == kFitted;
    exponent =
        integers(n, 13, fitted ? middle - 1 : test.least_exponent, fitted ? middle + 1 : test.most_exponent);
    if (n > 2) multiplier[2] = exponent[2] = 0;  // a channel whose weights are all zero
    fill_reals();
  }
  void fill_reals() {
    for (size_t i = 0; i < multiplier.size(); ++i) {
      real.push_back(std::ldexp(multiplier[i] + 0.1, exponent[i] - 31));
      scale.push_back(static_cast<float>(real.back()));
    }
  }
  void fill(Int8Source* source) const {
    const bool biased = std::any_of(bias.begin(), bias.end(), [](int32_t b) { return b != 0; });
    source->bias = biased ? bias.data() : nullptr;
    source->multiplier = multiplier.data();
    source->exponent = exponent.data();
    source->scale = scale.data();
    source->real = real.data();
  }
};

/// The definition in int8_args.h. Rounding is spelled out: half up, then half away from zero.
inline int32_t requantized(int64_t sum, const Int8Channels& channels, size_t o, const Int8Numbers& n) {
  sum = static_cast<int32_t>(static_cast<uint32_t>(sum + channels.bias[o]));
  int64_t y = 0;
  if (n.rounding == Int8Rounding::kFixedPoint) {
    const int32_t exponent = channels.exponent[o];
    const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(sum) << (exponent > 0 ? exponent : 0));
    const double high = std::floor(
        std::ldexp(static_cast<double>(static_cast<long double>(shifted) * channels.multiplier[o]), -31) +
        0.5);
    const int64_t exact = (int64_t{shifted} * channels.multiplier[o] + (int64_t{1} << 30)) >> 31;
    // A double holds all but the last bits of the product: it checks the integers, give or take a unit.
    if (std::abs(high - static_cast<double>(exact)) > 1)
      ADD_FAILURE() << "the reference disagrees with itself";
    y = exponent >= 0 ? exact : std::llround(std::ldexp(static_cast<double>(exact), exponent));
  } else if (n.rounding == Int8Rounding::kSums) {
    return static_cast<int32_t>(sum);
  } else if (n.rounding == Int8Rounding::kReal) {
    y = static_cast<int64_t>(std::round(static_cast<double>(static_cast<int32_t>(sum)) * channels.real[o]));
  } else {
    const double product =
        static_cast<double>(static_cast<float>(static_cast<int32_t>(sum)) * channels.scale[o]);
    y = static_cast<int64_t>(std::nearbyint(product));
  }
  y += n.y_zero;
  return static_cast<int32_t>(std::min<int64_t>(std::max<int64_t>(y, n.low), n.high));
}

/// Activations or weights of a case.
inline std::vector<uint8_t> random_bytes(size_t n, uint64_t seed, bool is_signed, bool extremes) {
  const int32_t low = is_signed ? -128 : 0;
  if (!extremes) return bytes_of(integers(n, seed, low, low + 255));
  std::vector<int32_t> ends = integers(n, seed, 0, 9);  // mostly the same end, so that sums are large
  for (int32_t& x : ends) x = x == 0 ? low : low + 255;
  return bytes_of(ends);
}

/// int8 and uint8 in every place, zero points inside and at the ends, both kinds of requantization.
inline std::vector<Int8Case> int8_cases() {
  std::vector<Int8Case> out;
  const auto add = [&](Int8Case test) { out.push_back(test); };
  add({});
  add({.numbers = {.x_zero = -128, .y_zero = -128, .low = -128, .high = 127}});
  add({.numbers = {.x_zero = 127, .y_zero = 127}, .extremes = true});
  add({.numbers = {.x_zero = 3, .y_zero = -5, .low = -20, .high = 33},
       .least_exponent = -3,
       .most_exponent = 4});
  add({.numbers = {.x_zero = -9, .rounding = Int8Rounding::kFloat}});
  add({.numbers = {.x_signed = false,
                   .w_signed = false,
                   .y_signed = false,
                   .x_zero = 128,
                   .w_zero = 131,
                   .y_zero = 120,
                   .low = 0,
                   .high = 255}});
  add({.numbers = {.x_signed = false,
                   .w_signed = false,
                   .y_signed = false,
                   .x_zero = 255,
                   .w_zero = 0,
                   .y_zero = 0,
                   .low = 0,
                   .high = 255},
       .least_exponent = -15,
       .most_exponent = -12,
       .extremes = true});
  add({.numbers = {.x_signed = false,
                   .w_signed = false,
                   .y_signed = false,
                   .w_zero = 255,
                   .y_zero = 255,
                   .low = 100,
                   .high = 200},
       .least_exponent = -12,
       .most_exponent = 0});
  add({.numbers = {.x_signed = false,
                   .w_signed = true,
                   .y_signed = true,
                   .x_zero = 7,
                   .w_zero = -128,
                   .y_zero = 1,
                   .rounding = Int8Rounding::kFloat}});
  add({.numbers = {.w_signed = false,
                   .y_signed = false,
                   .x_zero = 100,
                   .w_zero = 128,
                   .y_zero = 3,
                   .low = 3,
                   .high = 255},
       .bias = INT32_MAX});
  add({.numbers = {.x_zero = -128, .y_zero = -128, .rounding = Int8Rounding::kReal}});
  add({.numbers = {.x_zero = 9, .y_zero = 10, .low = -100, .rounding = Int8Rounding::kReal}});
  add({.numbers = {.x_zero = 1, .w_zero = 5},
       .least_exponent = -31,
       .most_exponent = -25,
       .bias = INT32_MAX});
  // Few steps in reach of a great bias; sums that wrap when they are shifted; one result only.
  add({.numbers = {.x_zero = 1}, .least_exponent = -21, .most_exponent = -18, .bias = 1 << 28});
  add({.numbers = {.x_zero = 1}, .least_exponent = 1, .most_exponent = 4, .bias = INT32_MAX});
  add({.numbers = {.low = 5, .high = 5, .rounding = Int8Rounding::kReal}});
  // More than any proof covers, and more than a sum that is cut.
  add({.numbers = {.x_zero = 1}, .least_exponent = 9, .most_exponent = 12});
  add({.numbers = {.x_zero = 1, .rounding = Int8Rounding::kReal},
       .least_exponent = 1,
       .most_exponent = 9,
       .bias = INT32_MAX});
  add({.numbers = {.x_zero = 1}, .bias = 0});
  // The same with weights whose zero point stays in them.
  add({.numbers = {.x_signed = false,
                   .w_signed = false,
                   .y_signed = false,
                   .x_zero = 3,
                   .w_zero = 200,
                   .low = 0,
                   .high = 255,
                   .rounding = Int8Rounding::kReal},
       .least_exponent = 1,
       .most_exponent = 9,
       .bias = INT32_MAX});
  // Sums as they are, also where they wrap.
  add({.numbers = {.x_zero = -9, .rounding = Int8Rounding::kSums}, .bias = INT32_MAX});
  add({.numbers = {.x_signed = false, .w_zero = -7, .rounding = Int8Rounding::kSums}, .extremes = true});
  add({.numbers = {.x_signed = false,
                   .w_signed = false,
                   .x_zero = 255,
                   .w_zero = 0,
                   .rounding = Int8Rounding::kSums},
       .bias = 0});
  return out;
}

inline std::string text(const Int8Numbers& n) {
  const auto t = [](bool is_signed) { return is_signed ? "int8 " : "uint8 "; };
  return std::string("x ") + t(n.x_signed) + std::to_string(n.x_zero) + " w " + t(n.w_signed) +
         std::to_string(n.w_zero) + " y " + t(n.y_signed) + std::to_string(n.y_zero) + " in " +
         std::to_string(n.low) + ".." + std::to_string(n.high) +
         (n.rounding == Int8Rounding::kFixedPoint ? " fixed"
          : n.rounding == Int8Rounding::kReal     ? " real"
          : n.rounding == Int8Rounding::kSums     ? " sums"
                                                  : " float");
}

/// Sums on both sides of every step of the output, for many multipliers. `run(numbers, channels)` gives the
/// outputs of channels whose sums are their biases.
template <typename Run>
void expect_every_step(const Run& run) {
  const std::vector<int32_t> multipliers = integers(30, 5, 1 << 30, INT32_MAX);
  for (size_t i = 0; i < 80; ++i) {
    const int32_t multiplier = i < multipliers.size() ? multipliers[i] : i % 2 == 0 ? INT32_MAX : 1 << 30;
    const int32_t exponent = 3 - static_cast<int32_t>(i % 35);
    // Results of one sign, or of both.
    Int8Numbers numbers = i % 3 == 0 ? Int8Numbers{.y_zero = -128} : Int8Numbers{.y_zero = 3, .low = -100};
    if (i >= 40) numbers.rounding = Int8Rounding::kReal;
    SCOPED_TRACE(std::to_string(multiplier) + " * 2^" + std::to_string(exponent) + text(numbers));
    Int8Channels channels(0, {}, 1);
    for (int32_t step = -140; step <= 260; ++step)
      for (int32_t near = -2; near <= 2; ++near) {
        const double sum = (step - 0.5) * std::ldexp(1.0, 31 - exponent) / multiplier;
        channels.bias.push_back(static_cast<int32_t>(std::clamp(std::floor(sum), -2.1e9, 2.1e9)) + near);
        channels.multiplier.push_back(multiplier);
        channels.exponent.push_back(exponent);
      }
    channels.fill_reals();
    const std::vector<uint8_t> y = run(numbers, channels);
    ASSERT_EQ(y.size(), channels.bias.size());
    for (size_t o = 0; o < y.size(); ++o)
      ASSERT_EQ(requantized(0, channels, o, numbers), value_of(y[o], true))
          << "of the sum " << channels.bias[o];
  }
}

inline constexpr int32_t kUntouched = -1000;

/// The bytes of outputs, which are int32 if they are sums.
inline std::vector<int32_t> output_bytes_of(const std::vector<int32_t>& outputs, const Int8Numbers& n) {
  if (n.rounding != Int8Rounding::kSums) return outputs;
  std::vector<int32_t> out;
  for (const int32_t y : outputs) {
    uint8_t bytes[sizeof(y)];
    std::memcpy(bytes, &y, sizeof(y));
    for (const uint8_t byte : bytes) out.push_back(y == kUntouched ? kUntouched : byte);
  }
  return out;
}

/// A plan to pack weights with: those for sums do not depend on the activations' zero point.
template <typename Plan>
Plan packing_plan(Plan plan) {
  if (plan.numbers.rounding == Int8Rounding::kSums) plan.numbers.x_zero = plan.numbers.x_signed ? -77 : 77;
  return plan;
}

/// Runs units in uneven pieces from last to first, then as a whole: the same bytes as `want` both times.
/// Bytes where `want` is kUntouched are left alone.
inline void expect_bytes(size_t units, GuardedBuffer<uint8_t>& y, const std::vector<int32_t>& want,
                         const std::function<void(Range)>& run) {
  for (const bool divided : {true, false}) {
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<uint8_t>(~static_cast<uint32_t>(want[i]));
    if (divided)
      for (size_t end = units; end > 0;) {
        const size_t n = std::min<size_t>(end, 1 + end % 3);
        run({end - n, end});
        end -= n;
      }
    else
      run({0, units});
    for (size_t i = 0; i < y.size(); ++i) {
      const auto expected =
          static_cast<uint8_t>(want[i] == kUntouched ? ~static_cast<uint32_t>(kUntouched) : want[i]);
      ASSERT_EQ(int{expected}, int{y[i]}) << "byte " << i << (divided ? " in pieces" : "");
    }
  }
}

}  // namespace pochade
