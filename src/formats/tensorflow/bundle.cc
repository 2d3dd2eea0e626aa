#include "formats/tensorflow/bundle.h"

#include <bit>

#include "formats/tensorflow/crc32c.h"
#include "formats/tensorflow/table.h"

namespace pochade::tensorflow {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

struct Header {
  int64_t shards = 1;
  int64_t endianness = 0;
};

Result<Header> parse_header(std::string_view text) {
  Header out;
  WireReader reader(bytes_of(text));
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.shards));
    if (field.number() == 2) TRY(field.read(out.endianness));
  }
  return out;
}

Result<BundleEntry> parse_entry(std::string_view text) {
  BundleEntry out;
  WireReader reader(bytes_of(text));
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.read(out.type));
        break;
      case 2: {
        TRY(const WireReader inner, field.message());
        TRY(out.shape, parse_shape(inner));
        break;
      }
      case 3:
        TRY(field.read(out.shard));
        break;
      case 4:
        TRY(field.read(out.offset));
        break;
      case 5:
        TRY(field.read(out.size));
        break;
      case 6: {
        float bits = 0;  // a fixed32
        TRY(field.read(bits));
        out.checksum = std::bit_cast<uint32_t>(bits);
        break;
      }
      case 7:
        out.is_sliced = true;
        break;
      default:
        break;
    }
  }
  return out;
}

/// "variables.data-00001-of-00003"
std::string shard_name(int64_t shard, int64_t shards) {
  const auto five = [](int64_t n) {
    const std::string digits = std::to_string(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return format("variables.data-{}-of-{}", five(shard), five(shards));
}

}  // namespace

Result<Bundle> Bundle::open(const Bytes& index, OpenShard open_shard) {
  Bundle out;
  out.open_shard_ = std::move(open_shard);
  TRY(const auto table, read_table(index));
  for (const auto& [key, value] : table) {
    if (key.empty()) {
      TRY(const Header header, parse_header(value).context("the header"));
      if (header.endianness != 0) return Error::not_supported("its values are big-endian");
      if (header.shards < 1 || header.shards > 100000)
        return Error::invalid_model("it has {} shards", header.shards);
      out.shards_ = header.shards;
    } else {
      TRY(BundleEntry entry, parse_entry(value).context("entry \"{}\"", key));
      out.entries_.emplace(key, std::move(entry));
    }
  }
  return out;
}

Result<Bundle> Bundle::open(const std::filesystem::path& folder) {
  const std::filesystem::path index = folder / "variables.index";
  TRY(const Bytes bytes, map_file(index));
  return open(bytes, [folder](int64_t shard,
                              int64_t shards) { return map_file(folder / shard_name(shard, shards)); })
      .context("{}", index);
}

Result<Tensor> Bundle::tensor(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return Error::invalid_model("variable \"{}\" is not in the checkpoint", key);
  return load(found->second).context("variable \"{}\"", key);
}

Result<Tensor> Bundle::load(const BundleEntry& entry) {
  TRY(const DType dtype, element_type(entry.type));
  if (entry.is_sliced) return Error::not_supported("it is stored in slices (a partitioned variable)");
  if (entry.shape.dims.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", entry.shape.dims.size(), kMaxRank);
  const Shape shape(entry.shape.dims);
  if (!shape.checked_elements()) return Error::invalid_model("it has the impossible shape {}", shape);
  if (entry.shard < 0 || entry.shard >= shards_)
    return Error::invalid_model("it lies in shard {} of {}", entry.shard, shards_);
  auto opened = opened_.find(entry.shard);
  if (opened == opened_.end()) {
    TRY(Bytes bytes, open_shard_(entry.shard, shards_));
    opened = opened_.emplace(entry.shard, std::move(bytes)).first;
  }
  const Bytes& file = opened->second;
  const auto size = static_cast<uint64_t>(entry.size), offset = static_cast<uint64_t>(entry.offset);
  if (size > file.size() || offset > file.size() - size)
    return Error::invalid_model("its {} bytes at byte {} lie outside the shard, which has {}", size, offset,
                                file.size());
  const auto span = file.span().subspan(offset, size);
  if (masked(crc32c(span)) != entry.checksum)
    return Error::invalid_model("its values have a wrong checksum: the data file is damaged");
  return Tensor::from_bytes(dtype, shape, Bytes(file.owner(), span));
}

}  // namespace pochade::tensorflow
