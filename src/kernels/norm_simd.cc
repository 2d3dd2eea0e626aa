#include "kernels/families.h"
#include "kernels/math.h"
#include "kernels/sums.h"
#include "kernels/tile.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kStatsBlockFloats = 8192;
constexpr int kWide = 4;

size_t block_rows(size_t channels) {
  const size_t rows = kStatsBlockFloats / max_size(1, channels);
  return rows < 16 ? 16 : rows > 1024 ? 1024 : rows;
}

/// Mean and sum of squared deviations over `rows` rows, V vectors of channels at a time. Two passes, and what
/// rounding left of the first mean is taken out of both.
template <int V>
POCHADE_INLINE void block_stats(const float* x, size_t ld, size_t rows, size_t lanes, float* mean_out,
                                float* squares_out) {
  const auto at = [&](size_t row, int v) __attribute__((always_inline)) {
    const float* p = x + row * ld + v * kLanes;
    return v == V - 1 ? load_up_to(p, lanes) : load(p);
  };
  const F32 share = broadcast(1.0f / static_cast<float>(rows));
  F32 sum[V], mean[V], rest[V], squares[V];
  for (int v = 0; v < V; ++v) sum[v] = rest[v] = squares[v] = zero();
  for (size_t row = 0; row < rows; ++row)
    for (int v = 0; v < V; ++v) sum[v] = sum[v] + at(row, v);
  for (int v = 0; v < V; ++v) mean[v] = sum[v] * share;
  for (size_t row = 0; row < rows; ++row)
    for (int v = 0; v < V; ++v) {
      const F32 deviation = at(row, v) - mean[v];
      rest[v] = rest[v] + deviation;
      squares[v] = fma(deviation, deviation, squares[v]);
    }
  for (int v = 0; v < V; ++v) {
    const size_t n = v == V - 1 ? lanes : kLanes;
    const F32 shift = rest[v] * share;
    store_up_to(mean_out + v * kLanes, mean[v] + shift, n);
    store_up_to(squares_out + v * kLanes, max(zero(), squares[v] - shift * rest[v]), n);
  }
}

}  // namespace

size_t channel_stats_blocks(size_t rows, size_t channels) {
  return ceil_div(rows, block_rows(channels));
}

void channel_stats(const ChannelStatsArgs& args, Range blocks) {
  const size_t each = block_rows(args.channels);
  for (size_t block = blocks.begin; block < blocks.end; ++block) {
    const float* x = args.x + block * each * args.ld;
    const size_t rows = min_size(each, args.rows - block * each);
    float* mean = args.partials + block * 2 * args.channels;
    float* squares = mean + args.channels;
    size_t c = 0;
    for (; c + kWide * kLanes <= args.channels; c += kWide * kLanes)
      block_stats<kWide>(x + c, args.ld, rows, kLanes, mean + c, squares + c);
    for (; c < args.channels; c += kLanes)
      block_stats<1>(x + c, args.ld, rows, min_size(kLanes, args.channels - c), mean + c, squares + c);
  }
}

void channel_stats_finish(const ChannelStatsArgs& args, float* mean, float* variance) {
  constexpr size_t kAtOnce = 64;
  const size_t each = block_rows(args.channels);
  const size_t blocks = channel_stats_blocks(args.rows, args.channels);
  for (size_t c = 0; c < args.channels; c += kAtOnce) {
    const size_t n = min_size(kAtOnce, args.channels - c);
    double means[kAtOnce] = {}, squares[kAtOnce] = {};
    double count = 0;
    for (size_t block = 0; block < blocks; ++block) {
      const float* block_mean = args.partials + block * 2 * args.channels + c;
      const float* block_squares = block_mean + args.channels;
      const double rows = static_cast<double>(min_size(each, args.rows - block * each));
      const double share = rows / (count + rows);
      for (size_t i = 0; i < n; ++i) {
        const double delta = static_cast<double>(block_mean[i]) - means[i];
        means[i] += delta * share;
        squares[i] += static_cast<double>(block_squares[i]) + delta * delta * share * count;
      }
      count += rows;
    }
    for (size_t i = 0; i < n; ++i) {
      mean[c + i] = static_cast<float>(means[i]);
      variance[c + i] = static_cast<float>(squares[i] / count);
    }
  }
}

void norm_coefficients(const float* mean, const float* variance, const float* gamma, const float* beta,
                       float epsilon, size_t n, float* scale, float* shift) {
  for (size_t i = 0; i < n; ++i) {
    const double inverse =
        1.0 / __builtin_sqrt(static_cast<double>(variance[i]) + static_cast<double>(epsilon));
    const double factor = inverse * (gamma == nullptr ? 1.0 : static_cast<double>(gamma[i]));
    const double offset = beta == nullptr ? 0.0 : static_cast<double>(beta[i]);
    const double middle = mean[i];
    scale[i] = static_cast<float>(factor);
    shift[i] = static_cast<float>(offset - middle * factor);
  }
}

void scale_shift(const ScaleShiftArgs& args, Range rows) {
  // Short rows are joined: the coefficients are repeated so often that kPattern of them can be read from any
  // channel on.
  constexpr size_t kNarrow = 64, kPattern = 512;
  float scales[kPattern + kNarrow], shifts[kPattern + kNarrow];
  const bool joins = args.channels < kNarrow;
  if (joins)
    for (size_t i = 0, c = 0; i < kPattern + kNarrow; ++i, c = c + 1 == args.channels ? 0 : c + 1) {
      scales[i] = args.scale[c];
      shifts[i] = args.shift[c];
    }
  const ActivationKind kind = args.activation.kind;
  const F32 low = broadcast(kind == ActivationKind::kRelu   ? 0.0f
                            : kind == ActivationKind::kClip ? args.activation.a
                                                            : -__builtin_inff());
  const F32 high = broadcast(kind == ActivationKind::kClip ? args.activation.b : __builtin_inff());
  const size_t end = rows.end * args.channels;
  for (size_t i = rows.begin * args.channels; i < end;) {
    const size_t c = i % args.channels;
    const size_t n = min_size(end - i, joins ? kPattern : min_size(2048, args.channels - c));
    const float* scale = joins ? scales + c : args.scale + c;
    const float* shift = joins ? shifts + c : args.shift + c;
    const auto sweep = [&](auto residual) __attribute__((always_inline)) {
      const auto vector = [&](size_t j, size_t lanes) __attribute__((always_inline)) {
        F32 y = fma(load_up_to(args.x + i + j, lanes), load_up_to(scale + j, lanes),
                    load_up_to(shift + j, lanes));
        y = residual(y, j, lanes);
        store_up_to(args.y + i + j, clip(y, low, high), lanes);
      };
      size_t j = 0;
      for (; j + kLanes <= n; j += kLanes) vector(j, kLanes);
      if (j < n) vector(j, n - j);
    };
    if (args.residual == nullptr)
      sweep([](F32 y, size_t, size_t) { return y; });
    else
      sweep([&](F32 y, size_t j, size_t lanes) { return y + load_up_to(args.residual + i + j, lanes); });
    if (kind > ActivationKind::kClip) activate_in_place(args.activation, args.y + i, n);
    i += n;
  }
}

void row_norm(const RowNormArgs& args, Range rows) {
  const size_t n = args.columns;
  for (size_t row = rows.begin; row < rows.end; ++row) {
    const float* x = args.x + row * n;
    float* y = args.y + row * n;
    const double count = static_cast<double>(n);
    const double mean = args.rms ? 0.0 : sum_of(x, n, [](F32 v) { return v; }) / count;
    const float mean_float = static_cast<float>(mean);
    const F32 middle = broadcast(mean_float);
    const double squares = sum_of(x, n, SquaredDistance{middle});
    const double off = mean - static_cast<double>(mean_float);
    const double variance = squares / count - off * off;
    const double inverse =
        1.0 / __builtin_sqrt((variance > 0 || variance != variance ? variance : 0.0) + args.epsilon);
    if (args.mean != nullptr) args.mean[row] = mean_float;
    if (args.inverse_deviation != nullptr) args.inverse_deviation[row] = static_cast<float>(inverse);
    const F32 scale = broadcast(static_cast<float>(inverse));
    for (size_t i = 0; i < n; i += kLanes) {
      const size_t lanes = min_size(kLanes, n - i);
      F32 v = (load_up_to(x + i, lanes) - middle) * scale;
      if (args.gamma != nullptr) v = v * load_up_to(args.gamma + i, lanes);
      if (args.beta != nullptr) v = v + load_up_to(args.beta + i, lanes);
      store_up_to(y + i, v, lanes);
    }
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
