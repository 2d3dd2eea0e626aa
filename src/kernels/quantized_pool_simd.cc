#include "kernels/quantized.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kChannels = 64;  // that are summed together

/// The taps of output `o` along one axis that lie in the picture: [first, first + count * dilation).
struct Taps {
  size_t first, count;
};
POCHADE_INLINE Taps taps_inside(size_t o, size_t stride, ptrdiff_t pad, size_t kernel, size_t dilation,
                                size_t size) {
  ptrdiff_t at = static_cast<ptrdiff_t>(o * stride) - pad;
  size_t skipped = 0;
  while (at < 0 && skipped < kernel) {
    at += static_cast<ptrdiff_t>(dilation);
    ++skipped;
  }
  size_t count = 0;
  while (skipped + count < kernel && static_cast<size_t>(at) + count * dilation < size) ++count;
  return {static_cast<size_t>(at), count};
}

template <typename T>
struct Average {
  Average(const QuantizedPoolArgs&, int32_t taps) : count(taps) {}
  int32_t count;
  POCHADE_INLINE static int32_t start() { return 0; }
  POCHADE_INLINE static int32_t add(int32_t sum, T x) { return sum + x; }
  /// The quotient of integers below 2^24, rounded to float, lies on the same side of every integer as the
  /// exact one.
  POCHADE_INLINE int32_t finish(int32_t sum) const {
    const int32_t half = count / 2;
    const int32_t nudged = sum > 0 ? sum + half : sum - half;
    return static_cast<int32_t>(static_cast<float>(nudged) / static_cast<float>(count));
  }
};

/// Of 16 bits: sums beyond what a float holds.
template <>
POCHADE_INLINE int32_t Average<int16_t>::finish(int32_t sum) const {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

template <typename T>
struct RealAverage {
  RealAverage(const QuantizedPoolArgs& args, int32_t taps)
      : zeros(taps * args.x_zero),
        zero(args.zero),
        scale(args.scale / static_cast<float>(args.count_padding ? static_cast<int32_t>(args.window.kernel_h *
                                                                                        args.window.kernel_w)
                                                                 : taps)) {}
  int32_t zeros, zero;
  float scale;
  POCHADE_INLINE static int32_t start() { return 0; }
  POCHADE_INLINE static int32_t add(int32_t sum, T x) { return sum + x; }
  POCHADE_INLINE int32_t finish(int32_t sum) const {
    constexpr float kMost = 100000.0f;
    float mean = static_cast<float>(sum - zeros) * scale;
    mean = mean < -kMost ? -kMost : mean;
    mean = mean > kMost ? kMost : mean;
    return round_even(mean) + zero;
  }
};

/// Of 16 bits; bytes have most_rows().
struct Most {
  Most(const QuantizedPoolArgs&, int32_t) {}
  POCHADE_INLINE static int32_t start() { return INT32_MIN; }
  POCHADE_INLINE static int32_t add(int32_t most, int16_t x) { return most < x ? x : most; }
  POCHADE_INLINE static int32_t finish(int32_t most) { return most; }
};

template <typename T, typename Pool>
void pool_rows(const QuantizedPoolArgs& args, Range rows) {
  const PoolArgs& w = args.window;
  const int32_t low = args.low, high = args.high;
  for (size_t row = rows.begin; row < rows.end; ++row) {
    const size_t image = row / w.out_height;
    const Taps v = taps_inside(row % w.out_height, w.stride_h, w.pad_top, w.kernel_h, w.dilation_h, w.height);
    const T* picture = static_cast<const T*>(args.x) + image * w.height * w.width * w.channels;
    T* y = static_cast<T*>(args.y) + row * w.out_width * w.channels;
    for (size_t o = 0; o < w.out_width; ++o, y += w.channels) {
      const Taps h = taps_inside(o, w.stride_w, w.pad_left, w.kernel_w, w.dilation_w, w.width);
      const auto count = static_cast<int32_t>(v.count * h.count);
      const Pool pool(args, count);
      for (size_t begin = 0; begin < w.channels; begin += kChannels) {
        const size_t n = min_size(kChannels, w.channels - begin);
        if (count == 0) {
          for (size_t c = 0; c < n; ++c) y[begin + c] = static_cast<T>(clamp_int(args.empty, low, high));
          continue;
        }
        int32_t sums[kChannels];
        for (size_t c = 0; c < n; ++c) sums[c] = pool.start();
        for (size_t i = 0; i < v.count; ++i)
          for (size_t j = 0; j < h.count; ++j) {
            const T* x = picture +
                         ((v.first + i * w.dilation_h) * w.width + h.first + j * w.dilation_w) * w.channels +
                         begin;
            for (size_t c = 0; c < n; ++c) sums[c] = pool.add(sums[c], x[c]);
          }
        for (size_t c = 0; c < n; ++c)
          y[begin + c] = static_cast<T>(clamp_int(pool.finish(sums[c]), low, high));
      }
    }
  }
}

/// The windows of one output row over bytes, which are compared as unsigned ones after a flip of their signs.
struct MostRow {
  const PoolArgs& window;
  Taps rows;
  const uint8_t* picture;
  uint8_t flip, low, high, empty;

  /// N channels of one output.
  template <size_t N>
  POCHADE_INLINE void block(const Taps& columns, const uint8_t* x, uint8_t* y) const {
    uint8_t most[N];
    for (size_t c = 0; c < N; ++c) most[c] = low;
    for (size_t i = 0; i < rows.count; ++i) {
      const uint8_t* from = x + (rows.first + i * window.dilation_h) * window.width * window.channels;
      for (size_t j = 0; j < columns.count; ++j, from += window.dilation_w * window.channels)
        for (size_t c = 0; c < N; ++c) {
          const auto value = static_cast<uint8_t>(from[c] ^ flip);
          most[c] = most[c] < value ? value : most[c];
        }
    }
    for (size_t c = 0; c < N; ++c) {
      const uint8_t bounded = most[c] < high ? most[c] : high;
      y[c] = bounded ^ flip;
    }
  }
  /// All channels by blocks of N, of which the last one may begin within the one before it.
  template <size_t N>
  void blocks(const Taps& columns, const uint8_t* x, uint8_t* y) const {
    for (size_t c = 0; c < window.channels; c += N) {
      const size_t at = min_size(c, window.channels - N);
      block<N>(columns, x + at, y + at);
    }
  }
  void run(uint8_t* y) const {
    const size_t channels = window.channels;
    for (size_t o = 0; o < window.out_width; ++o, y += channels) {
      const Taps columns =
          taps_inside(o, window.stride_w, window.pad_left, window.kernel_w, window.dilation_w, window.width);
      if (rows.count * columns.count == 0) {
        __builtin_memset(y, empty, channels);
        continue;
      }
      const uint8_t* x = picture + columns.first * channels;
      if (channels >= 32)
        blocks<32>(columns, x, y);
      else if (channels >= 8)
        blocks<8>(columns, x, y);
      else
        blocks<1>(columns, x, y);
    }
  }
};

void most_rows(const QuantizedPoolArgs& args, Range rows) {
  const PoolArgs& w = args.window;
  const auto flip = static_cast<uint8_t>(args.is_signed ? 0x80 : 0);
  const auto key = [&](int32_t value) { return static_cast<uint8_t>(static_cast<uint8_t>(value) ^ flip); };
  for (size_t row = rows.begin; row < rows.end; ++row) {
    const Taps taps =
        taps_inside(row % w.out_height, w.stride_h, w.pad_top, w.kernel_h, w.dilation_h, w.height);
    const uint8_t* picture =
        static_cast<const uint8_t*>(args.x) + row / w.out_height * w.height * w.width * w.channels;
    const auto empty = static_cast<uint8_t>(clamp_int(args.empty, args.low, args.high));
    MostRow{w, taps, picture, flip, key(args.low), key(args.high), empty}.run(static_cast<uint8_t*>(args.y) +
                                                                              row * w.out_width * w.channels);
  }
}

template <typename T>
void add_columns(const T* x, size_t rows, size_t columns, int32_t* sums) {
  if (columns == 1) {
    int32_t sum = 0;
    for (size_t i = 0; i < rows; ++i) sum += x[i];
    *sums = sum;
    return;
  }
  for (size_t begin = 0; begin < columns; begin += kChannels) {
    const size_t n = min_size(kChannels, columns - begin);
    int32_t block[kChannels];
    for (size_t c = 0; c < n; ++c) block[c] = 0;
    for (size_t i = 0; i < rows; ++i) {
      const T* from = x + i * columns + begin;
      for (size_t c = 0; c < n; ++c) block[c] += from[c];
    }
    for (size_t c = 0; c < n; ++c) sums[begin + c] = block[c];
  }
}

/// y[c] = of(c) for c < n. Where there is room behind them, in whole vectors: what those write too many is
/// written again by the next pixel.
template <typename T, typename Of>
POCHADE_INLINE void write_pixel(T* y, size_t n, bool room, const Of& of) {
  if (!room) {
    for (size_t c = 0; c < n; ++c) y[c] = of(c);
    return;
  }
  for (size_t begin = 0; begin < n; begin += kLanes) {
    T lanes[kLanes];
    for (size_t c = 0; c < kLanes; ++c) lanes[c] = of(begin + c);
    __builtin_memcpy(y + begin, lanes, sizeof(lanes));
  }
}

/// The columns of one output row: pixel(left, right, j) gives a function of the channel, where left and right
/// are places in the blended rows.
template <typename T, typename Pixel>
POCHADE_INLINE void write_columns(const QuantizedResizeArgs& args, T* y, const Pixel& pixel) {
  const size_t channels = args.channels, whole = round_up(channels, kLanes);
  T* const end = y + args.out_width * channels;
  for (size_t j = 0; j < args.out_width; ++j, y += channels) {
    const size_t left = static_cast<size_t>(args.columns[2 * j]) * channels;
    const size_t right = static_cast<size_t>(args.columns[2 * j + 1]) * channels;
    const bool room =
        static_cast<size_t>(end - y) >= whole && max_size(left, right) + whole <= args.width * channels;
    write_pixel(y, channels, room, pixel(left, right, j));
  }
}

/// Of int8, or of int16, whose sums take 64 bits.
template <typename T, typename Sum>
void resize_signed(const QuantizedResizeArgs& args, Range rows, int32_t* blended) {
  const size_t row_length = args.width * args.channels;
  for (size_t i = rows.begin; i < rows.end; ++i) {
    const T* x = static_cast<const T*>(args.x);
    const T* first = x + static_cast<size_t>(args.rows[2 * i]) * row_length;
    const T* second = x + static_cast<size_t>(args.rows[2 * i + 1]) * row_length;
    const int32_t w1 = args.row_weights[i], w0 = 1024 - w1;
    for (size_t k = 0; k < row_length; ++k) blended[k] = first[k] * w0 + second[k] * w1;
    write_columns(args, static_cast<T*>(args.y) + i * args.out_width * args.channels,
                  [&](size_t left, size_t right, size_t j) {
                    const int32_t v1 = args.column_weights[j], v0 = 1024 - v1;
                    return [=](size_t c) {
                      const Sum sum = static_cast<Sum>(blended[left + c]) * v0 +
                                      static_cast<Sum>(blended[right + c]) * v1;
                      return static_cast<T>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
                    };
                  });
  }
}

/// Each product is rounded before it is added, in the order of the four corners: the reference's bits.
void resize_unsigned(const QuantizedResizeArgs& args, Range rows, float* scratch) {
  const size_t row_length = args.width * args.channels;
  float* upper = scratch;
  float* lower = scratch + row_length;
  for (size_t i = rows.begin; i < rows.end; ++i) {
    const uint8_t* x = static_cast<const uint8_t*>(args.x);
    const uint8_t* first = x + static_cast<size_t>(args.rows[2 * i]) * row_length;
    const uint8_t* second = x + static_cast<size_t>(args.rows[2 * i + 1]) * row_length;
    const float w1 = args.row_shares[i], w0 = 1 - w1;
    for (size_t k = 0; k < row_length; ++k) {
      upper[k] = static_cast<float>(first[k]) * w0;
      lower[k] = static_cast<float>(second[k]) * w1;
    }
    write_columns(args, static_cast<uint8_t*>(args.y) + i * args.out_width * args.channels,
                  [&](size_t left, size_t right, size_t j) {
                    const float v1 = args.column_shares[j], v0 = 1 - v1;
                    return [=](size_t c) {
                      const float sum = upper[left + c] * v0 + lower[left + c] * v0 + upper[right + c] * v1 +
                                        lower[right + c] * v1;
                      return static_cast<uint8_t>(static_cast<int32_t>(sum + 0.5f));
                    };
                  });
  }
}

/// The greater a value, the greater its key; of equal values the first has the greatest.
POCHADE_INLINE uint16_t key_of(uint8_t x, uint8_t flip, size_t place) {
  return static_cast<uint16_t>((x ^ flip) << 8 | (255 - place));
}

void arg_max_of(const uint8_t* bytes, uint8_t flip, size_t columns, int64_t* y, Range rows) {
  constexpr size_t kWide = 32;
  uint16_t counts[kWide];  // all bits of the columns that there are
  for (size_t i = 0; i < kWide; ++i) counts[i] = i < columns ? 0xFFFF : 0;
  for (size_t row = rows.begin; row < rows.end; ++row) {
    const uint8_t* x = bytes + row * columns;
    uint16_t most = 0;
    if (columns <= kWide && (rows.end - row) * columns >= kWide) {  // there are so many bytes to read
      for (size_t i = 0; i < kWide; ++i) {
        const auto key = static_cast<uint16_t>(key_of(x[i], flip, i) & counts[i]);
        most = most < key ? key : most;
      }
    } else {
      for (size_t i = 0; i < columns; ++i) {
        const uint16_t key = key_of(x[i], flip, i);
        most = most < key ? key : most;
      }
    }
    y[row] = 255 - (most & 255);
  }
}

}  // namespace

void quantized_average_pool(const QuantizedPoolArgs& args, Range rows) {
  if (args.wide) return pool_rows<int16_t, Average<int16_t>>(args, rows);
  if (args.real)
    return args.is_signed ? pool_rows<int8_t, RealAverage<int8_t>>(args, rows)
                          : pool_rows<uint8_t, RealAverage<uint8_t>>(args, rows);
  return args.is_signed ? pool_rows<int8_t, Average<int8_t>>(args, rows)
                        : pool_rows<uint8_t, Average<uint8_t>>(args, rows);
}

void quantized_max_pool(const QuantizedPoolArgs& args, Range rows) {
  return args.wide ? pool_rows<int16_t, Most>(args, rows) : most_rows(args, rows);
}

void quantized_greatest(const uint8_t* x, uint8_t flip, size_t rows, size_t columns, uint8_t* y) {
  if (columns == 1) {
    uint8_t most = 0;
    for (size_t i = 0; i < rows; ++i) {
      const auto value = static_cast<uint8_t>(x[i] ^ flip);
      most = most < value ? value : most;
    }
    *y = most ^ flip;
    return;
  }
  for (size_t begin = 0; begin < columns; begin += kChannels) {
    const size_t n = min_size(kChannels, columns - begin);
    uint8_t most[kChannels];
    for (size_t c = 0; c < n; ++c) most[c] = 0;
    for (size_t i = 0; i < rows; ++i) {
      const uint8_t* from = x + i * columns + begin;
      for (size_t c = 0; c < n; ++c) {
        const auto value = static_cast<uint8_t>(from[c] ^ flip);
        most[c] = most[c] < value ? value : most[c];
      }
    }
    for (size_t c = 0; c < n; ++c) y[begin + c] = most[c] ^ flip;
  }
}

void quantized_sum_columns(const void* x, bool is_signed, size_t rows, size_t columns, int32_t* sums) {
  return is_signed ? add_columns(static_cast<const int8_t*>(x), rows, columns, sums)
                   : add_columns(static_cast<const uint8_t*>(x), rows, columns, sums);
}

void quantized_sum_columns_16(const int16_t* x, size_t rows, size_t columns, int32_t* sums) {
  return add_columns(x, rows, columns, sums);
}

void quantized_resize(const QuantizedResizeArgs& args, Range rows, void* scratch) {
  if (args.wide) return resize_signed<int16_t, int64_t>(args, rows, static_cast<int32_t*>(scratch));
  return args.is_signed ? resize_signed<int8_t, int32_t>(args, rows, static_cast<int32_t*>(scratch))
                        : resize_unsigned(args, rows, static_cast<float*>(scratch));
}

void quantized_arg_max(const uint8_t* x, bool is_signed, size_t columns, int64_t* y, Range rows) {
  return arg_max_of(x, is_signed ? 0x80 : 0, columns, y, rows);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
