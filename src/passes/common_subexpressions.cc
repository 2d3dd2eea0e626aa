#include "passes/common_subexpressions.h"

#include <algorithm>
#include <unordered_map>

namespace pochade {
namespace {

/// For each value, the first constant with the same contents, or itself.
std::vector<ValueId> first_of_equal_constants(const Graph& graph) {
  std::vector<ValueId> out;
  std::unordered_multimap<uint64_t, ValueId> seen;
  for (ValueId v = 0; v < graph.value_count(); ++v) {
    out.push_back(v);
    if (graph.value(v).producer != kNone || !graph.fact(v).is_constant()) continue;
    const uint64_t hash = graph.fact(v).constant.hash();
    const auto [begin, end] = seen.equal_range(hash);
    const auto same = std::find_if(
        begin, end, [&](const auto& entry) { return graph.fact(entry.second) == graph.fact(v); });
    if (same == end)
      seen.emplace(hash, v);
    else
      out.back() = same->second;
  }
  return out;
}

}  // namespace

Result<Rewrite> common_subexpressions(const Graph& graph) {
  Rewrite rewrite(graph);
  std::vector<ValueId> same = first_of_equal_constants(graph);
  std::unordered_multimap<uint64_t, NodeId> seen;
  const auto inputs_of = [&](const Node& node) {
    std::vector<ValueId> out;
    for (const ValueId v : node.inputs) out.push_back(v == kNone ? kNone : same[static_cast<size_t>(v)]);
    return out;
  };
  const auto equal_facts = [&](const Node& a, const Node& b) {
    if (a.outputs.size() != b.outputs.size()) return false;
    for (size_t i = 0; i < a.outputs.size(); ++i)
      if (!(graph.fact(a.outputs[i]) == graph.fact(b.outputs[i]))) return false;
    return true;
  };
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    if (!node.op->deterministic()) continue;
    const std::vector<ValueId> inputs = inputs_of(node);
    uint64_t hash = node.op->hash();
    for (const ValueId v : inputs) hash = hash * 1099511628211u + static_cast<uint64_t>(v + 1);
    const auto [begin, end] = seen.equal_range(hash);
    const auto found = std::find_if(begin, end, [&](const auto& entry) {
      const Node& other = graph.node(entry.second);
      return other.op->equals(*node.op) && inputs_of(other) == inputs && equal_facts(node, other);
    });
    if (found == end) {
      seen.emplace(hash, n);
      continue;
    }
    const Node& first = graph.node(found->second);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      same[static_cast<size_t>(node.outputs[i])] = same[static_cast<size_t>(first.outputs[i])];
      rewrite.redirect(node.outputs[i], first.outputs[i]);
    }
  }
  return rewrite;
}

}  // namespace pochade
