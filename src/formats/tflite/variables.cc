// What lives between runs: variable tensors, and the named variables of VAR_HANDLE.

#include "formats/tflite/rows.h"

namespace pochade::tflite {
namespace {

/// A name that no other state has.
std::string unique_name(ImportState& state, std::string name) {
  if (name.empty()) name = "state";
  std::string out = name;
  for (int i = 1; !state.state_names.insert(out).second; ++i) out = format("{}_{}", name, i);
  return out;
}

Status var_handle(NodeScope& node) {
  TRY(const std::string container, node.text("container"));
  TRY(const std::string shared_name, node.text("shared_name"));
  node.define_resource(0, container.empty() ? shared_name : format("{}/{}", container, shared_name));
  return {};
}

Status read_variable(NodeScope& node) {
  TRY(const std::string variable, node.resource(0));
  TRY(const ValueId value, node.read_variable(variable));
  return node.set_output(0, value);
}

Status assign_variable(NodeScope& node) {
  TRY(const std::string variable, node.resource(0));
  TRY(const ValueId value, node.required(1));
  return node.assign_variable(variable, value);
}

/// Runs a subgraph before everything else: it gives variables their first values.
Status call_once(NodeScope& node) {
  TRY(const int64_t subgraph, node.integer("init_subgraph_index", 0));
  ImportState& state = node.state();
  if (state.initialising || subgraph <= 0 || subgraph >= static_cast<int64_t>(node.model().subgraphs.size()))
    return Error::invalid_model("init_subgraph_index is {}, which is no subgraph to begin with", subgraph);
  if (!state.ran.insert(static_cast<size_t>(subgraph)).second) return {};  // once
  state.initialising = true;
  TRY(state.run_subgraph(static_cast<size_t>(subgraph)).context("subgraph {}", subgraph));
  state.initialising = false;
  return {};
}

constexpr Row kVariablesRows[] = {
    {.name = "ASSIGN_VARIABLE", .import = assign_variable, .has_outputs = false},
    {.name = "CALL_ONCE", .import = call_once, .has_outputs = false},
    {"READ_VARIABLE", read_variable},
    {"VAR_HANDLE", var_handle},
};

}  // namespace

std::span<const Row> variable_rows() {
  return kVariablesRows;
}

Result<ValueId> NodeScope::state(size_t i) {
  if (!has_input(i)) return Error::invalid_model("input {} is missing", i);
  inputs_read_[i] = true;
  const auto tensor = static_cast<size_t>(record_.inputs[i]);
  const TensorRecord& record = frame_.record.tensors[tensor];
  if (!record.is_variable)
    return Error::invalid_model("input {} (\"{}\") is no variable tensor, as a state must be", i,
                                record.name);
  ValueId& value = frame_.values[tensor];
  if (value != kNone) {
    if (frame_.states.contains(record_.inputs[i])) return value;
    return Error::invalid_model("input {} (\"{}\") is a state, but computed", i, record.name);
  }
  TRY(const DType dtype, element_type(record.type));
  TRY(const Quantized::Type type, quantized_type(record));
  Tensor initial;
  if (record.has_data) {
    TRY(initial, tflite::constant_tensor(model_, record, state_.decode_budget));
  } else {
    if (record.dims.size() > static_cast<size_t>(kMaxRank))
      return Error::not_supported("a state of {} dimensions", record.dims.size());
    const auto elements = Shape(record.dims).checked_elements();
    // A state is made of the file's sizes alone.
    if (!elements || *elements > (int64_t{1} << 26))
      return Error::not_supported("the state \"{}\" has the size {}", record.name, join(record.dims, "x"));
    TRY(initial, Tensor::make(dtype, Shape(record.dims)));
    const int zero = type.dtype ? type.zero_point() : 0;
    if (zero != 0) {
      for (int64_t e = 0; e < initial.elements(); ++e)
        visit(dtype, [&]<typename T>() {
          if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
            initial.mutable_data<T>()[static_cast<size_t>(e)] = static_cast<T>(zero);
        });
    }
  }
  const std::string name = unique_name(state_, std::string(record.name));
  value = state_.graph.add_state_value(name, std::move(initial));
  frame_.states[static_cast<int>(tensor)] = name;
  if (type.dtype) set_type(value, type);
  return value;
}

Status NodeScope::set_state(size_t i, ValueId next) {
  const int tensor = record_.inputs[i];
  const auto found = frame_.states.find(tensor);
  if (found == frame_.states.end()) return Error::invalid_model("input {} is no state", i);
  const Fact &before = fact(frame_.values[static_cast<size_t>(tensor)]), &after = fact(next);
  if (before.dtype != after.dtype || before.shape() != after.shape())
    return Error::not_supported("the state \"{}\" is {}, but becomes {}", found->second, before, after);
  state_.graph.set_state_next(found->second, next);
  frame_.values[static_cast<size_t>(tensor)] = next;  // who reads it later in the same run sees the new value
  return {};
}

Result<std::string> NodeScope::resource(size_t i) {
  if (!has_input(i)) return Error::invalid_model("input {} is missing", i);
  inputs_read_[i] = true;
  const auto found = frame_.resources.find(record_.inputs[i]);
  if (found == frame_.resources.end())
    return Error::not_supported("input {} is not the result of a VAR_HANDLE", i);
  return found->second;
}

void NodeScope::define_resource(size_t i, std::string variable) {
  if (i >= record_.outputs.size()) return;
  frame_.resources[record_.outputs[i]] = std::move(variable);
  outputs_set_[i] = true;
}

Result<ValueId> NodeScope::read_variable(const std::string& name) {
  const auto found = state_.variables.find(name);
  if (found == state_.variables.end())
    return Error::not_supported("the variable \"{}\" is read, but no CALL_ONCE gives it a value before",
                                name);
  Variable& variable = found->second;
  if (!variable.is_state) {
    const ValueId value = state_.graph.add_state_value(unique_name(state_, name), variable.initial);
    variable.is_state = true;
    variable.state = state_.graph.states().back().name;
    variable.value = value;
    if (variable.type.dtype) set_type(value, variable.type);
  }
  return variable.value;
}

Status NodeScope::assign_variable(const std::string& name, ValueId value) {
  if (state_.initialising) {
    if (!fact(value).is_constant())
      return Error::not_supported("the variable \"{}\" begins with a value that is computed", name);
    state_.variables[name] = Variable{kNone, type(value), fact(value).constant, false, {}};
    return {};
  }
  if (!state_.variables.contains(name)) {
    // Never read before: what it holds when the file is loaded does not matter, only its size does.
    const auto shape = fact(value).shape();
    if (!shape) return Error::not_supported("the size of the variable \"{}\" is not fixed", name);
    if (shape->elements() > (int64_t{1} << 26))
      return Error::not_supported("the variable \"{}\" has the size {}", name, *shape);
    TRY(Tensor initial, Tensor::make(*fact(value).dtype, *shape));
    state_.variables[name] = Variable{kNone, type(value), std::move(initial), false, {}};
  }
  TRY(const ValueId before, read_variable(name));
  if (fact(before).dtype != fact(value).dtype || fact(before).shape() != fact(value).shape())
    return Error::not_supported("the variable \"{}\" is {}, but becomes {}", name, fact(before), fact(value));
  Variable& variable = state_.variables[name];
  variable.value = value;
  state_.graph.set_state_next(variable.state, value);
  return {};
}

}  // namespace pochade::tflite
