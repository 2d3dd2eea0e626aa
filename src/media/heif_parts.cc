#include "media/heif_parts.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace pochade::codec {
namespace {

using Span = std::span<const std::byte>;
constexpr int kMostDeep = 8;
constexpr int64_t kMostParts = 16384;

uint64_t big_endian(Span bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | std::to_integer<uint64_t>(bytes[at + i]);
  return value;
}

struct Box {
  std::string_view type;
  Span payload;
};

/// Cuts the first box off. One that ends behind the file is cut there: libheif refuses it later.
Box take_box(Span& bytes) {
  size_t header = 8;
  uint64_t size = big_endian(bytes, 0, 4);
  if (size == 1 && bytes.size() >= 16) {
    size = big_endian(bytes, 8, 8);
    header = 16;
  }
  if (size == 0 || size > bytes.size()) size = bytes.size();
  const size_t end = std::max(header, static_cast<size_t>(size));
  const Box box = {{reinterpret_cast<const char*>(bytes.data()) + 4, 4}, bytes.subspan(header, end - header)};
  bytes = bytes.subspan(end);
  return box;
}

/// What each item is made of.
using Parts = std::map<uint64_t, std::vector<uint64_t>>;

/// The payload of an "iref" box: version and flags, then a box for each item and kind of reference.
Status read_references(Span payload, Parts& parts) {
  if (payload.size() < 4) return {};
  const size_t id_bytes = big_endian(payload, 0, 1) == 0 ? 2 : 4;
  for (Span bytes = payload.subspan(4); bytes.size() >= 8;) {
    const Box box = take_box(bytes);
    if (box.payload.size() < id_bytes + 2) return Error::io("its item references are damaged");
    const uint64_t from = big_endian(box.payload, 0, id_bytes), count = big_endian(box.payload, id_bytes, 2);
    if (box.payload.size() != id_bytes + 2 + count * id_bytes)
      return Error::io("its item references are damaged");
    for (size_t i = 0; i < count; ++i) {
      const uint64_t to = big_endian(box.payload, id_bytes + 2 + i * id_bytes, id_bytes);
      if (box.type == "dimg") parts[from].push_back(to);
      if (box.type == "auxl") parts[to].push_back(from);
    }
  }
  return {};
}

struct Measure {
  int depth = 0;
  int64_t pictures = 1;
};

Result<Measure> measure(const Parts& parts, uint64_t item, int above, std::map<uint64_t, Measure>& known) {
  if (const auto found = known.find(item); found != known.end()) return found->second;
  if (above > kMostDeep)
    return Error::not_supported("picture {} in it is made of itself, or of parts of parts deeper than {}",
                                item, kMostDeep);
  Measure out;
  if (const auto list = parts.find(item); list != parts.end())
    for (const uint64_t part : list->second) {
      TRY(const Measure inner, measure(parts, part, above + 1, known));
      out.depth = std::max(out.depth, inner.depth + 1);
      out.pictures += inner.pictures;
      if (out.depth > kMostDeep || out.pictures > kMostParts)
        return Error::not_supported("picture {} in it is made of more than {} parts, or deeper than {}", item,
                                    kMostParts, kMostDeep);
    }
  known[item] = out;
  return out;
}

}  // namespace

Status check_heif_parts(Span file) {
  Parts parts;
  while (file.size() >= 8) {
    const Box box = take_box(file);
    if (box.type != "meta" || box.payload.size() < 4) continue;
    for (Span inner = box.payload.subspan(4); inner.size() >= 8;)
      if (const Box child = take_box(inner); child.type == "iref") TRY(read_references(child.payload, parts));
  }
  std::map<uint64_t, Measure> known;
  for (const auto& [item, list] : parts) TRY(measure(parts, item, 0, known));
  return {};
}

}  // namespace pochade::codec
