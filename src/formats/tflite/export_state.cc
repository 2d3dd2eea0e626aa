#include "formats/tflite/export_state.h"

#include <algorithm>

#include "ops/quant/integer_lstm.h"
#include "ops/recurrent/cells.h"
#include "ops/shape/reshape.h"

namespace pochade::tflite {
namespace {

bool is_given_out(const Graph& graph, ValueId value) {
  return std::ranges::any_of(graph.outputs(), [&](const GraphOutput& o) { return o.value == value; });
}

/// The value behind nodes that only reshape it and that nobody else reads; they are added to `passed`.
ValueId origin(const Graph& graph, const std::vector<std::vector<NodeId>>& users, ValueId value,
               std::vector<NodeId>& passed) {
  while (value != kNone && graph.value(value).producer != kNone) {
    const NodeId producer = graph.value(value).producer;
    const Node& node = graph.node(producer);
    if (!node.op->only_reshapes() || is_given_out(graph, value)) break;
    if (users[static_cast<size_t>(value)].size() > 1) break;
    passed.push_back(producer);
    value = node.inputs[0];
  }
  return value;
}

/// A state that an operator keeps by itself: input `i` reads it, output `o` replaces it, and it begins with
/// `zero` everywhere.
struct Kept {
  size_t i, o;
  int64_t zero = 0;
};

/// Those of an operator; none if it keeps nothing.
std::vector<Kept> kept_by(const Op& op) {
  if (op_as<Lstm>(op) != nullptr) return {{5, 1}, {6, 2}};
  if (const auto* lstm = op_as<IntegerLstm>(op)) return {{18, 1, lstm->h_zero}, {19, 2}};
  if (op_as<IntegerSvdf>(op) != nullptr) return {{4, 1}};
  return {};
}

std::optional<size_t> kept_state(const Graph& graph, const std::vector<std::vector<NodeId>>& users,
                                 const Node& node, const Kept& kept, std::set<NodeId>& unwritten) {
  const auto [i, o, zero] = kept;
  if (i >= node.inputs.size() || o >= node.outputs.size()) return std::nullopt;
  std::vector<NodeId> passed;
  const ValueId read = origin(graph, users, node.inputs[i], passed);
  for (size_t s = 0; s < graph.states().size(); ++s) {
    const State& state = graph.states()[s];
    if (state.read != read || users[static_cast<size_t>(read)].size() != 1 || is_given_out(graph, read))
      continue;
    // The last value before the state is read by nobody, those between by one.
    const std::vector<float> first = to_floats(state.initial);
    const bool begins = std::ranges::all_of(first, [&](float v) { return v == static_cast<float>(zero); });
    if (!users[static_cast<size_t>(state.next)].empty() || !begins) return std::nullopt;
    if (origin(graph, users, state.next, passed) != node.outputs[o] ||
        users[static_cast<size_t>(node.outputs[o])].size() > 1 || is_given_out(graph, node.outputs[o]))
      return std::nullopt;
    unwritten.insert(passed.begin(), passed.end());
    return s;
  }
  return std::nullopt;
}

}  // namespace

StatePlan plan_states(const Graph& graph) {
  StatePlan out;
  const auto users = graph.users();
  for (const NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    const std::vector<Kept> kept = kept_by(*node.op);
    if (kept.empty()) continue;
    std::set<NodeId> unwritten;
    const auto h = kept_state(graph, users, node, kept.front(), unwritten),
               c = kept.size() == 1 ? h : kept_state(graph, users, node, kept.back(), unwritten);
    if (!h || !c) continue;
    out.kept.emplace(id, KeptStates{*h, *c});
    out.unwritten.merge(unwritten);
  }
  return out;
}

VariableWriter::VariableWriter(ExportContext& context, const StatePlan& plan) : context_(context) {
  for (size_t s = 0; s < context.graph.states().size(); ++s)
    if (std::ranges::none_of(plan.kept,
                             [&](const auto& kept) { return kept.second.h == s || kept.second.c == s; }))
      states_.push_back(s);
}

TensorIndex VariableWriter::handle(size_t state) {
  FileBuilder& file = context_.file;
  const std::string& name = context_.graph.states()[state].name;
  const TensorIndex out = file.add_resource(name + "/handle");
  const auto shared = file.flat().CreateString(name), container = file.flat().CreateString("");
  file.add_operator(BuiltinOperator::VAR_HANDLE, 1, {}, {out},
                    {OptionsType::VarHandleOptions,
                     schema::CreateVarHandleOptions(file.flat(), container, shared).Union()});
  return out;
}

void VariableWriter::begin() {
  if (states_.empty()) return;
  FileBuilder& file = context_.file;
  file.add_operator(BuiltinOperator::CALL_ONCE, 1, {}, {},
                    {OptionsType::CallOnceOptions, schema::CreateCallOnceOptions(file.flat(), 1).Union()});
  for (const size_t s : states_) {
    const ValueId read = context_.graph.states()[s].read;
    const Fact& fact = context_.graph.fact(read);
    handles_.push_back(handle(s));
    const TensorIndex value = file.add_tensor(
        context_.graph.value(read).name, fact, Tensor(),
        fact.quantization ? Quantized::Type{fact.dtype, fact.quantization} : Quantized::Type{});
    context_.tensors.emplace(read, value);
    file.add_operator(
        BuiltinOperator::READ_VARIABLE, 1, {handles_.back()}, {value},
        {OptionsType::ReadVariableOptions, schema::CreateReadVariableOptions(file.flat()).Union()});
  }
}

void VariableWriter::write_back() {
  FileBuilder& file = context_.file;
  for (size_t i = 0; i < states_.size(); ++i) {
    const ValueId next = context_.graph.states()[states_[i]].next;
    file.add_operator(
        BuiltinOperator::ASSIGN_VARIABLE, 1, {handles_[i], context_.tensor_of(next, {})}, {},
        {OptionsType::AssignVariableOptions, schema::CreateAssignVariableOptions(file.flat()).Union()});
  }
}

void VariableWriter::write_first_values() {
  if (states_.empty()) return;
  FileBuilder& file = context_.file;
  file.begin_subgraph("first_values");
  for (const size_t s : states_) {
    const State& state = context_.graph.states()[s];
    const Fact& fact = context_.graph.fact(state.read);
    const TensorIndex variable = handle(s);
    const TensorIndex value = file.add_tensor(
        state.name, Fact(state.initial.dtype(), state.initial.shape()), state.initial,
        fact.quantization ? Quantized::Type{fact.dtype, fact.quantization} : Quantized::Type{});
    file.add_operator(
        BuiltinOperator::ASSIGN_VARIABLE, 1, {variable, value}, {},
        {OptionsType::AssignVariableOptions, schema::CreateAssignVariableOptions(file.flat()).Union()});
  }
}

}  // namespace pochade::tflite
