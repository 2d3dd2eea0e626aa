#include "formats/formats.h"

namespace pochade {

Result<Graph> import_model(const std::filesystem::path& path) {
  return Error::not_supported("{}: no reader for this kind of file", path);
}

}  // namespace pochade
