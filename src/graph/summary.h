#pragma once

#include "graph/graph.h"

namespace pochade {

/// What `inspect` shows of one node.
struct LayerSummary {
  std::string name;
  std::string_view op;
  std::string fields;
  std::string output;  ///< "float32 1x56x56x64"
  int64_t parameters = 0;
  std::optional<Cost> cost;  ///< empty while a shape is not known
};

struct GraphSummary {
  std::vector<LayerSummary> layers;  ///< in the order of execution
  std::map<std::string_view, int> operator_counts;
  int64_t parameters = 0;
  int64_t parameter_bytes = 0;
  int64_t macs = 0;             ///< of the layers whose cost is known
  int layers_without_cost = 0;  ///< the others
};

GraphSummary summarise(const Graph& graph);

}  // namespace pochade
