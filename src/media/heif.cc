// HEIC and AVIF by libheif, which also applies the file's own rotation and mirroring: EXIF is not asked
// again.
#include <libheif/heif.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "media/codecs.h"
#include "media/heif_parts.h"

namespace pochade::codec {
namespace {

template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Context = std::unique_ptr<heif_context, FreeBy<heif_context_free>>;
using Handle = std::unique_ptr<heif_image_handle, FreeBy<heif_image_handle_release>>;
using Pixels = std::unique_ptr<heif_image, FreeBy<heif_image_release>>;
using Options = std::unique_ptr<heif_decoding_options, FreeBy<heif_decoding_options_free>>;
using Nclx = std::unique_ptr<heif_color_profile_nclx, FreeBy<heif_nclx_color_profile_free>>;

Status check(const heif_error& error) {
  if (error.code == heif_error_Ok) return {};
  const std::string_view message = error.message != nullptr ? error.message : "damaged";
  if (error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype)
    return Error::not_supported("{}", message);
  return Error::io("{}", message);
}

std::optional<ColorTransform> color_of(const heif_image_handle* handle, bool eight_bits) {
  if (const size_t size = heif_image_handle_get_raw_color_profile_size(handle); size > 0) {
    std::vector<std::byte> profile(size);
    if (heif_image_handle_get_raw_color_profile(handle, profile.data()).code != heif_error_Ok)
      return std::nullopt;
    return ColorTransform::from_icc(profile, ColorModel::kRgb, eight_bits);
  }
  heif_color_profile_nclx* found = nullptr;
  if (heif_image_handle_get_nclx_color_profile(handle, &found).code != heif_error_Ok) return std::nullopt;
  const Nclx nclx(found);
  // Primaries are converted. Curves for film and television are shown as sRGB, as players and browsers do.
  Primaries p;
  p.white_x = found->color_primary_white_x;
  p.white_y = found->color_primary_white_y;
  p.red_x = found->color_primary_red_x;
  p.red_y = found->color_primary_red_y;
  p.green_x = found->color_primary_green_x;
  p.green_y = found->color_primary_green_y;
  p.blue_x = found->color_primary_blue_x;
  p.blue_y = found->color_primary_blue_y;
  return ColorTransform::from_primaries(p, eight_bits);
}

/// Rows of 8-bit or little-endian 16-bit values of `bits` significant bits, as interleaved by libheif.
void copy_pixels(const uint8_t* plane, size_t stride, int bits, Image& image) {
  const uint32_t largest = (1u << bits) - 1;
  for (int y = 0; y < image.height(); ++y) {
    const uint8_t* from = plane + static_cast<size_t>(y) * stride;
    uint16_t* to = image.row(y);
    for (size_t i = 0; i < image.row_values(); ++i) {
      const uint32_t value = bits == 8 ? from[i] : from[2 * i] | static_cast<uint32_t>(from[2 * i + 1]) << 8;
      to[i] = static_cast<uint16_t>((std::min(value, largest) * 65535u + largest / 2) / largest);
    }
  }
}

void unpremultiply(Image& image) {
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) {
      uint16_t* p = image.pixel(x, y);
      if (p[3] == 0) continue;
      for (int c = 0; c < 3; ++c)
        p[c] = static_cast<uint16_t>(std::min<uint32_t>(65535, (uint32_t{p[c]} * 65535u + p[3] / 2u) / p[3]));
    }
}

}  // namespace

Result<Raw> decode_heif(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  TRY(check_heif_parts(bytes));
  const Context context(heif_context_alloc());
  if (!context) return Error::out_of_memory("no memory for a HEIF reader");
  // The library refuses larger sides itself: what it reads inside the file may differ from the header.
  const double side = std::sqrt(static_cast<double>(limits.pixels)) * 4;
  heif_context_set_maximum_image_size_limit(context.get(), static_cast<int>(std::clamp(side, 64.0, 32768.0)));
  TRY(check(heif_context_read_from_memory_without_copy(context.get(), bytes.data(), bytes.size(), nullptr)));
  heif_image_handle* primary = nullptr;
  TRY(check(heif_context_get_primary_image_handle(context.get(), &primary)));
  const Handle handle(primary);

  // The decoder's planes, libheif's conversion to R,G,B(,A) and our own copy.
  const int64_t width = heif_image_handle_get_width(primary), height = heif_image_handle_get_height(primary);
  TRY(check_size(limits, width, height, 28));
  const bool alpha = heif_image_handle_has_alpha_channel(primary) != 0;
  const int bits_coded = heif_image_handle_get_luma_bits_per_pixel(primary);
  const bool eight_bits = bits_coded <= 8;
  const heif_chroma wide = alpha ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE;
  const heif_chroma narrow = alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;

  const Options options(heif_decoding_options_alloc());
  heif_image* decoded = nullptr;
  TRY(check(
      heif_decode_image(primary, &decoded, heif_colorspace_RGB, eight_bits ? narrow : wide, options.get())));
  const Pixels pixels(decoded);
  int stride = 0;
  const uint8_t* plane = heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride);
  const int bits = eight_bits ? 8 : heif_image_get_bits_per_pixel_range(decoded, heif_channel_interleaved);
  const int decoded_width = heif_image_get_width(decoded, heif_channel_interleaved);
  const int decoded_height = heif_image_get_height(decoded, heif_channel_interleaved);
  if (plane == nullptr || decoded_width < 1 || decoded_height < 1 || stride < 1 || bits < 8 || bits > 16)
    return Error::io("damaged");
  TRY(check_size(limits, decoded_width, decoded_height, alpha ? 8 : 6));

  Raw raw;
  TRY(raw.image, Image::create(decoded_width, decoded_height, alpha ? 4 : 3));
  if (static_cast<size_t>(stride) < raw.image.row_values() * (bits == 8 ? 1 : 2)) return Error::io("damaged");
  copy_pixels(plane, static_cast<size_t>(stride), bits, raw.image);
  if (alpha && heif_image_handle_is_premultiplied_alpha(primary) != 0) unpremultiply(raw.image);
  raw.to_srgb = color_of(primary, eight_bits);
  return raw;
}

}  // namespace pochade::codec
