#include "graph/summary.h"

#include <algorithm>

namespace pochade {

GraphSummary summarise(const Graph& graph) {
  GraphSummary out;
  out.parameters = graph.parameter_count();
  out.parameter_bytes = graph.parameter_bytes();
  const auto concrete = [](const Fact& fact) { return !fact.present() || fact.shape().has_value(); };
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    const Facts in = graph.facts(node.inputs), results = graph.facts(node.outputs);
    LayerSummary layer;
    layer.name = node.name;
    layer.op = node.op->name();
    layer.fields = node.op->fields_text();
    layer.output = results.empty() ? "" : to_string(results[0]);
    for (const Fact& fact : in)
      if (fact.is_constant() && is_float(*fact.dtype)) layer.parameters += fact.constant.elements();
    if (std::all_of(in.begin(), in.end(), concrete) &&
        std::all_of(results.begin(), results.end(), concrete)) {
      layer.cost = node.op->cost(in, results);
      out.macs += layer.cost->macs;
    } else {
      ++out.layers_without_cost;
    }
    ++out.operator_counts[layer.op];
    out.layers.push_back(std::move(layer));
  }
  return out;
}

}  // namespace pochade
