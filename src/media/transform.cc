#include "media/transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pochade {

Result<Image> turned_upright(Image image, int orientation) {
  CHECK(orientation >= 1 && orientation <= 8);
  if (orientation == 1) return image;
  const bool swaps = orientation >= 5;
  const int width = swaps ? image.height() : image.width();
  const int height = swaps ? image.width() : image.height();
  TRY(auto out, Image::create(width, height, image.channels()));
  // Where the stored row 0 and column 0 lie in the upright picture (EXIF): 2 top right, 3 bottom right, 4
  // bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom.
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const auto pixel_bytes = static_cast<size_t>(image.channels()) * sizeof(uint16_t);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int u = from_right ? width - 1 - x : x;
      const int v = from_bottom ? height - 1 - y : y;
      std::memcpy(out.pixel(x, y), swaps ? image.pixel(v, u) : image.pixel(u, v), pixel_bytes);
    }
  return out;
}

Result<Image> crop(const Image& image, int x, int y, int width, int height) {
  if (x < 0 || y < 0 || width < 1 || height < 1 || x > image.width() - width || y > image.height() - height)
    return Error::invalid_argument("a cut of {}x{} at {},{} is outside the picture of {}x{}", width, height,
                                   x, y, image.width(), image.height());
  TRY(auto out, Image::create(width, height, image.channels()));
  for (int row = 0; row < height; ++row)
    std::memcpy(out.row(row), image.pixel(x, y + row), out.row_values() * sizeof(uint16_t));
  return out;
}

// The part that will be seen is cut out first: a long strip is never scaled up whole.
Result<Image> fill(const Image& image, int64_t width, int64_t height, Filter filter) {
  if (width < 1 || height < 1) return Error::invalid_argument("a size of {}x{} cannot be", width, height);
  const double aspect = static_cast<double>(width) / static_cast<double>(height);
  const auto side = [](double wanted, int most) {
    return static_cast<int>(std::clamp(std::round(wanted), 1.0, static_cast<double>(most)));
  };
  const int seen_width = side(image.height() * aspect, image.width());
  const int seen_height = side(image.width() / aspect, image.height());
  if (seen_width == image.width() && seen_height == image.height())
    return resize(image, width, height, filter);
  TRY(const auto seen, crop(image, (image.width() - seen_width) / 2, (image.height() - seen_height) / 2,
                            seen_width, seen_height));
  return resize(seen, width, height, filter);
}

Result<Image> fit_long_side(const Image& image, int64_t long_side, Filter filter) {
  if (long_side < 1) return Error::invalid_argument("a long side of {} pixels cannot be", long_side);
  const double scale = static_cast<double>(long_side) / std::max(image.width(), image.height());
  const auto scaled = [&](int side) { return std::max<int64_t>(1, std::llround(side * scale)); };
  return resize(image, scaled(image.width()), scaled(image.height()), filter);
}

}  // namespace pochade
