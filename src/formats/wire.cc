#include "formats/wire.h"

#include <bit>
#include <type_traits>

static_assert(std::endian::native == std::endian::little, "fixed fields are read as they lie in the file");

namespace pochade {
namespace {

std::string_view type_name(WireType type) {
  switch (type) {
    case WireType::kVarint:
      return "a varint";
    case WireType::kFixed64:
      return "a 64-bit number";
    case WireType::kBytes:
      return "bytes";
    case WireType::kFixed32:
      return "a 32-bit number";
    default:
      return "a group";
  }
}

}  // namespace

Result<uint64_t> WireReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at_ == end_) return truncated();
    const auto byte = static_cast<uint64_t>(*at_++);
    if (shift == 63 && byte > 1) break;  // more than 64 bits
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return Error::invalid_model("a number at byte {} is longer than 64 bits",
                              static_cast<size_t>(at_ - file_begin_));
}

Result<WireField> WireReader::next() {
  TRY(const uint64_t tag, varint());
  WireField field;
  field.file_begin_ = file_begin_;
  field.depth_ = depth_;
  field.type_ = static_cast<WireType>(tag & 7);
  if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
    return Error::invalid_model("damaged at byte {}: field number {}", static_cast<size_t>(at_ - file_begin_),
                                tag >> 3);
  field.number_ = static_cast<uint32_t>(tag >> 3);
  switch (field.type_) {
    case WireType::kVarint: {
      TRY(field.value_, varint());
      return field;
    }
    case WireType::kFixed64: {
      TRY(field.value_, fixed<uint64_t>());
      return field;
    }
    case WireType::kFixed32: {
      TRY(field.value_, fixed<uint32_t>());
      return field;
    }
    case WireType::kBytes: {
      TRY(const uint64_t size, varint());
      if (size > left()) return truncated();
      field.bytes_ = {at_, static_cast<size_t>(size)};
      at_ += size;
      return field;
    }
    default:
      return Error::invalid_model("damaged at byte {}: wire type {}", static_cast<size_t>(at_ - file_begin_),
                                  tag & 7);
  }
}

tl::unexpected<Error> WireField::wrong_type(std::string_view expected) const {
  return Error::invalid_model("field {} holds {}, expected {}", number_, type_name(type_), expected);
}

Status WireField::read(int64_t& out) const {
  if (type_ != WireType::kVarint) return wrong_type("a varint");
  out = static_cast<int64_t>(value_);
  return {};
}

Status WireField::read(float& out) const {
  if (type_ != WireType::kFixed32) return wrong_type("a 32-bit number");
  out = std::bit_cast<float>(static_cast<uint32_t>(value_));
  return {};
}

Status WireField::read(std::string_view& out) const {
  if (type_ != WireType::kBytes) return wrong_type("bytes");
  out = {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  return {};
}

Status WireField::read(std::span<const std::byte>& out) const {
  if (type_ != WireType::kBytes) return wrong_type("bytes");
  out = bytes_;
  return {};
}

Result<WireReader> WireField::message() const {
  if (type_ != WireType::kBytes) return wrong_type("bytes");
  if (depth_ >= kMaxWireDepth)
    return Error::invalid_model("messages are nested more than {} deep", kMaxWireDepth);
  return WireReader(bytes_, file_begin_, depth_ + 1);
}

Status WireField::append(std::vector<int64_t>& out) const {
  if (type_ == WireType::kVarint) {
    out.push_back(static_cast<int64_t>(value_));
    return {};
  }
  if (type_ != WireType::kBytes) return wrong_type("varints");
  WireReader values(bytes_, file_begin_, depth_);
  while (!values.done()) {
    TRY(const uint64_t value, values.varint());
    out.push_back(static_cast<int64_t>(value));
  }
  return {};
}

template <typename T>
Status WireField::append_fixed(std::vector<T>& out, WireType single) const {
  if (type_ == single) {
    if constexpr (sizeof(T) == 4)
      out.push_back(std::bit_cast<T>(static_cast<uint32_t>(value_)));
    else
      out.push_back(std::bit_cast<T>(value_));
    return {};
  }
  if (type_ != WireType::kBytes || bytes_.size() % sizeof(T) != 0)
    return wrong_type(sizeof(T) == 4 ? "32-bit numbers" : "64-bit numbers");
  const size_t before = out.size();
  out.resize(before + bytes_.size() / sizeof(T));
  if (!bytes_.empty()) std::memcpy(out.data() + before, bytes_.data(), bytes_.size());
  return {};
}

Status WireField::append(std::vector<float>& out) const {
  return append_fixed(out, WireType::kFixed32);
}
Status WireField::append(std::vector<double>& out) const {
  return append_fixed(out, WireType::kFixed64);
}

}  // namespace pochade
