// In place of media/color.cc where LittleCMS is not linked (the static pochade-run): every picture is taken
// as sRGB.
#include "media/color.h"

namespace pochade {

void ColorTransform::Delete::operator()(void*) const {}

std::optional<ColorTransform> ColorTransform::from_icc(std::span<const std::byte>, ColorModel, bool) {
  return std::nullopt;
}

std::optional<ColorTransform> ColorTransform::from_primaries(const Primaries&, bool) {
  return std::nullopt;
}

// Nobody can have a transform to call these on.
Status ColorTransform::apply(Image&) const {
  return {};
}
void ColorTransform::cmyk_row(const uint8_t*, uint16_t*, int) const {}

}  // namespace pochade
