#include "formats/export.h"

#include <algorithm>
#include <array>

#include "formats/expand_quantized.h"
#include "formats/onnx/export.h"
#include "formats/tflite/export.h"
#include "ops/quant/quantized.h"
#include "passes/pipeline.h"

namespace pochade {
namespace {

struct Writer {
  std::string_view extension;
  /// With a null file: only what it would hold.
  Result<ExportSummary> (*write)(const Graph& graph, const ExportOptions& options, FileWriter* file);
  Rounding rounding;  ///< of its readers
};

Result<ExportSummary> write_onnx(const Graph& graph, const ExportOptions& options, FileWriter* file) {
  return export_onnx(graph, {.opset = options.opset == 0 ? kStandardExportOpset : options.opset}, file);
}

Result<ExportSummary> write_tflite(const Graph& graph, const ExportOptions&, FileWriter* file) {
  return export_tflite(graph, file);
}

constexpr std::array kWriters = {
    Writer{".onnx", write_onnx, Rounding::kOnnx},
    Writer{".tflite", write_tflite, Rounding::kTflite},
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

/// What makes features of a sound stands before most networks that hear, and few formats have it: the nearest
/// way is to begin behind it.
Result<ExportSummary> with_nearest_way(const Graph& graph, Result<ExportSummary> written) {
  if (written || written.error().code() != ErrorCode::kNotSupported) return written;
  constexpr std::string_view kOfSounds[] = {"DecodeWav", "AudioSpectrogram", "Mfcc"};
  std::string last;
  for (const NodeId id : graph.topological_order())
    if (std::ranges::find(kOfSounds, graph.node(id).op->name()) != std::end(kOfSounds))
      last = graph.value(graph.node(id).outputs[0]).name;
  if (last.empty()) return written;
  return Error::not_supported("{}. What follows the sound's features can be written: --from {}",
                              written.error().text(), last);
}

/// Every operator on integers with that rounding; one that has no arithmetic there stays as it is.
Result<std::optional<Graph>> rounded_as(const Graph& graph, Rounding rounding) {
  GraphCopy copy(graph);
  bool changed = false;
  for (const NodeId id : copy.order()) {
    const Node& node = graph.node(id);
    const auto* op = op_as<Quantized>(*node.op);
    if (op == nullptr || op->rounding == rounding) {
      TRY(copy.copy(id));
      continue;
    }
    Quantized other = *op;
    other.rounding = rounding;
    for (size_t i = 0; i < other.in.size(); ++i) other.in[i] = meant_type(*op, i);
    const auto made = copy.add_all(node.name, make_op(std::move(other)), copy.now(node.inputs));
    if (!made) {
      TRY(copy.copy(id));
      continue;
    }
    changed = true;
    for (size_t i = 0; i < node.outputs.size(); ++i) copy.set(node.outputs[i], made->at(i));
  }
  if (!changed) return std::optional<Graph>();
  return std::optional(std::move(copy).finish());
}

}  // namespace

Status check_export_path(const std::filesystem::path& path) {
  TRY(writer_of(path));
  return {};
}

Result<ExportSummary> export_model(const Graph& graph, const std::filesystem::path& path,
                                   const ExportOptions& options, FileWriter& file) {
  TRY(const Writer writer, writer_of(path));
  auto written = with_nearest_way(graph, writer.write(graph, options, &file));
  if (!written && written.error().code() == ErrorCode::kIo) return written;  // it names the file
  return std::move(written).context("cannot write {}", path);
}

Result<std::optional<Graph>> as_computed_by(const Graph& graph, const std::filesystem::path& path) {
  TRY(const Writer writer, writer_of(path));
  TRY(std::optional<Graph> out, rounded_as(graph, writer.rounding));
  if (out || writer.rounding == Rounding::kOnnx) return out;
  // Files of ONNX say their integers in several nodes each: they are one operator once they are folded.
  TRY(const Graph folded, optimise(graph));
  return rounded_as(folded, writer.rounding);
}

Result<ExportSummary> plan_export(const Graph& graph, const std::filesystem::path& path,
                                  const ExportOptions& options) {
  TRY(const Writer writer, writer_of(path));
  return with_nearest_way(graph, writer.write(graph, options, nullptr)).context("cannot write {}", path);
}

}  // namespace pochade
