#pragma once
// Gaussian noise with the same bits on every machine.

#include <cstdint>

namespace pochade {

/// A standard normal value for channel `channel` (0..3) of the pixel at (x, y). It depends on nothing else:
/// not on the picture's size, the order of calls, threads, the C library or the instruction set.
float gaussian_noise(uint64_t seed, int64_t x, int64_t y, int channel);

}  // namespace pochade
