#include "formats/onnx/export.h"

#include "formats/expand.h"
#include "formats/onnx/export_scope.h"

namespace pochade::onnx {
namespace {

/// What ONNX has by itself at this opset.
Vocabulary vocabulary_of(int opset) {
  Vocabulary out;
  for (const std::string_view name : {"HardSwish", "Gelu", "Mish"})
    if (find_export_row(name)->since_opset <= opset) out.operators.insert(name);
  return out;
}

class Exporter {
 public:
  Exporter(const Graph& graph, const OnnxExportOptions& options)
      : graph_(graph), context_{graph, file_, options.opset, {}} {}

  Result<ModelFile> run() {
    if (!graph_.states().empty())
      return Error::not_supported(
          "the model keeps \"{}\" from one run to the next, which ONNX does not know: --states ends makes it "
          "an input and an output, --states constants begins anew in every run",
          graph_.states()[0].name);
    name_ends();
    for (const NodeId id : needed_nodes(graph_)) {
      const Node& node = graph_.node(id);
      TRY(write_node(node).context("node \"{}\" ({})", node.name, name_of(node)));
    }
    write_ends();
    write_metadata();
    return std::move(file_);
  }

 private:
  static std::string_view name_of(const Node& node) {
    const auto* turned = dynamic_cast<const ChannelsFirst*>(node.op.get());
    return turned == nullptr ? node.op->name() : turned->op->name();
  }

  /// Inputs and outputs have the first choice of names.
  void name_ends() {
    for (const ValueId input : graph_.inputs())
      context_.names.emplace(input, file_.unique_name(graph_.value(input).name));
    for (const GraphOutput& output : graph_.outputs()) {
      output_names_.push_back(file_.unique_name(output.name));
      // A node writes the output itself if it may have that name.
      const bool computed = graph_.value(output.value).producer != kNone;
      if (computed && context_.names.emplace(output.value, output_names_.back()).second) continue;
      copied_.push_back(output_names_.size() - 1);
    }
  }

  Status write_node(const Node& node) {
    const ExportRow* row = find_export_row(name_of(node));
    if (row == nullptr) return Error::not_supported("ONNX has no such operator, nor is it made of others");
    ExportScope scope(context_, node);
    TRY(scope.needs_opset(row->since_opset, row->name));
    if (row->write == nullptr) return scope.emit(row->name, scope.inputs());
    return row->write(scope);
  }

  std::string doc_of(const std::string& name) const {
    const auto found = graph_.metadata().find("doc:" + name);
    return found == graph_.metadata().end() ? "" : found->second;
  }

  void write_ends() {
    for (const size_t i : copied_)
      file_.add_node("Identity", "", output_names_[i] + "/copy", {context_.name(graph_.outputs()[i].value)},
                     {output_names_[i]}, {});
    for (const ValueId input : graph_.inputs())
      file_.add_input(context_.name(input), graph_.fact(input), doc_of(graph_.value(input).name));
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const GraphOutput& output = graph_.outputs()[i];
      file_.add_output(output_names_[i], graph_.fact(output.value), doc_of(output.name));
    }
  }

  void write_metadata() {
    file_.set_graph_name(graph_.name());
    for (const auto& [key, text] : graph_.metadata()) {
      if (key == "doc")
        file_.set_doc(text);
      else if (key == "producer" && text != "pochade")
        file_.add_metadata("source_producer", text);
      else if (key != "producer" && !key.starts_with("doc:") && !key.starts_with("warning:"))
        file_.add_metadata(key, text);
    }
  }

  const Graph& graph_;
  ModelFile file_;
  ExportContext context_;
  std::vector<std::string> output_names_;
  std::vector<size_t> copied_;  ///< outputs that are another value under a second name
};

Result<ModelFile> model_file(const Graph& graph, const OnnxExportOptions& options) {
  if (options.opset < kOldestExportOpset || options.opset > kNewestExportOpset)
    return Error::invalid_argument("opset {} is not written, {} to {} are", options.opset, kOldestExportOpset,
                                   kNewestExportOpset);
  TRY(const Graph plain, expand(graph, vocabulary_of(options.opset)));
  TRY(const Graph turned, to_channels_first(plain));
  return Exporter(turned, options).run();
}

}  // namespace
}  // namespace pochade::onnx

namespace pochade {

Result<ExportSummary> export_onnx(const Graph& graph, const OnnxExportOptions& options, FileWriter* file) {
  TRY(const onnx::ModelFile model, onnx::model_file(graph, options));
  TRY(const int64_t bytes, model.byte_size(options.opset));
  if (file != nullptr) TRY(model.write(*file, options.opset));
  return ExportSummary{model.node_count(), bytes};
}

Status export_onnx(const Graph& graph, const std::filesystem::path& path, const OnnxExportOptions& options) {
  TRY(FileWriter file, FileWriter::create(path));
  TRY(export_onnx(graph, options, &file).context("cannot write {}", path));
  return file.commit();
}

Result<std::string> export_onnx_bytes(const Graph& graph, const OnnxExportOptions& options) {
  TRY(const onnx::ModelFile file, onnx::model_file(graph, options));
  return file.bytes(options.opset);
}

}  // namespace pochade
