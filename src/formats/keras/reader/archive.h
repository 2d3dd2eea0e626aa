#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace pochade::keras {

/// Receives the parts of an archive's file, in order.
using Sink = std::function<Status(std::string_view part)>;

/// The three files of a .keras archive (a zip file); other names in it are not looked at, and nothing is
/// unpacked to a place that the archive names.
struct Archive {
  std::string config;    ///< config.json
  std::string metadata;  ///< metadata.json; empty if it is not there
};

/// Weights go to `weights`, at most `limit_bytes` of them. Errors: no zip file, a file that is missing,
/// encrypted, damaged, or unpacks to more than the limit.
Result<Archive> read_archive(std::span<const std::byte> file, uint64_t limit_bytes, const Sink& weights);

}  // namespace pochade::keras
