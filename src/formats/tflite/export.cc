#include "formats/tflite/export.h"

#include <algorithm>
#include <set>

#include "formats/expand.h"
#include "formats/tflite/export_integers.h"
#include "formats/tflite/export_state.h"
#include "passes/pipeline.h"

namespace pochade::tflite {
namespace {

/// TFLite's kernels have these bounds inside convolutions and products.
bool has_activation(const Op& op, const Activation& act) {
  if (op.name() == "ConvTranspose") return false;
  if (act.kind == ActivationKind::kRelu) return true;
  return act.kind == ActivationKind::kClip && ((act.a == 0 && act.b == 6) || (act.a == -1 && act.b == 1));
}

/// What ONNX Runtime's quantize_dynamic writes.
bool is_dynamic(std::string_view op) {
  return op == "DynamicQuantizeLinear" || op == "MatMulInteger" || op == "ConvInteger";
}

Vocabulary vocabulary() {
  Vocabulary out;
  out.operators = {"Gelu", "HardSwish"};
  out.quantized = true;
  out.pictures_only = true;
  out.has_activation = has_activation;
  return out;
}

class Exporter {
 public:
  explicit Exporter(const Graph& graph)
      : graph_(graph),
        context_{graph, file_, {}, {}},
        plan_(plan_states(graph)),
        variables_(context_, plan_) {
    for (const auto& [node, kept] : plan_.kept)
      context_.kept_states.emplace(&graph.node(node), std::pair(kept.h, kept.c));
  }

  Status run() {
    std::vector<TensorIndex> inputs, outputs;
    std::vector<std::string> input_names, output_names;
    for (const ValueId input : graph_.inputs()) {
      inputs.push_back(
          file_.add_tensor(graph_.value(input).name, graph_.fact(input), Tensor(), type_of(input)));
      context_.tensors.emplace(input, inputs.back());
      input_names.push_back(graph_.value(input).name);
    }
    for (const GraphOutput& output : graph_.outputs()) name_output(output);
    variables_.begin();
    for (const NodeId id : needed_nodes(graph_)) {
      if (plan_.unwritten.contains(id)) continue;
      const Node& node = graph_.node(id);
      TRY(write_node(node).context("node \"{}\" ({})", node.name, node.op->name()));
    }
    variables_.write_back();
    for (const GraphOutput& output : graph_.outputs()) {
      const auto found = context_.tensors.find(output.value);
      if (found == context_.tensors.end())
        return Error::not_supported("output \"{}\" is a constant, which TFLite does not give out",
                                    output.name);
      outputs.push_back(found->second);
      output_names.push_back(output.name);
    }
    variables_.write_first_values();
    const auto doc = graph_.metadata().find("doc");
    file_.finish(inputs, outputs, input_names, output_names, graph_.name(),
                 doc == graph_.metadata().end() ? "" : doc->second);
    return {};
  }

  FileBuilder& file() { return file_; }

 private:
  /// How an input stores real numbers: as it says itself, or as its reader says.
  Quantized::Type type_of(ValueId input) const {
    const Fact& fact = graph_.fact(input);
    if (fact.quantization) return {fact.dtype, fact.quantization};
    for (const NodeId id : graph_.topological_order()) {
      const Node& node = graph_.node(id);
      const auto* quantized = op_as<Quantized>(*node.op);
      if (quantized == nullptr) continue;
      for (size_t i = 0; i < std::min(node.inputs.size(), quantized->in.size()); ++i)
        if (node.inputs[i] == input && quantized->in[i].quantization) return quantized->in[i];
    }
    return {};
  }

  /// The tensor of an output has the output's name.
  void name_output(const GraphOutput& output) {
    if (graph_.value(output.value).producer == kNone || context_.tensors.contains(output.value)) return;
    const Fact& fact = graph_.fact(output.value);
    const Quantized::Type type =
        fact.quantization ? Quantized::Type{fact.dtype, fact.quantization} : Quantized::Type{};
    context_.tensors.emplace(output.value, file_.add_tensor(output.name, fact, Tensor(), type));
  }

  /// ONNX's integers have more combinations of types and scales than TFLite's.
  Status check_integers(const Node& node) const {
    const auto* quantized = op_as<Quantized>(*node.op);
    if (quantized == nullptr || quantized->rounding != Rounding::kOnnx) return {};
    Quantized like_tflite = *quantized;
    like_tflite.rounding = Rounding::kTflite;
    const auto facts = like_tflite.infer(graph_.facts(node.inputs));
    if (!facts) return Error::not_supported("as integers of TFLite: {}", facts.error().text());
    return {};
  }

  Status write_node(const Node& node) {
    TRY(check_integers(node));
    ExportScope scope(context_, node);
    const ExportRow* row = find_export_row(scope.op().name());
    if (row == nullptr && is_dynamic(node.op->name()))
      return Error::not_supported(
          "TFLite quantizes activations in another way while it runs; the nearest way is to convert the "
          "model "
          "that this one was quantized from");
    if (row == nullptr) return Error::not_supported("TFLite has no builtin operator for it");
    TRY(row->write(scope));
    if (scope.lost_activation()) return Error::not_supported("TFLite has no activation inside this operator");
    return {};
  }

  const Graph& graph_;
  FileBuilder file_;
  ExportContext context_;
  StatePlan plan_;
  VariableWriter variables_;
};

/// Offsets in the file and sizes of tensors have 32 bits.
Status check_sizes(const Graph& graph) {
  constexpr int64_t kMostBytes = (int64_t{1} << 31) - (int64_t{1} << 24);  // the rest is for what is not data
  std::set<ValueId> used;
  int64_t bytes = 0;
  for (const NodeId id : needed_nodes(graph)) {
    const Node& node = graph.node(id);
    used.insert(node.inputs.begin(), node.inputs.end());
    used.insert(node.outputs.begin(), node.outputs.end());
  }
  used.erase(kNone);
  for (const ValueId value : used) {
    const Fact& fact = graph.fact(value);
    if (fact.is_constant() && graph.value(value).producer == kNone)
      bytes += static_cast<int64_t>(fact.constant.byte_size());
    for (const Dim& dim : fact.dims.value_or(Dims{}))
      if (dim.is_number() && dim.number() > INT32_MAX)
        return Error::not_supported("\"{}\" is {}: TFLite's sizes have 32 bits", graph.value(value).name,
                                    fact);
  }
  if (bytes > kMostBytes)
    return Error::not_supported("its constants have {} bytes, a TFLite file holds 2 GB; quantize the model",
                                bytes);
  return {};
}

/// An input of open size with numbers in the place of what is open, as --shape wants it; empty if all are
/// known.
std::string open_input(const Graph& graph) {
  constexpr int64_t kExampleSize = 256;
  for (const ValueId input : graph.inputs()) {
    const Fact& fact = graph.fact(input);
    if (fact.shape()) continue;
    if (!fact.dims) return graph.value(input).name + "=SIZES";
    std::vector<int64_t> sizes;
    for (const Dim& dim : *fact.dims)
      sizes.push_back(dim.is_number() ? dim.number() : sizes.empty() ? 1 : kExampleSize);
    return format("{}={}", graph.value(input).name, join(sizes, "x"));
  }
  return "";
}

/// Many operators of TFLite need sizes that are known: where one fails and sizes are open, that is the
/// nearest way.
Status with_nearest_way(const Graph& graph, Status status) {
  if (status || status.error().code() != ErrorCode::kNotSupported) return status;
  const std::string input = open_input(graph);
  const auto has_sound = [&](NodeId id) { return graph.node(id).op->name() == "DecodeWav"; };
  if (input.empty() || std::ranges::any_of(graph.topological_order(), has_sound)) return status;
  return Error::not_supported("{}. The model's sizes are open: give them, for example --shape {}",
                              status.error().text(), input);
}

/// f(file) for the finished file.
template <typename F>
Status with_file(const Graph& graph, F&& f) {
  TRY(Graph joined, join_hybrid_layers(graph));
  TRY(Graph simpler, optimise(std::move(joined)));
  TRY(Graph expanded, expand(simpler, vocabulary()));
  TRY(const Graph plain, integers_of_tflite(std::move(expanded)));
  TRY(check_sizes(plain));
  Exporter exporter(plain);
  TRY(with_nearest_way(graph, exporter.run()));
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
