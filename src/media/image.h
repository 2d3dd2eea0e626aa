#pragma once
// A picture in memory: what every decoder gives and every encoder takes.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/check.h"
#include "base/result.h"

namespace pochade {

/// sRGB pixels, 16 bits a channel (8-bit value v is kept as v * 257, so that it comes back exactly).
/// 3 channels: R,G,B. 4 channels: R,G,B,A with straight alpha (65535 is opaque). Rows top to bottom, no
/// padding.
class Image {
 public:
  Image() = default;
  /// All black (and transparent). Error: sizes below 1, or more memory than there is.
  static Result<Image> create(int64_t width, int64_t height, int channels);
  Result<Image> clone() const;

  int width() const { return width_; }
  int height() const { return height_; }
  int channels() const { return channels_; }
  bool has_alpha() const { return channels_ == 4; }
  bool empty() const { return width_ == 0; }

  /// Values (not bytes) in a row: width * channels.
  size_t row_values() const { return static_cast<size_t>(width_) * static_cast<size_t>(channels_); }
  uint16_t* row(int y) { return values_.get() + static_cast<size_t>(y) * row_values(); }
  const uint16_t* row(int y) const { return values_.get() + static_cast<size_t>(y) * row_values(); }
  uint16_t* pixel(int x, int y) { return row(y) + static_cast<size_t>(x) * static_cast<size_t>(channels_); }
  const uint16_t* pixel(int x, int y) const {
    return row(y) + static_cast<size_t>(x) * static_cast<size_t>(channels_);
  }
  std::span<uint16_t> values() { return {values_.get(), row_values() * static_cast<size_t>(height_)}; }
  std::span<const uint16_t> values() const {
    return {values_.get(), row_values() * static_cast<size_t>(height_)};
  }

 private:
  struct Free {
    void operator()(uint16_t* values) const { std::free(values); }
  };
  int width_ = 0;
  int height_ = 0;
  int channels_ = 3;
  std::unique_ptr<uint16_t[], Free> values_;
};

/// Nearest 8-bit value: exact for pictures that came from 8 bits.
inline uint8_t to_8_bits(uint16_t value) {
  return static_cast<uint8_t>((value + 128u) / 257u);
}
inline uint16_t from_8_bits(uint8_t value) {
  return static_cast<uint16_t>(value * 257u);
}

}  // namespace pochade
