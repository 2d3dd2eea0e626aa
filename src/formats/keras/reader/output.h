#pragma once
// The reader program's side of formats/keras/stream.h: writes records to a file descriptor.

#include <string>
#include <string_view>
#include <vector>

#include "formats/keras/stream.h"

namespace pochade::keras {

class Output {
 public:
  /// At most `limit_bytes` are written; more is an error: no honest file needs them.
  Output(int descriptor, uint64_t limit_bytes) : descriptor_(descriptor), limit_bytes_(limit_bytes) {}

  Status begin();
  Status text(std::string_view name, std::string_view contents);
  Status attribute(std::string_view name, const std::vector<std::string>& strings);
  Status dataset(std::string_view name, StreamType type, const std::vector<uint64_t>& dims,
                 std::span<const std::byte> elements);
  Status error(std::string_view sentence);
  Status end();
  /// What may still be written.
  uint64_t room() const { return limit_bytes_ - written_; }

 private:
  Status record(RecordKind kind, std::string_view name, std::span<const std::string_view> parts);
  Status write(std::string_view bytes);
  Status align();

  int descriptor_;
  uint64_t limit_bytes_;
  uint64_t written_ = 0;
};

}  // namespace pochade::keras
