#pragma once
// The discrete Fourier transform of any length in n log n, for the oracles of DFT and STFT.

#include <complex>
#include <vector>

namespace pochade {

/// X[k] = sum of x[n] * exp(-+2 pi i k n / N); inverse: the sign +, and divided by N.
/// Powers of two by halving (Cooley and Tukey 1965), other lengths as a convolution (Bluestein 1970).
std::vector<std::complex<double>> fourier(const std::vector<std::complex<double>>& x, bool inverse);

}  // namespace pochade
