#include "media/exif.h"

#include <cstdint>
#include <cstring>

namespace pochade {
namespace {

/// TIFF numbers in the byte order that the block declares; 0 past the end.
class TiffReader {
 public:
  TiffReader(std::span<const std::byte> block, bool little_endian)
      : block_(block), little_endian_(little_endian) {}

  uint32_t u16(size_t at) const { return number(at, 2); }
  uint32_t u32(size_t at) const { return number(at, 4); }

 private:
  uint32_t number(size_t at, size_t size) const {
    if (at > block_.size() || block_.size() - at < size) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t place = little_endian_ ? size - 1 - i : i;
      value = value << 8 | std::to_integer<uint32_t>(block_[at + place]);
    }
    return value;
  }
  std::span<const std::byte> block_;
  bool little_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> block) {
  if (block.size() >= 6 && std::memcmp(block.data(), "Exif\0\0", 6) == 0) block = block.subspan(6);
  if (block.size() < 8) return 1;
  const bool little_endian = std::memcmp(block.data(), "II*\0", 4) == 0;
  if (!little_endian && std::memcmp(block.data(), "MM\0*", 4) != 0) return 1;

  constexpr uint32_t kOrientationTag = 0x0112, kShort = 3, kLong = 4;
  const TiffReader tiff(block, little_endian);
  const size_t directory = tiff.u32(4);
  const uint32_t entries = tiff.u16(directory);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (entry >= block.size()) break;
    if (tiff.u16(entry) != kOrientationTag) continue;
    const uint32_t type = tiff.u16(entry + 2);
    const uint32_t value = type == kShort ? tiff.u16(entry + 8) : type == kLong ? tiff.u32(entry + 8) : 0;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace pochade
