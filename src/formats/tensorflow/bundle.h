#pragma once
// The variables of a SavedModel or of a checkpoint (version 2): an index, and shards of data.

#include <filesystem>
#include <functional>
#include <map>

#include "formats/tensorflow/records.h"

namespace pochade::tensorflow {

struct BundleEntry {
  int64_t type = 0;
  ShapeRecord shape;
  int64_t shard = 0;
  int64_t offset = 0;
  int64_t size = 0;
  uint32_t checksum = 0;
  bool is_sliced = false;  ///< the tensor is stored in pieces under other keys
};

class Bundle {
 public:
  /// Gives the bytes of a shard of so many, when they are first wanted.
  using OpenShard = std::function<Result<Bytes>(int64_t shard, int64_t shards)>;

  static Result<Bundle> open(const Bytes& index, OpenShard open_shard);
  /// FOLDER/variables.index and FOLDER/variables.data-00000-of-00001, ...
  static Result<Bundle> open(const std::filesystem::path& folder);

  bool has(std::string_view key) const { return entries_.find(key) != entries_.end(); }
  size_t size() const { return entries_.size(); }
  /// Shares the shard's memory where it can. Its checksum is checked. Errors name the key.
  Result<Tensor> tensor(std::string_view key);

 private:
  Result<Tensor> load(const BundleEntry& entry);

  std::map<std::string, BundleEntry, std::less<>> entries_;
  int64_t shards_ = 1;
  OpenShard open_shard_;
  std::map<int64_t, Bytes> opened_;
};

}  // namespace pochade::tensorflow
