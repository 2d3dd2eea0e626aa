#include "formats/onnx/export_scope.h"
#include "ops/recurrent/cells.h"

namespace pochade::onnx {
namespace {

std::string_view direction_name(Direction direction) {
  switch (direction) {
    case Direction::kForward:
      return "forward";
    case Direction::kReverse:
      return "reverse";
    case Direction::kBidirectional:
      return "bidirectional";
  }
  return "";
}

/// The functions and their parameters, unless they are what ONNX takes by itself.
void add_functions(Attributes& attributes, const Recurrence& recurrence,
                   std::initializer_list<GateFunction> normal) {
  Recurrence standard = recurrence;
  set_functions(standard, normal);
  if (recurrence.functions == standard.functions && recurrence.alpha == standard.alpha &&
      recurrence.beta == standard.beta)
    return;
  std::vector<std::string> names;
  std::vector<float> alphas, betas;
  for (size_t i = 0; i < recurrence.functions.size(); ++i) {
    const auto function = static_cast<GateFunction>(recurrence.functions[i]);
    const GateParameters parameters = default_parameters(function);
    names.emplace_back(to_string(function));
    if (parameters.has_alpha) alphas.push_back(recurrence.alpha[i]);
    if (parameters.has_beta) betas.push_back(recurrence.beta[i]);
  }
  attributes.texts("activations", names);
  if (!alphas.empty()) attributes.numbers("activation_alpha", alphas);
  if (!betas.empty()) attributes.numbers("activation_beta", betas);
}

std::string turned(ExportScope& node, const std::string& value, const std::vector<int64_t>& perm) {
  return value.empty() ? value : node.add("Transpose", {value}, Attributes().integers("perm", perm));
}

/// Runtimes have ONNX's layout = 0 only: sequences that come batch first are turned, and turned back.
Status emit_batch_first(ExportScope& node, const Attributes& attributes) {
  std::vector<std::string> inputs = node.inputs();
  for (const size_t i : {0, 5, 6})
    if (i < inputs.size()) inputs[i] = turned(node, inputs[i], {1, 0, 2});
  const std::vector<std::string> wanted = node.outputs();
  const std::vector<std::string> outputs = node.add_all(node.any_op().name(), inputs, attributes);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].empty()) continue;
    const std::vector<int64_t> perm =
        i == 0 ? std::vector<int64_t>{2, 0, 1, 3} : std::vector<int64_t>{1, 0, 2};
    TRY(node.emit_output(i, "Transpose", {outputs[i]}, Attributes().integers("perm", perm)));
  }
  return {};
}

Status emit(ExportScope& node, const Recurrence& recurrence, std::initializer_list<GateFunction> normal,
            Attributes attributes) {
  attributes.integer("hidden_size", recurrence.hidden_size);
  if (recurrence.direction != Direction::kForward)
    attributes.text("direction", direction_name(recurrence.direction));
  if (recurrence.clip != 0) attributes.number("clip", recurrence.clip);
  add_functions(attributes, recurrence, normal);
  if (recurrence.batch_first) return emit_batch_first(node, attributes);
  return node.emit(node.any_op().name(), node.inputs(), attributes);
}

Status rnn(ExportScope& node) {
  return emit(node, node.op<Rnn>().recurrence, {GateFunction::kTanh}, {});
}

Status gru(ExportScope& node) {
  const auto& op = node.op<Gru>();
  return emit(node, op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh},
              op.linear_before_reset ? Attributes().integer("linear_before_reset", 1) : Attributes());
}

Status lstm(ExportScope& node) {
  const auto& op = node.op<Lstm>();
  return emit(node, op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh, GateFunction::kTanh},
              op.input_forget ? Attributes().integer("input_forget", 1) : Attributes());
}

constexpr ExportRow kExportRecurrentRows[] = {
    {"GRU", 1, gru},
    {"LSTM", 1, lstm},
    {"RNN", 1, rnn},
};

}  // namespace

std::span<const ExportRow> recurrent_export_rows() {
  return kExportRecurrentRows;
}

}  // namespace pochade::onnx
