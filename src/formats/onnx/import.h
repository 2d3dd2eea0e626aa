#pragma once
// ONNX files, opset 7 to 21, and older ones whose operators have not changed since.

#include <filesystem>

#include "base/file.h"
#include "graph/graph.h"

namespace pochade {

/// Reads an ONNX model. The graph's inputs and outputs have the file's names, order, element types and sizes
/// (channels first, as in the file); inside, the channels are last. Metadata: the file's metadata_props,
/// "producer", "doc", "doc:NAME" for inputs and outputs that have a text, and "warning:..." for what deserves
/// a look (weights that hold NaN). Errors name the file, the node and what was expected; all operators that
/// are not supported are named at once.
Result<Graph> import_onnx(const std::filesystem::path& path);
/// The same from memory. External data is looked for in `folder`; empty: it is refused.
Result<Graph> import_onnx(const Bytes& file, const std::filesystem::path& folder);

}  // namespace pochade
