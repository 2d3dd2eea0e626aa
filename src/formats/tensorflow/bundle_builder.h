#pragma once
// Writes a checkpoint of TensorFlow, index and one shard of data, for tests.

#include <bit>
#include <map>
#include <string>
#include <vector>

#include "formats/tensorflow/crc32c.h"
#include "formats/tensorflow/graph_builder.h"

namespace pochade::tensorflow {

class BundleBuilder {
 public:
  /// Entries of a block share the beginnings of their keys with the one before.
  BundleBuilder() {
    WireWriter header;
    header.integer(1, 1);
    entries_[""] = header.str();
  }
  BundleBuilder& floats(const std::string& key, const std::vector<int64_t>& dims,
                        const std::vector<float>& values) {
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    const uint32_t checksum = masked(crc32c(std::as_bytes(std::span(bytes))));
    WireWriter entry;
    entry.integer(1, kFloatType);
    entry.message(2, shape_message(dims));
    entry.integer(4, static_cast<int64_t>(data_.size()));
    entry.integer(5, static_cast<int64_t>(bytes.size()));
    entry.number32(6, std::bit_cast<float>(checksum));
    entries_[key] = entry.str();
    data_ += bytes;
    return *this;
  }

  Bytes data() const { return Bytes::copy_of(data_); }

  /// Two entries a block, so that there are several.
  Bytes index(char compression = 0) const {
    std::string file;
    std::vector<std::pair<std::string, std::string>> handles;
    std::vector<std::pair<std::string, std::string>> block;
    const auto flush = [&] {
      if (!block.empty()) handles.emplace_back(block.back().first, append(file, encode(block), compression));
      block.clear();
    };
    for (const auto& entry : entries_) {
      block.push_back(entry);
      if (block.size() == 2) flush();
    }
    flush();
    const std::string filters = append(file, encode({}), 0), index = append(file, encode(handles), 0);
    std::string footer = filters + index;
    footer.resize(40, '\0');
    const uint64_t magic = 0xdb4775248b80fb57u;
    footer.append(reinterpret_cast<const char*>(&magic), sizeof(magic));
    return Bytes::copy_of(file + footer);
  }

 private:
  static void varint(std::string& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
  }
  static void word(std::string& out, uint32_t value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static std::string encode(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string out, last;
    for (const auto& [key, value] : entries) {
      size_t shared = 0;
      while (shared < key.size() && shared < last.size() && key[shared] == last[shared]) ++shared;
      varint(out, shared);
      varint(out, key.size() - shared);
      varint(out, value.size());
      out += key.substr(shared) + value;
      last = key;
    }
    word(out, 0);
    word(out, 1);
    return out;
  }
  /// Adds the block with its trailer, and gives its handle.
  static std::string append(std::string& file, const std::string& block, char compression) {
    std::string handle;
    varint(handle, file.size());
    varint(handle, block.size());
    const std::string checked = block + compression;
    file += checked;
    word(file, masked(crc32c(std::as_bytes(std::span(checked)))));
    return handle;
  }

  std::map<std::string, std::string> entries_;
  std::string data_;
};

}  // namespace pochade::tensorflow
