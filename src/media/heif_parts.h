#pragma once
// Of which other pictures in a HEIF file its pictures are made.

#include <cstddef>
#include <span>

#include "base/result.h"

namespace pochade::codec {

/// Refuses files that take more work than their bytes justify: a picture that is made of itself (libheif
/// follows such a circle with ever more threads), of parts of parts deeper than 8, or of more than 16384
/// parts. Item references as ISO/IEC 14496-12 8.11.12 writes them: "dimg" (derived from) and "auxl" (the
/// alpha of).
Status check_heif_parts(std::span<const std::byte> file);

}  // namespace pochade::codec
