#pragma once
// Gaussian noise with the same bits on every machine.

#include <array>
#include <cstdint>

namespace pochade {

/// Standard normal values for the three channels of the pixel at (x, y). They depend on nothing else: not on
/// the picture's size, the order of calls, threads, the C library or the instruction set.
std::array<float, 3> gaussian_noise(uint64_t seed, int64_t x, int64_t y);

}  // namespace pochade
