#include "media/encode.h"

#include <algorithm>
#include <cctype>
#include <new>
#include <string>

#include "base/file.h"
#include "media/codecs.h"

namespace pochade {
namespace {

Result<std::vector<std::byte>> encode_as(const Image& image, ImageFormat format,
                                         const EncodeOptions& options) {
  switch (format) {
    case ImageFormat::kJpeg:
      return codec::encode_jpeg(image, options);
    case ImageFormat::kPng:
      return codec::encode_png(image, options);
    case ImageFormat::kWebp:
      return codec::encode_webp(image, options);
    case ImageFormat::kHeif:
      break;
  }
  return Error::not_supported("{} pictures are read, not written", format);
}

}  // namespace

Result<ImageFormat> output_format(std::string_view extension) {
  std::string name(extension.starts_with('.') ? extension.substr(1) : extension);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name == "jpg" || name == "jpeg" || name == "jpe") return ImageFormat::kJpeg;
  if (name == "png") return ImageFormat::kPng;
  if (name == "webp") return ImageFormat::kWebp;
  return Error::invalid_argument("\"{}\" is not a format that can be written: use jpg, png or webp",
                                 extension);
}

Result<std::vector<std::byte>> encode_image(const Image& image, ImageFormat format,
                                            const EncodeOptions& options) {
  CHECK(!image.empty());
  if (options.quality < 1 || options.quality > 100)
    return Error::invalid_argument("quality {}: it goes from 1 to 100", options.quality);
  if (options.png_bits != 8 && options.png_bits != 16)
    return Error::invalid_argument("PNG of {} bits: it has 8 or 16", options.png_bits);
  try {
    return encode_as(image, format, options);
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory("no memory to encode {}x{} pixels as {}", image.width(), image.height(),
                                format);
  }
}

Status write_image(const std::filesystem::path& path, const Image& image, std::optional<ImageFormat> format,
                   const EncodeOptions& options) {
  if (!format) {
    if (path == "-")
      format = ImageFormat::kPng;
    else {
      TRY(format, output_format(path.extension().string()).context("cannot write {}", path));
    }
  }
  TRY(const auto bytes, encode_image(image, *format, options).context("cannot write {}", path));
  return write_file(path, bytes);
}

}  // namespace pochade
