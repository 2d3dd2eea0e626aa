// 8-bit depthwise convolution. For each output pixel the taps of its window are a list of pointers (those in
// the padding point at a pixel of zero points), and each block of channels multiplies them a few at a time.

#include "kernels/int8.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr bool kBlockQuads = kBlockTaps == 4;
constexpr size_t kBlockElementBytes = kBlockQuads ? 1 : 2;
constexpr size_t kBlock = kBlockVectors * kLanes;
constexpr size_t kColumnBytes = kBlockVectors * Columns::kVectorInts * sizeof(int32_t);
constexpr size_t kMostTapsInGroup = 4;

constexpr size_t kMostPixels = 8;

/// Neighbouring pixels whose channels fill blocks without a rest: where the stride is 1, their windows lie in
/// memory like that of one pixel of so many more channels.
size_t pixels_at_once(size_t channels) {
  for (size_t pixels = 1; pixels <= kMostPixels; ++pixels)
    if (pixels * channels % kBlock == 0) return pixels;
  return 1;  // by ISA
}

constexpr size_t kSortedPart = 8;   // bytes that sorted pixels are whole numbers of
constexpr size_t kMostSorted = 96;  // with more channels copying takes what it saves

/// Whether even columns are copied to stand before odd ones: then windows at a stride of 2 follow each other.
/// Only for blocks that are wide.
bool sorts_columns(const DepthwiseShape& s) {
  return kBlockQuads && s.stride_w == 2 && s.multiplier == 1 &&                                     // by ISA
         s.channels <= kMostSorted && s.channels % kBlock != 0 && s.channels % kSortedPart == 0 &&  // by ISA
         pixels_at_once(s.channels) > 1;                                                            // by ISA
}

/// Every other pixel of kParts parts.
template <size_t kParts>
void copy_alternate(const uint8_t* from, uint8_t* to, size_t n) {
  constexpr size_t kBytes = kParts * kSortedPart;
  for (size_t i = 0; i < n; ++i) __builtin_memcpy(to + i * kBytes, from + 2 * i * kBytes, kBytes);
}
using CopyAlternate = void (*)(const uint8_t* from, uint8_t* to, size_t n);
constexpr CopyAlternate kCopyAlternate[] = {copy_alternate<1>,  copy_alternate<2>,  copy_alternate<3>,
                                            copy_alternate<4>,  copy_alternate<5>,  copy_alternate<6>,
                                            copy_alternate<7>,  copy_alternate<8>,  copy_alternate<9>,
                                            copy_alternate<10>, copy_alternate<11>, copy_alternate<12>};
static_assert(sizeof(kCopyAlternate) / sizeof(*kCopyAlternate) * kSortedPart == kMostSorted);

struct Scratch {
  size_t pointers;  ///< one a tap
  size_t padding;   ///< as many pixels as are computed at once
  size_t rows;      ///< kernel_h rows of the input, rearranged; only where they are
  size_t bytes;
};
Scratch scratch_of(const Int8DepthwisePlan& p) {
  Scratch s;
  s.pointers = 0;
  s.padding = round_up((p.taps + p.row_slots + kMostTapsInGroup) * sizeof(const uint8_t*), 64);
  s.rows = s.padding + round_up(p.pixels * p.outputs, 64);
  const DepthwiseShape& shape = p.shape;
  s.bytes = s.rows;
  if (p.rearranges) s.bytes += round_up(shape.kernel_h * shape.width * p.outputs, 64);
  return s;
}

template <Requant kMode>
POCHADE_INLINE void finish_block(const I32 (&sums)[kBlockVectors], const Columns& columns,
                                 const Narrow& narrow, char* y, size_t n) {
  I32 q[kBlockVectors];
#pragma GCC unroll 4
  for (size_t v = 0; v < kBlockVectors; ++v) q[v] = Requantizer<kMode>(columns.vector(v))(sums[v]);
  store_block(q, narrow, y, n);
}

/// Sums as they are.
void store_block_sums(const I32 (&sums)[kBlockVectors], const Columns& columns, const Int8Numbers& numbers,
                      char* y, size_t n) {
  const int32_t x_zero =
      numbers.x_zero + (kBlockQuads ? activation_shift(numbers) : 0);  // not reached: constant
  uint32_t block[kBlock];
  for (size_t v = 0; v < kBlockVectors; ++v) {
    int32_t lanes[kLanes];
    store_int(lanes, sums[v]);
    for (size_t lane = 0; lane < kLanes; ++lane)
      block[block_channel(v, lane)] = centred_sum(lanes[lane], x_zero, columns.vector(v).array(1)[lane]);
  }
  __builtin_memcpy(y, block, n * sizeof(int32_t));
}

POCHADE_INLINE void add_groups(I32 (&sums)[kBlockVectors], const uint8_t* const* taps, size_t groups,
                               size_t offset, size_t n, const char* weights, const Int8Numbers& numbers) {
#if POCHADE_INT8_BLOCK_QUADS
  const uint32_t flip = activation_flip(numbers);
  for (size_t g = 0; g < groups; ++g, taps += 4, weights += kBlock * 4) {
    I32 x[4];
    load_taps(taps, offset, n, flip, x);
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; ++v) sums[v] = dot(sums[v], x[v], load_int(weights + v * kLanes * 4));
  }
#else
  block_sums(sums, taps, groups, offset, n, weights, numbers);
#endif
}

/// Every output channel of one pixel, or of some that lie beside each other: `channels` in all.
template <Requant kMode>
void pixel(const Int8DepthwisePlan& p, const uint8_t* const* taps, size_t channels, const char* packed,
           char* y) {
  const Narrow narrow = narrow_for(p.numbers);
  for (size_t c = 0; c < channels; c += kBlock, packed += p.block_bytes) {
    const size_t n = min_size(kBlock, channels - c);
    const Columns columns = {reinterpret_cast<const int32_t*>(packed)};
    I32 sums[kBlockVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kBlockVectors; ++v) sums[v] = load_int(columns.vector(v).bias());
    add_groups(sums, taps, p.groups, c, n, packed + kColumnBytes, p.numbers);
    if constexpr (kMode == Requant::kSums)
      store_block_sums(sums, columns, p.numbers, y + c * sizeof(int32_t), n);
    else
      finish_block<kMode>(sums, columns, narrow, y + c, n);
  }
}

#if POCHADE_INT8_BLOCK_QUADS
/// The same for windows of 3 x 3 and two pixels below each other: taps are those of four rows, four a row,
/// and each is loaded once for both.
template <Requant kMode>
void pixel_pair(const Int8DepthwisePlan& p, const uint8_t* const* taps, size_t channels, const char* packed,
                char* y) {
  const Narrow narrow = narrow_for(p.numbers);
  const uint32_t flip = activation_flip(p.numbers);
  char* below = y + p.shape.out_width * p.outputs;
  for (size_t c = 0; c < channels; c += kBlock, packed += p.block_bytes) {
    const size_t n = min_size(kBlock, channels - c);
    const Columns columns = {reinterpret_cast<const int32_t*>(packed)};
    const char* weights = packed + kColumnBytes;
    I32 upper[4], lower[4], above[4];
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; ++v) upper[v] = lower[v] = load_int(columns.vector(v).bias());
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; ++r, weights += kBlock * 4) {
      I32 x[4];
      load_taps(taps + 4 * r, c, n, flip, x);
#pragma GCC unroll 4
      for (size_t v = 0; v < 4; ++v) {
        if (r > 0) lower[v] = dot(lower[v], x[v], above[v]);
        if (r == 3) continue;
        above[v] = load_int(weights + v * kLanes * 4);
        upper[v] = dot(upper[v], x[v], above[v]);
      }
    }
    finish_block<kMode>(upper, columns, narrow, y + c, n);
    finish_block<kMode>(lower, columns, narrow, below + c, n);
  }
}
#endif

using Pixel = void (*)(const Int8DepthwisePlan& p, const uint8_t* const* taps, size_t channels,
                       const char* packed, char* y);

/// Modes that files have depthwise convolutions for.
template <Requant kMode>
Pixel pixel_or_pair(bool pair) {
#if POCHADE_INT8_BLOCK_QUADS
  if (pair) return pixel_pair<kMode>;
#endif
  return pair ? nullptr : pixel<kMode>;
}

Pixel pixel_function(Requant mode, bool pair) {
  switch (mode) {
#if defined(POCHADE_INT8_PROVED)
    case Requant::kProvedUp:
      return pixel_or_pair<Requant::kProvedUp>(pair);
    case Requant::kProved:
      return pixel_or_pair<Requant::kProved>(pair);
#endif
    case Requant::kFixed:  // by ISA
      return pixel_or_pair<Requant::kFixed>(pair);
    case Requant::kReal:
      return pair ? nullptr : pixel<Requant::kReal>;
    case Requant::kFloat:
      return pixel_or_pair<Requant::kFloat>(pair);
    case Requant::kSums:
      return pair ? nullptr : pixel<Requant::kSums>;
    default:
      return pixel_or_pair<Requant::kFixedWide>(pair);
  }
}

class Rows {
 public:
  Rows(const Int8DepthwisePlan& plan, const Int8Args& args, void* scratch)
      : p_(plan), s_(plan.shape), args_(args) {
    const Scratch layout = scratch_of(plan);
    char* memory = static_cast<char*>(scratch);
    taps_ = reinterpret_cast<const uint8_t**>(memory + layout.pointers);
    padding_ = reinterpret_cast<uint8_t*>(memory + layout.padding);
    rearranged_ = reinterpret_cast<uint8_t*>(memory + layout.rows);
    sorts_ = p_.rearranges && s_.multiplier == 1;
    __builtin_memset(padding_, static_cast<uint8_t>(p_.numbers.x_zero), p_.pixels * p_.outputs);
    __builtin_memcpy(&header_, args.packed, sizeof(header_));
    packed_ = char_at(args.packed, sizeof(Int8Header));
    pixel_ = pixel_function(header_.mode, false);
    pair_ = pixel_function(header_.mode, true);
  }

  /// One row of y, or that and the next one.
  void run(size_t row, bool pair) {
    const size_t rows = s_.kernel_h + (pair ? 1 : 0);              // by ISA
    slots_ = pair ? rows * p_.row_slots : p_.groups * kBlockTaps;  // by ISA
    const Pixel pixel = pair ? pair_ : pixel_;                     // by ISA
    const size_t image = row / s_.out_height;
    first_row_ = static_cast<ptrdiff_t>(row % s_.out_height * s_.stride_h) - s_.pad_top;
    picture_ = reinterpret_cast<const uint8_t*>(args_.x) + image * s_.height * s_.width * s_.channels;
    if (p_.rearranges) rearrange_rows();
    const size_t pixel_bytes = p_.outputs * output_bytes(p_.numbers);
    char* y = static_cast<char*>(args_.y) + row * s_.out_width * pixel_bytes;
    for (size_t w = 0; w < s_.out_width;) {
      const ptrdiff_t first = static_cast<ptrdiff_t>(w * s_.stride_w) - s_.pad_left;
      point(first, rows);
      size_t n = 1;
      do {  // windows that lie within the picture's columns follow each other at equal distances
        n = w + p_.pixels <= s_.out_width && whole(w) && whole(w + p_.pixels - 1) ? p_.pixels : 1;
        pixel(p_, taps_, n * p_.outputs, packed_, y);
        w += n;
        y += n * pixel_bytes;
        if (whole(w - n)) advance(n);
      } while (w < s_.out_width && whole(w) && whole(w - n));
    }
  }

 private:
  /// Whether the window of output w lies within the picture's columns.
  bool whole(size_t w) const {
    const ptrdiff_t first = static_cast<ptrdiff_t>(w * s_.stride_w) - s_.pad_left;
    return first >= 0 && first + static_cast<ptrdiff_t>((s_.kernel_w - 1) * s_.dilation_w) <
                             static_cast<ptrdiff_t>(s_.width);
  }
  bool outside(ptrdiff_t row) const { return row < 0 || row >= static_cast<ptrdiff_t>(s_.height); }

  /// Copies the rows of this window so that the taps of neighbouring outputs lie as the outputs do: each
  /// channel repeated, or the columns sorted.
  void rearrange_rows() {
    for (size_t r = 0; r < s_.kernel_h; ++r) {
      const ptrdiff_t row = first_row_ + static_cast<ptrdiff_t>(r * s_.dilation_h);
      if (outside(row)) continue;
      const uint8_t* from = picture_ + static_cast<size_t>(row) * s_.width * s_.channels;
      uint8_t* to = rearranged_ + r * s_.width * p_.outputs;
      if (kBlockQuads && sorts_) {  // by ISA
        sort_columns(from, to);     // by ISA
        continue;                   // by ISA
      }
      for (size_t i = 0; i < s_.width * s_.channels; ++i, to += s_.multiplier)
        __builtin_memset(to, from[i], s_.multiplier);
    }
  }
  void sort_columns(const uint8_t* from, uint8_t* to) const {
    const size_t channels = s_.channels, even = (s_.width + 1) / 2;
    const CopyAlternate copy = kCopyAlternate[channels / kSortedPart - 1];
    copy(from, to, even);
    copy(from + channels, to + even * channels, s_.width - even);
  }
  size_t place_of(size_t column) const {
    if (!kBlockQuads) return column;  // not reached: constant
    return sorts_ ? column / 2 + (column % 2 == 0 ? 0 : (s_.width + 1) / 2) : column;  // by ISA
  }

  /// Sets the pointers of `rows` rows of the window that starts at column `first`.
  void point(ptrdiff_t first, size_t rows) {
    const uint8_t** to = taps_;
    for (size_t r = 0; r < rows; ++r) {
      const ptrdiff_t row = first_row_ + static_cast<ptrdiff_t>(r * s_.dilation_h);
      const uint8_t* from = outside(row)    ? nullptr
                            : p_.rearranges ? rearranged_ + r * s_.width * p_.outputs
                                            : picture_ + static_cast<size_t>(row) * s_.width * s_.channels;
      for (size_t t = 0; t < s_.kernel_w; ++t) {
        const ptrdiff_t column = first + static_cast<ptrdiff_t>(t * s_.dilation_w);
        const bool padding = from == nullptr || column < 0 || column >= static_cast<ptrdiff_t>(s_.width);
        *to++ = padding ? padding_ : from + place_of(static_cast<size_t>(column)) * p_.outputs;
      }
      for (size_t t = s_.kernel_w; t < p_.row_slots; ++t, ++to) *to = to[-1];  // weight 0  // by ISA
    }
    // The further parts of each weight, and what fills up the last group.
    const size_t window = rows * p_.row_slots;
    for (size_t at = window; at < slots_; ++at)                  // by ISA
      taps_[at] = at < p_.taps ? taps_[at - window] : padding_;  // by ISA
  }
  /// To the window n outputs further.
  void advance(size_t n) {
    const size_t step = n * (sorts_ ? 1 : s_.stride_w) * p_.outputs;  // by ISA
    for (size_t t = 0; t < slots_; ++t) {
      const bool moves = taps_[t] != padding_;
      taps_[t] += moves ? step : 0;
    }
  }

  const Int8DepthwisePlan& p_;
  const DepthwiseShape& s_;
  const Int8Args& args_;
  const uint8_t** taps_;
  uint8_t *padding_, *rearranged_;
  bool sorts_;
  Int8Header header_;
  const char* packed_;
  Pixel pixel_, pair_;
  size_t slots_ = 0;
  const uint8_t* picture_ = nullptr;
  ptrdiff_t first_row_ = 0;
};

}  // namespace

void int8_depthwise_plan(const DepthwiseShape& shape, const Int8Numbers& numbers, Int8DepthwisePlan* p) {
  p->shape = shape;
  p->numbers = numbers;
  p->outputs = shape.channels * shape.multiplier;
  const bool sorts = sorts_columns(shape);
  p->rearranges = sorts || shape.multiplier > 1;
  p->pixels = shape.stride_w == 1 || sorts ? pixels_at_once(p->outputs) : 1;
  p->blocks = ceil_div(p->pixels * p->outputs, kBlock);
  // A weight less its zero point may have 9 bits: it is a sum of several of 8 bits, for one tap each. Two
  // reach from -256 to 254.
  const int32_t above_least = numbers.w_zero + (numbers.w_signed ? 128 : 0);
  const size_t parts = !kBlockQuads || above_least == 128 ? 1 : above_least == 0 ? 3 : 2;  // by ISA
  // Rows of the window are filled up to whole groups if that makes no more groups.
  const size_t by_row = round_up(shape.kernel_w, kBlockTaps);
  const bool fills =
      parts == 1 && shape.kernel_h * by_row == round_up(shape.kernel_h * shape.kernel_w, kBlockTaps);
  p->row_slots = fills ? by_row : shape.kernel_w;  // by ISA
  p->taps = shape.kernel_h * p->row_slots * parts;
  p->pairs = kBlockQuads && fills && shape.kernel_h == 3 &&     // by ISA
             p->row_slots == 4 && shape.stride_h == 1 &&        // by ISA
             shape.dilation_h == 1 && shape.multiplier == 1 &&  // by ISA
             numbers.rounding != Int8Rounding::kReal &&         // by ISA
             numbers.rounding != Int8Rounding::kSums;           // by ISA
  p->groups = ceil_div(p->taps, kBlockTaps);
  p->block_bytes = round_up(kColumnBytes + kBlock * p->groups * kBlockTaps * kBlockElementBytes, 64);
  p->packed_bytes = sizeof(Int8Header) + p->blocks * p->block_bytes;
  p->scratch_bytes = scratch_of(*p).bytes;
  p->algorithm = shape.multiplier > 1 ? "one channel a group, its inputs repeated"
                 : sorts              ? "one channel a group, even columns before odd ones"  // by ISA
                                      : "one channel a group";
}

void int8_depthwise_pack(const Int8DepthwisePlan& p, const Int8Source& source, void* packed) {
  __builtin_memset(packed, 0, p.packed_bytes);
  const DepthwiseShape& s = p.shape;
  const size_t window = s.kernel_h * p.row_slots;
  const int32_t x_zero =
      p.numbers.x_zero + (kBlockQuads ? activation_shift(p.numbers) : 0);  // not reached: constant
  Requant mode = Requant::kProvedUp;  // what every other one is worse than
  const auto block_of = [&](size_t o) {
    return static_cast<char*>(packed) + sizeof(Int8Header) + o / kBlock * p.block_bytes;
  };
  const auto columns_of = [&](size_t o) { return Columns{reinterpret_cast<const int32_t*>(block_of(o))}; };
  for (size_t block = 0; block < p.blocks; ++block) {
    char* weights = block_of(block * kBlock) + kColumnBytes;
    for (size_t i = 0; i < kBlock; ++i) {
      const size_t v = i / kLanes, lane = i % kLanes, o = block * kBlock + block_channel(v, lane);
      if (o >= p.pixels * p.outputs) continue;
      const size_t channel = o % p.outputs;
      const auto put = [&](size_t tap, int32_t value) {
        const size_t index =
            ((tap / kBlockTaps * kBlockVectors + v) * kLanes + lane) * kBlockTaps + tap % kBlockTaps;
        if (kBlockElementBytes == 1)
          reinterpret_cast<int8_t*>(weights)[index] = static_cast<int8_t>(value);  // by ISA
        else
          reinterpret_cast<int16_t*>(weights)[index] = static_cast<int16_t>(value);  // by ISA
      };
      ChannelSums sums = {0, 0};
      for (size_t r = 0; r < s.kernel_h; ++r)
        for (size_t t = 0; t < s.kernel_w; ++t) {
          const ptrdiff_t index = static_cast<ptrdiff_t>(channel) * source.o_stride +
                                  static_cast<ptrdiff_t>(r) * source.r_stride +
                                  static_cast<ptrdiff_t>(t) * source.s_stride;
          const int32_t real = weight_at(p.numbers, source.data, index) - p.numbers.w_zero;
          sums.weights += real;
          sums.magnitude += 255 * (real < 0 ? -real : real);
          int32_t rest = real;
          for (size_t tap = r * p.row_slots + t; tap < p.taps; tap += window) {
            const bool whole = p.taps == window;
            const int32_t part = whole ? rest : rest < -128 ? -128 : rest > 127 ? 127 : rest;  // by ISA
            put(tap, part);
            rest -= part;
          }
        }
      mode = worse(mode, pack_column(p.numbers, source, channel, sums, x_zero, columns_of(o), i));
    }
  }
  size_t place_of[kBlock];
  for (size_t i = 0; i < kBlock; ++i) place_of[block_channel(i / kLanes, i % kLanes)] = i;
  mode = prove_all(p.numbers, source, p.pixels * p.outputs, mode,
                   [&](size_t o) { return Place{columns_of(o), place_of[o % kBlock], o % p.outputs}; });
  Int8Header header;
  header.mode = mode;
  header.row_factor = 0;
  __builtin_memcpy(packed, &header, sizeof(header));
}

void int8_depthwise(const Int8DepthwisePlan& plan, const Int8Args& args, Range rows, void* scratch) {
  if (rows.begin == rows.end || plan.outputs == 0) return;
  Rows work(plan, args, scratch);
  for (size_t row = rows.begin; row < rows.end;) {
    const bool pair = plan.pairs && row + 1 < rows.end && (row + 1) % plan.shape.out_height != 0;  // by ISA
    work.run(row, pair);
    row += pair ? 2 : 1;  // by ISA
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
