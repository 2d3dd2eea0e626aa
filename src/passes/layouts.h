#pragma once
// Values as layouts of the values that operators make: what sink_transposes works on.

#include <map>
#include <optional>

#include "graph/graph.h"
#include "passes/permutation.h"

namespace pochade {

using Layout = Permutation;  ///< of a root; empty where the rank is not known: as it is

/// A value as transpose(root, layout). The root is not made by a transpose.
struct Seen {
  ValueId root = kNone;
  Layout layout;
};

inline Layout undone(const Layout& layout) {
  return inverse(layout);
}
inline Layout as_it_is(const Fact& fact) {
  return fact.rank_known() ? identity_permutation(fact.rank()) : Layout();
}

/// What two layouts have in common if a Reshape leads from one to the other: the order of the axes larger
/// than 1.
Layout key_of(const Fact& root, const Layout& layout);

/// Shape and Size: they can read any layout.
bool reads_sizes_only(const Op& op);

/// A graph with its transposes taken as ways to see values.
class SeenGraph {
 public:
  explicit SeenGraph(const Graph& graph);

  const Graph& graph() const { return graph_; }
  const Node& node(NodeId n) const { return graph_.node(n); }
  const Fact& fact(ValueId v) const { return graph_.fact(v); }
  /// Living nodes, producers before users.
  const std::vector<NodeId>& order() const { return order_; }
  const std::vector<std::vector<NodeId>>& users() const { return users_; }
  const Seen& seen(ValueId v) const { return seen_[static_cast<size_t>(v)]; }
  /// Whether the node only shows a root in another layout.
  bool is_view(NodeId n) const { return is_view_[static_cast<size_t>(n)]; }
  /// The values that are layouts of `root`, itself first.
  const std::vector<ValueId>& views(ValueId root) const { return views_[static_cast<size_t>(root)]; }

 private:
  const Graph& graph_;
  const std::vector<std::vector<NodeId>> users_;
  const std::vector<NodeId> order_;
  std::vector<Seen> seen_;
  std::vector<bool> is_view_;
  std::vector<std::vector<ValueId>> views_;
};

}  // namespace pochade
