// 16-bit activations, and the gates of an integer LSTM.

#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kPiece = 256;  // products of 16 and 8 bits whose sum stays within 31

POCHADE_INLINE int16_t finish(int64_t sum, size_t channel, const QuantizedWideChannels& c) {
  sum += c.bias[channel];
  if (c.fraction == nullptr)
    return static_cast<int16_t>(
        clamp_int(round_away_double(static_cast<double>(sum) * c.real[channel]), c.low, c.high));
  const int32_t shift = c.shift[channel];
  const int64_t rounded = (sum * c.fraction[channel] + (int64_t{1} << (shift - 1))) >> shift;
  return static_cast<int16_t>(clamp_int(static_cast<int32_t>(static_cast<uint32_t>(rounded)), c.low, c.high));
}

constexpr size_t kColumns = 4;  // that share what is read of x

/// sums[i] = x . w[i,:]
POCHADE_INLINE void dot_columns(const int16_t* x, const int16_t* w, size_t k, int64_t (&sums)[kColumns]) {
  for (int64_t& sum : sums) sum = 0;
  for (size_t at = 0; at < k; at += kPiece) {
    const size_t n = min_size(kPiece, k - at);
    const int16_t *from = x + at, *w0 = w + at, *w1 = w0 + k, *w2 = w1 + k, *w3 = w2 + k;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (size_t i = 0; i < n; ++i) {
      s0 += from[i] * w0[i];
      s1 += from[i] * w1[i];
      s2 += from[i] * w2[i];
      s3 += from[i] * w3[i];
    }
    sums[0] += s0;
    sums[1] += s1;
    sums[2] += s2;
    sums[3] += s3;
  }
}

// The 16-bit polynomials of ops/quant/fixed_point16.cc without branches, so that they become vectors.
// ------------------------------------------------------------------------------------------------------

POCHADE_INLINE int32_t saturate(int32_t x) {
  return clamp_int(x, -32768, 32767);
}
POCHADE_INLINE int32_t times(int32_t a, int32_t b) {
  return saturate((a * b + (1 << 14)) >> 15);
}
template <int kBits>
POCHADE_INLINE int32_t shift_rounding(int32_t x) {
  return (x + (1 << (kBits - 1)) + (x >> 31)) >> kBits;
}

POCHADE_INLINE int32_t exp_of_negative(int32_t x, int32_t integer_bits) {
  const int32_t fraction_bits = 15 - integer_bits, quarter = 1 << (fraction_bits - 2);
  const int32_t rest = (x & (quarter - 1)) - quarter;
  constexpr int32_t kExpOfMinusEighth = 28918, kThird = 10923;
  const int32_t d = (rest << integer_bits) + (1 << 12);
  const int32_t d2 = times(d, d), d3 = times(d2, d), d4 = times(d2, d2);
  const int32_t tail = shift_rounding<1>(times(shift_rounding<2>(d4) + d3, kThird) + d2);
  int32_t result = saturate(kExpOfMinusEighth + times(kExpOfMinusEighth, d + tail));
  const int32_t whole = rest - x;
  const auto factor = [&](int32_t bit, int32_t by) __attribute__((always_inline)) {
    const int32_t product = times(result, by);
    result = ((whole >> (fraction_bits + bit)) & 1) != 0 ? product : result;
  };
  factor(-2, 25520);
  factor(-1, 19875);
  factor(0, 12055);
  factor(1, 4435);
  factor(2, 600);
  factor(3, 11);
  factor(4, 0);
  result = x < -(32 << fraction_bits) ? 0 : result;  // far below what 16 bits hold for up to 5 integer bits
  return x == 0 ? 32767 : result;
}

POCHADE_INLINE int32_t twice_over_one_plus(int32_t x) {
  constexpr int32_t k48Over17 = 23130, kMinus32Over17 = -15420, kOne = 1 << 13;
  const int32_t half_denominator = (x + 32767 + 1) >> 1;
  int32_t y = k48Over17 + times(half_denominator, kMinus32Over17);
  for (int i = 0; i < 3; ++i) y += saturate(times(y, kOne - times(half_denominator, y)) * 4);
  return y;
}

}  // namespace

void quantized_wide_dense(const QuantizedWideDenseArgs& args, Range rows) {
  for (size_t row = rows.begin; row < rows.end; ++row) {
    const int16_t* x = args.x + row * args.k;
    int16_t* y = args.y + row * args.y_row;
    size_t n = 0;
    for (; n + kColumns <= args.n; n += kColumns) {
      int64_t sums[kColumns];
      dot_columns(x, args.w + n * args.k, args.k, sums);
      for (size_t i = 0; i < kColumns; ++i) y[n + i] = finish(sums[i], n + i, args.channels);
    }
    for (; n < args.n; ++n) {
      int64_t sum = 0;
      for (size_t at = 0; at < args.k; at += kPiece)
        sum += static_cast<int32_t>(
            dot_product(x + at, args.w + n * args.k + at, min_size(kPiece, args.k - at)));
      y[n] = finish(sum, n, args.channels);
    }
  }
}

void quantized_wide_taps(const QuantizedWideTapsArgs& args) {
  constexpr size_t kChannels = 64;
  for (size_t begin = 0; begin < args.n; begin += kChannels) {
    const size_t n = min_size(kChannels, args.n - begin);
    int32_t sums[kChannels] = {};
    for (size_t tap = 0; tap < args.taps; ++tap) {
      const int16_t *x = args.x[tap] + begin, *w = args.w[tap] + begin;
      for (size_t c = 0; c < n; ++c) sums[c] += x[c] * w[c];
    }
    for (size_t c = 0; c < n; ++c) args.y[begin + c] = finish(sums[c], begin + c, args.channels);
  }
}

int64_t quantized_dot_16(const int16_t* a, const int16_t* b, size_t n) {
  constexpr size_t kProducts = 32768;  // whose upper and lower halves add up within 31 bits
  int64_t sum = 0;
  for (size_t at = 0; at < n; at += kProducts) {
    const size_t end = min_size(n, at + kProducts);
    int32_t upper = 0, lower = 0;
    for (size_t i = at; i < end; ++i) {
      const int32_t product = a[i] * b[i];
      upper += product >> 15;
      lower += product & 0x7FFF;
    }
    sum += int64_t{upper} * 32768 + lower;
  }
  return sum;
}

void quantized_gate_sums(const QuantizedGateArgs& args) {
  for (size_t row = 0; row < args.n; ++row) {
    const uint32_t sum =
        static_cast<uint32_t>(args.bias[row]) + dot_product(args.w + row * args.k, args.x, args.k);
    const int64_t scaled = scale_shifted(static_cast<int32_t>(sum), args.left, args.scale);
    const int64_t all = scaled + (args.starts ? 0 : args.y[row]);
    args.y[row] = static_cast<int16_t>(all < -32768 ? -32768 : all > 32767 ? 32767 : all);
  }
}

void quantized_gate_sigmoid(int16_t* values, size_t n) {
  POCHADE_INDEPENDENT
  for (size_t i = 0; i < n; ++i) {
    const int32_t x = values[i];
    const int32_t positive = saturate(twice_over_one_plus(exp_of_negative(x > 0 ? -x : x, 3)) * 2);
    const int32_t result = x > 0 ? positive : 32767 - positive;
    values[i] = static_cast<int16_t>(x == 0 ? 1 << 14 : result);
  }
}

void quantized_gate_tanh(int16_t* values, size_t n, int32_t integer_bits) {
  POCHADE_INDEPENDENT
  for (size_t i = 0; i < n; ++i) {
    const int32_t x = values[i];
    const int32_t exponential = exp_of_negative(x > 0 ? -x : x, integer_bits + 1);
    const int32_t positive = saturate((twice_over_one_plus(exponential) - (1 << 13)) * 4);
    const int32_t result = x > 0 ? positive : -positive;
    values[i] = static_cast<int16_t>(x == 0 ? 0 : result);
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
