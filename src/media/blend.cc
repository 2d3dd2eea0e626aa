#include "media/blend.h"

#include <algorithm>

namespace pochade {
namespace {

Status check_sizes(const Image& painting, const Image& photo) {
  if (painting.width() == photo.width() && painting.height() == photo.height()) return {};
  return Error::invalid_argument("the painting has {}x{} pixels, the photo {}x{}", painting.width(),
                                 painting.height(), photo.width(), photo.height());
}

uint16_t rounded(float value) {
  return static_cast<uint16_t>(std::clamp(value, 0.0f, 65535.0f) + 0.5f);
}

// ITU-R BT.601, as in JPEG.
float luma(const uint16_t* pixel) {
  return 0.299f * static_cast<float>(pixel[0]) + 0.587f * static_cast<float>(pixel[1]) +
         0.114f * static_cast<float>(pixel[2]);
}

}  // namespace

Status blend(Image& painting, const Image& photo, float strength) {
  TRY(check_sizes(painting, photo));
  if (!(strength >= 0 && strength <= 1))
    return Error::invalid_argument("strength {}: it goes from 0 to 1", strength);
  for (int y = 0; y < painting.height(); ++y)
    for (int x = 0; x < painting.width(); ++x) {
      uint16_t* to = painting.pixel(x, y);
      const uint16_t* from = photo.pixel(x, y);
      for (int c = 0; c < 3; ++c)
        to[c] = rounded(strength * static_cast<float>(to[c]) + (1 - strength) * static_cast<float>(from[c]));
    }
  return {};
}

Status keep_colors(Image& painting, const Image& photo) {
  TRY(check_sizes(painting, photo));
  for (int y = 0; y < painting.height(); ++y)
    for (int x = 0; x < painting.width(); ++x) {
      uint16_t* to = painting.pixel(x, y);
      const uint16_t* from = photo.pixel(x, y);
      const float light = luma(to), photo_light = luma(from);
      float difference[3];
      float saturation = 1;
      for (int c = 0; c < 3; ++c) {
        difference[c] = static_cast<float>(from[c]) - photo_light;
        const float room = difference[c] > 0 ? 65535.0f - light : light;
        if (std::abs(difference[c]) > room) saturation = std::min(saturation, room / std::abs(difference[c]));
      }
      for (int c = 0; c < 3; ++c) to[c] = rounded(light + saturation * difference[c]);
    }
  return {};
}

}  // namespace pochade
