#pragma once
// For tests: a generated case of an operator as a graph of one node.

#include "graph/evaluate.h"
#include "ops/cases.h"

namespace pochade {

struct CaseGraph {
  Graph graph;
  Tensors inputs;   ///< of the graph, in order
  Tensors results;  ///< of the oracle
};

/// Values that the step does not know are inputs x0, x1, ..; the others constants. Outputs are y0, y1, ..
inline Result<CaseGraph> case_graph(const Case& test) {
  CaseGraph out;
  const Tensors values = make_inputs(test, 17);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].defined()) {
      inputs.push_back(kNone);
    } else if (test.inputs[i].constant) {
      inputs.push_back(out.graph.add_constant(format("w{}", i), values[i]));
    } else {
      inputs.push_back(out.graph.add_input(format("x{}", i), Fact(values[i].dtype(), values[i].shape())));
      out.inputs.push_back(values[i]);
    }
  }
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  TRY(const auto outputs, out.graph.add_node(test.name, test.op, inputs));
  for (size_t i = 0; i < outputs.size(); ++i)
    if (out.graph.fact(outputs[i]).present()) out.graph.add_output(format("y{}", i), outputs[i]);
  TRY(out.results, evaluate(out.graph, out.inputs));
  return out;
}

}  // namespace pochade
