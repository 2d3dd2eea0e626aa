#include "graph/graph.h"

#include <algorithm>
#include <set>

namespace pochade {

namespace {

/// No more dimensions than a Shape can hold, and sizes whose products do not overflow: asked here, so that no
/// operator has to.
Status check_sizes(std::span<const Fact> facts) {
  constexpr int64_t kMostElements = int64_t{1} << 53;  // so that the bytes of many values still add up
  for (const Fact& fact : facts) {
    if (fact.rank_known() && fact.rank() > kMaxRank)
      return Error::not_supported("an output has {} dimensions, at most {} are", fact.rank(), kMaxRank);
    const auto shape = fact.shape();
    if (shape && shape->checked_elements().value_or(INT64_MAX) > kMostElements)
      return Error::invalid_model("an output has the impossible shape {}", *shape);
  }
  return {};
}

}  // namespace

ValueId Graph::add_input(std::string name, Fact fact) {
  values_.push_back({std::move(name), std::move(fact), kNone, 0});
  inputs_.push_back(static_cast<ValueId>(values_.size()) - 1);
  return inputs_.back();
}

ValueId Graph::add_constant(std::string name, Tensor tensor) {
  values_.push_back({std::move(name), Fact(std::move(tensor)), kNone, 0});
  return static_cast<ValueId>(values_.size()) - 1;
}

ValueId Graph::add_state_value(std::string name, Tensor initial) {
  values_.push_back({name, Fact(initial.dtype(), initial.shape()), kNone, 0});
  const ValueId read = static_cast<ValueId>(values_.size()) - 1;
  states_.push_back({std::move(name), std::move(initial), read, read});
  return read;
}

void Graph::set_state_next(std::string_view name, ValueId next) {
  for (State& state : states_)
    if (state.name == name) state.next = next;
}

Result<std::vector<ValueId>> Graph::add_node(std::string name, OpPtr op, std::vector<ValueId> inputs,
                                             int64_t fold_limit_bytes) {
  const Facts in = facts(inputs);
  TRY(Facts out, infer_and_fold(*op, in, fold_limit_bytes).context("node \"{}\" ({})", name, op->name()));
  Node node{std::move(name), std::move(op), std::move(inputs), {}};
  const NodeId id = static_cast<NodeId>(nodes_.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const std::string value_name = i == 0 ? node.name : format("{}:{}", node.name, i);
    values_.push_back({value_name, std::move(out[i]), id, static_cast<int>(i)});
    node.outputs.push_back(static_cast<ValueId>(values_.size()) - 1);
  }
  nodes_.push_back(std::move(node));
  return nodes_.back().outputs;
}

Facts Graph::facts(const std::vector<ValueId>& ids) const {
  Facts out;
  out.reserve(ids.size());
  for (const ValueId id : ids) out.push_back(id == kNone ? Fact() : fact(id));
  return out;
}

namespace {

/// Whether every node stands behind those that it reads.
bool is_sorted(const Graph& graph) {
  for (NodeId n = 0; n < graph.node_count(); ++n) {
    if (!graph.node(n).op) continue;
    for (const ValueId v : graph.node(n).inputs) {
      const NodeId before = v == kNone ? kNone : graph.value(v).producer;
      if (before != kNone && (before >= n || !graph.node(before).op)) return false;
    }
  }
  return true;
}

}  // namespace

std::vector<NodeId> Graph::topological_order() const {
  if (is_sorted(*this)) {  // as most are: passes leave them so
    std::vector<NodeId> order;
    for (NodeId n = 0; n < node_count(); ++n)
      if (node(n).op) order.push_back(n);
    return order;
  }
  std::vector<int> waiting(nodes_.size(), 0);
  std::vector<std::vector<NodeId>> readers = users();
  std::vector<NodeId> order;
  // A heap by index keeps the file's order where it is free to.
  std::set<NodeId> ready;
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (!nodes_[n].op) continue;
    for (const ValueId v : nodes_[n].inputs) waiting[n] += v != kNone && value(v).producer != kNone;
    if (waiting[n] == 0) ready.insert(static_cast<NodeId>(n));
  }
  while (!ready.empty()) {
    const NodeId id = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(id);
    for (const ValueId v : node(id).outputs)
      for (const NodeId reader : readers[static_cast<size_t>(v)])
        if (--waiting[static_cast<size_t>(reader)] == 0) ready.insert(reader);
  }
  return order;
}

std::vector<std::vector<NodeId>> Graph::users() const {
  std::vector<std::vector<NodeId>> out(values_.size());
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (!nodes_[n].op) continue;
    for (const ValueId v : nodes_[n].inputs)
      if (v != kNone) out[static_cast<size_t>(v)].push_back(static_cast<NodeId>(n));
  }
  return out;
}

bool Graph::is_output(ValueId id) const {
  return std::any_of(outputs_.begin(), outputs_.end(), [&](const GraphOutput& o) { return o.value == id; }) ||
         std::any_of(states_.begin(), states_.end(), [&](const State& s) { return s.next == id; });
}

bool Graph::is_input(ValueId id) const {
  return std::find(inputs_.begin(), inputs_.end(), id) != inputs_.end();
}

namespace {
template <typename F>
int64_t sum_over_parameters(const Graph& graph, F&& f) {
  std::set<const std::byte*> seen;
  int64_t total = 0;
  for (const NodeId n : graph.topological_order())
    for (const ValueId v : graph.node(n).inputs) {
      if (v == kNone || !graph.fact(v).is_constant() || graph.value(v).producer != kNone) continue;
      if (seen.insert(graph.fact(v).constant.bytes()).second) total += f(graph.fact(v).constant);
    }
  return total;
}
}  // namespace

int64_t Graph::parameter_count() const {
  return sum_over_parameters(*this, [](const Tensor& t) {
    return is_float(t.dtype()) || t.elements() > kMaxRank ? t.elements() : 0;
  });
}

int64_t Graph::parameter_bytes() const {
  return sum_over_parameters(*this, [](const Tensor& t) { return static_cast<int64_t>(t.byte_size()); });
}

Status Graph::verify() const {
  const auto valid = [&](ValueId v) { return v >= 0 && v < value_count(); };
  size_t living = 0;
  for (size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    if (!node.op) continue;
    ++living;
    for (const ValueId v : node.inputs)
      if (v != kNone && !valid(v))
        return Error::invalid_model("node \"{}\" reads value {}, which does not exist", node.name, v);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId v = node.outputs[i];
      if (!valid(v))
        return Error::invalid_model("node \"{}\" writes value {}, which does not exist", node.name, v);
      if (value(v).producer != static_cast<NodeId>(n) || value(v).output_index != static_cast<int>(i))
        return Error::invalid_model("value \"{}\" has two producers", value(v).name);
    }
  }
  for (const Value& v : values_)
    if (v.producer != kNone && (v.producer >= node_count() || v.producer < 0))
      return Error::invalid_model("value \"{}\" has a producer that does not exist", v.name);
  for (const GraphOutput& o : outputs_) {
    if (!valid(o.value)) return Error::invalid_model("output \"{}\" does not exist", o.name);
    const Value& v = value(o.value);
    if (v.producer != kNone && !node(v.producer).op)
      return Error::invalid_model("output \"{}\" has lost its producer", o.name);
  }
  for (const State& s : states_)
    if (!valid(s.read) || !valid(s.next))
      return Error::invalid_model("state \"{}\" is not connected", s.name);
  const auto order = topological_order();
  if (order.size() != living) return Error::invalid_model("the graph has a cycle");
  for (const NodeId n : order) {
    const Node& node = this->node(n);
    for (const ValueId v : node.inputs) {
      if (v == kNone) continue;
      const Value& input = value(v);
      if (input.producer != kNone && !this->node(input.producer).op)
        return Error::invalid_model("node \"{}\" reads \"{}\", whose producer was removed", node.name,
                                    input.name);
      if (input.producer == kNone && !input.fact.is_constant() && !is_input(v) &&
          std::none_of(states_.begin(), states_.end(), [&](const State& s) { return s.read == v; }))
        return Error::invalid_model("node \"{}\" reads \"{}\", which nothing computes", node.name,
                                    input.name);
    }
    TRY(const Facts out, Result<Facts>(node.op->infer(facts(node.inputs)))
                             .context("node \"{}\" ({})", node.name, node.op->name()));
    if (out.size() != node.outputs.size())
      return Error::invalid_model("node \"{}\" has {} outputs, expected {}", node.name, node.outputs.size(),
                                  out.size());
    for (size_t i = 0; i < out.size(); ++i)
      if (!refines(fact(node.outputs[i]), out[i]))
        return Error::invalid_model("node \"{}\" gives {}, but the graph says {}", node.name, out[i],
                                    fact(node.outputs[i]));
  }
  return {};
}

std::string Graph::dump() const {
  std::string out;
  for (const ValueId v : inputs_) out += format("%{} \"{}\" {} = input\n", v, value(v).name, fact(v));
  for (const NodeId n : topological_order()) {
    const Node& node = this->node(n);
    std::vector<std::string> outputs, inputs;
    for (const ValueId v : node.outputs) outputs.push_back(format("%{} {}", v, fact(v)));
    for (const ValueId v : node.inputs)
      inputs.push_back(v == kNone                                            ? "_"
                       : value(v).producer == kNone && fact(v).is_constant() ? format("<{}>", fact(v))
                                                                             : format("%{}", v));
    const std::string fields = node.op->fields_text();
    out += format("{} = {}({}){}{}  \"{}\"\n", join(outputs), node.op->name(), join(inputs),
                  fields.empty() ? "" : " ", fields, node.name);
  }
  for (const GraphOutput& o : outputs_) out += format("output \"{}\" = %{}\n", o.name, o.value);
  for (const State& s : states_) out += format("state \"{}\" read %{} next %{}\n", s.name, s.read, s.next);
  return out;
}

Result<Facts> infer_and_fold(const Op& op, std::span<const Fact> in, int64_t fold_limit_bytes) {
  TRY(Facts out, op.infer(in));
  TRY(check_sizes(out));
  if (fold_limit_bytes <= 0 || !op.deterministic()) return out;
  if (std::all_of(out.begin(), out.end(), [](const Fact& f) { return !f.present() || f.is_constant(); }))
    return out;
  Tensors inputs;
  for (const Fact& fact : in) {
    if (fact.present() && !fact.is_constant()) return out;
    inputs.push_back(fact.constant);
  }
  if (bytes_of(out) > fold_limit_bytes) return out;
  TRY(Tensors values, op.eval(inputs));
  CHECK(values.size() == out.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (!out[i].present() || !values[i].defined() ||
        static_cast<int64_t>(values[i].byte_size()) > fold_limit_bytes)
      continue;
    auto quantization = out[i].quantization;
    out[i] = Fact(values[i]);
    out[i].quantization = std::move(quantization);
  }
  return out;
}

}  // namespace pochade
