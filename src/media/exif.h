#pragma once
// The one thing that is read of EXIF: which way is up. Nothing of it is ever written.

#include <cstddef>
#include <span>

namespace pochade {

/// The orientation (1..8, EXIF 2.32 section 4.6.4.A) of a TIFF block, with or without a leading "Exif\0\0".
/// 1 if there is none or the block is damaged.
int exif_orientation(std::span<const std::byte> block);

}  // namespace pochade
