#include "formats/keras/reader/output.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace pochade::keras {
namespace {

template <typename T>
void append_number(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

Status Output::write(std::string_view bytes) {
  if (bytes.size() > room())
    return Error::invalid_model("it unpacks to more than {} bytes, which its size does not justify",
                                limit_bytes_);
  written_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return Error::io("cannot write what was read: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

Status Output::align() {
  constexpr std::array<char, kStreamAlignment> kZeros{};
  const size_t count = (kStreamAlignment - written_ % kStreamAlignment) % kStreamAlignment;
  return write({kZeros.data(), count});
}

Status Output::begin() {
  TRY(write(kStreamMagic));
  return align();
}

Status Output::record(RecordKind kind, std::string_view name, std::span<const std::string_view> parts) {
  uint64_t payload_bytes = 0;
  for (const std::string_view part : parts) payload_bytes += part.size();
  std::string header;
  append_number(header, static_cast<uint32_t>(kind));
  append_number(header, static_cast<uint32_t>(name.size()));
  append_number(header, payload_bytes);
  TRY(write(header));
  TRY(write(name));
  TRY(align());
  for (const std::string_view part : parts) TRY(write(part));
  return align();
}

Status Output::text(std::string_view name, std::string_view contents) {
  return record(RecordKind::kText, name, std::array{contents});
}

Status Output::attribute(std::string_view name, const std::vector<std::string>& strings) {
  std::string payload;
  for (const std::string& text : strings) {
    append_number(payload, static_cast<uint32_t>(text.size()));
    payload += text;
  }
  return record(RecordKind::kAttribute, name, std::array{std::string_view(payload)});
}

Status Output::dataset(std::string_view name, StreamType type, const std::vector<uint64_t>& dims,
                       std::span<const std::byte> elements) {
  std::string header;
  append_number(header, static_cast<uint32_t>(type));
  append_number(header, static_cast<uint32_t>(dims.size()));
  for (const uint64_t size : dims) append_number(header, size);
  header.resize((header.size() + kStreamAlignment - 1) / kStreamAlignment * kStreamAlignment);
  const std::string_view data(reinterpret_cast<const char*>(elements.data()), elements.size());
  return record(RecordKind::kDataset, name, std::array{std::string_view(header), data});
}

Status Output::error(std::string_view sentence) {
  return record(RecordKind::kError, "", std::array{sentence});
}

Status Output::end() {
  return record(RecordKind::kEnd, "", {});
}

}  // namespace pochade::keras
