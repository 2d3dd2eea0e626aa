// WebP by libwebp.
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <cstring>
#include <memory>

#include "media/codecs.h"
#include "media/exif.h"

namespace pochade::codec {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct DeleteAnimation {
  void operator()(WebPAnimDecoder* animation) const { WebPAnimDecoderDelete(animation); }
};

std::string_view reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "no memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "a feature of WebP that is not supported";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "cut short";
    default:
      return "damaged";
  }
}

/// The bytes of the first chunk with this name; empty if there is none.
std::span<const std::byte> chunk(const WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator found;
  if (WebPDemuxGetChunk(demuxer, name, 1, &found) == 0) return {};
  const std::span bytes(reinterpret_cast<const std::byte*>(found.chunk.bytes), found.chunk.size);
  WebPDemuxReleaseChunkIterator(&found);  // the bytes are the file's own
  return bytes;
}

Status decode_first_frame(const WebPData& data, Image& image) {
  const std::unique_ptr<WebPAnimDecoder, DeleteAnimation> animation(WebPAnimDecoderNew(&data, nullptr));
  uint8_t* canvas = nullptr;
  int time_ms = 0;
  if (!animation || WebPAnimDecoderGetNext(animation.get(), &canvas, &time_ms) == 0 || canvas == nullptr)
    return Error::io("the first frame is cut short or damaged");
  const auto values = image.values();
  for (size_t i = 0; i < values.size(); ++i) values[i] = from_8_bits(canvas[i]);
  return {};
}

Status decode_still(std::span<const std::byte> bytes, Image& image) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0)
    return Error::io("another version of libwebp is installed than was built for");
  config.output.colorspace = image.has_alpha() ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = narrow_part(image);
  config.output.u.RGBA.stride = static_cast<int>(image.row_values());
  config.output.u.RGBA.size = image.values().size();
  const auto status = WebPDecode(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) return Error::io("{}", reason(status));
  widen_in_place(image);
  return {};
}

bool append_bytes(const uint8_t* data, size_t size, const WebPPicture* picture) {
  auto& out = *static_cast<std::vector<std::byte>*>(picture->custom_ptr);
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    out.insert(out.end(), bytes, bytes + size);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

struct PictureOwner {
  WebPPicture picture;
  ~PictureOwner() { WebPPictureFree(&picture); }
};

}  // namespace

Result<Raw> decode_webp(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  WebPBitstreamFeatures features;
  if (const auto status = WebPGetFeatures(data.bytes, data.size, &features); status != VP8_STATUS_OK)
    return Error::io("{}", reason(status));
  // Channels of 16 bits, and for an animation two 8-bit canvases; the decoder's own rows are small, lossless
  // keeps 4.
  const bool animated = features.has_animation != 0;
  TRY(check_size(limits, features.width, features.height, animated ? 16 : 12));
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  if (!demuxer) return Error::io("cut short or damaged");

  Raw raw;
  TRY(raw.image, Image::create(features.width, features.height, animated || features.has_alpha != 0 ? 4 : 3));
  if (animated) {
    TRY(decode_first_frame(data, raw.image));
    raw.notes.push_back("first frame of an animation");
  } else {
    TRY(decode_still(bytes, raw.image));
  }
  raw.to_srgb =
      ColorTransform::from_icc(chunk(demuxer.get(), "ICCP"), ColorModel::kRgb, /*eight_bit_source=*/true);
  raw.orientation = exif_orientation(chunk(demuxer.get(), "EXIF"));
  return raw;
}

Result<std::vector<std::byte>> encode_webp(const Image& image, const EncodeOptions& options) {
  if (image.width() > WEBP_MAX_DIMENSION || image.height() > WEBP_MAX_DIMENSION)
    return Error::invalid_argument("{}x{} pixels: WebP holds at most {} a side", image.width(),
                                   image.height(), WEBP_MAX_DIMENSION);
  WebPConfig config;
  PictureOwner owner;
  WebPPicture& picture = owner.picture;
  if (WebPPictureInit(&picture) == 0 || WebPConfigInit(&config) == 0)
    return Error::io("another version of libwebp is installed than was built for");
  config.quality = static_cast<float>(options.quality);
  config.lossless = options.lossless ? 1 : 0;
  config.use_sharp_yuv = 1;  // WebP halves the resolution of colour: at least choose it well
  picture.use_argb = 1;
  picture.width = image.width();
  picture.height = image.height();
  std::vector<std::byte> out;
  picture.writer = [](const uint8_t* bytes, size_t size, const WebPPicture* p) {
    return append_bytes(bytes, size, p) ? 1 : 0;
  };
  picture.custom_ptr = &out;
  {
    TRY(const auto pixels, to_bytes(image, image.channels()));
    const int stride = static_cast<int>(image.row_values());
    const int imported = image.has_alpha() ? WebPPictureImportRGBA(&picture, pixels.data(), stride)
                                           : WebPPictureImportRGB(&picture, pixels.data(), stride);
    if (imported == 0)
      return Error::out_of_memory("no memory to encode {}x{} pixels", image.width(), image.height());
  }
  if (options.lossless) config.exact = 1;
  if (WebPEncode(&config, &picture) == 0)
    return Error::io("libwebp failed with code {}", int{picture.error_code});
  return out;
}

}  // namespace pochade::codec
