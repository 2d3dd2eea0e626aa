// Packs the weights of 8-bit convolutions: for each group of channels the columns (bias and what
// requantizes), then panels [vector][segment][group of k][lane][value].

#include "kernels/int8_prove.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

struct Weights {
  const Int8Numbers& numbers;
  const void* data;
  const Int8Source& source;

  int32_t at(size_t o, size_t r, size_t s, size_t c) const {
    return weight_at(
        numbers, data,
        static_cast<ptrdiff_t>(o) * source.o_stride + static_cast<ptrdiff_t>(r) * source.r_stride +
            static_cast<ptrdiff_t>(s) * source.s_stride + static_cast<ptrdiff_t>(c) * source.c_stride);
  }
};

/// The whole of one column, as w - subtract.
template <typename Each>
void for_each_value(const Int8ConvPlan& p, const Weights& w, size_t o, Each each) {
  const size_t taps = p.by_tap ? 1 : p.shape.kernel_w;
  for (size_t segment = 0; segment < p.segments; ++segment) {
    const size_t r = p.by_tap ? segment / p.shape.kernel_w : segment;
    const size_t first = p.by_tap ? segment % p.shape.kernel_w : 0;
    size_t k = 0;
    for (size_t tap = 0; tap < taps; ++tap)
      for (size_t c = 0; c < p.group_in; ++c, ++k) each(segment, k, w.at(o, r, first + tap, c));
  }
}

/// Whether w - w_zero of all weights fits into 8 bits.
bool fits_without_zero(const Int8ConvPlan& p, const Weights& w) {
  bool fits = true;
  for (size_t o = 0; o < p.shape.out_channels; ++o)
    for_each_value(p, w, o, [&](size_t, size_t, int32_t value) {
      const int32_t real = value - p.numbers.w_zero;
      fits = fits && real >= -128 && real <= 127;
    });
  return fits;
}

/// The columns of the multiplier as it is given. Returns the exponent, if there is one.
int32_t pack_multiplier(const Int8Numbers& numbers, const Int8Source& source, size_t o,
                        const Columns& columns, size_t at) {
  int32_t* to = columns.channel(at);
  if (numbers.rounding == Int8Rounding::kFloat) {
    __builtin_memcpy(to + kLanes, source.scale + o, sizeof(float));
    return 0;
  }
  if (numbers.rounding == Int8Rounding::kReal) {
    uint64_t bits;
    __builtin_memcpy(&bits, source.real + o, sizeof(bits));
    to[kLanes] = static_cast<int32_t>(static_cast<uint32_t>(bits));
    to[2 * kLanes] = static_cast<int32_t>(static_cast<uint32_t>(bits >> 32));
    return 0;
  }
  const int32_t exponent = source.multiplier[o] == 0 ? -1 : source.exponent[o];
  to[kLanes] = source.multiplier[o];
  to[2 * kLanes] = exponent < 0 ? -exponent : 0;
  to[3 * kLanes] = exponent > 0 ? exponent : 0;
  return exponent;
}

/// Puts value k of a segment into its place for `lane`.
void put(char* panel, size_t segment_groups, size_t segment, size_t k, size_t lane, int32_t value) {
  const size_t group = segment * segment_groups + k / kGroupValues, within = k % kGroupValues;
#if defined(POCHADE_INT8_PAIRS_APART)
  const size_t index = group * kLanes * kGroupValues + within * kLanes + lane;
#else
  size_t index = (group * kLanes + lane) * kGroupValues + within;
#endif
#if defined(POCHADE_INT8_ROW_PAIRS)
  const size_t of_segment = k / kGroupValues;
  if (of_segment < segment_groups / 4 * 4)
    index = (group - of_segment % 2) * kLanes * kGroupValues + lane * 2 * kGroupValues +
            of_segment % 2 * kGroupValues + within;
#endif
  if (kElementBytes == 1)
    reinterpret_cast<int8_t*>(panel)[index] = static_cast<int8_t>(value);  // by ISA
  else
    reinterpret_cast<int16_t*>(panel)[index] = static_cast<int16_t>(value);  // by ISA
}

}  // namespace

Requant pack_column(const Int8Numbers& numbers, const Int8Source& source, size_t o, const ChannelSums& sums,
                    int32_t x_zero, const Columns& columns, size_t at) {
  int32_t* to = columns.channel(at);
  const int32_t bias = source.bias == nullptr ? 0 : source.bias[o];
  if (numbers.rounding == Int8Rounding::kSums) {
    to[0] = bias;
    to[kLanes] = static_cast<int32_t>(sums.weights);
    return Requant::kSums;
  }
  to[0] = static_cast<int32_t>(static_cast<uint32_t>(bias) -
                               static_cast<uint32_t>(x_zero * sums.weights));  // modulo 2^32
  const int32_t exponent = pack_multiplier(numbers, source, o, columns, at);
  if (numbers.rounding == Int8Rounding::kFloat) return Requant::kFloat;
  if (numbers.rounding == Int8Rounding::kReal) return Requant::kReal;
  to[4 * kLanes] = static_cast<int32_t>(sums.magnitude < INT32_MAX ? sums.magnitude : INT32_MAX);
  const int64_t most = sums.magnitude + (bias < 0 ? -static_cast<int64_t>(bias) : bias);
  const bool simple = exponent <= -1 && exponent >= -30 && most < int64_t{1} << 30;
  return simple ? Requant::kFixed : Requant::kFixedWide;
}

void put_channel(const ProvedChannel& channel, int32_t* to) {
  to[0] = static_cast<int32_t>(static_cast<uint32_t>(to[0]) + static_cast<uint32_t>(channel.shift));
  const float values[] = {channel.scale_high, channel.scale_low, channel.offset_up, channel.offset_down};
  for (size_t i = 0; i < 4; ++i) __builtin_memcpy(to + (i + 1) * kLanes, &values[i], sizeof(float));
  to[5 * kLanes] = channel.shift;
}

bool prove_column(const Int8Numbers& numbers, const Int8Source& source, size_t o, Requant mode,
                  const Columns& columns, size_t at) {
  ProvedChannel channel = {0, 0, 0, 0, 0};  // of a multiplier of 0
  int32_t* to = columns.channel(at);
  const int32_t low = numbers.low - numbers.y_zero, high = numbers.high - numbers.y_zero;
  if (numbers.rounding == Int8Rounding::kReal) {
    if (source.real[o] != 0 && !prove_real(source.real[o], low, high, mode, &channel)) return false;
  } else if (source.multiplier[o] != 0) {
    const int64_t bias = source.bias == nullptr ? 0 : source.bias[o], magnitude = to[4 * kLanes];
    if (!prove(source.multiplier[o], -source.exponent[o], low, high, mode,
               {bias - magnitude, bias + magnitude}, &channel))
      return false;
  }
  put_channel(channel, to);  // by ISA
  return true;
}

void unprove_column(const Int8Numbers& numbers, const Int8Source& source, size_t o, const Columns& columns,
                    size_t at) {
  int32_t* to = columns.channel(at);
  to[0] = static_cast<int32_t>(static_cast<uint32_t>(to[0]) - static_cast<uint32_t>(to[5 * kLanes]));
  pack_multiplier(numbers, source, o, columns, at);
}

void int8_conv_pack(const Int8ConvPlan& p, const Int8Source& source, void* packed) {
  __builtin_memset(packed, 0, p.packed_bytes);
  const Weights w = {p.numbers, source.data, source};
  const bool quads = kElementBytes == 1;
  const int32_t offset = p.numbers.w_signed ? 0 : 128;                                      // to signed bytes
  const bool keeps_zero = quads && p.numbers.w_zero != offset && !fits_without_zero(p, w);  // by ISA
  const int32_t subtract = keeps_zero ? offset : p.numbers.w_zero;                          // by ISA
  // Rows of pairs are copied without their zero point.
  const int32_t x_zero = quads ? p.numbers.x_zero + activation_shift(p.numbers) : 0;  // not reached: constant

  Requant mode = Requant::kProvedUp;  // what every other one is worse than
  const size_t segment_groups = ceil_div(p.segment, kGroupValues);
  const auto group_of = [&](size_t o) {
    return static_cast<char*>(packed) + sizeof(Int8Header) + o / p.group_out * p.group_packed_bytes;
  };
  const auto columns_of = [&](size_t o) { return Columns{reinterpret_cast<const int32_t*>(group_of(o))}; };
  for (size_t o = 0; o < p.shape.out_channels; ++o) {
    const size_t within = o % p.group_out;
    const Columns columns = columns_of(o);
    char* panel = group_of(o) + p.vectors * Columns::kVectorInts * sizeof(int32_t) +
                  within / kLanes * p.k_bytes * kLanes;
    ChannelSums sums = {0, 0};
    for_each_value(p, w, o, [&](size_t segment, size_t k, int32_t value) {
      const int32_t real = value - p.numbers.w_zero;
      sums.weights += real;
      sums.magnitude += 255 * (real < 0 ? -real : real);
      put(panel, segment_groups, segment, k, within % kLanes, value - subtract);
    });
    mode = worse(mode, pack_column(p.numbers, source, o, sums, x_zero, columns, within));
  }
  mode = prove_all(p.numbers, source, p.shape.out_channels, mode,
                   [&](size_t o) { return Place{columns_of(o), o % p.group_out, o}; });
  Int8Header header;
  header.mode = mode;
  header.row_factor = keeps_zero ? offset - p.numbers.w_zero : 0;  // by ISA
  __builtin_memcpy(packed, &header, sizeof(header));
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
