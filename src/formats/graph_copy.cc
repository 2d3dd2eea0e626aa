#include "formats/graph_copy.h"

namespace pochade {
namespace {

/// Small results of constants become known, as importers make them known.
constexpr int64_t kKnownLimitBytes = 4096;

}  // namespace

std::vector<NodeId> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(static_cast<size_t>(graph.node_count()), false);
  std::vector<ValueId> waiting;
  for (const GraphOutput& output : graph.outputs()) waiting.push_back(output.value);
  for (const State& state : graph.states()) waiting.push_back(state.next);
  while (!waiting.empty()) {
    const ValueId value = waiting.back();
    waiting.pop_back();
    const NodeId producer = value == kNone ? kNone : graph.value(value).producer;
    if (producer == kNone || needed[static_cast<size_t>(producer)]) continue;
    needed[static_cast<size_t>(producer)] = true;
    for (const ValueId input : graph.node(producer).inputs) waiting.push_back(input);
  }
  std::vector<NodeId> order;
  for (const NodeId node : graph.topological_order())
    if (needed[static_cast<size_t>(node)]) order.push_back(node);
  return order;
}

GraphCopy::GraphCopy(const Graph& from)
    : from_(from), order_(needed_nodes(from)), now_(static_cast<size_t>(from.value_count()), kNone) {
  to_.set_graph_name(from.name());
  for (const auto& [key, text] : from.metadata()) to_.set_metadata(key, text);
  for (const ValueId input : from.inputs())
    now_[static_cast<size_t>(input)] = to_.add_input(from.value(input).name, from.fact(input));
  for (const State& state : from.states())
    now_[static_cast<size_t>(state.read)] = to_.add_state_value(state.name, state.initial);
}

ValueId GraphCopy::now(ValueId old) {
  if (old == kNone) return kNone;
  ValueId& made = now_[static_cast<size_t>(old)];
  if (made == kNone) {
    const Value& value = from_.value(old);
    CHECK(value.producer == kNone && value.fact.is_constant());
    made = to_.add_constant(value.name, value.fact.constant);
  }
  return made;
}

std::vector<ValueId> GraphCopy::now(const std::vector<ValueId>& old) {
  std::vector<ValueId> out;
  for (const ValueId value : old) out.push_back(now(value));
  return out;
}

void GraphCopy::set(ValueId old, ValueId made) {
  now_[static_cast<size_t>(old)] = made;
  if (made != kNone && to_.value(made).producer != kNone) to_.set_name(made, from_.value(old).name);
}

Result<std::vector<ValueId>> GraphCopy::add_all(std::string name, OpPtr op, std::vector<ValueId> inputs) {
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  return to_.add_node(std::move(name), std::move(op), std::move(inputs), kKnownLimitBytes);
}

Result<ValueId> GraphCopy::add(std::string name, OpPtr op, std::vector<ValueId> inputs) {
  TRY(const std::vector<ValueId> outputs, add_all(std::move(name), std::move(op), std::move(inputs)));
  return outputs.at(0);
}

Status GraphCopy::copy(NodeId id) {
  const Node& node = from_.node(id);
  // What is known in the original stays known.
  int64_t limit = 0;
  for (const ValueId output : node.outputs)
    if (from_.fact(output).is_constant()) limit = INT64_MAX;
  TRY(const std::vector<ValueId> outputs, to_.add_node(node.name, node.op, now(node.inputs), limit));
  for (size_t i = 0; i < node.outputs.size(); ++i) set(node.outputs[i], outputs.at(i));
  return {};
}

Graph GraphCopy::finish() && {
  for (const GraphOutput& output : from_.outputs()) to_.add_output(output.name, now(output.value));
  for (const State& state : from_.states()) to_.set_state_next(state.name, now(state.next));
  return std::move(to_);
}

namespace {

/// Looked up once for each value and depth: a node may read one value any number of times.
using Looked = std::map<std::pair<ValueId, int>, Tensor>;

Result<Tensor> computed_value(const Graph& graph, ValueId id, int depth, Looked& looked);

Result<Tensor> look_up(const Graph& graph, ValueId id, int depth, Looked& looked) {
  if (id == kNone) return Tensor();
  if (graph.fact(id).is_constant()) return graph.fact(id).constant;
  if (graph.value(id).producer == kNone || depth == 0) return Tensor();
  if (const auto found = looked.find({id, depth}); found != looked.end()) return found->second;
  TRY(const Tensor value, computed_value(graph, id, depth, looked));
  looked.emplace(std::pair(id, depth), value);
  return value;
}

Result<Tensor> computed_value(const Graph& graph, ValueId id, int depth, Looked& looked) {
  const Node& node = graph.node(graph.value(id).producer);
  if (!node.op->deterministic()) return Tensor();
  Tensors inputs;
  for (const ValueId input : node.inputs) {
    TRY(inputs.emplace_back(), look_up(graph, input, depth - 1, looked));
    if (input != kNone && !inputs.back().defined()) return Tensor();
  }
  TRY(const Tensors outputs, node.op->eval(inputs).context("node \"{}\" ({})", node.name, node.op->name()));
  return outputs.at(static_cast<size_t>(graph.value(id).output_index));
}

}  // namespace

Result<Tensor> constant_value(const Graph& graph, ValueId id, int depth) {
  Looked looked;
  return look_up(graph, id, depth, looked);
}

}  // namespace pochade
