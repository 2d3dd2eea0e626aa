#pragma once
// Which photos are painted, and where the paintings go.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/decode.h"

namespace pochade {

struct OutputRequest {
  std::vector<std::filesystem::path> photos;    ///< files, folders, or "-" (standard input)
  std::optional<std::filesystem::path> output;  ///< a file, a folder, or "-" (standard output)
  std::string style;                            ///< goes into names: photo.STYLE.jpg
  bool force = false;                           ///< existing files may be replaced
};

struct PaintJob {
  std::filesystem::path photo;
  std::filesystem::path painting;
  ImageFormat format = ImageFormat::kPng;
};

/// One job a photo. A folder stands for the pictures in it (not below it), by extension, sorted, without
/// paintings of the same style. Without an output each painting goes beside its photo as PHOTO.STYLE.EXT,
/// with the photo's extension if that can be written, else jpg; of standard input to standard output. An
/// output that is a folder, ends in "/", or has to hold several paintings is a folder. Nothing is written or
/// made. Errors: nothing to paint, an existing file without `force`, two paintings of one name, a painting
/// over its own photo, an extension that cannot be written.
Result<std::vector<PaintJob>> plan_outputs(const OutputRequest& request);

}  // namespace pochade
