#include "passes/half_to_float.h"

#include <algorithm>

#include "ops/elementwise/select.h"

namespace pochade {
namespace {

bool is_half(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16;
}
bool is_half(const Fact& fact) {
  return fact.present() && is_half(*fact.dtype);
}

OpPtr cast_to(DType dtype) {
  return make_op<Cast>([&](Cast& cast) { cast.to = dtype; });
}

/// Only Casts read halves once the pass has run.
bool computes_in_half(const Graph& graph) {
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    if (op_as<Cast>(*node.op) != nullptr) continue;
    for (const ValueId v : node.inputs)
      if (v != kNone && is_half(graph.fact(v))) return true;
  }
  return false;
}

class Conversion {
 public:
  Conversion(const Graph& graph, Retype& retype)
      : graph_(graph), retype_(retype), now_(static_cast<size_t>(graph.value_count()), kNone) {}

  Status run() {
    for (const NodeId n : graph_.topological_order()) TRY(convert(n));
    for (size_t i = 0; i < graph_.outputs().size(); ++i) convert_output(graph_.outputs()[i].value);
    for (const State& state : graph_.states()) convert_output(state.next);
    return {};
  }

 private:
  /// The float32 form of a value; the value itself if it is no half.
  Result<ValueId> as_float(ValueId v) {
    if (v == kNone) return kNone;
    ValueId& now = now_[static_cast<size_t>(v)];
    if (now != kNone) return now;
    now = v;
    if (!is_half(graph_.fact(v))) return now;
    if (graph_.fact(v).is_constant()) {
      TRY(Tensor wide, graph_.fact(v).constant.cast(DType::kF32));
      now = retype_.constant(graph_.value(v).name, std::move(wide));
    } else if (graph_.value(v).producer == kNone) {  // an input or a state
      now = retype_.node(graph_.value(v).name + ".float", cast_to(DType::kF32), {v});
    }
    return now;
  }

  Status convert(NodeId n) {
    const Node& node = graph_.node(n);
    std::vector<ValueId> inputs;
    for (const ValueId v : node.inputs) {
      TRY(const ValueId now, as_float(v));
      inputs.push_back(now);
    }
    const auto* cast = op_as<Cast>(*node.op);
    const bool to_half = cast != nullptr && is_half(cast->to);
    if (to_half)
      retype_.replace(n, cast_to(DType::kF32), inputs);
    else if (inputs != node.inputs)
      retype_.replace(n, node.op, inputs);
    for (const ValueId v : node.outputs) now_[static_cast<size_t>(v)] = v;
    if (to_half) return {};
    return convert_results(node, inputs);
  }

  /// Operators with a dtype of their own, such as ConstantOfShape, still give halves.
  Status convert_results(const Node& node, const std::vector<ValueId>& inputs) {
    Facts in = retype_.graph().facts(inputs);
    for (size_t i = 0; i < in.size(); ++i)
      if (is_half(in[i])) in[i].dtype = DType::kF32;  // what it will be when the edit is applied
    for (Fact& fact : in)
      if (fact.is_constant() && fact.constant.dtype() != *fact.dtype) fact.constant = {};
    TRY(const Facts out,
        Result<Facts>(node.op->infer(in)).context("node \"{}\" ({}) in float32", node.name, node.op->name()));
    for (size_t i = 0; i < std::min(out.size(), node.outputs.size()); ++i) {
      if (!is_half(out[i])) continue;
      const ValueId v = node.outputs[i];
      now_[static_cast<size_t>(v)] = retype_.node(graph_.value(v).name + ".float", cast_to(DType::kF32), {v});
      stays_half_.insert(v);
    }
    return {};
  }

  /// A half that leaves the graph is made of the float32 value that stands in its place by now.
  void convert_output(ValueId v) {
    if (!is_half(graph_.fact(v)) || graph_.value(v).producer == kNone || stays_half_.contains(v) ||
        !converted_.insert(v).second)
      return;
    const ValueId half = retype_.node(graph_.value(v).name + ".half", cast_to(*graph_.fact(v).dtype), {v});
    retype_.redirect(v, half);
    // The redirection is meant for the graph's outputs alone: readers inside take the float32 value.
    for (NodeId n = 0; n < retype_.graph().node_count(); ++n) {
      const Node& node = retype_.graph().node(n);
      if (!node.op || std::ranges::find(node.inputs, half) == node.inputs.end()) continue;
      std::vector<ValueId> inputs = node.inputs;
      std::ranges::replace(inputs, half, v);
      retype_.set_inputs(n, std::move(inputs));
    }
  }

  const Graph& graph_;
  Retype& retype_;
  std::vector<ValueId> now_;
  std::set<ValueId> stays_half_, converted_;
};

}  // namespace

Result<Retype> half_to_float(const Graph& graph) {
  Retype retype(graph);
  if (!computes_in_half(graph)) return retype;
  retype.declare_inner_values();
  TRY(Conversion(graph, retype).run());
  return retype;
}

}  // namespace pochade
