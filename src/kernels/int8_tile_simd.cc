// Register tiles of the 8-bit matrix product: R rows times V vectors of 32-bit sums, requantized and stored
// as bytes.

#include "kernels/int8.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

// Registers: R * V sums, V of weights, one of activations and one that flips their signs; a product, too,
// where there is no dot product. Where rows are read four groups at a time: R of activations.
#if defined(POCHADE_KERNEL_ISA_avx512)
constexpr int kRows[kMaxTileVectors + 1] = {0, 12, 12, 8, 6};
#elif defined(POCHADE_INT8_ROW_PAIRS)
constexpr int kRows[kMaxTileVectors + 1] = {0, 8, 8, 6, 4};
#elif defined(POCHADE_KERNEL_ISA_neon) && defined(__aarch64__)
constexpr int kRows[kMaxTileVectors + 1] = {0, 8, 8, 6, 5};
#elif defined(POCHADE_KERNEL_ISA_neon)
constexpr int kRows[kMaxTileVectors + 1] = {0, 6, 4, 2, 2};
#elif defined(POCHADE_KERNEL_ISA_avx2)
constexpr int kRows[kMaxTileVectors + 1] = {0, 8, 5, 3, 2};
#else
constexpr int kRows[kMaxTileVectors + 1] = {0, 4, 2, 1, 1};
#endif
constexpr int kMostRows = kRows[1];

/// Rows are addressed from a pointer for every third of them (x86 adds an index scaled by 1 or 2 for free).
template <int R>
struct RowPointers {
  static constexpr int kBases = (R + 2) / 3;
  const char* base[kBases];

  POCHADE_INLINE RowPointers(const char* a, size_t lda) {
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * lda;
  }
  POCHADE_INLINE const char* at(int row, size_t lda) const { return base[row / 3] + (row % 3) * lda; }
  POCHADE_INLINE void advance(size_t n) {
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) {
      base[i] += n;
      // Else the compiler replaces the pointers by one for each row and spills them.
      __asm__("" : "+r"(base[i]));
    }
  }
};

inline constexpr size_t kVectorBytes = kLanes * kGroupBytes;

#if defined(POCHADE_INT8_ROW_PAIRS)
/// Sums of two rows by two lanes: a vector of channels is two of them for every pair of rows. An odd last row
/// is its own neighbour.
template <int R, int V>
struct PairSums {
  static constexpr int kPairs = (R + 1) / 2;
  I32 sums[kPairs][V][2];

  POCHADE_INLINE explicit PairSums(const I32 (&from)[R][V]) {
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int64x2_t first = vreinterpretq_s64_s32(from[2 * p][v].v);
        const int64x2_t second = vreinterpretq_s64_s32(from[below(p)][v].v);
        sums[p][v][0].v = vreinterpretq_s32_s64(vzip1q_s64(first, second));
        sums[p][v][1].v = vreinterpretq_s32_s64(vzip2q_s64(first, second));
      }
  }
  POCHADE_INLINE void finish(I32 (&to)[R][V]) const {
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int64x2_t left = vreinterpretq_s64_s32(sums[p][v][0].v);
        const int64x2_t right = vreinterpretq_s64_s32(sums[p][v][1].v);
        to[2 * p][v].v = vreinterpretq_s32_s64(vzip1q_s64(left, right));
        if (2 * p + 1 < R) to[below(p)][v].v = vreinterpretq_s32_s64(vzip2q_s64(left, right));
      }
  }
  static constexpr int below(int pair) { return 2 * pair + 1 < R ? 2 * pair + 1 : 2 * pair; }

  /// Four groups of each row.
  POCHADE_INLINE void add_four(const RowPointers<R>& rows, size_t lda, I32 flip, const char* b,
                               size_t panel) {
    int64x2_t low[kPairs], high[kPairs];
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p) {
      const int64x2_t first = vreinterpretq_s64_s32(bit_xor(load_int(rows.at(2 * p, lda)), flip).v);
      const int64x2_t second = vreinterpretq_s64_s32(bit_xor(load_int(rows.at(below(p), lda)), flip).v);
      low[p] = vzip1q_s64(first, second);
      high[p] = vzip2q_s64(first, second);
    }
    add(low, b, panel);
    add(high, b + 32, panel);
  }
  /// One group, with four values of 0 behind it: weights of a single group stand lane by lane.
  POCHADE_INLINE void add_one(const RowPointers<R>& rows, size_t lda, I32 flip, const char* b, size_t panel) {
    const int32x4_t nothing = vdupq_n_s32(0);
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p) {
      const int32x4_t first = bit_xor(broadcast_group(rows.at(2 * p, lda)), flip).v;
      const int32x4_t second = bit_xor(broadcast_group(rows.at(below(p), lda)), flip).v;
      const int32x4_t both =
          vcombine_s32(vget_low_s32(vzip1q_s32(first, nothing)), vget_low_s32(vzip1q_s32(second, nothing)));
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int32x4_t weights = load_int(b + v * panel).v;
        sums[p][v][0] = dot_pairs(sums[p][v][0], both, vzip1q_s32(weights, nothing));
        sums[p][v][1] = dot_pairs(sums[p][v][1], both, vzip2q_s32(weights, nothing));
      }
    }
  }

 private:
  POCHADE_INLINE void add(const int64x2_t (&x)[kPairs], const char* b, size_t panel) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const int32x4_t left = load_int(b + v * panel).v, right = load_int(b + v * panel + 16).v;
#pragma GCC unroll 4
      for (int p = 0; p < kPairs; ++p) {
        sums[p][v][0] = dot_pairs(sums[p][v][0], vreinterpretq_s32_s64(x[p]), left);
        sums[p][v][1] = dot_pairs(sums[p][v][1], vreinterpretq_s32_s64(x[p]), right);
      }
    }
  }
};

template <int R, int V>
POCHADE_INLINE void add_segments(I32 (&sums)[R][V], const Int8TileArgs& t, I32 flip) {
  PairSums<R, V> pairs(sums);
  const char* b = t.b;
  for (size_t s = 0; s < t.segment_count; ++s) {
    RowPointers<R> rows(t.segments[s] + t.a_offset, t.lda);
    size_t groups = t.groups;
    for (; groups >= 4; groups -= 4, b += 4 * kVectorBytes) {
      pairs.add_four(rows, t.lda, flip, b, t.panel);
      rows.advance(4 * kGroupBytes);
    }
    for (; groups > 0; --groups, b += kVectorBytes) {
      pairs.add_one(rows, t.lda, flip, b, t.panel);
      rows.advance(kGroupBytes);
    }
  }
  pairs.finish(sums);
}
#else
POCHADE_INLINE I32 activations(const void* p, [[maybe_unused]] I32 flip) {
#if defined(POCHADE_INT8_QUADS)
  return bit_xor(broadcast_group(p), flip);
#else
  return broadcast_group(p);
#endif
}

template <int R, int V>
POCHADE_INLINE void step(I32 (&sums)[R][V], const RowPointers<R>& rows, size_t lda, size_t offset, I32 flip,
                         const char* b, size_t panel) {
  I32 weights[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) weights[v] = load_int(b + v * panel);
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    const I32 a = activations(rows.at(i, lda) + offset, flip);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[i][v] = dot(sums[i][v], a, weights[v]);
  }
}

#if defined(POCHADE_INT8_BY_LANE)
template <int kLane, int R, int V>
POCHADE_INLINE void lane_step(I32 (&sums)[R][V], const I32 (&a)[R], const char* b, size_t panel) {
  I32 weights[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) weights[v] = load_int(b + v * panel);
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[i][v] = dot_lane<kLane>(sums[i][v], a[i], weights[v]);
}
#endif

// Where two instructions multiply and add, a loop hides behind fewer steps.
#if defined(POCHADE_INT8_BY_LANE) || defined(POCHADE_INT8_QUADS)
inline constexpr size_t kSteps = 4;
#else
inline constexpr size_t kSteps = 2;
#endif

/// kSteps of them.
template <int R, int V>
POCHADE_INLINE void steps(I32 (&sums)[R][V], const RowPointers<R>& rows, size_t lda,
                          [[maybe_unused]] I32 flip, const char* b, size_t panel) {
#if defined(POCHADE_INT8_BY_LANE)
  I32 a[R];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    a[i] = load_int(rows.at(i, lda));
#if defined(POCHADE_INT8_QUADS)
    a[i] = bit_xor(a[i], flip);
#endif
  }
  lane_step<0>(sums, a, b, panel);
  lane_step<1>(sums, a, b + kVectorBytes, panel);
  lane_step<2>(sums, a, b + 2 * kVectorBytes, panel);
  lane_step<3>(sums, a, b + 3 * kVectorBytes, panel);
#else
#pragma GCC unroll 4
  for (size_t i = 0; i < kSteps; ++i)
    step(sums, rows, lda, i * kGroupBytes, flip, b + i * kVectorBytes, panel);
#endif
}

template <int R, int V>
POCHADE_INLINE void add_segments(I32 (&sums)[R][V], const Int8TileArgs& t, I32 flip) {
  const size_t lda = t.lda, panel = t.panel;
  const char* b = t.b;
  for (size_t s = 0; s < t.segment_count; ++s) {
    RowPointers<R> rows(t.segments[s] + t.a_offset, lda);
    size_t groups = t.groups;
    for (; groups >= kSteps; groups -= kSteps) {
      steps(sums, rows, lda, flip, b, panel);
      rows.advance(kSteps * kGroupBytes);
      b += kSteps * kVectorBytes;
    }
    for (; groups > 0; --groups) {
      step(sums, rows, lda, 0, flip, b, panel);
      rows.advance(kGroupBytes);
      b += kVectorBytes;
    }
  }
}
#endif

#if defined(__clang__)
#define POCHADE_ONE_COPY __attribute__((noinline))
#else
#define POCHADE_ONE_COPY __attribute__((noinline, noclone))
#endif

/// Requantizes and stores `rows` rows of V vectors of sums. One for all heights of tiles, or code multiplies.
template <int V, Requant kMode>
POCHADE_ONE_COPY void finish(const int32_t* sums, size_t rows, const Int8TileArgs& t) {
  const Requantizer<kMode> requantize[4] = {Requantizer<kMode>(t.columns),
                                            Requantizer<kMode>(t.columns.vector(V > 1 ? 1 : 0)),
                                            Requantizer<kMode>(t.columns.vector(V > 2 ? 2 : 0)),
                                            Requantizer<kMode>(t.columns.vector(V > 3 ? 3 : 0))};
  const Narrow narrow = t.narrow;
  char* y = t.y;
  for (size_t i = 0; i < rows; ++i, y += t.ldy, sums += V * kLanes) {
    I32 q[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) q[v] = requantize[v](load_int(sums + v * kLanes));
    store_row<V>(q, narrow, y, t.channels);
  }
}

/// Vectors of channels. Counted again, so that one function serves all widths of tiles.
POCHADE_INLINE size_t vectors_of(const Int8TileArgs& t) {
  return ceil_div(t.channels, kLanes);
}

/// Rounds sums by real multipliers, in place, lane by lane.
__attribute__((noinline)) void round_reals(int32_t* sums, size_t rows, const Int8TileArgs& t) {
  const size_t vectors = vectors_of(t);
  for (size_t i = 0; i < rows; ++i)
    for (size_t v = 0; v < vectors; ++v, sums += kLanes)
      store_int(sums, Requantizer<Requant::kReal>(t.columns.vector(v))(load_int(sums)));
}

/// Stores `rows` rows of V vectors of results. Cold: matrix products that round so have few outputs.
template <int V>
__attribute__((noinline, cold)) void store_results(const int32_t* results, size_t rows,
                                                   const Int8TileArgs& t) {
  char* y = t.y;
  for (size_t i = 0; i < rows; ++i, y += t.ldy, results += V * kLanes) {
    I32 q[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) q[v] = load_int(results + v * kLanes);
    store_row<V>(q, t.narrow, y, t.channels);
  }
}

/// Stores `rows` rows of sums as they are.
__attribute__((noinline)) void store_sums(const int32_t* sums, size_t rows, const Int8TileArgs& t) {
  const size_t width = vectors_of(t) * kLanes;
  char* y = t.y;
  for (size_t i = 0; i < rows; ++i, y += t.ldy, sums += width) {
    for (size_t c = 0; c < t.channels; c += kLanes) {
      const int32_t* weights = t.columns.vector(c / kLanes).array(1);
      uint32_t lanes[kLanes];
      for (size_t lane = 0; lane < kLanes; ++lane)
        lanes[lane] = centred_sum(sums[c + lane], t.x_zero, weights[lane]);
      __builtin_memcpy(y + c * sizeof(int32_t), lanes, min_size(kLanes, t.channels - c) * sizeof(int32_t));
    }
  }
}

/// As the layer's mode says. One for all heights of tiles, too.
template <int V>
__attribute__((noinline)) void finish_any(int32_t* sums, size_t rows, const Int8TileArgs& t) {
  switch (t.mode) {
#if defined(POCHADE_INT8_PROVED) && !defined(POCHADE_KERNEL_ISA_avx512_vnni)
    case Requant::kProvedUp:
      return finish<V, Requant::kProvedUp>(sums, rows, t);
    case Requant::kProved:
      return finish<V, Requant::kProved>(sums, rows, t);
#else
    case Requant::kProvedUp:  // not reached: prove() never succeeds, or they never leave the registers
    case Requant::kProved:    // not reached: as above
#endif
    case Requant::kFixed:
      return finish<V, Requant::kFixed>(sums, rows, t);
    case Requant::kFixedWide:
      return finish<V, Requant::kFixedWide>(sums, rows, t);
    case Requant::kReal:
      round_reals(sums, rows, t);
      return store_results<V>(sums, rows, t);
    case Requant::kFloat:
      return finish<V, Requant::kFloat>(sums, rows, t);
    case Requant::kSums:
      return store_sums(sums, rows, t);
  }
}

#if defined(POCHADE_KERNEL_ISA_avx512_vnni)
/// The same without a detour through memory, for what is most common.
template <int R, int V, Requant kMode>
POCHADE_INLINE void finish_in_registers(I32 (&sums)[R][V], const Int8TileArgs& t) {
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const Requantizer<kMode> requantize(t.columns.vector(v));
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) sums[i][v] = requantize(sums[i][v]);
  }
  const Narrow narrow = t.narrow;
  char* y = t.y;
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i, y += t.ldy) store_row<V>(sums[i], narrow, y, t.channels);
}
#endif

template <int R, int V>
void run_tile(const Int8TileArgs& t) {
  I32 sums[R][V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const I32 bias = load_int(t.columns.vector(v).bias());
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) sums[i][v] = bias;
  }
#if defined(POCHADE_INT8_QUADS)
  if (t.row_terms != nullptr)
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const I32 term = broadcast_int(t.row_terms[i]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[i][v] = sums[i][v] + term;
    }
#endif
  add_segments(sums, t, broadcast_int(static_cast<int32_t>(t.flip)));
#if defined(POCHADE_KERNEL_ISA_avx512_vnni)
  if (t.mode == Requant::kProvedUp) return finish_in_registers<R, V, Requant::kProvedUp>(sums, t);
  if (t.mode == Requant::kProved) return finish_in_registers<R, V, Requant::kProved>(sums, t);
#endif
  // Through memory: one requantization serves all heights of tiles.
  alignas(64) int32_t spilled[R * V * kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store_int(spilled + (i * V + v) * kLanes, sums[i][v]);
  finish_any<V>(spilled, R, t);
}

using Tile = void (*)(const Int8TileArgs& args);

template <int R, int V>
constexpr Tile tile_if() {  // not reached: the compiler runs it
  if constexpr (R <= kRows[V])
    return run_tile<R, V>;
  else
    return nullptr;
}

#define POCHADE_TILE_ROW(R) {tile_if<R, 1>(), tile_if<R, 2>(), tile_if<R, 3>(), tile_if<R, 4>()}
constexpr Tile kTiles[12][kMaxTileVectors] = {
    POCHADE_TILE_ROW(1), POCHADE_TILE_ROW(2),  POCHADE_TILE_ROW(3),  POCHADE_TILE_ROW(4),
    POCHADE_TILE_ROW(5), POCHADE_TILE_ROW(6),  POCHADE_TILE_ROW(7),  POCHADE_TILE_ROW(8),
    POCHADE_TILE_ROW(9), POCHADE_TILE_ROW(10), POCHADE_TILE_ROW(11), POCHADE_TILE_ROW(12)};
#undef POCHADE_TILE_ROW
static_assert(kMostRows <= 12);

/// Estimated cycles of a tile for each group of k. Cold, as all that only plans: small code, at any speed.
__attribute__((cold)) double tile_cost(size_t rows, size_t vectors) {
  constexpr double kLatency = 5;
  const double sums = static_cast<double>(rows * vectors), loads = static_cast<double>(rows + vectors);
  double cost = sums > loads ? sums : loads;  // by ISA
  if (cost < kLatency) cost = kLatency;
  return cost + 0.1 * loads + 0.5;
}

__attribute__((cold)) double strip_cost(size_t rows, size_t vectors) {
  const size_t tiles = ceil_div(rows, int8_tile_rows(vectors));
  const size_t low = rows / tiles, high_count = rows % tiles;
  double cost = static_cast<double>(tiles - high_count) * tile_cost(low, vectors);
  if (high_count > 0) cost += static_cast<double>(high_count) * tile_cost(low + 1, vectors);
  return cost;
}

}  // namespace

size_t int8_tile_rows(size_t vectors) {
  return kRows[vectors];
}

__attribute__((cold)) Tiling int8_tiling(size_t rows, size_t vectors) {
  double costs[kMaxTileVectors + 1] = {};
  for (size_t v = 1; v <= kMaxTileVectors; ++v) costs[v] = strip_cost(rows, v);
  return best_tiling(vectors, costs);
}

void int8_strip(Int8TileArgs& args, size_t rows, size_t vectors) {
  const size_t tiles = ceil_div(rows, int8_tile_rows(vectors));
  const size_t low = rows / tiles, high_count = rows % tiles;
  for (size_t i = 0; i < tiles; ++i) {
    const size_t height = i < high_count ? low + 1 : low;
    kTiles[height - 1][vectors - 1](args);
    args.a_offset += height * args.lda;
    args.y += height * args.ldy;
    if (args.row_terms != nullptr) args.row_terms += height;  // by ISA
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
