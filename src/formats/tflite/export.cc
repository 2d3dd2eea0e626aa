#include "formats/tflite/export.h"

#include "formats/expand.h"
#include "formats/tflite/export_scope.h"
#include "passes/pipeline.h"

namespace pochade::tflite {
namespace {

/// TFLite's kernels have these bounds inside convolutions and products.
bool has_activation(const Op& op, const Activation& act) {
  if (op.name() == "ConvTranspose") return false;
  if (act.kind == ActivationKind::kRelu) return true;
  return act.kind == ActivationKind::kClip && ((act.a == 0 && act.b == 6) || (act.a == -1 && act.b == 1));
}

Vocabulary vocabulary() {
  Vocabulary out;
  out.operators = {"Gelu", "HardSwish"};
  out.quantized = true;
  out.has_activation = has_activation;
  return out;
}

class Exporter {
 public:
  explicit Exporter(const Graph& graph) : graph_(graph), context_{graph, file_, {}} {}

  Status run() {
    if (!graph_.states().empty())
      return Error::not_supported(
          "the model keeps \"{}\" from one run to the next: such models are not written yet "
          "(make it an input and an output of the model)",
          graph_.states()[0].name);
    std::vector<TensorIndex> inputs, outputs;
    std::vector<std::string> input_names, output_names;
    for (const ValueId input : graph_.inputs()) {
      const Fact& fact = graph_.fact(input);
      const Quantized::Type type =
          fact.quantization ? Quantized::Type{fact.dtype, fact.quantization} : Quantized::Type{};
      inputs.push_back(file_.add_tensor(graph_.value(input).name, fact, Tensor(), type));
      context_.tensors.emplace(input, inputs.back());
      input_names.push_back(graph_.value(input).name);
    }
    for (const GraphOutput& output : graph_.outputs()) name_output(output);
    for (const NodeId id : needed_nodes(graph_)) {
      const Node& node = graph_.node(id);
      TRY(write_node(node).context("node \"{}\" ({})", node.name, node.op->name()));
    }
    for (const GraphOutput& output : graph_.outputs()) {
      const auto found = context_.tensors.find(output.value);
      if (found == context_.tensors.end())
        return Error::not_supported("output \"{}\" is a constant, which TFLite does not give out",
                                    output.name);
      outputs.push_back(found->second);
      output_names.push_back(output.name);
    }
    const auto doc = graph_.metadata().find("doc");
    file_.finish(inputs, outputs, input_names, output_names, graph_.name(),
                 doc == graph_.metadata().end() ? "" : doc->second);
    return {};
  }

  FileBuilder& file() { return file_; }

 private:
  /// The tensor of an output has the output's name.
  void name_output(const GraphOutput& output) {
    if (graph_.value(output.value).producer == kNone || context_.tensors.contains(output.value)) return;
    const Fact& fact = graph_.fact(output.value);
    const Quantized::Type type =
        fact.quantization ? Quantized::Type{fact.dtype, fact.quantization} : Quantized::Type{};
    context_.tensors.emplace(output.value, file_.add_tensor(output.name, fact, Tensor(), type));
  }

  Status write_node(const Node& node) {
    ExportScope scope(context_, node);
    const ExportRow* row = find_export_row(scope.op().name());
    if (row == nullptr) return Error::not_supported("TFLite has no builtin operator for it");
    return row->write(scope);
  }

  const Graph& graph_;
  FileBuilder file_;
  ExportContext context_;
};

/// f(file) for the finished file.
template <typename F>
Status with_file(const Graph& graph, F&& f) {
  TRY(Graph simpler, optimise(graph));
  TRY(const Graph plain, expand(simpler, vocabulary()));
  Exporter exporter(plain);
  TRY(exporter.run());
  return f(exporter.file());
}

}  // namespace
}  // namespace pochade::tflite

namespace pochade {

Result<ExportSummary> export_tflite(const Graph& graph, FileWriter* file) {
  ExportSummary out;
  TRY(tflite::with_file(graph, [&](tflite::FileBuilder& built) -> Status {
    const std::span bytes(reinterpret_cast<const std::byte*>(built.flat().GetBufferPointer()),
                          built.flat().GetSize());
    out = {built.operator_count(), static_cast<int64_t>(bytes.size())};
    return file == nullptr ? Status() : file->write(bytes);
  }));
  return out;
}

Result<std::string> export_tflite_bytes(const Graph& graph) {
  std::string out;
  TRY(tflite::with_file(graph, [&](tflite::FileBuilder& built) -> Status {
    out.assign(reinterpret_cast<const char*>(built.flat().GetBufferPointer()), built.flat().GetSize());
    return {};
  }));
  return out;
}

}  // namespace pochade
