#pragma once
// One door for every model file that we can read.

#include <filesystem>

#include "graph/graph.h"

namespace pochade {

/// Reads a model by its content and extension. Errors name the file, the node and what was expected.
Result<Graph> import_model(const std::filesystem::path& path);
/// Bytes in memory, kept alive by the graph's constants. Files that the model refers to are refused.
Result<Graph> import_model(const Bytes& file);

}  // namespace pochade
