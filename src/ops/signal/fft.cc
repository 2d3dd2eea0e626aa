#include "ops/signal/fft.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace pochade {
namespace {

using Complex = std::complex<double>;
using Signal = std::vector<Complex>;

/// exp(-2 pi i k / n)
Complex root(uint64_t k, uint64_t n) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

/// In place, without scaling; the length is a power of two.
void halve(Signal& x) {
  const size_t n = x.size();
  for (size_t i = 1, j = 0; i < n; ++i) {  // bit-reversed order
    size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  Signal roots(n / 2);
  for (size_t k = 0; k < roots.size(); ++k) roots[k] = root(k, n);
  for (size_t length = 2; length <= n; length *= 2)
    for (size_t start = 0; start < n; start += length)
      for (size_t k = 0; k < length / 2; ++k) {
        const Complex even = x[start + k], odd = x[start + k + length / 2] * roots[k * (n / length)];
        x[start + k] = even + odd;
        x[start + k + length / 2] = even - odd;
      }
}

/// Any length: X[k] = w[k] * sum of (x[n] w[n]) * conj(w[k - n]) with w[n] = exp(-pi i n^2 / N).
Signal by_convolution(const Signal& x) {
  const size_t n = x.size(), padded = std::bit_ceil(2 * n - 1);
  Signal a(padded), b(padded), chirp(n);
  for (size_t k = 0; k < n; ++k) {
    chirp[k] = root((k * k) % (2 * n), 2 * n);
    a[k] = x[k] * chirp[k];
    b[k] = std::conj(chirp[k]);
    if (k != 0) b[padded - k] = b[k];
  }
  halve(a);
  halve(b);
  for (size_t k = 0; k < padded; ++k)
    a[k] = std::conj(a[k] * b[k]);  // conj before and after: the inverse transform
  halve(a);
  Signal out(n);
  for (size_t k = 0; k < n; ++k) out[k] = std::conj(a[k]) / static_cast<double>(padded) * chirp[k];
  return out;
}

}  // namespace

Signal fourier(const Signal& x, bool inverse) {
  Signal y = x;
  if (x.size() <= 1) return y;
  if (inverse)
    for (Complex& value : y) value = std::conj(value);
  if (std::has_single_bit(x.size())) {
    halve(y);
  } else {
    y = by_convolution(y);
  }
  if (inverse)
    for (Complex& value : y) value = std::conj(value) / static_cast<double>(x.size());
  return y;
}

}  // namespace pochade
