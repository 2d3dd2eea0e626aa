#include "kernels/tile.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

// Registers: R * V sums, V of weights and what A needs. AVX-512 and 64-bit ARM have 32, the others 16.
#if defined(POCHADE_KERNEL_ISA_avx512)
constexpr int kRows[kMaxTileVectors + 1] = {0, 14, 14, 9, 6};
#elif defined(POCHADE_KERNEL_ISA_neon) && defined(__aarch64__)
constexpr int kRows[kMaxTileVectors + 1] = {0, 8, 8, 6, 5};
#elif defined(POCHADE_KERNEL_ISA_avx2)
constexpr int kRows[kMaxTileVectors + 1] = {0, 8, 6, 4, 2};
#else
constexpr int kRows[kMaxTileVectors + 1] = {0, 8, 4, 3, 2};
#endif

#if defined(POCHADE_KERNEL_ISA_neon) && defined(__aarch64__)
#define POCHADE_TILE_BY_LANE 1
#endif

/// Rows of A are addressed from a pointer for every third of them (x86 adds an index scaled by 1 or 2 for
/// free).
template <int R>
struct RowPointers {
  static constexpr int kBases = (R + 2) / 3;
  const float* base[kBases];

  POCHADE_INLINE RowPointers(const float* a, size_t lda) {
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * lda;
  }
  POCHADE_INLINE const float* at(int row, size_t lda) const { return base[row / 3] + (row % 3) * lda; }
  POCHADE_INLINE void advance(size_t n) {
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) {
      base[i] += n;
      // Else the compiler replaces the pointers by one for each row and spills them.
      __asm__("" : "+r"(base[i]));
    }
  }
};

template <int R, int V>
POCHADE_INLINE void step(F32 (&sums)[R][V], const RowPointers<R>& rows, size_t lda, int k, const float* b,
                         size_t panel) {
  F32 weights[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) weights[v] = load(b + v * panel);
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    const F32 a = broadcast(rows.at(i, lda)[k]);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[i][v] = fma(a, weights[v], sums[i][v]);
  }
}

#if defined(POCHADE_TILE_BY_LANE)
template <int kLane, int R, int V>
POCHADE_INLINE void lane_step(F32 (&sums)[R][V], const float32x4_t (&a)[R], const float* b, size_t panel) {
  F32 weights[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) weights[v] = load(b + v * panel);
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[i][v].v = vfmaq_laneq_f32(sums[i][v].v, weights[v].v, a[i], kLane);
}
#endif

template <int R, int V>
POCHADE_INLINE void four_steps(F32 (&sums)[R][V], const RowPointers<R>& rows, size_t lda, const float* b,
                               size_t panel) {
#if defined(POCHADE_TILE_BY_LANE)
  float32x4_t a[R];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) a[i] = vld1q_f32(rows.at(i, lda));
  lane_step<0>(sums, a, b, panel);
  lane_step<1>(sums, a, b + kLanes, panel);
  lane_step<2>(sums, a, b + 2 * kLanes, panel);
  lane_step<3>(sums, a, b + 3 * kLanes, panel);
#else
  step(sums, rows, lda, 0, b, panel);
  step(sums, rows, lda, 1, b + kLanes, panel);
  step(sums, rows, lda, 2, b + 2 * kLanes, panel);
  step(sums, rows, lda, 3, b + 3 * kLanes, panel);
#endif
}

template <int R, int V>
POCHADE_INLINE void start(F32 (&sums)[R][V], const TileArgs& t) {
  F32 bias[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const size_t lanes = v == V - 1 ? t.last_lanes : kLanes;
    bias[v] = t.first && t.bias != nullptr ? load_up_to(t.bias + v * kLanes, lanes) : zero();
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[i][v] = bias[v];
  const float* before = t.first ? t.residual : t.c;
  if (before == nullptr) return;
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const float* p = before + i * t.ldc + v * kLanes;
      sums[i][v] = sums[i][v] + (v == V - 1 ? load_up_to(p, t.last_lanes) : load(p));
    }
}

template <int R, int V>
POCHADE_INLINE void finish(F32 (&sums)[R][V], const TileArgs& t) {
  const ActivationKind kind = t.last ? t.activation->kind : ActivationKind::kNone;
  if (kind == ActivationKind::kRelu || kind == ActivationKind::kClip) {
    const F32 low = broadcast(kind == ActivationKind::kRelu ? 0.0f : t.activation->a);
    const F32 high = broadcast(kind == ActivationKind::kRelu ? __builtin_inff() : t.activation->b);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[i][v] = min(high, max(low, sums[i][v]));
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      float* p = t.c + i * t.ldc + v * kLanes;
      if (v == V - 1)
        store_up_to(p, sums[i][v], t.last_lanes);
      else
        store(p, sums[i][v]);
    }
  if (kind > ActivationKind::kClip)
    for (int i = 0; i < R; ++i)
      activate_in_place(*t.activation, t.c + i * t.ldc, (V - 1) * kLanes + t.last_lanes);
}

template <int R, int V>
void run_tile(const TileArgs& t) {
  F32 sums[R][V];
  start(sums, t);
  const size_t lda = t.lda;
  const size_t panel = t.panel;
  const float* b = t.b;
  for (size_t s = 0; s < t.segment_count; ++s) {
    RowPointers<R> rows(t.segments[s].a + t.a_offset, lda);
    size_t k = t.segments[s].length;
    for (; k >= 4; k -= 4) {
      four_steps(sums, rows, lda, b, panel);
      rows.advance(4);
      b += 4 * kLanes;
    }
    for (; k > 0; --k) {
      step(sums, rows, lda, 0, b, panel);
      rows.advance(1);
      b += kLanes;
    }
  }
  finish(sums, t);
}

template <int R, int V>
constexpr Tile tile_if() {  // not reached: the compiler calls it
  if constexpr (R <= kRows[V])
    return run_tile<R, V>;
  else
    return nullptr;
}

#define POCHADE_TILE_ROW(R) {tile_if<R, 1>(), tile_if<R, 2>(), tile_if<R, 3>(), tile_if<R, 4>()}
constexpr Tile kTiles[14][kMaxTileVectors] = {
    POCHADE_TILE_ROW(1),  POCHADE_TILE_ROW(2),  POCHADE_TILE_ROW(3),  POCHADE_TILE_ROW(4),
    POCHADE_TILE_ROW(5),  POCHADE_TILE_ROW(6),  POCHADE_TILE_ROW(7),  POCHADE_TILE_ROW(8),
    POCHADE_TILE_ROW(9),  POCHADE_TILE_ROW(10), POCHADE_TILE_ROW(11), POCHADE_TILE_ROW(12),
    POCHADE_TILE_ROW(13), POCHADE_TILE_ROW(14)};
#undef POCHADE_TILE_ROW

// ------ dot products

// Registers: R * N sums, R vectors of A and one of weights.
#if defined(POCHADE_KERNEL_ISA_avx512) || (defined(POCHADE_KERNEL_ISA_neon) && defined(__aarch64__))
constexpr int kDotRows[kMaxDotColumns + 1] = {0, 8, 8, 7, 6, 5, 4, 3, 3};
#else
constexpr int kDotRows[kMaxDotColumns + 1] = {0, 6, 4, 3, 3, 2, 2, 1, 1};
#endif

template <int R, int N>
POCHADE_INLINE void dot_step(F32 (&sums)[R][N], const float* a, size_t lda, const float* b, size_t b_column,
                             size_t lanes) {
  F32 rows[R];
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) rows[i] = load_up_to(a + i * lda, lanes);
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    const F32 weights = load_up_to(b + n * b_column, lanes);
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) sums[i][n] = fma(rows[i], weights, sums[i][n]);
  }
}

template <int R, int N>
void run_dot(const DotArgs& t) {
  F32 sums[R][N];
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sums[i][n] = zero();
  const float* b = t.b;
  for (size_t s = 0; s < t.segment_count; ++s) {
    const float* a = t.segments[s].a + t.a_offset;
    const size_t length = t.segments[s].length;
    size_t k = 0;
    for (; k + kLanes <= length; k += kLanes) dot_step(sums, a + k, t.lda, b + k, t.b_column, kLanes);
    if (k < length) dot_step(sums, a + k, t.lda, b + k, t.b_column, length - k);
    b += length;
  }
  // Through memory, so that the loops above keep their sums in registers.
  float partial[R * N * kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store(partial + (i * N + n) * kLanes, sums[i][n]);
  for (int i = 0; i < R; ++i) {
    float* c = t.c + i * t.ldc;
    for (int n = 0; n < N; ++n) {
      float sum = sum_lanes(load(partial + (i * N + n) * kLanes));
      if (t.bias != nullptr) sum += t.bias[n];
      if (t.residual != nullptr) sum += t.residual[i * t.ldc + n];
      c[n] = sum;
    }
    if (t.activation->kind != ActivationKind::kNone) activate_in_place(*t.activation, c, N);
  }
}

template <int N>
void run_dot_rows(DotArgs t, size_t rows) {
  constexpr int kMost = kDotRows[N];
  constexpr int kHalf = (kMost + 1) / 2;
  const auto advance = [&t](size_t n) {
    t.a_offset += n * t.lda;
    t.c += n * t.ldc;
    if (t.residual != nullptr) t.residual += n * t.ldc;
  };
  for (; rows >= kMost; rows -= kMost, advance(kMost)) run_dot<kMost, N>(t);
  if (rows >= kHalf) {
    run_dot<kHalf, N>(t);
    rows -= kHalf;
    advance(kHalf);
  }
  for (; rows > 0; --rows, advance(1)) run_dot<1, N>(t);
}

constexpr void (*kDots[kMaxDotColumns])(DotArgs, size_t) = {run_dot_rows<1>, run_dot_rows<2>, run_dot_rows<3>,
                                                            run_dot_rows<4>, run_dot_rows<5>, run_dot_rows<6>,
                                                            run_dot_rows<7>, run_dot_rows<8>};

}  // namespace

size_t tile_rows(size_t vectors) {
  return kRows[vectors];
}
Tile tile(size_t rows, size_t vectors) {
  return kTiles[rows - 1][vectors - 1];
}

__attribute__((cold)) double tile_cost(size_t rows, size_t vectors) {
  // In units of one fused multiply-add of a vector. Loads go beside them at the same rate; a sum can be used
  // again after `latency`. A little is lost at the start and end of each tile.
#if defined(POCHADE_KERNEL_ISA_avx2)
  constexpr double kLatency = 8;
#else
  constexpr double kLatency = 6;
#endif
  const double sums = static_cast<double>(rows * vectors);
  const double loads = static_cast<double>(rows + vectors);
  double cost = sums > loads ? sums : loads;
  if (cost < kLatency) cost = kLatency;
  return cost + 0.1 * loads + 0.5;
}

__attribute__((cold)) double strip_cost(size_t rows, size_t vectors) {
  const size_t tiles = ceil_div(rows, tile_rows(vectors));
  const size_t low = rows / tiles, high_count = rows % tiles;
  double cost = static_cast<double>(tiles - high_count) * tile_cost(low, vectors);
  if (high_count > 0) cost += static_cast<double>(high_count) * tile_cost(low + 1, vectors);
  return cost;
}

// Cold, as all that only plans: small code, at any speed.
__attribute__((cold)) Tiling choose_tiling(size_t rows, size_t vectors) {
  double costs[kMaxTileVectors + 1] = {};
  for (size_t v = 1; v <= kMaxTileVectors; ++v) costs[v] = strip_cost(rows, v);
  return best_tiling(vectors, costs);
}

void run_strip(TileArgs args, size_t rows, size_t vectors) {
  const size_t tiles = ceil_div(rows, tile_rows(vectors));
  const size_t low = rows / tiles, high_count = rows % tiles;
  for (size_t i = 0; i < tiles; ++i) {
    const size_t height = i < high_count ? low + 1 : low;
    tile(height, vectors)(args);
    args.a_offset += height * args.lda;
    args.c += height * args.ldc;
    if (args.residual != nullptr) args.residual += height * args.ldc;
  }
}

__attribute__((cold)) double dot_cost(size_t columns, size_t segments, size_t length) {
  const double steps = static_cast<double>(segments * ceil_div(length, kLanes));
  const double rows = kDotRows[columns];
  const double n = static_cast<double>(columns);
  return steps * n * (1 + 0.5 / rows) + 8 * n;
}

void run_dot_strip(DotArgs args, size_t rows, size_t columns) {
  kDots[columns - 1](args, rows);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
