#include "graph/edit.h"

#include <algorithm>

namespace pochade {

ValueId Edit::constant(std::string name, Tensor tensor) {
  changed_ = true;
  return draft_.add_constant(std::move(name), std::move(tensor));
}

std::vector<ValueId> Edit::nodes(std::string name, OpPtr op, std::vector<ValueId> inputs) {
  changed_ = true;
  auto outputs = draft_.add_node(std::move(name), std::move(op), std::move(inputs));
  if (outputs) return *std::move(outputs);
  fail(std::move(outputs).error());
  return {draft_.add_constant("", Tensor::scalar(0.0f))};  // apply() will fail; until then ids stay valid
}

void Edit::replace(NodeId node, OpPtr op, std::vector<ValueId> inputs) {
  changed_ = true;
  Node& target = draft_.nodes_[static_cast<size_t>(node)];
  target.op = std::move(op);
  target.inputs = std::move(inputs);
}

void Edit::redirect(ValueId from, ValueId to) {
  if (from == to) return;
  changed_ = true;
  redirects_.emplace_back(from, to);
  for (Node& node : draft_.nodes_)
    if (node.op) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  for (GraphOutput& output : draft_.outputs_)
    if (output.value == from) output.value = to;
  for (State& state : draft_.states_)
    if (state.next == from) state.next = to;
}

namespace {

void mark_needed(const Graph& graph, ValueId value, std::vector<bool>& needed) {
  std::vector<ValueId> stack{value};
  while (!stack.empty()) {
    const ValueId v = stack.back();
    stack.pop_back();
    if (v == kNone || graph.value(v).producer == kNone) continue;
    const NodeId n = graph.value(v).producer;
    if (needed[static_cast<size_t>(n)]) continue;
    needed[static_cast<size_t>(n)] = true;
    for (const ValueId input : graph.node(n).inputs) stack.push_back(input);
  }
}

}  // namespace

Result<Graph> Edit::finish(const std::set<ValueId>& declared, bool all_declared,
                           int64_t fold_limit_bytes) && {
  if (error_) return tl::unexpected<Error>(*std::move(error_));
  if (!changed_) return std::move(draft_);
  Graph& draft = draft_;

  // Dead code first: nobody has to keep the facts of what nobody reads.
  std::vector<bool> needed(draft.nodes_.size(), false);
  for (const GraphOutput& output : draft.outputs_) mark_needed(draft, output.value, needed);
  for (const State& state : draft.states_) mark_needed(draft, state.next, needed);
  for (size_t n = 0; n < draft.nodes_.size(); ++n)
    if (!needed[n]) draft.nodes_[n].op = nullptr;

  for (const NodeId n : draft.topological_order()) {
    const Node& node = draft.nodes_[static_cast<size_t>(n)];
    const Facts in = draft.facts(node.inputs);
    auto inferred = infer_and_fold(*node.op, in, fold_limit_bytes)
                        .context("node \"{}\" ({})", node.name, node.op->name());
    if (!inferred) return tl::unexpected<Error>(std::move(inferred).error());
    if (inferred->size() != node.outputs.size())
      return Error::invalid_model("node \"{}\" ({}) has {} outputs, expected {}", node.name, node.op->name(),
                                  node.outputs.size(), inferred->size());
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      Fact& old_fact = draft.values_[static_cast<size_t>(node.outputs[i])].fact;
      Fact& new_fact = (*inferred)[i];
      const bool may_change = all_declared || declared.contains(node.outputs[i]);
      if (may_change || refines(new_fact, old_fact)) {
        // A constant known from an earlier fold is not forgotten by a plain infer().
        if (!may_change && old_fact.is_constant() && !new_fact.is_constant()) continue;
        old_fact = std::move(new_fact);
      } else if (!refines(old_fact, new_fact)) {
        return Error::invalid_argument(
            "node \"{}\" ({}) would change from {} to {}, which the edit did not declare", node.name,
            node.op->name(), old_fact, new_fact);
      }
    }
  }
  for (const auto& [from, to] : redirects_) {
    const bool may_change = all_declared || declared.contains(from) || declared.contains(to);
    if (!may_change && !refines(draft.fact(to), draft.fact(from)) &&
        !refines(draft.fact(from), draft.fact(to)))
      return Error::invalid_argument("\"{}\" is {}, its replacement {}", draft.value(from).name,
                                     draft.fact(from), draft.fact(to));
  }

  // Compact: drop removed nodes and unread values.
  Graph out;
  out.name_ = draft.name_;
  out.metadata_ = draft.metadata_;
  std::vector<ValueId> moved(draft.values_.size(), kNone);
  const auto keep = [&](ValueId v) {
    if (v == kNone) return kNone;
    ValueId& to = moved[static_cast<size_t>(v)];
    if (to == kNone) {
      out.values_.push_back(draft.values_[static_cast<size_t>(v)]);
      to = static_cast<ValueId>(out.values_.size()) - 1;
    }
    return to;
  };
  for (const ValueId v : draft.inputs_) out.inputs_.push_back(keep(v));
  for (State& state : draft.states_) {
    state.read = keep(state.read);
    out.states_.push_back(state);
  }
  for (const NodeId n : draft.topological_order()) {
    Node node = draft.nodes_[static_cast<size_t>(n)];
    for (ValueId& v : node.inputs) v = keep(v);
    for (ValueId& v : node.outputs) {
      v = keep(v);
      out.values_[static_cast<size_t>(v)].producer = static_cast<NodeId>(out.nodes_.size());
    }
    out.nodes_.push_back(std::move(node));
  }
  for (const GraphOutput& o : draft.outputs_) out.outputs_.push_back({o.name, keep(o.value)});
  for (State& state : out.states_) state.next = keep(state.next);
  TRY(Status(out.verify()).context("after an edit"));
  return out;
}

Status Retype::retype_input(std::string_view name, Fact fact) {
  for (const ValueId v : draft_.inputs_) {
    if (draft_.value(v).name != name) continue;
    draft_.values_[static_cast<size_t>(v)].fact = std::move(fact);
    changed_ = true;
    return {};
  }
  return Error::not_found("the graph has no input \"{}\"", name);
}

Status Retype::declare_output(std::string_view name) {
  for (const GraphOutput& o : draft_.outputs_) {
    if (o.name != name) continue;
    declared_outputs_.insert(o.value);
    return {};
  }
  return Error::not_found("the graph has no output \"{}\"", name);
}

Status Retype::retype_output(std::string_view name, ValueId value) {
  for (GraphOutput& o : draft_.outputs_) {
    if (o.name != name) continue;
    o.value = value;
    declared_outputs_.insert(value);
    changed_ = true;
    return {};
  }
  return Error::not_found("the graph has no output \"{}\"", name);
}

Result<Graph> Retype::apply(int64_t fold_limit_bytes) && {
  std::vector<std::pair<std::string, Fact>> before;
  for (const GraphOutput& o : draft_.outputs_)
    if (!declared_outputs_.contains(o.value)) before.emplace_back(o.name, draft_.fact(o.value));
  std::set<ValueId> declared = declared_;
  declared.insert(declared_outputs_.begin(), declared_outputs_.end());
  TRY(Graph out, std::move(*this).finish(declared, all_inner_, fold_limit_bytes));
  for (const auto& [name, fact] : before)
    for (const GraphOutput& o : out.outputs())
      if (o.name == name && !refines(out.fact(o.value), fact))
        return Error::invalid_argument(
            "output \"{}\" would change from {} to {}, which the edit did not name", name, fact,
            out.fact(o.value));
  return out;
}

}  // namespace pochade
