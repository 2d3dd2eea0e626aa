#pragma once
// The protobuf wire format: a bounded reader that copies nothing, and a writer. Serves every format that is
// built on it. https://protobuf.dev/programming-guides/encoding

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pochade {

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroupBegin = 3,
  kGroupEnd = 4,
  kFixed32 = 5
};

class WireReader;

/// One field of a message as it stands in the file. read() and append() fail if the wire type is another one.
class WireField {
 public:
  uint32_t number() const { return number_; }
  WireType type() const { return type_; }

  /// int32, int64, uint64, bool and enumerations.
  Status read(int64_t& out) const;
  Status read(float& out) const;
  Status read(std::string_view& out) const;
  Status read(std::span<const std::byte>& out) const;
  /// Of a length-delimited field, empty for others.
  std::span<const std::byte> bytes() const { return bytes_; }
  /// A message inside this one. Fails when messages are nested more than kMaxWireDepth deep.
  Result<WireReader> message() const;

  /// Appends a repeated field, packed or not.
  Status append(std::vector<int64_t>& out) const;
  Status append(std::vector<float>& out) const;
  Status append(std::vector<double>& out) const;

 private:
  friend class WireReader;
  tl::unexpected<Error> wrong_type(std::string_view expected) const;
  template <typename T>
  Status append_fixed(std::vector<T>& out, WireType single) const;

  uint32_t number_ = 0;
  WireType type_ = WireType::kVarint;
  uint64_t value_ = 0;                     ///< varint and fixed
  std::span<const std::byte> bytes_;       ///< length-delimited
  const std::byte* file_begin_ = nullptr;  ///< offsets in errors count from here
  int depth_ = 0;
};

/// Nested messages deeper than this are refused: each level costs stack.
constexpr int kMaxWireDepth = 64;

/// Walks the fields of one message: while (!reader.done()) { TRY(auto field, reader.next()); ... }
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : WireReader(bytes, bytes.data(), 0) {}

  bool done() const { return at_ == end_; }
  std::span<const std::byte> rest() const { return {at_, end_}; }
  /// Fails on truncation, groups (which nobody has written for twenty years) and field number 0.
  Result<WireField> next();
  /// A bare varint, as packed fields hold them.
  Result<uint64_t> varint();

 private:
  friend class WireField;
  WireReader(std::span<const std::byte> bytes, const std::byte* file_begin, int depth)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), file_begin_(file_begin), depth_(depth) {}
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  tl::unexpected<Error> truncated() const {
    return Error::invalid_model("truncated at byte {}", static_cast<size_t>(at_ - file_begin_));
  }
  template <typename T>
  Result<uint64_t> fixed() {
    if (left() < sizeof(T)) return truncated();
    T value;
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return uint64_t{value};
  }

  const std::byte* at_;
  const std::byte* end_;
  const std::byte* file_begin_;
  int depth_;
};

/// Builds one message. Nested messages are finished first and then appended as bytes.
class WireWriter {
 public:
  void integer(uint32_t number, int64_t value) {
    tag(number, WireType::kVarint);
    varint(static_cast<uint64_t>(value));
  }
  void number32(uint32_t number, float value) {
    tag(number, WireType::kFixed32);
    raw(&value, sizeof(value));
  }
  void text(uint32_t number, std::string_view value) {
    tag(number, WireType::kBytes);
    varint(value.size());
    out_ += value;
  }
  void bytes(uint32_t number, std::span<const std::byte> value) {
    text(number, {reinterpret_cast<const char*>(value.data()), value.size()});
  }
  void message(uint32_t number, const WireWriter& value) { text(number, value.out_); }
  void packed(uint32_t number, std::span<const int64_t> values) {
    WireWriter inner;
    for (const int64_t value : values) inner.varint(static_cast<uint64_t>(value));
    text(number, inner.out_);
  }
  void packed(uint32_t number, std::span<const float> values) { bytes(number, std::as_bytes(values)); }
  void packed(uint32_t number, std::span<const double> values) { bytes(number, std::as_bytes(values)); }

  const std::string& str() const { return out_; }

 private:
  void tag(uint32_t number, WireType type) { varint(uint64_t{number} << 3 | static_cast<uint64_t>(type)); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void raw(const void* data, size_t size) { out_.append(static_cast<const char*>(data), size); }

  std::string out_;
};

}  // namespace pochade
