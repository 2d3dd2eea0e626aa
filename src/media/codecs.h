#pragma once
// Inside media only: what each codec gives to decode_image and takes from encode_image.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/color.h"
#include "media/decode.h"
#include "media/encode.h"
#include "media/image.h"

namespace pochade::codec {

/// Pixels as stored, and what is left to do with them.
struct Raw {
  Image image;
  int orientation = 1;  ///< EXIF
  std::optional<ColorTransform> to_srgb;
  std::vector<std::string> notes;
};

/// Refuses a picture of this size before any memory is taken. `bytes_per_pixel` is all that decoding needs at
/// its peak. `largest_pixels`: the most that a file of this length can hold in this format.
Status check_size(const DecodeLimits& limits, int64_t width, int64_t height, int64_t bytes_per_pixel,
                  int64_t largest_pixels = INT64_MAX);

/// Values of `image` rounded to 8 bits, `channels` (3 or 4) a pixel. An image with alpha that is asked for 3
/// is laid on white. Error: no memory.
Result<std::vector<uint8_t>> to_bytes(const Image& image, int channels);
/// One such row; `out` has width * channels bytes.
void row_to_bytes(const Image& image, int y, int channels, uint8_t* out);

/// Turns the last half of the image's memory, holding 8-bit values in order, into its 16-bit values.
void widen_in_place(Image& image);
/// Where those 8-bit values go.
uint8_t* narrow_part(Image& image);

Result<Raw> decode_jpeg(std::span<const std::byte> bytes, const DecodeLimits& limits);
Result<Raw> decode_png(std::span<const std::byte> bytes, const DecodeLimits& limits);
Result<Raw> decode_webp(std::span<const std::byte> bytes, const DecodeLimits& limits);
Result<Raw> decode_heif(std::span<const std::byte> bytes, const DecodeLimits& limits);

Result<std::vector<std::byte>> encode_jpeg(const Image& image, const EncodeOptions& options);
Result<std::vector<std::byte>> encode_png(const Image& image, const EncodeOptions& options);
Result<std::vector<std::byte>> encode_webp(const Image& image, const EncodeOptions& options);

}  // namespace pochade::codec
