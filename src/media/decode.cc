#include "media/decode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "base/file.h"
#include "media/codecs.h"
#include "media/transform.h"

namespace pochade {
namespace {

bool starts_with(std::span<const std::byte> bytes, size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

bool is_heif(std::span<const std::byte> bytes) {
  constexpr std::array<std::string_view, 10> kBrands = {"heic", "heix", "heim", "heis", "hevc",
                                                        "hevx", "mif1", "msf1", "avif", "avis"};
  return starts_with(bytes, 4, "ftyp") &&
         std::ranges::any_of(kBrands, [&](std::string_view brand) { return starts_with(bytes, 8, brand); });
}

Result<codec::Raw> decode_raw(ImageFormat format, std::span<const std::byte> bytes,
                              const DecodeLimits& limits) {
  switch (format) {
    case ImageFormat::kJpeg:
      return codec::decode_jpeg(bytes, limits);
    case ImageFormat::kPng:
      return codec::decode_png(bytes, limits);
    case ImageFormat::kWebp:
      return codec::decode_webp(bytes, limits);
    case ImageFormat::kHeif:
      return codec::decode_heif(bytes, limits);
  }
  return Error::not_supported("this picture format");
}

Result<DecodedImage> decode_as(ImageFormat format, std::span<const std::byte> bytes,
                               const DecodeLimits& limits) {
  TRY(auto raw, decode_raw(format, bytes, limits));
  DecodedImage out{.image = std::move(raw.image), .format = format, .notes = std::move(raw.notes)};
  if (raw.to_srgb) {
    TRY(raw.to_srgb->apply(out.image));
    out.notes.push_back("colours converted to sRGB");
  }
  if (raw.orientation != 1) {
    TRY(out.image, turned_upright(std::move(out.image), raw.orientation));
    out.notes.push_back(pochade::format("turned upright from EXIF orientation {}", raw.orientation));
  }
  return out;
}

}  // namespace

std::string to_string(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kHeif:
      return "HEIF";
  }
  return "unknown";
}

Result<ImageFormat> sniff_image(std::span<const std::byte> bytes) {
  if (bytes.empty()) return Error::io("the file is empty");
  if (starts_with(bytes, 0, "\xff\xd8\xff")) return ImageFormat::kJpeg;
  if (starts_with(bytes, 0, "\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (starts_with(bytes, 0, "RIFF") && starts_with(bytes, 8, "WEBP")) return ImageFormat::kWebp;
  if (is_heif(bytes)) return ImageFormat::kHeif;
  return Error::not_supported("not a JPEG, PNG, WebP, HEIC or AVIF picture");
}

Result<DecodedImage> decode_image(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  TRY(const auto format, sniff_image(bytes));
  // The libraries and small buffers of ours may run out of memory in places that throw.
  try {
    return decode_as(format, bytes, limits).context("{}", format);
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory("no memory to decode this {} picture", format);
  } catch (const std::exception& error) {
    return Error::io("{}: {}", format, error.what());
  }
}

Result<DecodedImage> read_image(const std::filesystem::path& path, const DecodeLimits& limits) {
  constexpr size_t kLargestFile = size_t{1} << (sizeof(size_t) == 8 ? 32 : 30);
  TRY(const auto bytes, map_file(path, kLargestFile));
  return decode_image(bytes.span(), limits).context("cannot read {}", path);
}

}  // namespace pochade
