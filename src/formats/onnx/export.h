#pragma once

#include <filesystem>
#include <string>

#include "formats/export.h"

namespace pochade {

/// The opsets that are written, and the one taken unless another is asked for.
constexpr int kOldestExportOpset = 13;
constexpr int kNewestExportOpset = 21;
constexpr int kStandardExportOpset = 17;

struct OnnxExportOptions {
  int opset = kStandardExportOpset;
};

/// Writes the graph as an ONNX model. Names, order and sizes of inputs and outputs, and the metadata, stay;
/// what only our Graph has is written as several operators of the standard. kNotSupported names the node that
/// ONNX cannot express; nothing is written then. Without a file only the summary is made.
Result<ExportSummary> export_onnx(const Graph& graph, const OnnxExportOptions& options, FileWriter* file);
Status export_onnx(const Graph& graph, const std::filesystem::path& path,
                   const OnnxExportOptions& options = {});
/// The file's bytes.
Result<std::string> export_onnx_bytes(const Graph& graph, const OnnxExportOptions& options = {});

}  // namespace pochade
