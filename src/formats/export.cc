#include "formats/export.h"

#include <algorithm>
#include <array>
#include <set>

#include "formats/expand_quantized.h"
#include "formats/onnx/export.h"
#include "formats/tflite/export.h"
#include "formats/tflite/export_integers.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/quantized.h"
#include "ops/resize/resize.h"
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

bool is_byte(const Quantized::Type& type) {
  return type.dtype == DType::kI8 || type.dtype == DType::kU8;
}

/// Whether readers of ONNX's groups make one operator on integers of it again (passes/fold_qdq.h).
bool is_folded_by_readers(const Graph& graph, const Node& node, const Quantized& op) {
  static const std::set<std::string_view> names = {"Conv",        "ConvTranspose", "Gemm",    "Concat",
                                                   "AveragePool", "ReduceMean",    "Softmax", "Add",
                                                   "Sub",         "Mul",           "PRelu"};
  if (op_as<Identity>(*op.op)) return true;
  if (!is_byte(op.in[0]) || !std::ranges::all_of(op.out, is_byte)) return false;
  const auto varies = [&](ValueId v) {
    const auto constant = v == kNone ? Result<Tensor>(Tensor()) : constant_value(graph, v);
    return v != kNone && !(constant && constant->defined());
  };
  const auto varying = std::ranges::count_if(node.inputs, varies);
  const auto* resize = op_as<Resize>(*op.op);
  const bool moves = op.in[0] == op.out[0] && (resize == nullptr || resize->mode == Resize::Mode::kNearest);
  return names.contains(op.op->name()) || moves ||
         (varying == 1 && (op.op->elementwise() || op_as<MatMul>(*op.op)));
}

/// Real numbers between Dequantize and Quantize. Empty: this cannot be said so.
std::optional<std::vector<ValueId>> add_real(GraphCopy& copy, const Node& node, const Quantized& op) {
  const auto identity = [&](const std::string& name, Quantized::Type in, Quantized::Type out, Activation act,
                            ValueId x) {
    Quantized made;
    made.op = make_op(Identity{});
    made.in = {std::move(in)};
    made.out = {std::move(out)};
    made.act = act;
    made.rounding = Rounding::kOnnx;
    return copy.add(name, std::move(made), {x});
  };
  std::vector<ValueId> inputs = copy.now(node.inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == kNone || !op.in[i].dtype) continue;
    const auto real = identity(format("{}/real{}", node.name, i), meant_type(op, i), {}, {}, inputs[i]);
    if (!real) return std::nullopt;
    inputs[i] = *real;
  }
  auto outputs = copy.add_all(node.name + "/real", op.op, std::move(inputs));
  if (!outputs) return std::nullopt;
  for (size_t i = 0; i < outputs->size(); ++i) {
    if (!op.out[i].dtype) continue;
    const auto integers = identity(node.name, {}, op.out[i], i == 0 ? op.act : Activation(), (*outputs)[i]);
    if (!integers) return std::nullopt;
    (*outputs)[i] = *integers;
  }
  return *std::move(outputs);
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
    if (rounding == Rounding::kOnnx && !is_folded_by_readers(graph, node, *op))
      if (const auto real = add_real(copy, node, *op)) {
        changed = true;
        for (size_t i = 0; i < node.outputs.size(); ++i) copy.set(node.outputs[i], real->at(i));
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
  if (writer.rounding == Rounding::kOnnx) return rounded_as(graph, writer.rounding);
  TRY(const Graph written, tflite::integers_of_tflite(graph));
  TRY(std::optional<Graph> out, rounded_as(written, writer.rounding));
  if (out) return out;
  // Files of ONNX say their integers in several nodes each: they are one operator once they are folded.
  TRY(Graph folded, optimise(graph));
  TRY(folded, tflite::integers_of_tflite(std::move(folded)));
  return rounded_as(folded, writer.rounding);
}

Result<ExportSummary> plan_export(const Graph& graph, const std::filesystem::path& path,
                                  const ExportOptions& options) {
  TRY(const Writer writer, writer_of(path));
  return with_nearest_way(graph, writer.write(graph, options, nullptr)).context("cannot write {}", path);
}

}  // namespace pochade
