#pragma once
// A sorted table of keys and values in leveldb's file format, which TensorFlow writes the index of a
// checkpoint in. https://github.com/google/leveldb/blob/main/doc/table_format.md

#include <map>
#include <string>
#include <string_view>

#include "base/file.h"

namespace pochade::tensorflow {

/// Every key with its value, a view of `file`. Checksums are checked. kInvalidModel: truncated or damaged;
/// kNotSupported: compressed blocks.
Result<std::map<std::string, std::string_view>> read_table(const Bytes& file);

}  // namespace pochade::tensorflow
