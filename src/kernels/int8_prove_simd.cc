#include "kernels/int8_prove.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

#if defined(POCHADE_INT8_PROVED)
namespace {

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

constexpr size_t kMostChecks = 256;

/// Sums (already raised by the shift) and results that they are compared with.
struct Checks {
  int32_t sums[kMostChecks], results[kMostChecks];
  size_t n = 0;

  void add(int64_t sum, int64_t result) {
    sums[n] = static_cast<int32_t>(sum);
    results[n++] = static_cast<int32_t>(result);
  }
  /// To whole vectors.
  void fill() {
    for (; n % kLanes != 0; ++n) {
      sums[n] = sums[n - 1];
      results[n] = results[n - 1];
    }
  }
};
static_assert(kMostChecks % kLanes == 0);

/// Whether the kernel's function is at least (`most`: less than) each result.
template <Requant kMode>
bool agrees(const ProvedChannel& channel, const Checks& checks, bool most) {
  int32_t memory[Columns::kArrays * kLanes];
  const float values[] = {channel.scale_high, channel.scale_low, channel.offset_up, channel.offset_down};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < 4; ++i)
      __builtin_memcpy(&memory[(i + 1) * kLanes + lane], &values[i], sizeof(float));
    memory[lane] = 0;
    memory[5 * kLanes + lane] = channel.shift;
  }
  const Requantizer<kMode> requantize(Columns{memory});
  bool all = true;
  for (size_t i = 0; i < checks.n; i += kLanes) {
    int32_t results[kLanes];
    store_int(results, requantize(load_int(checks.sums + i)));
    for (size_t lane = 0; lane < kLanes; ++lane)
      all = all && (results[lane] < checks.results[i + lane]) == most;
  }
  return all;
}

/// `x` moved by `ulps` units of its last place.
float nudged(float x, int32_t ulps) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  bits += ulps;
  __builtin_memcpy(&x, &bits, sizeof(bits));
  return x;
}

/// What has to hold for a channel: results that are reached at some sums, and not yet at others.
struct Proof {
  Checks reached, below;

  void add_step(int64_t sum, int64_t result) {
    reached.add(sum, result);
    below.add(sum - 1, result);
  }
  template <Requant kMode>
  bool holds(const ProvedChannel& channel) const {
    return agrees<kMode>(channel, reached, false) && agrees<kMode>(channel, below, true);
  }
  /// Moves the offsets until it holds.
  bool settle(Requant mode, ProvedChannel* channel) {
    reached.fill();
    below.fill();
    // A rounded offset can miss a sum that lies within its error; the next float does not.
    const ProvedChannel first = *channel;
    constexpr int32_t kNudges[] = {0, 1, -1, 2, -2};
    for (const int32_t up : kNudges) {
      channel->offset_up = nudged(first.offset_up, up);
      if (mode == Requant::kProvedUp) {
        if (holds<Requant::kProvedUp>(*channel)) return true;
        continue;
      }
      for (const int32_t down : kNudges) {
        channel->offset_down = nudged(first.offset_down, down);
        if (holds<Requant::kProved>(*channel)) return true;
      }
    }
    return false;
  }
};

/// The fixed-point arithmetic of a channel in whole numbers, which 64 bits hold: q(s) = floor((s m + half +-
/// rounding) / one).
struct FixedPointSteps {
  int64_t m, one, half, rounding;

  FixedPointSteps(int32_t multiplier, int32_t right)
      : m(multiplier),
        one(int64_t{1} << (31 + right)),
        half(one / 2),
        rounding(right > 0 ? int64_t{1} << 30 : 0) {}
  int64_t result(int64_t sum) const {
    return floor_divide(sum * m + half + (sum >= 0 ? rounding : -rounding), one);
  }
  /// The least sum that gives `result` or more.
  int64_t least(int64_t result) const {
    return -floor_divide(half + (result > 0 ? rounding : -rounding) - result * one, m);
  }
  ProvedChannel channel(int64_t shift) const {
    const double unit = 1 / static_cast<double>(one);  // a power of two
    const double scale = static_cast<double>(m) * unit;
    ProvedChannel c;
    c.shift = static_cast<int32_t>(shift);
    c.scale_high = static_cast<float>(scale);
    c.scale_low = static_cast<float>(scale - static_cast<double>(c.scale_high));
    c.offset_up = static_cast<float>(static_cast<double>(half - shift * m + rounding) * unit);
    c.offset_down = static_cast<float>(static_cast<double>(half - shift * m - rounding) * unit);
    return c;
  }
};

bool fits_int32(int64_t value) {
  return value > INT32_MIN && value < INT32_MAX;
}

int64_t clamp_to(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

}  // namespace

bool prove(int32_t multiplier, int32_t right, int32_t low, int32_t high, Requant mode, Reach reach,
           ProvedChannel* channel) {
  if (right < -8 || right > 31 || !fits_int32(reach.low) || !fits_int32(reach.high)) return false;
  const int32_t left = right < 0 ? -right : 0;  // the arithmetic wraps where a shifted sum does not fit
  if (!fits_int32(reach.low * (1 << left)) || !fits_int32(reach.high * (1 << left))) return false;
  const FixedPointSteps fixed(multiplier, right);
  const int64_t first = clamp_to(fixed.result(reach.low), low, high);
  const int64_t last = clamp_to(fixed.result(reach.high), low, high);
  if (first == last) {
    const float middle = static_cast<float>(first) + 0.5f;
    *channel = {0, 0, 0, middle, middle};
    return true;
  }
  const int64_t shifts[] = {(fixed.half + fixed.m / 2) / fixed.m,
                            -fixed.least(first + (last - first + 1) / 2)};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t shift = shifts[i];
    if (!fits_int32(reach.low + shift) || !fits_int32(reach.high + shift)) continue;
    Proof proof;
    if (first > low) proof.reached.add(reach.low + shift, first);
    if (last < high) proof.below.add(reach.high + shift, last + 1);
    for (int64_t q = first + 1; q <= last; ++q) proof.add_step(fixed.least(q) + shift, q);
    *channel = fixed.channel(shift);
    if (i == 1) channel->scale_low = 0;  // beside a great offset it could make the function decrease
    if (proof.settle(mode, channel)) return true;
  }
  return false;
}

bool prove_real(double multiplier, int32_t low, int32_t high, Requant mode, ProvedChannel* channel) {
  if (!(multiplier > 1e-6 && multiplier < 0.5)) return false;
  const auto shift = static_cast<int64_t>(0.5 / multiplier + 0.5);
  channel->shift = static_cast<int32_t>(shift);
  channel->scale_high = static_cast<float>(multiplier);
  channel->scale_low = static_cast<float>(multiplier - static_cast<double>(channel->scale_high));
  channel->offset_up = channel->offset_down =
      static_cast<float>(0.5 - static_cast<double>(shift) * multiplier);
  if (low == high) return true;
  Proof proof;
  for (int32_t q = low + 1; q <= high; ++q) {
    auto sum = static_cast<int32_t>((q - 0.5) / multiplier);
    while (round_product(sum, multiplier) >= q) --sum;
    while (round_product(sum, multiplier) < q) ++sum;
    proof.add_step(sum + shift, q);
  }
  return proof.settle(mode, channel);
}
#else
bool prove(int32_t, int32_t, int32_t, int32_t, Requant, Reach, ProvedChannel*) {
  return false;
}
bool prove_real(double, int32_t, int32_t, Requant, ProvedChannel*) {
  return false;
}
#endif

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
