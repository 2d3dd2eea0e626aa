// 8-bit depthwise convolution. For each output pixel the taps of its window are a list of pointers (those in
// the padding point at a pixel of zero points), and each block of channels multiplies them a few at a time.

#include "kernels/int8.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr bool kBlockQuads = kBlockTaps == 4;
constexpr size_t kBlockElementBytes = kBlockQuads ? 1 : 2;
constexpr size_t kBlock = kBlockVectors * kLanes;
constexpr size_t kMostTapsInGroup = 4;

struct Scratch {
  size_t pointers;  ///< one a tap
  size_t padding;   ///< one pixel
  size_t rows;      ///< kernel_h rows of the input, its channels repeated; only for a multiplier above 1
  size_t bytes;
};
Scratch scratch_of(const Int8DepthwisePlan& p) {
  Scratch s;
  s.pointers = 0;
  s.padding = round_up((p.taps + kMostTapsInGroup) * sizeof(const uint8_t*), 64);
  s.rows = s.padding + round_up(p.outputs, 64);
  const DepthwiseShape& shape = p.shape;
  s.bytes = s.rows;
  if (shape.multiplier > 1) s.bytes += round_up(shape.kernel_h * shape.width * p.outputs, 64);
  return s;
}

/// Every output channel of one pixel.
template <Requant kMode>
void pixel(const Int8DepthwisePlan& p, const uint8_t* const* taps, const char* packed, char* y) {
  const Narrow narrow = narrow_for(p.numbers);
  const uint32_t flip = activation_flip(p.numbers);
  for (size_t c = 0; c < p.outputs; c += kBlock, packed += p.block_bytes) {
    const size_t n = min_size(kBlock, p.outputs - c);
    const int32_t* columns = reinterpret_cast<const int32_t*>(packed);
    I32 sums[kBlockVectors], q[kBlockVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kBlockVectors; ++v) sums[v] = load_int(columns + v * kLanes);
    block_sums(sums, taps, p.groups, c, n, packed + 4 * kBlock * sizeof(int32_t), p.numbers, flip);
#pragma GCC unroll 4
    for (size_t v = 0; v < kBlockVectors; ++v) {
      const Columns of_vector = {columns + v * kLanes, kBlock};
      q[v] = Requantizer<kMode>(of_vector)(sums[v]);
    }
    store_block(q, narrow, y + c, n);
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
    expanded_ = reinterpret_cast<uint8_t*>(memory + layout.rows);
    __builtin_memset(padding_, static_cast<uint8_t>(p_.numbers.x_zero), p_.outputs);
    __builtin_memcpy(&header_, args.packed, sizeof(header_));
    packed_ = char_at(args.packed, sizeof(Int8Header));
    pixel_ = header_.mode == Requant::kFixed       ? pixel<Requant::kFixed>
             : header_.mode == Requant::kFixedWide ? pixel<Requant::kFixedWide>
                                                   : pixel<Requant::kFloat>;
  }

  void run(size_t row) {
    const size_t image = row / s_.out_height;
    first_row_ = static_cast<ptrdiff_t>(row % s_.out_height * s_.stride_h) - s_.pad_top;
    picture_ = reinterpret_cast<const uint8_t*>(args_.x) + image * s_.height * s_.width * s_.channels;
    if (s_.multiplier > 1) expand_rows();
    char* y = static_cast<char*>(args_.y) + row * s_.out_width * p_.outputs;
    bool whole = false;  // the window before this one lay within the picture's columns
    for (size_t w = 0; w < s_.out_width; ++w, y += p_.outputs) {
      const ptrdiff_t first = static_cast<ptrdiff_t>(w * s_.stride_w) - s_.pad_left;
      const bool fits = first >= 0 && first + static_cast<ptrdiff_t>((s_.kernel_w - 1) * s_.dilation_w) <
                                          static_cast<ptrdiff_t>(s_.width);
      if (whole && fits)
        advance();
      else
        point(first);
      whole = fits;
      pixel_(p_, taps_, packed_, y);
    }
  }

 private:
  bool outside(ptrdiff_t row) const { return row < 0 || row >= static_cast<ptrdiff_t>(s_.height); }

  /// Repeats each channel of the rows of this window, so that taps lie as the outputs do.
  void expand_rows() {
    for (size_t r = 0; r < s_.kernel_h; ++r) {
      const ptrdiff_t row = first_row_ + static_cast<ptrdiff_t>(r * s_.dilation_h);
      if (outside(row)) continue;
      const uint8_t* from = picture_ + static_cast<size_t>(row) * s_.width * s_.channels;
      uint8_t* to = expanded_ + r * s_.width * p_.outputs;
      for (size_t i = 0; i < s_.width * s_.channels; ++i, to += s_.multiplier)
        __builtin_memset(to, from[i], s_.multiplier);
    }
  }

  /// Sets the pointers of the window that starts at column `first`.
  void point(ptrdiff_t first) {
    const size_t step = s_.multiplier > 1 ? p_.outputs : s_.channels;
    size_t at = 0;
    for (size_t r = 0; r < s_.kernel_h; ++r) {
      const ptrdiff_t row = first_row_ + static_cast<ptrdiff_t>(r * s_.dilation_h);
      const uint8_t* from = outside(row) ? nullptr
                            : s_.multiplier > 1
                                ? expanded_ + r * s_.width * p_.outputs
                                : picture_ + static_cast<size_t>(row) * s_.width * s_.channels;
      for (size_t t = 0; t < s_.kernel_w; ++t, ++at) {
        const ptrdiff_t column = first + static_cast<ptrdiff_t>(t * s_.dilation_w);
        const bool padding = from == nullptr || column < 0 || column >= static_cast<ptrdiff_t>(s_.width);
        taps_[at] = padding ? padding_ : from + static_cast<size_t>(column) * step;
      }
    }
    // The further parts of each weight, and what fills up the last group.
    const size_t window = at;
    for (; at < p_.groups * kBlockTaps; ++at) taps_[at] = at < p_.taps ? taps_[at - window] : padding_;
  }
  void advance() {
    const size_t step = s_.stride_w * (s_.multiplier > 1 ? p_.outputs : s_.channels);
    for (size_t t = 0; t < p_.groups * kBlockTaps; ++t) {
      const bool moves = taps_[t] != padding_;
      taps_[t] += moves ? step : 0;
    }
  }

  const Int8DepthwisePlan& p_;
  const DepthwiseShape& s_;
  const Int8Args& args_;
  const uint8_t** taps_;
  uint8_t *padding_, *expanded_;
  Int8Header header_;
  const char* packed_;
  void (*pixel_)(const Int8DepthwisePlan& p, const uint8_t* const* taps, const char* packed, char* y);
  const uint8_t* picture_ = nullptr;
  ptrdiff_t first_row_ = 0;
};

}  // namespace

void int8_depthwise_plan(const DepthwiseShape& shape, const Int8Numbers& numbers, Int8DepthwisePlan* p) {
  p->shape = shape;
  p->numbers = numbers;
  p->outputs = shape.channels * shape.multiplier;
  p->blocks = ceil_div(p->outputs, kBlock);
  // A weight less its zero point may have 9 bits: it is a sum of several of 8 bits, for one tap each. Two
  // reach from -256 to 254.
  const int32_t above_least = numbers.w_zero + (numbers.w_signed ? 128 : 0);
  const size_t parts = !kBlockQuads || above_least == 128 ? 1 : above_least == 0 ? 3 : 2;
  p->taps = shape.kernel_h * shape.kernel_w * parts;
  p->groups = ceil_div(p->taps, kBlockTaps);
  p->block_bytes = round_up(kBlock * (4 * sizeof(int32_t) + p->groups * kBlockTaps * kBlockElementBytes), 64);
  p->packed_bytes = sizeof(Int8Header) + p->blocks * p->block_bytes;
  p->scratch_bytes = scratch_of(*p).bytes;
  p->algorithm = shape.multiplier > 1 ? "one channel a group, its inputs repeated" : "one channel a group";
}

void int8_depthwise_pack(const Int8DepthwisePlan& p, const Int8Source& source, void* packed) {
  __builtin_memset(packed, 0, p.packed_bytes);
  const DepthwiseShape& s = p.shape;
  const size_t window = s.kernel_h * s.kernel_w;
  const int32_t x_zero = p.numbers.x_zero + (kBlockQuads ? activation_shift(p.numbers) : 0);
  Requant mode = p.numbers.fixed_point ? Requant::kFixed : Requant::kFloat;
  for (size_t block = 0; block < p.blocks; ++block) {
    char* to = static_cast<char*>(packed) + sizeof(Int8Header) + block * p.block_bytes;
    const Columns columns = {reinterpret_cast<const int32_t*>(to), kBlock};
    char* weights = to + 4 * kBlock * sizeof(int32_t);
    for (size_t i = 0; i < kBlock; ++i) {
      const size_t v = i / kLanes, lane = i % kLanes, o = block * kBlock + block_channel(v, lane);
      if (o >= p.outputs) continue;
      const auto put = [&](size_t tap, int32_t value) {
        const size_t index =
            ((tap / kBlockTaps * kBlockVectors + v) * kLanes + lane) * kBlockTaps + tap % kBlockTaps;
        if (kBlockElementBytes == 1)
          reinterpret_cast<int8_t*>(weights)[index] = static_cast<int8_t>(value);
        else
          reinterpret_cast<int16_t*>(weights)[index] = static_cast<int16_t>(value);
      };
      ChannelSums sums = {0, 0};
      for (size_t t = 0; t < window; ++t) {
        const ptrdiff_t index = static_cast<ptrdiff_t>(o) * source.o_stride +
                                static_cast<ptrdiff_t>(t / s.kernel_w) * source.r_stride +
                                static_cast<ptrdiff_t>(t % s.kernel_w) * source.s_stride;
        const int32_t real = weight_at(p.numbers, source.data, index) - p.numbers.w_zero;
        sums.weights += real;
        sums.magnitude += 255 * (real < 0 ? -real : real);
        int32_t rest = real;
        for (size_t tap = t; tap < p.taps; tap += window) {
          const bool whole = p.taps == window;
          const int32_t part = whole ? rest : rest < -128 ? -128 : rest > 127 ? 127 : rest;
          put(tap, part);
          rest -= part;
        }
      }
      mode = worse(mode, pack_column(p.numbers, source, o, sums, x_zero, columns, i));
    }
  }
  Int8Header header;
  header.mode = mode;
  header.row_factor = 0;
  __builtin_memcpy(packed, &header, sizeof(header));
}

void int8_depthwise(const Int8DepthwisePlan& plan, const Int8Args& args, Range rows, void* scratch) {
  if (rows.begin == rows.end || plan.outputs == 0) return;
  Rows work(plan, args, scratch);
  for (size_t row = rows.begin; row < rows.end; ++row) work.run(row);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
