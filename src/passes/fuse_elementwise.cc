#include "passes/fuse_elementwise.h"

#include <algorithm>

#include "ops/elementwise/chain.h"
#include "passes/match.h"

namespace pochade {
namespace {

constexpr size_t kMostLinks = 16;
constexpr size_t kMostInputs = 8;  // that a block of each fits the first cache

bool is_link(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  return node.outputs.size() == 1 && !graph.fact(node.outputs[0]).is_constant() &&
         can_be_link(*node.op, graph.facts(node.inputs));
}

/// The node that alone reads this link's result (perhaps twice) and can follow it; kNone if there is none.
NodeId next_link(const Finder& find, NodeId id) {
  const Graph& graph = find.graph();
  const ValueId value = graph.node(id).outputs[0];
  const auto& users = find.users(value);
  if (users.empty() || graph.is_output(value)) return kNone;
  if (std::any_of(users.begin(), users.end(), [&](NodeId user) { return user != users[0]; })) return kNone;
  if (!is_link(graph, users[0])) return kNone;
  return same_type_and_shape(graph.fact(value), graph.fact(graph.node(users[0]).outputs[0])) ? users[0]
                                                                                             : kNone;
}

}  // namespace

Result<Rewrite> fuse_elementwise(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  std::vector<bool> taken(static_cast<size_t>(graph.node_count()), false);
  for (const NodeId start : graph.topological_order()) {
    if (taken[static_cast<size_t>(start)] || !is_link(graph, start)) continue;
    Chain chain;
    std::vector<ValueId> inputs;
    ValueId running = kNone;
    NodeId last = kNone;
    for (NodeId id = start; id != kNone && chain.links.size() < kMostLinks; id = next_link(find, id)) {
      const Node& node = graph.node(id);
      Chain::Link link{node.op, {}};
      std::vector<ValueId> wider = inputs;
      for (const ValueId value : node.inputs) {
        if (value == kNone || value == running) {
          link.operands.push_back(value == kNone ? Chain::kMissing : Chain::kRunning);
          continue;
        }
        auto place = std::find(wider.begin(), wider.end(), value);
        if (place == wider.end()) place = wider.insert(wider.end(), value);
        link.operands.push_back(place - wider.begin());
      }
      if (wider.size() > kMostInputs || taken[static_cast<size_t>(id)]) break;
      inputs = std::move(wider);
      chain.links.push_back(std::move(link));
      running = node.outputs[0];
      last = id;
      taken[static_cast<size_t>(id)] = true;
    }
    if (chain.links.size() < 2) continue;
    const ValueId fused = rewrite.node(graph.node(last).name, make_op(std::move(chain)), inputs);
    rewrite.redirect(running, fused);
  }
  return rewrite;
}

}  // namespace pochade
