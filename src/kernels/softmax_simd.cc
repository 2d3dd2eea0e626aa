#include "kernels/families.h"
#include "kernels/math.h"
#include "kernels/sums.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kShort = 16;  // rows shorter than this are taken kLanes at a time, one a lane

float largest(const float* x, size_t n) {
  F32 most = broadcast(-__builtin_inff());
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) most = max_nan(most, load(x + i));
  float result = max_lanes(most);
  // A partial vector's other lanes hold zeros, which could be larger than all of x.
  for (; i < n; ++i)
    result = x[i] != x[i] || result != result ? __builtin_nanf("") : x[i] > result ? x[i] : result;
  return result;
}

void softmax_row(const float* x, float* y, size_t n) {
  const F32 most = broadcast(largest(x, n));
  for (size_t i = 0; i < n; i += kLanes) {
    const size_t lanes = min_size(kLanes, n - i);
    store_up_to(y + i, exp(load_up_to(x + i, lanes) - most), lanes);
  }
  const F32 total = broadcast(static_cast<float>(sum_of(y, n, [](F32 v) { return v; })));
  for (size_t i = 0; i < n; i += kLanes) {
    const size_t lanes = min_size(kLanes, n - i);
    store_up_to(y + i, load_up_to(y + i, lanes) / total, lanes);
  }
}

void log_softmax_row(const float* x, float* y, size_t n) {
  const F32 most = broadcast(largest(x, n));
  const double total = sum_of(x, n, [most](F32 v) { return exp(v - most); });
  const F32 logarithm = log(broadcast(static_cast<float>(total)));
  for (size_t i = 0; i < n; i += kLanes) {
    const size_t lanes = min_size(kLanes, n - i);
    store_up_to(y + i, load_up_to(x + i, lanes) - most - logarithm, lanes);
  }
}

template <bool kLog>
void short_rows(const float* x, float* y, size_t columns, size_t rows) {
  float values[kShort][kLanes] = {};
  for (size_t row = 0; row < rows; ++row)
    for (size_t c = 0; c < columns; ++c) values[c][row] = x[row * columns + c];
  F32 most = load(values[0]);
  for (size_t c = 1; c < columns; ++c) most = max_nan(most, load(values[c]));
  F32 total = zero();
  for (size_t c = 0; c < columns; ++c) {
    const F32 e = exp(load(values[c]) - most);
    total = total + e;
    if (!kLog) store(values[c], e);
  }
  const F32 logarithm = kLog ? log(total) : total;
  for (size_t c = 0; c < columns; ++c) {
    const F32 v = load(values[c]);
    store(values[c], kLog ? v - most - logarithm : v / total);
  }
  for (size_t row = 0; row < rows; ++row)
    for (size_t c = 0; c < columns; ++c) y[row * columns + c] = values[c][row];
}

/// Rows of two: each vector holds whole rows.
template <bool kLog>
void pairs(const float* x, float* y, size_t n) {
  for (size_t i = 0; i < n; i += kLanes) {
    const size_t lanes = min_size(kLanes, n - i);
    const F32 v = load_up_to(x + i, lanes);
    const F32 d = v - max_nan(v, swap_pairs(v));
    const F32 e = exp(d);
    const F32 total = e + swap_pairs(e);
    store_up_to(y + i, kLog ? d - log(total) : e / total, lanes);
  }
}

template <bool kLog>
void all_rows(const float* x, float* y, size_t columns, Range rows) {
  if (columns == 0) return;
  if (columns == 2) return pairs<kLog>(x + 2 * rows.begin, y + 2 * rows.begin, 2 * (rows.end - rows.begin));
  if (columns < kShort) {
    for (size_t row = rows.begin; row < rows.end; row += kLanes)
      short_rows<kLog>(x + row * columns, y + row * columns, columns, min_size(kLanes, rows.end - row));
    return;
  }
  for (size_t row = rows.begin; row < rows.end; ++row) {
    if (kLog)
      log_softmax_row(x + row * columns, y + row * columns, columns);
    else
      softmax_row(x + row * columns, y + row * columns, columns);
  }
}

}  // namespace

void softmax(const float* x, float* y, size_t columns, Range rows) {
  all_rows<false>(x, y, columns, rows);
}
void log_softmax(const float* x, float* y, size_t columns, Range rows) {
  all_rows<true>(x, y, columns, rows);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
