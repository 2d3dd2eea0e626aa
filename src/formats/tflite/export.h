#pragma once

#include <string>

#include "formats/export.h"

namespace pochade {

/// Writes the graph as a TFLite file (schema version 3) of builtin operators. Names, order and sizes of
/// inputs and outputs stay; their layout is the model's own. Constants are folded and neighbours fused first,
/// since TFLite has no batch normalization or padded pools of its own. Integer operators keep their integers
/// and their scales. kNotSupported names the node that TFLite cannot express. Without a file only the summary
/// is made.
Result<ExportSummary> export_tflite(const Graph& graph, FileWriter* file);
/// The file's bytes.
Result<std::string> export_tflite_bytes(const Graph& graph);

}  // namespace pochade
