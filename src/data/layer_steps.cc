#include "data/layer_steps.h"

#include <algorithm>
#include <map>

#include "data/random_input.h"
#include "formats/expand_quantized.h"
#include "formats/graph_copy.h"
#include "ops/quant/quantized.h"

namespace pochade {
namespace {

bool gives_integers(const Graph& graph, const Node& node) {
  return std::ranges::all_of(node.outputs, [&](ValueId v) {
    const Fact& fact = graph.fact(v);
    return fact.dtype && is_integer(*fact.dtype) && fact.quantization && !fact.is_constant();
  });
}

Result<Tensors> run_as_it_is(Graph graph, const Tensors& inputs, const VerifyOptions& options) {
  SessionOptions session = options.session;
  session.optimise = false;
  TRY(Session made, Session::create(std::move(graph), session));
  if (options.go_on) made.on_step([go_on = options.go_on](size_t, size_t) { return go_on(); });
  return made.run(inputs);
}

/// What the graph computes for each value that an operator on integers reads or gives.
Result<std::map<ValueId, Tensor>> values_of(const Graph& graph, const VerifyOptions& options) {
  Graph open = graph;
  std::vector<ValueId> wanted;
  for (const NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    if (!op_as<Quantized>(*node.op)) continue;
    for (const auto& ends : {node.inputs, node.outputs})
      for (const ValueId v : ends)
        if (v != kNone && !graph.fact(v).is_constant() && std::ranges::find(wanted, v) == wanted.end())
          wanted.push_back(v);
  }
  const size_t first = open.outputs().size();
  for (const ValueId v : wanted) open.add_output(format("value {}", v), v);
  TRY(const std::vector<Shape> shapes, verify_shapes(graph, options));
  TRY(const Tensors inputs, random_inputs(graph, shapes, options.seed));
  TRY(const Tensors results, run_as_it_is(std::move(open), inputs, options));
  std::map<ValueId, Tensor> out;
  for (size_t i = 0; i < wanted.size(); ++i) out[wanted[i]] = results[first + i];
  return out;
}

/// Layers side by side: what they read is an input, what they give an output.
struct Apart {
  Graph graph;
  Tensors inputs;
  std::map<ValueId, ValueId> now;  // of the whole graph's values
  std::vector<Tensor> before;      // what the outputs were in the whole graph

  ValueId input(const Graph& whole, ValueId v, const std::map<ValueId, Tensor>& values) {
    if (v == kNone) return kNone;
    const auto found = now.find(v);
    if (found != now.end()) return found->second;
    const Fact& fact = whole.fact(v);
    // Weights that are turned are known too, and operators choose their kernels by them.
    const auto constant = constant_value(whole, v);
    if (constant && constant->defined()) return now[v] = graph.add_constant(whole.value(v).name, *constant);
    const Tensor& value = values.at(v);
    Fact given(value.dtype(), value.shape());
    given.quantization = fact.quantization;
    inputs.push_back(value);
    return now[v] = graph.add_input(format("value {}", v), given);
  }
};

}  // namespace

Result<double> largest_layer_steps(const Graph& graph, Rounding other, const VerifyOptions& options) {
  TRY(const auto values, values_of(graph, options));
  Apart apart;
  for (const NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    const auto* op = op_as<Quantized>(*node.op);
    if (op == nullptr || !gives_integers(graph, node)) continue;
    Quantized rounded = *op;
    rounded.rounding = other;
    for (size_t i = 0; i < rounded.in.size(); ++i) rounded.in[i] = meant_type(*op, i);
    Facts facts;
    for (const ValueId v : node.inputs) facts.push_back(v == kNone ? Fact() : graph.fact(v));
    if (!rounded.infer(facts)) continue;
    std::vector<ValueId> inputs;
    for (const ValueId v : node.inputs) inputs.push_back(apart.input(graph, v, values));
    TRY(const auto made, apart.graph.add_node(node.name, make_op(std::move(rounded)), std::move(inputs)));
    for (size_t i = 0; i < made.size(); ++i) {
      apart.graph.add_output(format("output {}", apart.before.size()), made[i]);
      apart.before.push_back(values.at(node.outputs[i]));
    }
  }
  if (apart.before.empty()) return 0.0;
  TRY(const Tensors results, run_as_it_is(std::move(apart.graph), apart.inputs, options));
  double steps = 0;
  for (size_t i = 0; i < results.size(); ++i)
    steps = std::max(steps, compare("", apart.before[i], results[i]).max_abs);
  return steps;
}

}  // namespace pochade
