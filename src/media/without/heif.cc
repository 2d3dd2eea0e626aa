// In place of media/heif.cc where libheif is not linked (the static pochade-run).
#include "media/codecs.h"

namespace pochade::codec {

Result<Raw> decode_heif(std::span<const std::byte>, const DecodeLimits&) {
  return Error::not_supported(
      "this build of pochade reads no HEIC or AVIF: convert the picture to JPEG or PNG");
}

}  // namespace pochade::codec
