#pragma once
// Mixing a painting with its photo. Both have the same size; the painting's alpha is left alone.

#include "base/result.h"
#include "media/image.h"

namespace pochade {

/// painting = strength * painting + (1 - strength) * photo.  strength: 0..1
/// Error: different sizes, or strength outside 0..1.
Status blend(Image& painting, const Image& photo, float strength);

/// The painting's light and dark (luma of BT.601) with the photo's colour (chroma). Colours that would leave
/// the gamut are made paler, so that the luma is kept. Error: different sizes.
Status keep_colors(Image& painting, const Image& photo);

}  // namespace pochade
