#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pochade::tensorflow {

/// The checksum of Castagnoli's polynomial (RFC 3720, appendix B.4).
uint32_t crc32c(std::span<const std::byte> bytes);

/// How leveldb's tables and TensorFlow store it: turned and moved, so that a checksum over bytes that hold
/// checksums stays a good one.
constexpr uint32_t masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace pochade::tensorflow
