#include "kernels/families.h"
#include "kernels/libm.h"
#include "kernels/math.h"
#include "kernels/tile.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kChunk = 2048;  // what is activated while it is in the nearest cache
constexpr size_t kNarrow = 64;   // rows shorter than this are joined
constexpr size_t kPattern = 4 * kNarrow;

/// An operand for a run of outputs: consecutive values, or one value.
struct Run {
  const float* values;
  bool one;
};

template <typename Function>
POCHADE_INLINE void map(Run a, Run b, float* y, size_t n, Function function) {
  const auto loop = [&](auto load_a, auto load_b) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(y + i, function(load_a(i, kLanes), load_b(i, kLanes)));
    if (i < n) store_first(y + i, function(load_a(i, n - i), load_b(i, n - i)), n - i);
  };
  const auto vary = [](const float* p) {
    return [p](size_t i, size_t lanes) __attribute__((always_inline)) { return load_up_to(p + i, lanes); };
  };
  const auto same = [](const float* p) {
    const F32 value = broadcast(*p);
    return [value](size_t, size_t) __attribute__((always_inline)) { return value; };
  };
  if (a.one && b.one) return loop(same(a.values), same(b.values));
  if (a.one) return loop(same(a.values), vary(b.values));
  if (b.one) return loop(vary(a.values), same(b.values));
  return loop(vary(a.values), vary(b.values));
}

void run(Binary op, Run a, Run b, float* y, size_t n) {
  switch (op) {
    case Binary::kAdd:
      return map(a, b, y, n, [](F32 p, F32 q) { return p + q; });
    case Binary::kSub:
      return map(a, b, y, n, [](F32 p, F32 q) { return p - q; });
    case Binary::kMul:
      return map(a, b, y, n, [](F32 p, F32 q) { return p * q; });
    case Binary::kDiv:
      return map(a, b, y, n, [](F32 p, F32 q) { return p / q; });
    case Binary::kMin:
      return map(a, b, y, n, [](F32 p, F32 q) { return min_nan(p, q); });
    case Binary::kMax:
      return map(a, b, y, n, [](F32 p, F32 q) { return max_nan(p, q); });
    case Binary::kPrelu:
      return map(a, b, y, n, [](F32 p, F32 q) { return select(less(p, zero()), p * q, p); });
    case Binary::kPow:
      return libm_pow(a.values, a.one ? 0 : 1, b.values, b.one ? 0 : 1, y, n);
  }
}

/// Repeats a short row so often that kPattern values can be read from any of its places.
void repeat(const float* row, size_t columns, float (&pattern)[kPattern + kNarrow]) {
  for (size_t i = 0, j = 0; i < kPattern + kNarrow; ++i, j = j + 1 == columns ? 0 : j + 1)
    pattern[i] = row[j];
}

}  // namespace

void binary(Binary op, const BinaryArgs& args, Range r) {
  const auto flat = [](Repeat repeats) { return repeats == Repeat::kNone || repeats == Repeat::kScalar; };
  const auto by_row = [](Repeat repeats) { return repeats == Repeat::kRow; };
  const bool all_flat = flat(args.repeat_a) && flat(args.repeat_b);
  const bool joins = !all_flat && args.columns < kNarrow && args.repeat_a != Repeat::kColumn &&
                     args.repeat_b != Repeat::kColumn;
  float pattern_a[kPattern + kNarrow], pattern_b[kPattern + kNarrow];
  if (joins && by_row(args.repeat_a)) repeat(args.a, args.columns, pattern_a);
  if (joins && by_row(args.repeat_b)) repeat(args.b, args.columns, pattern_b);

  const auto operand = [&](const float* values, Repeat repeats, const float* pattern, size_t at, size_t row,
                           size_t column) {
    Run out = {values, false};
    switch (repeats) {
      case Repeat::kNone:
        out.values = values + at;
        break;
      case Repeat::kScalar:
        out.one = true;
        break;
      case Repeat::kRow:
        out.values = (joins ? pattern : values) + column;
        break;
      case Repeat::kColumn:
        out.values = values + row;
        out.one = true;
        break;
    }
    return out;
  };
  for (size_t i = r.begin; i < r.end;) {
    const size_t row = all_flat ? 0 : i / args.columns;
    const size_t column = all_flat ? 0 : i % args.columns;
    const size_t most = all_flat ? kChunk : joins ? kPattern : min_size(kChunk, args.columns - column);
    const size_t n = min_size(most, r.end - i);
    run(op, operand(args.a, args.repeat_a, pattern_a, i, row, column),
        operand(args.b, args.repeat_b, pattern_b, i, row, column), args.y + i, n);
    if (args.activation.kind != ActivationKind::kNone) activate_in_place(args.activation, args.y + i, n);
    i += n;
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
