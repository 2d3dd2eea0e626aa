#pragma once
// From a picture's own colour space to sRGB (LittleCMS does the mathematics).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "media/image.h"

namespace pochade {

/// What the values of a source mean.
enum class ColorModel { kRgb, kGrey, kCmyk };

/// Chromaticities (CIE x,y) of a display-like colour space and its decoding exponent.
struct Primaries {
  double white_x = 0.3127, white_y = 0.3290;
  double red_x = 0.64, red_y = 0.33;
  double green_x = 0.30, green_y = 0.60;
  double blue_x = 0.15, blue_y = 0.06;
  double gamma = 0;  ///< linear = encoded ^ gamma; 0: the sRGB curve
};

/// A conversion to sRGB. Made once a picture, used for all its rows.
class ColorTransform {
 public:
  /// From an ICC profile for data of `model`. Empty if the profile is damaged or of another model, and for
  /// kRgb and kGrey also if it gives sRGB within half an 8-bit step, so that ordinary pictures keep their
  /// exact values. `eight_bit_source`: the values came from 8 bits (LittleCMS is more exact then).
  static std::optional<ColorTransform> from_icc(std::span<const std::byte> profile, ColorModel model,
                                                bool eight_bit_source);
  /// From chromaticities. Empty if they make no colour space, or sRGB.
  static std::optional<ColorTransform> from_primaries(const Primaries& primaries, bool eight_bit_source);

  /// Converts all pixels in place; alpha is left alone. kGrey: red, green and blue are equal and one of them
  /// is read. Error: no memory for a row.
  Status apply(Image& image) const;
  /// kCmyk: 8-bit C,M,Y,K (255 is full ink) to 16-bit R,G,B.
  void cmyk_row(const uint8_t* cmyk, uint16_t* rgb, int pixels) const;

 private:
  struct Delete {
    void operator()(void* transform) const;
  };
  using Handle = std::unique_ptr<void, Delete>;
  static std::optional<ColorTransform> from_profile(void* profile, ColorModel model, bool eight_bit_source);
  bool changes_little() const;
  void convert(uint16_t* pixels, uint16_t* scratch, int count, int channels) const;

  Handle transform_;
  ColorModel model_ = ColorModel::kRgb;
  bool eight_bit_source_ = true;
};

}  // namespace pochade
