#include "formats/tensorflow/table.h"

#include <cstring>

#include "formats/tensorflow/crc32c.h"
#include "formats/wire.h"

namespace pochade::tensorflow {
namespace {

constexpr size_t kFooterBytes = 48;
constexpr uint64_t kMagic = 0xdb4775248b80fb57u;
constexpr size_t kTrailerBytes = 5;  ///< behind each block: how it is compressed, and its checksum

uint32_t read_u32(const std::byte* at) {
  uint32_t out;
  std::memcpy(&out, at, sizeof(out));
  return out;
}

/// Where a block lies, without its trailer.
struct BlockHandle {
  uint64_t offset = 0, size = 0;
};

Result<BlockHandle> read_handle(WireReader& reader) {
  BlockHandle out;
  TRY(out.offset, reader.varint());
  TRY(out.size, reader.varint());
  return out;
}

Result<std::span<const std::byte>> read_block(const Bytes& file, const BlockHandle& handle) {
  if (file.size() < kTrailerBytes || handle.size > file.size() - kTrailerBytes ||
      handle.offset > file.size() - kTrailerBytes - handle.size)
    return Error::invalid_model("a block at byte {} lies outside the file", handle.offset);
  const auto checked = file.span().subspan(handle.offset, handle.size + 1);
  const std::byte* trailer = file.data() + handle.offset + handle.size;
  if (masked(crc32c(checked)) != read_u32(trailer + 1))
    return Error::invalid_model("the block at byte {} has a wrong checksum: the file is damaged",
                                handle.offset);
  if (*trailer == std::byte{1}) return Error::not_supported("its blocks are compressed with Snappy");
  if (*trailer != std::byte{0})
    return Error::not_supported("its blocks are compressed by method {}", static_cast<int>(*trailer));
  return checked.first(handle.size);
}

/// Calls f(key, value) for each entry. A key is written without the beginning that it shares with the key
/// before; behind the entries stand the places where that begins anew, and their number.
template <typename F>
Status for_each_entry(std::span<const std::byte> block, F&& f) {
  if (block.size() < 4) return Error::invalid_model("a block has {} bytes", block.size());
  const uint64_t restarts = read_u32(block.data() + block.size() - 4);
  if (restarts > (block.size() - 4) / 4) return Error::invalid_model("a block has {} restarts", restarts);
  WireReader reader(block.first(block.size() - 4 - static_cast<size_t>(restarts) * 4));
  std::string key;
  while (!reader.done()) {
    TRY(const uint64_t shared, reader.varint());
    TRY(const uint64_t own, reader.varint());
    TRY(const uint64_t value_size, reader.varint());
    const auto rest = reader.rest();
    if (shared > key.size() || own > rest.size() || value_size > rest.size() - own)
      return Error::invalid_model("an entry of a block lies outside it");
    key.resize(shared);
    key.append(reinterpret_cast<const char*>(rest.data()), own);
    const auto value = rest.subspan(own, value_size);
    TRY(f(std::string_view(key), value));
    reader = WireReader(rest.subspan(own + value_size));
  }
  return {};
}

}  // namespace

Result<std::map<std::string, std::string_view>> read_table(const Bytes& file) {
  std::map<std::string, std::string_view> out;
  if (file.size() < kFooterBytes) return Error::invalid_model("{} bytes are no table", file.size());
  const auto footer = file.span().last(kFooterBytes);
  uint64_t magic;
  std::memcpy(&magic, footer.data() + kFooterBytes - 8, 8);
  if (magic != kMagic) return Error::invalid_model("not a table: its last bytes are others");
  WireReader handles(footer.first(kFooterBytes - 8));
  TRY(read_handle(handles));  // of the block of block filters, which TensorFlow leaves empty
  TRY(const BlockHandle index_handle, read_handle(handles));
  TRY(const auto index, read_block(file, index_handle));
  uint64_t next_offset = 0;  // blocks follow each other: no byte is read twice
  TRY(for_each_entry(index, [&](std::string_view, std::span<const std::byte> value) -> Status {
    WireReader reader(value);
    TRY(const BlockHandle handle, read_handle(reader));
    if (handle.offset < next_offset) return Error::invalid_model("two blocks overlap");
    TRY(const auto block, read_block(file, handle));
    next_offset = handle.offset + handle.size;
    return for_each_entry(block, [&](std::string_view key, std::span<const std::byte> bytes) -> Status {
      out.insert_or_assign(std::string(key),
                           std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      return {};
    });
  }));
  return out;
}

}  // namespace pochade::tensorflow
