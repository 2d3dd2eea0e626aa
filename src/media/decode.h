#pragma once
// Picture files in: JPEG, PNG, WebP, HEIC and AVIF, told apart by their content.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/image.h"

namespace pochade {

enum class ImageFormat { kJpeg, kPng, kWebp, kHeif };
std::string to_string(ImageFormat format);

struct DecodeLimits {
  int64_t pixels = 400'000'000;
  int64_t memory_bytes = 0;  ///< 0: what the machine and the cgroup have available
};

struct DecodedImage {
  Image image;  ///< upright, sRGB
  ImageFormat format = ImageFormat::kPng;
  std::vector<std::string> notes;  ///< what was done on the way: "turned by EXIF orientation 6"
};

/// The format by the first bytes. Error: none of ours.
Result<ImageFormat> sniff_image(std::span<const std::byte> bytes);

/// Decodes, turns it upright (EXIF orientation), converts to sRGB (ICC profile, PNG gamma and
/// chromaticities). Grey, palette, 16-bit, CMYK and interlaced files are accepted; of an animation the first
/// frame is taken. Errors: not a picture, damaged, cut short, larger than the limits. Sizes are judged by the
/// header, before memory is taken, and must be such that a file of this many bytes can hold them, where the
/// format bounds that.
Result<DecodedImage> decode_image(std::span<const std::byte> bytes, const DecodeLimits& limits = {});

/// decode_image of a file; "-" is standard input.
Result<DecodedImage> read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

}  // namespace pochade
