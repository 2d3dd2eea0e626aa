#pragma once
// One door for every model file that we can write.

#include <filesystem>

#include "base/file_writer.h"
#include "graph/graph.h"

namespace pochade {

struct ExportOptions {
  int opset = 0;  ///< of ONNX; 0: the usual one
};

/// What a written file holds.
struct ExportSummary {
  int64_t operators = 0;
  int64_t bytes = 0;
};

/// Whether the extension of `path` is one that we write; the error lists them.
Status check_export_path(const std::filesystem::path& path);

/// Writes the graph in the format that the extension of `path` names into `file`, which the caller commits.
/// kNotSupported names the node that the format cannot express, and what to do.
Result<ExportSummary> export_model(const Graph& graph, const std::filesystem::path& path,
                                   const ExportOptions& options, FileWriter& file);
/// The graph with its integers computed as readers of that format compute them: ONNX rounds halves to even,
/// TFLite away from zero with multipliers of 31 bits. Empty if nothing in it would change.
Result<std::optional<Graph>> as_computed_by(const Graph& graph, const std::filesystem::path& path);
/// What the file would hold, without writing it.
Result<ExportSummary> plan_export(const Graph& graph, const std::filesystem::path& path,
                                  const ExportOptions& options);

}  // namespace pochade
