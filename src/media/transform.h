#pragma once
// Turning, cutting and resizing pictures.

#include "base/result.h"
#include "media/image.h"

namespace pochade {

/// Undoes an EXIF orientation (1..8), so that the picture stands upright. 5 to 8 swap width and height.
Result<Image> turned_upright(Image image, int orientation);

/// The rectangle at (x, y). It must lie inside the image.
Result<Image> crop(const Image& image, int x, int y, int width, int height);

enum class Filter {
  kTriangle,  ///< "bilinear", averaging when shrinking: as Pillow's resize with BILINEAR
  kLanczos3,  ///< sharper
};

/// Any size to any size, antialiased: when shrinking, the filter is widened by the scale. Colour is weighted
/// by alpha.
Result<Image> resize(const Image& image, int64_t width, int64_t height, Filter filter = Filter::kLanczos3);

/// Antialiased bilinear resampling of 8-bit values as Pillow computes it, bit for bit: along x first, rounded
/// to 8 bits, then along y; weights in units of 2^-22. For pictures that enter networks which were judged so.
/// Each channel is on its own, alpha too.
Result<Image> resize_bytes(const Image& image, int64_t width, int64_t height);

/// Scaled to cover width x height, then cut to exactly that around the centre.
Result<Image> fill(const Image& image, int64_t width, int64_t height, Filter filter = Filter::kLanczos3);

/// Scaled so that the longer side has `long_side` pixels; the other keeps the proportion, at least 1.
Result<Image> fit_long_side(const Image& image, int64_t long_side, Filter filter = Filter::kLanczos3);

}  // namespace pochade
