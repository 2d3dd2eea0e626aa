#include "paint/noise.h"

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

/// ln(x) of a normal x > 0, by ln m = 2 atanh((m - 1) / (m + 1)) on m in [0.7, 1.41).
double natural_log(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double sum = 0.0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
  return 2.0 * s * sum + exponent * 0.6931471805599453;
}

/// Taylor series of cosine (first = 0) or sine (first = 1) on [0, pi/4].
double series(double x, int first) {
  const double x2 = x * x;
  double term = first == 0 ? 1.0 : x;
  double sum = term;
  for (int k = first + 2; k < first + 18; k += 2) {
    term = -term * x2 / (k * (k - 1));
    sum += term;
  }
  return sum;
}

/// cos(2 pi t) or sin(2 pi t) for t = turn / 2^32, by octants, so that the argument is reduced exactly.
double of_turn(uint32_t turn, bool sine) {
  if (sine) turn -= 0x40000000u;              // sin(a) = cos(a - pi/2)
  if (turn >= 0x80000000u) turn = 0u - turn;  // cos is even
  const bool negative = turn > 0x40000000u;
  if (negative) turn = 0x80000000u - turn;  // cos(pi - a) = -cos(a)
  constexpr double kRadians = 6.283185307179586 / 4294967296.0;
  const double value =
      turn <= 0x20000000u ? series(turn * kRadians, 0) : series((0x40000000u - turn) * kRadians, 1);
  return negative ? -value : value;
}

}  // namespace

float gaussian_noise(uint64_t seed, int64_t x, int64_t y, int channel) {
  // Box and Muller (1958) make two values of two uniform ones: channels 0,1 and 2,3 are such pairs.
  const uint64_t position = (static_cast<uint64_t>(y) << 32) ^ static_cast<uint64_t>(x);
  const uint64_t pair = static_cast<uint64_t>(channel) / 2;
  const uint64_t key = mix(mix(seed * kGoldenGamma + pair) + position * kGoldenGamma);
  const uint64_t random = mix(key + kGoldenGamma);
  const double uniform = (static_cast<double>(mix(random + kGoldenGamma) >> 11) + 1.0) * 0x1p-53;  // (0, 1]
  const double radius = std::sqrt(-2.0 * natural_log(uniform));
  return static_cast<float>(radius * of_turn(static_cast<uint32_t>(random >> 32), channel % 2 != 0));
}

}  // namespace pochade
