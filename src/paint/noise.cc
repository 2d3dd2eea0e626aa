#include "paint/noise.h"

#include <array>
#include <bit>
#include <cmath>

namespace pochade {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15u;

// Only +, -, *, / and sqrt of doubles follow: IEEE 754 fixes every bit of them (and nothing is contracted to
// FMA, see -ffp-contract=off), while log and cos of C libraries differ in the last place.

/// c[0] + c[1] x + ... + c[n-1] x^(n-1), from the last down.
template <size_t n>
double polynomial(const std::array<double, n>& c, double x) {
  double sum = c[n - 1];
  for (size_t k = n - 1; k-- > 0;) sum = sum * x + c[k];
  return sum;
}

/// ln(x) of a normal x > 0, by ln m = 2 atanh(s), s = (m - 1) / (m + 1), on m in [0.7, 1.42): error below
/// 1e-13.
double natural_log(double x) {
  constexpr std::array<double, 9> kAtanh = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7, 1.0 / 9,
                                            1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17};
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);
  return 2.0 * s * polynomial(kAtanh, s * s) + exponent * 0.6931471805599453;
}

// Taylor series on [0, pi/4]: error below 1e-12.
double small_cosine(double x) {
  constexpr std::array<double, 7> kCosine = {1.0,         -1.0 / 2,         1.0 / 24,         -1.0 / 720,
                                             1.0 / 40320, -1.0 / 3628800.0, 1.0 / 479001600.0};
  return polynomial(kCosine, x * x);
}
double small_sine(double x) {
  constexpr std::array<double, 7> kSine = {1.0,          -1.0 / 6,          1.0 / 120,         -1.0 / 5040,
                                           1.0 / 362880, -1.0 / 39916800.0, 1.0 / 6227020800.0};
  return x * polynomial(kSine, x * x);
}

/// cos(2 pi t) or sin(2 pi t) for t = turn / 2^32, by octants, so that the argument is reduced exactly.
double of_turn(uint32_t turn, bool sine) {
  if (sine) turn -= 0x40000000u;              // sin(a) = cos(a - pi/2)
  if (turn >= 0x80000000u) turn = 0u - turn;  // cos is even
  const bool negative = turn > 0x40000000u;
  if (negative) turn = 0x80000000u - turn;  // cos(pi - a) = -cos(a)
  constexpr double kRadians = 6.283185307179586 / 4294967296.0;
  const double value =
      turn <= 0x20000000u ? small_cosine(turn * kRadians) : small_sine((0x40000000u - turn) * kRadians);
  return negative ? -value : value;
}

/// Box and Muller (1958): two normal values of two uniform ones.
std::array<float, 2> gaussian_pair(uint64_t key) {
  const uint64_t random = mix(key + kGoldenGamma);
  const double uniform = (static_cast<double>(mix(random + kGoldenGamma) >> 11) + 1.0) * 0x1p-53;  // (0, 1]
  const double radius = std::sqrt(-2.0 * natural_log(uniform));
  const auto turn = static_cast<uint32_t>(random >> 32);
  return {static_cast<float>(radius * of_turn(turn, false)),
          static_cast<float>(radius * of_turn(turn, true))};
}

}  // namespace

std::array<float, 3> gaussian_noise(uint64_t seed, int64_t x, int64_t y) {
  const uint64_t position = (static_cast<uint64_t>(y) << 32) ^ static_cast<uint64_t>(x);
  const uint64_t place = position * kGoldenGamma;
  const auto first = gaussian_pair(mix(mix(seed * kGoldenGamma) + place));
  const auto second = gaussian_pair(mix(mix(seed * kGoldenGamma + 1) + place));
  return {first[0], first[1], second[0]};
}

}  // namespace pochade
