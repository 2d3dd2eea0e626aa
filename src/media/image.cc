#include "media/image.h"

#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/memory.h"

namespace pochade {

Result<Image> Image::create(int64_t width, int64_t height, int channels) {
  CHECK(channels == 3 || channels == 4);
  constexpr int64_t kLargestSide = std::numeric_limits<int>::max() / 8;
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide)
    return Error::invalid_argument("a picture of {}x{} pixels cannot be", width, height);
  const int64_t factors[] = {width, height, channels, int64_t{sizeof(uint16_t)}};
  const auto bytes = checked_product(factors);
  if (!bytes) return Error::out_of_memory("a picture of {}x{} pixels is too large", width, height);
  // The system promises more than it has: ask first, where it matters.
  constexpr int64_t kSmall = 64'000'000;
  if (*bytes > kSmall && *bytes > available_memory_bytes())
    return Error::out_of_memory("a picture of {}x{} pixels takes {}, there are {}", width, height,
                                bytes_text(*bytes), bytes_text(available_memory_bytes()));
  Image image;
  // calloc: pages of a large picture cost nothing until they are written.
  image.values_.reset(static_cast<uint16_t*>(std::calloc(static_cast<size_t>(*bytes), 1)));
  if (!image.values_)
    return Error::out_of_memory("no {} of memory for a picture of {}x{} pixels", bytes_text(*bytes), width,
                                height);
  image.width_ = static_cast<int>(width);
  image.height_ = static_cast<int>(height);
  image.channels_ = channels;
  return image;
}

Result<Image> Image::clone() const {
  TRY(auto copy, create(width_, height_, channels_));
  std::memcpy(copy.values_.get(), values_.get(), values().size_bytes());
  return copy;
}

}  // namespace pochade
