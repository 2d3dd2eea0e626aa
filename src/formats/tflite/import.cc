#include "formats/tflite/import.h"

#include <algorithm>
#include <set>

#include "formats/tflite/rows.h"

namespace pochade::tflite {
namespace {

class Importer {
 public:
  explicit Importer(const ModelRecord& model) : model_(model) {
    state_.decode_budget = 256 * model.file.size() + (size_t{1} << 20);
    state_.run_subgraph = [this](size_t index) -> Status {
      Frame frame{model_.subgraphs[index], {}, {}, {}};
      frame.values.resize(frame.record.tensors.size(), kNone);
      return import_operators(frame);
    };
  }
  Result<Graph> import();

 private:
  Status refuse_unknown() const;
  Status import_inputs(Frame& frame);
  Status import_operators(Frame& frame);
  Status import_operator(Frame& frame, const OperatorRecord& record, const Row& row);
  Status set_outputs(Frame& frame);
  std::string place(const Frame& frame, const OperatorRecord& record) const;

  const ModelRecord& model_;
  ImportState state_;
};

/// Every operator of the main subgraph, and of those that it begins with, that we do not read.
Status Importer::refuse_unknown() const {
  std::set<std::string> unknown;
  for (const OperatorRecord& record : model_.subgraphs[0].operators) {
    const Row* row = find_row(record.name, record.is_custom);
    if (row != nullptr && row->import != nullptr) continue;
    std::string what = format("{}{}", record.is_custom ? "custom operator " : "", record.name);
    if (row != nullptr) what += format(" ({})", row->reason);
    for (const Option& option : record.options)
      if (option.name.find("subgraph") != std::string::npos)
        what += format(" [{} {}]", option.name, option.integer);
    unknown.insert(std::move(what));
  }
  if (unknown.empty()) return {};
  return Error::not_supported("{} not supported: {}",
                              unknown.size() == 1 ? "an operator that is" : "operators that are",
                              join(std::vector<std::string>(unknown.begin(), unknown.end())));
}

std::string Importer::place(const Frame& frame, const OperatorRecord& record) const {
  const std::string_view name = record.outputs.empty()
                                    ? std::string_view()
                                    : frame.record.tensors[static_cast<size_t>(record.outputs[0])].name;
  return format("node \"{}\" ({})", name, record.name);
}

Status Importer::import_inputs(Frame& frame) {
  std::set<std::string> seen;
  for (const int index : frame.record.inputs) {
    const auto tensor = static_cast<size_t>(index);
    const TensorRecord& record = frame.record.tensors[tensor];
    if (record.name.empty()) return Error::invalid_model("input tensor {} has no name", index);
    const std::string name(record.name);
    if (!seen.insert(name).second)
      return Error::invalid_model("two inputs have the name \"{}\"", record.name);
    TRY(Fact fact, fact_of(record).context("input \"{}\"", record.name));
    TRY(const Quantized::Type type, quantized_type(record).context("input \"{}\"", record.name));
    fact.quantization = type.quantization;
    frame.values[tensor] = state_.graph.add_input(name, std::move(fact));
  }
  return {};
}

Status Importer::import_operator(Frame& frame, const OperatorRecord& record, const Row& row) {
  if (row.has_outputs && record.outputs.empty()) return Error::invalid_model("it has no output");
  NodeScope node(model_, state_, frame, record);
  TRY(row.import(node));
  return node.finish();
}

Status Importer::import_operators(Frame& frame) {
  for (const OperatorRecord& record : frame.record.operators) {
    const Row* row = find_row(record.name, record.is_custom);
    if (row == nullptr || row->import == nullptr)
      return Error::not_supported("{} is not supported", place(frame, record));
    Status status = import_operator(frame, record, *row);
    if (status) continue;
    Error error = std::move(status).error();
    // What our own operators refuse names the node already.
    if (!error.text().starts_with("node \"")) error.add_context(place(frame, record));
    return tl::unexpected<Error>(std::move(error));
  }
  return {};
}

Status Importer::set_outputs(Frame& frame) {
  std::set<std::string> seen;
  for (const int index : frame.record.outputs) {
    const auto tensor = static_cast<size_t>(index);
    const TensorRecord& record = frame.record.tensors[tensor];
    if (frame.values[tensor] == kNone) {  // a constant that the file gives out as it is
      OperatorRecord reader;
      reader.name = "output";
      reader.inputs = {index};
      NodeScope node(model_, state_, frame, reader);
      TRY(const ValueId value, node.input(0).context("output \"{}\"", record.name));
      if (value == kNone) return Error::invalid_model("output \"{}\" is not computed", record.name);
    }
    std::string name(record.name);
    if (name.empty()) name = format("output_{}", seen.size());
    if (!seen.insert(name).second)
      return Error::invalid_model("two outputs have the name \"{}\"", record.name);
    state_.graph.add_output(std::move(name), frame.values[tensor]);
  }
  if (frame.record.outputs.empty()) return Error::invalid_model("the model has no outputs");
  return {};
}

Result<Graph> Importer::import() {
  TRY(refuse_unknown());
  Frame frame{model_.subgraphs[0], {}, {}, {}};
  frame.values.resize(frame.record.tensors.size(), kNone);
  state_.graph.set_graph_name(std::string(frame.record.name));
  std::map<std::string, std::string> metadata;
  read_metadata(model_, metadata);
  for (auto& [key, text] : metadata) state_.graph.set_metadata(key, std::move(text));
  TRY(import_inputs(frame));
  TRY(import_operators(frame));
  TRY(set_outputs(frame));
  return std::move(state_.graph);
}

}  // namespace
}  // namespace pochade::tflite

namespace pochade {

bool looks_like_tflite(const Bytes& file) {
  return tflite::is_tflite(file.span());
}

Result<Graph> import_tflite(const Bytes& file) {
  TRY(const tflite::ModelRecord model, tflite::parse_model(file));
  return tflite::Importer(model).import();
}

}  // namespace pochade
