// Depthwise convolution. A tile is kWide outputs of a row times one vector of channels: each input vector is
// loaded once for all the outputs of the tile that see it. Windows that hang over the border take only the
// taps within the picture.

#include "kernels/families.h"
#include "kernels/math.h"
#include "kernels/tile.h"
#include "kernels/window.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

struct Row {
  const DepthwiseShape* s;
  const float*
      x;  // first input row of the window, from column 0: may lie outside the picture if `taps` leaves it out
  Taps taps;  // rows within the picture
  const float* filter;
  const float* bias;
  float* y;
  F32 low, high;
};

POCHADE_INLINE F32 bias_at(const Row& row, size_t c, size_t lanes) {
  return row.bias == nullptr ? zero() : load_up_to(row.bias + c, lanes);
}

/// Outputs [w, w + kWide) of one vector of channels. With kEdge, windows may hang over the picture's left and
/// right border.
template <int kKernel, int kStride, int kWide, bool kEdge>
POCHADE_INLINE void tile_of(const Row& row, size_t w, size_t c, size_t lanes) {
  const DepthwiseShape& s = *row.s;
  const size_t channels = s.channels;
  const ptrdiff_t column = static_cast<ptrdiff_t>(w * kStride) - s.pad_left;
  const float* first = row.x + column * static_cast<ptrdiff_t>(channels) + c;
  F32 sums[kWide];
  const F32 bias = bias_at(row, c, lanes);
  POCHADE_UNROLL(8)
  for (int t = 0; t < kWide; ++t) sums[t] = bias;
  for (size_t r = row.taps.begin; r < row.taps.end; ++r) {
    const float* x = first + r * s.width * channels;
    F32 weights[kKernel];
    POCHADE_UNROLL(8)
    for (int k = 0; k < kKernel; ++k)
      weights[k] = load_up_to(row.filter + (r * kKernel + k) * channels + c, lanes);
    POCHADE_UNROLL(32)
    for (int j = 0; j < (kWide - 1) * kStride + kKernel; ++j) {
      if (kEdge && (column + j < 0 || column + j >= static_cast<ptrdiff_t>(s.width))) continue;
      const F32 v = load_up_to(x + j * channels, lanes);
      POCHADE_UNROLL(8)
      for (int t = 0; t < kWide; ++t)
        if (j - t * kStride >= 0 && j - t * kStride < kKernel)
          sums[t] = fma(v, weights[j - t * kStride], sums[t]);
    }
  }
  float* y = row.y + w * channels + c;
  POCHADE_UNROLL(8)
  for (int t = 0; t < kWide; ++t) store_up_to(y + t * channels, clip(sums[t], row.low, row.high), lanes);
}

/// A whole row; the windows of outputs `whole` lie within the picture.
template <int kKernel, int kStride>
void square(const Row& row, Taps whole) {
  const DepthwiseShape& s = *row.s;
  const auto sweep = [&](size_t c, size_t lanes) __attribute__((always_inline)) {
    for (size_t w = 0; w < s.out_width;) {
      const size_t left = s.out_width - w;
      if (left >= 8 && w >= whole.begin && w + 8 <= whole.end) {
        tile_of<kKernel, kStride, 8, false>(row, w, c, lanes);
        w += 8;
      } else if (left >= 4) {
        tile_of<kKernel, kStride, 4, true>(row, w, c, lanes);
        w += 4;
      } else {
        tile_of<kKernel, kStride, 1, true>(row, w, c, lanes);
        w += 1;
      }
    }
  };
  size_t c = 0;
  for (; c + kLanes <= s.channels; c += kLanes) sweep(c, kLanes);
  if (c < s.channels) sweep(c, s.channels - c);
}

#if defined(POCHADE_KERNEL_ISA_avx512) || (defined(POCHADE_KERNEL_ISA_neon) && defined(__aarch64__))
constexpr int kPairWide = 8;
#else
constexpr int kPairWide = 4;
#endif

/// As tile_of, for a kernel of 3 x 3 and two output rows: input rows that both see are loaded once.
/// `row.taps` are those of both.
template <int kStride, int kWide, bool kEdge>
POCHADE_INLINE void pair_of(const Row& row, size_t w, size_t c, size_t lanes) {
  const DepthwiseShape& s = *row.s;
  const size_t channels = s.channels;
  const ptrdiff_t column = static_cast<ptrdiff_t>(w * kStride) - s.pad_left;
  const float* first = row.x + column * static_cast<ptrdiff_t>(channels) + c;
  F32 sums[2][kWide], weights[9];
  const F32 bias = bias_at(row, c, lanes);
  POCHADE_UNROLL(8)
  for (int t = 0; t < kWide; ++t) sums[0][t] = sums[1][t] = bias;
  POCHADE_UNROLL(9)
  for (int k = 0; k < 9; ++k) weights[k] = load_up_to(row.filter + k * channels + c, lanes);
  POCHADE_UNROLL(5)
  for (int i = 0; i < 3 + kStride; ++i) {
    if (static_cast<size_t>(i) < row.taps.begin || static_cast<size_t>(i) >= row.taps.end) continue;
    const float* x = first + static_cast<size_t>(i) * s.width * channels;
    POCHADE_UNROLL(32)
    for (int j = 0; j < (kWide - 1) * kStride + 3; ++j) {
      if (kEdge && (column + j < 0 || column + j >= static_cast<ptrdiff_t>(s.width))) continue;
      const F32 v = load_up_to(x + j * channels, lanes);
      POCHADE_UNROLL(2)
      for (int h = 0; h < 2; ++h) POCHADE_UNROLL(8)
      for (int t = 0; t < kWide; ++t) {
        const int r = i - h * kStride, k = j - t * kStride;
        if (r >= 0 && r < 3 && k >= 0 && k < 3) sums[h][t] = fma(v, weights[r * 3 + k], sums[h][t]);
      }
    }
  }
  POCHADE_UNROLL(2)
  for (int h = 0; h < 2; ++h) {
    float* y = row.y + (h * s.out_width + w) * channels + c;
    POCHADE_UNROLL(8)
    for (int t = 0; t < kWide; ++t) store_up_to(y + t * channels, clip(sums[h][t], row.low, row.high), lanes);
  }
}

/// Two whole rows.
template <int kStride>
void pair(const Row& row, Taps whole) {
  const DepthwiseShape& s = *row.s;
  const auto sweep = [&](size_t c, size_t lanes) __attribute__((always_inline)) {
    for (size_t w = 0; w < s.out_width;) {
      const size_t left = s.out_width - w;
      if (left >= kPairWide && w >= whole.begin && w + kPairWide <= whole.end) {
        pair_of<kStride, kPairWide, false>(row, w, c, lanes);
        w += kPairWide;
      } else if (left >= 4) {
        pair_of<kStride, 4, true>(row, w, c, lanes);
        w += 4;
      } else {
        pair_of<kStride, 1, true>(row, w, c, lanes);
        w += 1;
      }
    }
  };
  size_t c = 0;
  for (; c + kLanes <= s.channels; c += kLanes) sweep(c, kLanes);
  if (c < s.channels) sweep(c, s.channels - c);
}

/// Any window: one output after another.
void anywhere(const Row& row, Taps) {
  const DepthwiseShape& s = *row.s;
  const size_t channels = s.channels;
  for (size_t w = 0; w < s.out_width; ++w) {
    const ptrdiff_t start = static_cast<ptrdiff_t>(w * s.stride_w) - s.pad_left;
    const Taps columns = taps_within(start, s.kernel_w, s.dilation_w, 0, static_cast<ptrdiff_t>(s.width));
    const auto vector = [&](size_t c, size_t lanes) __attribute__((always_inline)) {
      F32 sum = bias_at(row, c, lanes);
      for (size_t r = row.taps.begin; r < row.taps.end; ++r) {
        const float* x = row.x + r * s.dilation_h * s.width * channels + c;
        const float* filter = row.filter + r * s.kernel_w * channels + c;
        for (size_t k = columns.begin; k < columns.end; ++k) {
          const ptrdiff_t column = start + static_cast<ptrdiff_t>(k * s.dilation_w);
          sum = fma(load_up_to(x + column * static_cast<ptrdiff_t>(channels), lanes),
                    load_up_to(filter + k * channels, lanes), sum);
        }
      }
      store_up_to(row.y + w * channels + c, clip(sum, row.low, row.high), lanes);
    };
    size_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) vector(c, kLanes);
    if (c < channels) vector(c, channels - c);
  }
}

/// Several outputs for each input channel: the input is spread over the lanes first.
void multiplied(const Row& row, Taps) {
  const DepthwiseShape& s = *row.s;
  const size_t outputs = s.channels * s.multiplier;
  for (size_t w = 0; w < s.out_width; ++w) {
    const ptrdiff_t start = static_cast<ptrdiff_t>(w * s.stride_w) - s.pad_left;
    const Taps columns = taps_within(start, s.kernel_w, s.dilation_w, 0, static_cast<ptrdiff_t>(s.width));
    for (size_t o = 0; o < outputs; o += kLanes) {
      const size_t lanes = min_size(kLanes, outputs - o);
      size_t channel[kLanes];
      for (size_t i = 0; i < lanes; ++i) channel[i] = (o + i) / s.multiplier;
      F32 sum = bias_at(row, o, lanes);
      for (size_t r = row.taps.begin; r < row.taps.end; ++r)
        for (size_t k = columns.begin; k < columns.end; ++k) {
          const ptrdiff_t column = start + static_cast<ptrdiff_t>(k * s.dilation_w);
          const float* x =
              row.x + r * s.dilation_h * s.width * s.channels + column * static_cast<ptrdiff_t>(s.channels);
          float spread[kLanes] = {};
          for (size_t i = 0; i < lanes; ++i) spread[i] = x[channel[i]];
          sum = fma(load(spread), load_up_to(row.filter + (r * s.kernel_w + k) * outputs + o, lanes), sum);
        }
      store_up_to(row.y + w * outputs + o, clip(sum, row.low, row.high), lanes);
    }
  }
}

using RowFunction = void (*)(const Row& row, Taps whole);

RowFunction choose(const DepthwiseShape& s) {
  if (s.multiplier != 1) return multiplied;
  if (s.kernel_h != s.kernel_w || s.stride_h != s.stride_w || s.dilation_h != 1 || s.dilation_w != 1)
    return anywhere;
  if (s.kernel_h == 3 && s.stride_w == 1) return square<3, 1>;
  if (s.kernel_h == 3 && s.stride_w == 2) return square<3, 2>;
  if (s.kernel_h == 5 && s.stride_w == 1) return square<5, 1>;
  if (s.kernel_h == 5 && s.stride_w == 2) return square<5, 2>;
  if (s.kernel_h == 7 && s.stride_w == 1) return square<7, 1>;
  return anywhere;
}

/// For two rows at once, or null.
RowFunction choose_pair(const DepthwiseShape& s) {
  if (choose(s) == square<3, 1>) return pair<1>;
  if (choose(s) == square<3, 2>) return pair<2>;
  return nullptr;
}

}  // namespace

void depthwise(const DepthwiseShape& s, const DepthwiseArgs& args, Range rows) {
  const size_t outputs = s.channels * s.multiplier;
  const ActivationKind kind = args.activation.kind;
  Row row;
  row.s = &s;
  row.filter = args.filter;
  row.bias = args.bias;
  row.low = broadcast(kind == ActivationKind::kRelu   ? 0.0f
                      : kind == ActivationKind::kClip ? args.activation.a
                                                      : -__builtin_inff());
  row.high = broadcast(kind == ActivationKind::kClip ? args.activation.b : __builtin_inff());
  const RowFunction function = choose(s), pair_function = choose_pair(s);
  const Taps whole =
      whole_windows(s.out_width, s.stride_w, s.pad_left, (s.kernel_w - 1) * s.dilation_w + 1, s.width);
  for (size_t i = rows.begin; i < rows.end;) {
    const bool pairs = pair_function != nullptr && i + 1 < rows.end && (i + 1) % s.out_height != 0;
    const size_t image = i / s.out_height;
    const ptrdiff_t first = static_cast<ptrdiff_t>(i % s.out_height * s.stride_h) - s.pad_top;
    const size_t reach = s.kernel_h + (pairs ? s.stride_h : 0);  // a pair has a dilation of 1
    row.taps = taps_within(first, reach, s.dilation_h, 0, static_cast<ptrdiff_t>(s.height));
    row.x = args.x +
            (static_cast<ptrdiff_t>(image * s.height) + first) * static_cast<ptrdiff_t>(s.width * s.channels);
    row.y = args.y + i * s.out_width * outputs;
    (pairs ? pair_function : function)(row, whole);
    if (kind > ActivationKind::kClip)
      activate_in_place(args.activation, row.y, (pairs ? 2 : 1) * s.out_width * outputs);
    i += pairs ? 2 : 1;
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
