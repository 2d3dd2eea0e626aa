#include "formats/export.h"

#include <array>

#include "formats/onnx/export.h"
#include "formats/tflite/export.h"

namespace pochade {
namespace {

struct Writer {
  std::string_view extension;
  /// With a null file: only what it would hold.
  Result<ExportSummary> (*write)(const Graph& graph, const ExportOptions& options, FileWriter* file);
};

Result<ExportSummary> write_onnx(const Graph& graph, const ExportOptions& options, FileWriter* file) {
  return export_onnx(graph, {.opset = options.opset == 0 ? kStandardExportOpset : options.opset}, file);
}

Result<ExportSummary> write_tflite(const Graph& graph, const ExportOptions&, FileWriter* file) {
  return export_tflite(graph, file);
}

constexpr std::array kWriters = {
    Writer{".onnx", write_onnx},
    Writer{".tflite", write_tflite},
};

Result<Writer> writer_of(const std::filesystem::path& path) {
  std::vector<std::string_view> extensions;
  for (const Writer& writer : kWriters) {
    if (path.extension() == writer.extension) return writer;
    extensions.push_back(writer.extension);
  }
  return Error::invalid_argument("cannot write {}: the kinds of models that are written end in {}", path,
                                 join(extensions));
}

}  // namespace

Status check_export_path(const std::filesystem::path& path) {
  TRY(writer_of(path));
  return {};
}

Result<ExportSummary> export_model(const Graph& graph, const std::filesystem::path& path,
                                   const ExportOptions& options, FileWriter& file) {
  TRY(const Writer writer, writer_of(path));
  return writer.write(graph, options, &file).context("cannot write {}", path);
}

Result<ExportSummary> plan_export(const Graph& graph, const std::filesystem::path& path,
                                  const ExportOptions& options) {
  TRY(const Writer writer, writer_of(path));
  return writer.write(graph, options, nullptr).context("cannot write {}", path);
}

}  // namespace pochade
