#include "kernels/int8_prove.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {

#if defined(POCHADE_INT8_PROVED)
namespace {

/// a / b and the rest, which is not negative.
struct Quotient {
  int64_t whole, rest;
  Quotient(int64_t a, int64_t b) : whole(a / b), rest(a % b) {
    if (rest < 0) {
      --whole;
      rest += b;
    }
  }
};

/// Whether the kernel's function reaches `step` at `sums` (already raised by the shift) and not one below.
template <Requant kMode>
bool agrees(const ProvedChannel& channel, const int32_t* sums, const int32_t* steps, size_t n) {
  int32_t memory[Columns::kArrays * kLanes];
  const float values[] = {channel.scale_high, channel.scale_low, channel.offset_up, channel.offset_down};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < 4; ++i)
      __builtin_memcpy(&memory[(i + 1) * kLanes + lane], &values[i], sizeof(float));
    memory[lane] = 0;
    memory[5 * kLanes + lane] = channel.shift;
  }
  const Requantizer<kMode> requantize(Columns{memory});
  const I32 one = broadcast_int(1);
  bool all = true;
  for (size_t i = 0; i < n; i += kLanes) {
    int32_t at[kLanes], below[kLanes];
    store_int(at, requantize(load_int(sums + i)));
    store_int(below, requantize(load_int(sums + i) - one));
    for (size_t lane = 0; lane < kLanes; ++lane)
      all = all && at[lane] >= steps[i + lane] && below[lane] < steps[i + lane];
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

constexpr size_t kMostSteps = 256;

/// The least sum that reaches each step of the output, raised by the channel's shift.
struct Steps {
  int32_t sums[kMostSteps], steps[kMostSteps];
  size_t n = 0;

  /// False: beyond what a sum may be.
  bool add(int64_t sum, int32_t step) {
    if (sum > INT32_MAX / 2 || sum < INT32_MIN / 2 || n == kMostSteps) return false;
    sums[n] = static_cast<int32_t>(sum);
    steps[n++] = step;
    return true;
  }
  /// Moves the offsets until the kernel's function has these steps.
  bool settle(Requant mode, ProvedChannel* channel) {
    if (n == 0) return true;
    for (; n % kLanes != 0; ++n) {  // to fill a vector
      sums[n] = sums[n - 1];
      steps[n] = steps[n - 1];
    }
    // A rounded offset can miss a sum that lies within its error; the next float does not.
    const ProvedChannel first = *channel;
    constexpr int32_t kNudges[] = {0, 1, -1, 2, -2};
    for (const int32_t up : kNudges) {
      channel->offset_up = nudged(first.offset_up, up);
      if (mode == Requant::kProvedUp) {
        if (agrees<Requant::kProvedUp>(*channel, sums, steps, n)) return true;
        continue;
      }
      for (const int32_t down : kNudges) {
        channel->offset_down = nudged(first.offset_down, down);
        if (agrees<Requant::kProved>(*channel, sums, steps, n)) return true;
      }
    }
    return false;
  }
};

}  // namespace

bool prove(int32_t multiplier, int32_t right, int32_t low, int32_t high, Requant mode,
           ProvedChannel* channel) {
  if (right < 1 || right > 20) return false;
  const int64_t m = multiplier, one = int64_t{1} << (31 + right), half = one / 2, rounding = int64_t{1} << 30;
  const int64_t shift = (half + m / 2) / m;
  const double unit = 1 / static_cast<double>(one);  // a power of two
  channel->shift = static_cast<int32_t>(shift);
  channel->scale_high = static_cast<float>(static_cast<double>(m) * unit);
  channel->scale_low =
      static_cast<float>(static_cast<double>(m) * unit - static_cast<double>(channel->scale_high));
  channel->offset_up = static_cast<float>(static_cast<double>(half - shift * m + rounding) * unit);
  channel->offset_down = static_cast<float>(static_cast<double>(half - shift * m - rounding) * unit);

  Steps steps;
  const Quotient between(one, m);
  Quotient at(0, m);
  for (int64_t q = int64_t{low} + 1; q <= high; ++q) {
    if (steps.n == 0 || q == 1) {
      at = Quotient(q * one - half - (q > 0 ? rounding : -rounding), m);
    } else {  // the next multiple, without a division
      at.whole += between.whole;
      at.rest += between.rest;
      if (at.rest >= m) {
        at.rest -= m;
        ++at.whole;
      }
    }
    if (!steps.add(at.whole + (at.rest > 0 ? 1 : 0) + shift, static_cast<int32_t>(q))) return false;
  }
  return steps.settle(mode, channel);
}

bool prove_real(double multiplier, int32_t low, int32_t high, Requant mode, ProvedChannel* channel) {
  if (!(multiplier > 1e-6 && multiplier < 0.5)) return false;
  const auto shift = static_cast<int64_t>(0.5 / multiplier + 0.5);
  channel->shift = static_cast<int32_t>(shift);
  channel->scale_high = static_cast<float>(multiplier);
  channel->scale_low = static_cast<float>(multiplier - static_cast<double>(channel->scale_high));
  channel->offset_up = channel->offset_down =
      static_cast<float>(0.5 - static_cast<double>(shift) * multiplier);
  Steps steps;
  for (int32_t q = low + 1; q <= high; ++q) {
    auto sum = static_cast<int32_t>((q - 0.5) / multiplier);
    while (round_product(sum, multiplier) >= q) --sum;
    while (round_product(sum, multiplier) < q) ++sum;
    if (!steps.add(sum + shift, q)) return false;
  }
  return steps.settle(mode, channel);
}
#else
bool prove(int32_t, int32_t, int32_t, int32_t, Requant, ProvedChannel*) {
  return false;
}
bool prove_real(double, int32_t, int32_t, Requant, ProvedChannel*) {
  return false;
}
#endif

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
