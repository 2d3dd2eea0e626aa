#include "graph/evaluate.h"

#include <map>

namespace pochade {

Status check_inputs(const Graph& graph, const Tensors& inputs) {
  if (inputs.size() != graph.inputs().size())
    return Error::invalid_argument("{} inputs, the graph has {}", inputs.size(), graph.inputs().size());
  std::map<std::string, int64_t> sizes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& wanted = graph.value(graph.inputs()[i]);
    const Tensor& given = inputs[i];
    if (!given.defined()) return Error::invalid_argument("input \"{}\" is missing", wanted.name);
    const auto refuse = [&] {
      return Error::invalid_argument("input \"{}\" is {} {}, expected {}", wanted.name,
                                     to_string(given.dtype()), given.shape(), wanted.fact);
    };
    if (given.dtype() != wanted.fact.dtype) return refuse();
    if (!wanted.fact.rank_known()) continue;
    if (wanted.fact.rank() != given.rank()) return refuse();
    for (int axis = 0; axis < given.rank(); ++axis) {
      const Dim& dim = wanted.fact.dim(axis);
      const int64_t size = given.shape()[axis];
      if (dim.is_number() && dim.number() != size) return refuse();
      if (!dim.is_named()) continue;
      const auto [known, is_new] = sizes.emplace(dim.name(), size);
      if (!is_new && known->second != size)
        return Error::invalid_argument("input \"{}\": {} is {}, but {} elsewhere", wanted.name, dim.name(),
                                       size, known->second);
    }
  }
  return {};
}

namespace {

/// infer() on the tensors at hand, eval(), and whether both say the same.
Result<Tensors> run_node(const Graph& graph, const Node& node, const std::vector<Tensor>& values) {
  Tensors in;
  Facts facts;
  for (const ValueId v : node.inputs) {
    in.push_back(v == kNone ? Tensor() : values[static_cast<size_t>(v)]);
    facts.push_back(in.back().defined() ? Fact(in.back()) : Fact());
    if (v != kNone) facts.back().quantization = graph.fact(v).quantization;
  }
  TRY(const Facts expected, infer_and_fold(*node.op, facts, 0));  // which checks the ranks, too
  TRY(Tensors out, node.op->eval(in));
  if (out.size() != expected.size() || out.size() != node.outputs.size())
    return Error::invalid_model("gives {} outputs, expected {}", out.size(), node.outputs.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (!out[i].defined()) continue;
    if (!refines(Fact(out[i].dtype(), out[i].shape()), Fact(*expected[i].dtype, expected[i].dims)))
      return Error::invalid_model("output {} is {} {}, expected {}", i, to_string(out[i].dtype()),
                                  out[i].shape(), expected[i]);
  }
  return out;
}

}  // namespace

Result<Tensors> evaluate(const Graph& graph, const Tensors& inputs) {
  TRY(check_inputs(graph, inputs));
  std::vector<Tensor> values(static_cast<size_t>(graph.value_count()));
  std::vector<int> readers(values.size(), 0);
  const std::vector<NodeId> order = graph.topological_order();
  for (const NodeId n : order)
    for (const ValueId v : graph.node(n).inputs)
      if (v != kNone) ++readers[static_cast<size_t>(v)];
  for (const GraphOutput& output : graph.outputs()) ++readers[static_cast<size_t>(output.value)];

  for (ValueId v = 0; v < graph.value_count(); ++v)
    if (graph.value(v).producer == kNone && graph.fact(v).is_constant())
      values[static_cast<size_t>(v)] = graph.fact(v).constant;
  for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(graph.inputs()[i])] = inputs[i];
  for (const State& state : graph.states()) values[static_cast<size_t>(state.read)] = state.initial;

  for (const NodeId n : order) {
    const Node& node = graph.node(n);
    TRY(Tensors out, run_node(graph, node, values).context("node \"{}\" ({})", node.name, node.op->name()));
    for (size_t i = 0; i < out.size(); ++i) {
      const auto v = static_cast<size_t>(node.outputs[i]);
      if (readers[v] > 0) values[v] = std::move(out[i]);
    }
    for (const ValueId v : node.inputs)
      if (v != kNone && --readers[static_cast<size_t>(v)] == 0) values[static_cast<size_t>(v)] = Tensor();
  }
  Tensors out;
  for (const GraphOutput& output : graph.outputs()) {
    out.push_back(values[static_cast<size_t>(output.value)]);
    if (!out.back().defined()) return Error::invalid_model("output \"{}\" was not computed", output.name);
  }
  return out;
}

}  // namespace pochade
