#pragma once
// Files: mapped for reading, whole or not at all for writing.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace pochade {

/// Read-only bytes of a file, or of memory, kept alive by whoever holds a copy.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::shared_ptr<const void> owner, std::span<const std::byte> span)
      : owner_(std::move(owner)), span_(span) {}
  /// Copies `text` into memory of its own.
  static Bytes copy_of(std::span<const std::byte> span);
  static Bytes copy_of(std::string_view text) { return copy_of(std::as_bytes(std::span(text))); }

  std::span<const std::byte> span() const { return span_; }
  const std::byte* data() const { return span_.data(); }
  size_t size() const { return span_.size(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(span_.data()), span_.size()}; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> span_;
};

/// Maps a regular file; reads a pipe or device whole ("-" is standard input), up to `limit_bytes`.
Result<Bytes> map_file(const std::filesystem::path& path, uint64_t limit_bytes = uint64_t{1} << 40);

/// Writes to a temporary file beside `path`, syncs, then renames: the file appears whole or not at all.
/// "-" writes to standard output.
Status write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
Status write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace pochade
