#pragma once
// Picture files out: JPEG, PNG, WebP. Always sRGB, upright, and without any metadata: no place, no camera, no
// time.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/decode.h"
#include "media/image.h"

namespace pochade {

struct EncodeOptions {
  int quality = 92;  ///< JPEG and WebP: 1 (small) to 100; JPEG keeps the full resolution of colour (4:4:4)
  bool lossless = false;  ///< WebP
  int png_bits = 8;       ///< 8 or 16 a channel
};

/// The format that a name like "jpg" or ".PNG" asks for. Error: none that we write.
Result<ImageFormat> output_format(std::string_view extension);

/// Alpha is kept by PNG and WebP; for JPEG the picture is laid on white.
/// Errors: a side longer than the format allows (JPEG 65500, WebP 16383), kHeif, no memory.
Result<std::vector<std::byte>> encode_image(const Image& image, ImageFormat format,
                                            const EncodeOptions& options = {});

/// Encodes by the extension of `path` unless `format` is given ("-" is standard output, PNG unless given).
/// The file appears whole or not at all.
Status write_image(const std::filesystem::path& path, const Image& image,
                   std::optional<ImageFormat> format = std::nullopt, const EncodeOptions& options = {});

}  // namespace pochade
