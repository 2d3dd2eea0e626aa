#pragma once
// For tests: odd picture files, built by the codec libraries themselves.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "media/image.h"

namespace pochade::test {

using FileBytes = std::vector<std::byte>;

/// Smooth colours with some structure; `channels` 3 or 4.
Image gradient(int width, int height, int channels = 3);

/// Largest and mean difference of 8-bit values.
struct Difference {
  int largest = 0;
  double mean = 0;
};
Difference difference(const Image& a, const Image& b);

/// A TIFF block with one entry: orientation. `prefix`: with the "Exif\0\0" of JPEG.
FileBytes exif_block(int orientation, bool little_endian, bool prefix);
/// An ICC profile of Adobe RGB (1998)'s primaries, white and gamma 2.2; `srgb`: of sRGB instead.
FileBytes rgb_profile(bool srgb = false);
FileBytes grey_profile(double gamma);

struct PngSpec {
  int width = 0, height = 0;
  int bits = 8;
  int color_type = 2;  // 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  bool interlaced = false;
  std::vector<uint8_t> rows = {};     // as stored: packed, 16-bit big-endian
  std::vector<uint8_t> palette = {};  // R,G,B each
  std::vector<uint8_t> palette_alpha = {};
  int grey_transparent = -1;  // tRNS of a grey picture
  double gamma = 0;           // gAMA
  FileBytes icc = {};
  FileBytes exif = {};
};
FileBytes png_file(const PngSpec& spec);

enum class JpegColors { kRgb, kGrey, kCmyk, kYcck };
struct JpegSpec {
  int width = 0, height = 0;
  JpegColors colors = JpegColors::kRgb;
  bool adobe_marker = false;
  bool progressive = false;
  std::vector<uint8_t> rows = {};
  FileBytes icc = {};
  FileBytes exif = {};
};
FileBytes jpeg_file(const JpegSpec& spec);

/// A lossless WebP in the extended container. `frames` > 1: an animation of that many equal frames.
FileBytes webp_file(const Image& image, const FileBytes& icc, const FileBytes& exif, int frames = 1);

/// A HEIC; empty if the machine's libheif has no HEVC encoder. `orientation`: written as HEIF's own
/// transformation.
FileBytes heic_file(const Image& image, int orientation, const FileBytes& icc);

}  // namespace pochade::test
