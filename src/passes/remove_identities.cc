#include "passes/remove_identities.h"

#include "passes/match.h"

namespace pochade {
namespace {

/// The input that the node's first output repeats; kNone if it computes something.
ValueId repeated_input(const Finder& find, const Node& node) {
  const std::string_view name = node.op->name();
  const ValueId x = input_of(node, 0);
  if (x == kNone) return kNone;
  if (name == "Identity" || name == "Dropout") return x;  // a mask that somebody reads stays
  const Graph& graph = find.graph();
  if (!same_type_and_shape(graph.fact(x), graph.fact(node.outputs[0]))) return kNone;
  if (node.op->only_reshapes() || name == "Cast") return x;
  return kNone;
}

}  // namespace

Result<Rewrite> remove_identities(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  for (const NodeId n : graph.topological_order()) {
    const Node& node = rewrite.graph().node(n);  // its inputs may have been redirected meanwhile
    const ValueId same = repeated_input(find, node);
    if (same != kNone && !graph.fact(node.outputs[0]).quantization) rewrite.redirect(node.outputs[0], same);
  }
  return rewrite;
}

}  // namespace pochade
