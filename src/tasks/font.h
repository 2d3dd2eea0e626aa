#pragma once
// Letters of 5x7 dots, drawn for this program.

#include <array>
#include <cstdint>

namespace pochade {

/// Rows from top to bottom; bit 4 is the left dot. '?' for what is not printable ASCII.
const std::array<uint8_t, 7>& glyph(char c);

}  // namespace pochade
