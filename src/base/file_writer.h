#pragma once
// A file written piece by piece that appears whole or not at all.

#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace pochade {

/// Writes to a temporary file beside `path`; commit() syncs it and gives it its name. Without commit()
/// nothing is left. "-" is standard output, and a device or a pipe is written as it is.
class FileWriter {
 public:
  static Result<FileWriter> create(const std::filesystem::path& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  Status commit();
  /// Where the bytes lie until commit(): to read them back first. Empty for standard output, devices and
  /// pipes.
  const std::string& temporary_path() const { return temporary_; }

 private:
  FileWriter() = default;
  Status finish_temporary();

  std::filesystem::path path_;
  std::string temporary_;  ///< empty: written in place
  int descriptor_ = -1;
  unsigned mode_ = 0;  ///< of the finished file
};

}  // namespace pochade
