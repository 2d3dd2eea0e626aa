#include "passes/layouts.h"

#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

Layout seen_through(const Layout& first, const Layout& second) {
  return first.empty() ? second : second.empty() ? first : compose(first, second);
}

/// Whether axes of size 1 can be moved by a Reshape: at most one size is not a number, and none is 0.
bool ones_are_free(const Fact& fact) {
  if (!fact.rank_known()) return false;
  int unknown = 0, ones = 0;
  for (const Dim& dim : *fact.dims) {
    if (dim.is(0)) return false;
    unknown += !dim.is_number();
    ones += dim.is(1);
  }
  return unknown <= 1 && ones > 0;
}

/// The order of axes that a node gives its first input, if that is all it does.
std::optional<Permutation> pure_transpose(const Graph& graph, const Node& node) {
  const Fact& x = graph.fact(node.inputs[0]);
  const Fact& y = graph.fact(node.outputs[0]);
  if (y.quantization || x.quantization || x.is_constant()) return std::nullopt;
  if (const auto* transpose = op_as<Transpose>(*node.op)) {
    const int rank = x.rank_known() ? x.rank() : static_cast<int>(transpose->perm.size());
    if (rank == 0) return x.rank_known() ? std::optional(Permutation()) : std::nullopt;
    const auto axes = transpose->permutation(rank);
    return Permutation(axes.begin(), axes.end());
  }
  if (!op_as<Reshape>(*node.op) || !ones_are_free(x) || !y.rank_known() || y.rank() != x.rank())
    return std::nullopt;
  Permutation others, ones, out;
  for (int axis = 0; axis < x.rank(); ++axis) (x.dim(axis).is(1) ? ones : others).push_back(axis);
  for (int axis = 0; axis < y.rank(); ++axis) {
    Permutation& from = y.dim(axis).is(1) ? ones : others;
    if (from.empty() || x.dim(from.front()) != y.dim(axis)) return std::nullopt;
    if (!y.dim(axis).is_number() && !y.dim(axis).is_named()) return std::nullopt;
    out.push_back(from.front());
    from.erase(from.begin());
  }
  return out;
}

}  // namespace

Layout key_of(const Fact& root, const Layout& layout) {
  if (!ones_are_free(root)) return layout;
  Layout key;
  for (const int axis : layout)
    if (!root.dim(axis).is(1)) key.push_back(axis);
  return key;
}

bool reads_sizes_only(const Op& op) {
  return op_as<ShapeOp>(op) || op_as<SizeOp>(op);
}

SeenGraph::SeenGraph(const Graph& graph)
    : graph_(graph), users_(graph.users()), order_(graph.topological_order()) {
  seen_.resize(static_cast<size_t>(graph_.value_count()));
  views_.resize(seen_.size());
  is_view_.resize(static_cast<size_t>(graph_.node_count()), false);
  for (ValueId v = 0; v < graph_.value_count(); ++v) {
    seen_[static_cast<size_t>(v)] = {v, as_it_is(graph_.fact(v))};
    views_[static_cast<size_t>(v)].push_back(v);
  }
  for (const NodeId n : order_) {
    if (node(n).inputs.empty() || node(n).inputs[0] == kNone) continue;
    const auto order = pure_transpose(graph_, node(n));
    if (!order) continue;
    const ValueId y = node(n).outputs[0];
    const Seen& x = seen(node(n).inputs[0]);
    seen_[static_cast<size_t>(y)] = {x.root, seen_through(x.layout, *order)};
    views_[static_cast<size_t>(x.root)].push_back(y);
    is_view_[static_cast<size_t>(n)] = true;
  }
}

}  // namespace pochade
