#include "formats/ends.h"

#include <set>

namespace pochade {
namespace {

/// Builds a graph anew, with other values in the place of some.
class Rebuilt {
 public:
  explicit Rebuilt(const Graph& from) : from_(from), now_(static_cast<size_t>(from.value_count()), kNone) {
    to_.set_graph_name(from.name());
    for (const auto& [key, text] : from.metadata()) to_.set_metadata(key, text);
    for (const GraphOutput& output : from.outputs()) taken_.insert(output.name);
  }

  void add_input(ValueId value, const std::string& name) {
    now_[static_cast<size_t>(value)] = to_.add_input(name, from_.fact(value));
  }
  void add_own_inputs() {
    for (const ValueId input : from_.inputs()) {
      taken_.insert(from_.value(input).name);
      add_input(input, from_.value(input).name);
    }
  }
  void add_constant(ValueId value, const std::string& name, const Tensor& tensor) {
    now_[static_cast<size_t>(value)] = to_.add_constant(name, tensor);
  }
  std::string unique(const std::string& name) {
    std::string out = name;
    for (int i = 1; !taken_.insert(out).second; ++i) out = format("{}_{}", name, i);
    return out;
  }
  ValueId now(ValueId old) {
    if (old == kNone) return kNone;
    ValueId& made = now_[static_cast<size_t>(old)];
    if (made == kNone) made = to_.add_constant(from_.value(old).name, from_.fact(old).constant);
    return made;
  }
  Graph& graph() { return to_; }

  /// The nodes, all of them or those of `which`, and the outputs.
  Status copy_nodes(const std::set<NodeId>* which = nullptr) {
    for (const NodeId id : from_.topological_order())
      if (which == nullptr || which->contains(id)) TRY(copy_node(from_.node(id)));
    for (const GraphOutput& output : from_.outputs()) to_.add_output(output.name, now(output.value));
    return {};
  }

 private:
  Status copy_node(const Node& node) {
    int64_t limit = 0;  // what is known stays known
    for (const ValueId output : node.outputs)
      if (output != kNone && from_.fact(output).is_constant()) limit = INT64_MAX;
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(now(input));
    TRY(const std::vector<ValueId> outputs, to_.add_node(node.name, node.op, std::move(inputs), limit));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNone) continue;
      now_[static_cast<size_t>(node.outputs[i])] = outputs[i];
      to_.set_name(outputs[i], from_.value(node.outputs[i]).name);
    }
    return {};
  }

  const Graph& from_;
  Graph to_;
  std::vector<ValueId> now_;
  std::set<std::string> taken_;
};

}  // namespace

Result<Graph> states_as_ends(const Graph& graph) {
  Rebuilt rebuilt(graph);
  rebuilt.add_own_inputs();
  for (const State& state : graph.states()) rebuilt.add_input(state.read, rebuilt.unique(state.name));
  TRY(rebuilt.copy_nodes());
  for (const State& state : graph.states())
    rebuilt.graph().add_output(rebuilt.unique(state.name + "_next"), rebuilt.now(state.next));
  return std::move(rebuilt.graph());
}

Result<Graph> states_as_constants(const Graph& graph) {
  Rebuilt rebuilt(graph);
  rebuilt.add_own_inputs();
  for (const State& state : graph.states()) rebuilt.add_constant(state.read, state.name, state.initial);
  TRY(rebuilt.copy_nodes());
  return std::move(rebuilt.graph());
}

Result<Graph> from_value(const Graph& graph, const std::string& name) {
  if (!graph.states().empty())
    return Error::not_supported("the model keeps values between runs; only models without are cut");
  ValueId start = kNone;
  for (ValueId v = 0; v < graph.value_count(); ++v)
    if (graph.value(v).name == name && graph.value(v).producer != kNone) start = v;
  if (start == kNone)
    return Error::invalid_argument("no node gives a value \"{}\"; inspect MODEL --layers lists them", name);
  // What the outputs need without what makes the value.
  std::set<NodeId> needed;
  std::set<ValueId> inputs;
  bool is_used = false;
  std::vector<ValueId> waiting;
  for (const GraphOutput& output : graph.outputs()) waiting.push_back(output.value);
  while (!waiting.empty()) {
    const ValueId value = waiting.back();
    waiting.pop_back();
    is_used |= value == start;
    if (value == kNone || value == start) continue;
    if (graph.is_input(value)) inputs.insert(value);
    const NodeId producer = graph.value(value).producer;
    if (producer == kNone || !needed.insert(producer).second) continue;
    for (const ValueId input : graph.node(producer).inputs) waiting.push_back(input);
  }
  if (!is_used) return Error::invalid_argument("no output depends on the value \"{}\"", name);
  Rebuilt rebuilt(graph);
  rebuilt.add_input(start, name);
  for (const ValueId input : inputs) rebuilt.add_input(input, graph.value(input).name);
  TRY(rebuilt.copy_nodes(&needed));
  return std::move(rebuilt.graph());
}

}  // namespace pochade
