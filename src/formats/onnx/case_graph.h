#pragma once
// For tests: a generated case of an operator as a graph of one node.

#include <algorithm>
#include <cmath>

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

/// Largest difference, as a part of the largest value of `a`; infinite if the two do not go together.
inline double relative_difference(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return INFINITY;
  const Tensor x = a.cast(DType::kF64).value(), y = b.cast(DType::kF64).value();
  double worst = 0, largest = 1e-30;
  for (size_t i = 0; i < static_cast<size_t>(x.elements()); ++i) {
    const double u = x.data<double>()[i], v = y.data<double>()[i];
    if (u == v || (std::isnan(u) && std::isnan(v))) continue;
    if (!std::isfinite(u) || !std::isfinite(v)) return INFINITY;
    largest = std::max(largest, std::abs(u));
    worst = std::max(worst, std::abs(u - v));
  }
  return worst / largest;
}

/// Largest difference in steps, of integers; infinite if the two do not go together.
inline double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return INFINITY;
  const Tensor x = a.cast(DType::kF64).value(), y = b.cast(DType::kF64).value();
  double worst = 0;
  for (size_t i = 0; i < static_cast<size_t>(x.elements()); ++i)
    worst = std::max(worst, std::abs(x.data<double>()[i] - y.data<double>()[i]));
  return worst;
}

}  // namespace pochade
