#include "kernels/families.h"
#include "kernels/math.h"
#include "kernels/sums.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kBlockRows = 256;  // sums of so many rows are sums of their own
constexpr int kWide = 4;

/// Folds a row with a function of two vectors; the rest goes through a vector filled up with `neutral`.
template <typename Fold>
POCHADE_INLINE F32 fold_row(const float* x, size_t n, float neutral, Fold fold) {
  F32 folded[2] = {broadcast(neutral), broadcast(neutral)};
  size_t i = 0;
  // Which operand is no number is asked of the new one, which does not wait for those before it.
  for (; i + 2 * kLanes <= n; i += 2 * kLanes)
    for (int v = 0; v < 2; ++v) folded[v] = fold(load(x + i + v * kLanes), folded[v]);
  for (; i < n; i += kLanes) {
    float rest[kLanes];
    for (size_t j = 0; j < kLanes; ++j) rest[j] = i + j < n ? x[i + j] : neutral;
    folded[0] = fold(folded[0], load(rest));
  }
  return fold(folded[0], folded[1]);
}

float reduce_row(Reduction reduction, const float* x, size_t n) {
  switch (reduction) {
    case Reduction::kSum:
      return static_cast<float>(sum_of(x, n, [](F32 v) { return v; }));
    case Reduction::kMean:
      return static_cast<float>(sum_of(x, n, [](F32 v) { return v; }) / static_cast<double>(n));
    case Reduction::kSumOfSquares:
      return static_cast<float>(sum_of(x, n, [](F32 v) { return v * v; }));
    case Reduction::kSumOfAbs:
      return static_cast<float>(sum_of(x, n, [](F32 v) { return abs(v); }));
    case Reduction::kMax:
      return max_lanes(fold_row(x, n, -__builtin_inff(), [](F32 a, F32 b) { return max_nan(a, b); }));
    case Reduction::kMin:
      return min_lanes(fold_row(x, n, __builtin_inff(), [](F32 a, F32 b) { return min_nan(a, b); }));
    case Reduction::kProduct:
      return fold_lanes(fold_row(x, n, 1.0f, [](F32 a, F32 b) { return a * b; }),
                        [](F32 a, F32 b) { return a * b; });
  }
  return 0;  // not reached: every reduction has its case
}

/// V vectors of columns, the last of `lanes`: blocks of rows are folded, then joined.
template <int V, typename Fold, typename Join>
POCHADE_INLINE void fold_columns(const ReduceArgs& a, size_t c, size_t lanes, float neutral, Fold fold,
                                 Join join, F32 (&total)[V]) {
  F32 lost[V];
  for (int v = 0; v < V; ++v) {
    total[v] = broadcast(neutral);
    lost[v] = zero();
  }
  for (size_t begin = 0; begin < a.rows; begin += kBlockRows) {
    const size_t end = min_size(a.rows, begin + kBlockRows);
    F32 block[V];
    for (int v = 0; v < V; ++v) block[v] = broadcast(neutral);
    for (size_t row = begin; row < end; ++row) {
      const float* x = a.x + row * a.columns + c;
      for (int v = 0; v < V - 1; ++v) block[v] = fold(block[v], load(x + v * kLanes));
      block[V - 1] = fold(block[V - 1], load_up_to(x + (V - 1) * kLanes, lanes));
    }
    for (int v = 0; v < V; ++v) join(total[v], lost[v], block[v]);
  }
}

template <typename Fold, typename Join>
POCHADE_INLINE void all_columns(const ReduceArgs& a, Range columns, float neutral, F32 divisor, Fold fold,
                                Join join) {
  size_t c = columns.begin;
  for (; c + kWide * kLanes <= columns.end; c += kWide * kLanes) {
    F32 total[kWide];
    fold_columns(a, c, kLanes, neutral, fold, join, total);
    for (int v = 0; v < kWide; ++v) store(a.y + c + v * kLanes, total[v] / divisor);
  }
  for (; c < columns.end; c += kLanes) {
    const size_t lanes = min_size(kLanes, columns.end - c);
    F32 total[1];
    fold_columns(a, c, lanes, neutral, fold, join, total);
    store_up_to(a.y + c, total[0] / divisor, lanes);
  }
}

}  // namespace

void reduce_rows(Reduction reduction, const ReduceArgs& args, Range rows) {
  for (size_t row = rows.begin; row < rows.end; ++row)
    args.y[row] = reduce_row(reduction, args.x + row * args.columns, args.columns);
}

void reduce_columns(Reduction reduction, const ReduceArgs& a, Range c) {
  const F32 one = broadcast(1.0f);
  const auto add = [](F32 p, F32 q) { return p + q; };
  const auto most = [](F32 p, F32 q) { return max_nan(p, q); };
  const auto least = [](F32 p, F32 q) { return min_nan(p, q); };
  const auto product = [](F32 p, F32 q) { return p * q; };
  const auto join_by = [](auto fold) {
    return [fold](F32& total, F32&, F32 block) { total = fold(total, block); };
  };
  // Kahan's compensated sum; a total of infinity has lost nothing.
  const auto sum = [](F32& total, F32& lost, F32 block) {
    const F32 term = block - lost;
    const F32 next = total + term;
    const F32 error = (next - total) - term;
    lost = select(is_nan(error), zero(), error);
    total = next;
  };
  switch (reduction) {
    case Reduction::kSum:
      return all_columns(a, c, 0, one, add, sum);
    case Reduction::kMean:
      return all_columns(a, c, 0, broadcast(static_cast<float>(a.rows)), add, sum);
    case Reduction::kMax:
      return all_columns(a, c, -__builtin_inff(), one, most, join_by(most));
    case Reduction::kMin:
      return all_columns(a, c, __builtin_inff(), one, least, join_by(least));
    case Reduction::kSumOfSquares:
      return all_columns(a, c, 0, one, [](F32 p, F32 q) { return fma(q, q, p); }, sum);
    case Reduction::kSumOfAbs:
      return all_columns(a, c, 0, one, [](F32 p, F32 q) { return p + abs(q); }, sum);
    case Reduction::kProduct:
      return all_columns(a, c, 1, one, product, join_by(product));
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
