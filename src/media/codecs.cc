#include "media/codecs.h"

#include "base/checked.h"
#include "base/memory.h"

namespace pochade::codec {

Status check_size(const DecodeLimits& limits, int64_t width, int64_t height, int64_t bytes_per_pixel,
                  int64_t largest_pixels) {
  if (width < 1 || height < 1) return Error::io("{}x{} pixels: damaged", width, height);
  const auto pixels = checked_mul(width, height);
  if (!pixels || *pixels > limits.pixels)
    return Error::out_of_memory("{}x{} pixels are more than the limit of {} million", width, height,
                                limits.pixels / 1'000'000);
  if (*pixels > largest_pixels)
    return Error::io("its header says {}x{} pixels, which a file of this length cannot hold", width, height);
  const int64_t available = limits.memory_bytes > 0 ? limits.memory_bytes : available_memory_bytes();
  const auto needed = checked_mul(*pixels, bytes_per_pixel);
  if (!needed || *needed > available)
    return Error::out_of_memory("{}x{} pixels need about {} of memory, there are {}", width, height,
                                bytes_text(needed.value_or(INT64_MAX)), bytes_text(available));
  return {};
}

void row_to_bytes(const Image& image, int y, int channels, uint8_t* out) {
  const uint16_t* from = image.row(y);
  const auto width = static_cast<size_t>(image.width());
  if (channels == image.channels()) {
    for (size_t i = 0; i < image.row_values(); ++i) out[i] = to_8_bits(from[i]);
    return;
  }
  CHECK(channels == 3 && image.has_alpha());
  for (size_t x = 0; x < width; ++x)
    for (size_t c = 0; c < 3; ++c) {
      const uint32_t alpha = from[4 * x + 3];
      const uint32_t on_white = (from[4 * x + c] * alpha + 65535u * (65535u - alpha) + 32767u) / 65535u;
      out[3 * x + c] = to_8_bits(static_cast<uint16_t>(on_white));
    }
}

Result<std::vector<uint8_t>> to_bytes(const Image& image, int channels) {
  const size_t row = static_cast<size_t>(image.width()) * static_cast<size_t>(channels);
  std::vector<uint8_t> out(row * static_cast<size_t>(image.height()));
  for (int y = 0; y < image.height(); ++y)
    row_to_bytes(image, y, channels, out.data() + static_cast<size_t>(y) * row);
  return out;
}

uint8_t* narrow_part(Image& image) {
  const auto values = image.values();
  return reinterpret_cast<uint8_t*>(values.data()) + values.size();
}

// Value i is written to bytes 2i and 2i+1 after byte n+i was read: no byte is overwritten before its turn.
void widen_in_place(Image& image) {
  const uint8_t* const narrow = narrow_part(image);
  const auto values = image.values();
  for (size_t i = 0; i < values.size(); ++i) values[i] = from_8_bits(narrow[i]);
}

}  // namespace pochade::codec
