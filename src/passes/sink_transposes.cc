#include "passes/sink_transposes.h"

#include <deque>
#include <map>
#include <set>

#include "ops/index/gather.h"
#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"
#include "passes/min_cut.h"
#include "passes/move_axes.h"

// A Transpose only says how its reader looks at a value: each value is a *root*, which some other operator
// made, seen in a *layout* (value = transpose(root, layout)). A node that can run in another order of axes
// has two versions, as it stands and moved, and each version makes its outputs and wants its inputs in
// certain layouts. A transpose is needed wherever a root is wanted in a layout in which it is not made, once
// for a root and layout. Choosing the versions such that fewest are needed is a minimum cut
// (passes/min_cut.h); the graph as it stands is one of the choices, so that the number never grows.

namespace pochade {
namespace {

using Layout = Permutation;  // of a root; empty where the rank is not known: as it is

/// A value as a layout of a root.
struct Seen {
  ValueId root = kNone;
  Layout layout;
};

Layout seen_through(const Layout& first, const Layout& second) {
  return first.empty() ? second : second.empty() ? first : compose(first, second);
}
Layout undone(const Layout& layout) {
  return inverse(layout);
}

Layout as_it_is(const Fact& fact) {
  return fact.rank_known() ? identity_permutation(fact.rank()) : Layout();
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

/// What two layouts have in common if a Reshape leads from one to the other: the order of the axes larger
/// than 1.
Layout key_of(const Fact& root, const Layout& layout) {
  if (!ones_are_free(root)) return layout;
  Layout key;
  for (const int axis : layout)
    if (!root.dim(axis).is(1)) key.push_back(axis);
  return key;
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

bool reads_sizes_only(const Op& op) {
  return op_as<ShapeOp>(op) || op_as<SizeOp>(op);
}

/// Operators whose activations have their channels last: the layout that their neighbours should have, other
/// things equal.
bool is_channels_last(const Op& op) {
  static const std::set<std::string_view> names = {
      "Conv",          "ConvTranspose", "ConvInteger", "QLinearConv",           "MaxPool",
      "AveragePool",   "LpPool",        "DeformConv",  "InstanceNormalization", "BatchNormalization",
      "GlobalMaxPool", "GlobalLpPool",  "LRN",         "GlobalAveragePool",     "GroupNormalization"};
  return names.contains(op.name());
}

/// A node that makes or reads a root, in version 0 (as it stands) or 1 (moved).
struct Touch {
  NodeId node = kNone;
  Layout layout[2];
};

struct RootUse {
  std::optional<Touch> maker;  ///< empty: an input, a state
  std::vector<Touch> readers;  ///< node == kNone: an output of the graph
};

class Sinker {
 public:
  explicit Sinker(const Graph& graph)
      : graph_(graph), users_(graph.users()), order_(graph.topological_order()) {
    see_values();
  }

  Result<Rewrite> run() {
    // Two orders of looking for candidates; each is as good as the other on most graphs.
    int now = 0;
    for (const NodeId n : order_) now += is_view(n) && op_as<Transpose>(*node(n).op);
    Choice best = choose(true);
    if (Choice other = choose(false); other.cost < best.cost) best = std::move(other);
    Rewrite rewrite(graph_);
    if (!best.better) best.use_moved.assign(best.use_moved.size(), false);
    if (best.better || best.transposes < now) TRY(emit(best, rewrite));
    return rewrite;
  }

 private:
  struct Choice {
    bool better = false;  // than the graph as it stands
    int transposes = 0;
    int64_t cost = 0;
    std::vector<std::optional<MovedNode>> moved;  // by node: the second version
    std::vector<bool> use_moved;
  };

  const Seen& seen(ValueId v) const { return seen_[static_cast<size_t>(v)]; }
  const Node& node(NodeId n) const { return graph_.node(n); }
  bool is_view(NodeId n) const { return is_view_[static_cast<size_t>(n)]; }

  void see_values();
  Choice choose(bool down_first) const;
  void find_candidates(bool down_first, Choice& choice) const;
  std::map<ValueId, RootUse> uses(const Choice& choice) const;
  Status emit(const Choice& choice, Rewrite& rewrite) const;

  const Graph& graph_;
  const std::vector<std::vector<NodeId>> users_;
  const std::vector<NodeId> order_;
  std::vector<Seen> seen_;                   // by value
  std::vector<bool> is_view_;                // by node: whether it is a transpose of a root
  std::vector<std::vector<ValueId>> views_;  // by root: the values that are layouts of it, itself first
};

void Sinker::see_values() {
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

/// Gives nodes a second version, spreading from the transposes over their neighbours: whoever makes or reads
/// a root that another node would move gets the chance to move with it.
void Sinker::find_candidates(bool down_first, Choice& choice) const {
  struct Proposal {
    NodeId node;
    AxisOrder order;
  };
  std::deque<Proposal> queue;
  choice.moved.assign(static_cast<size_t>(graph_.node_count()), std::nullopt);
  std::vector<bool> locked(choice.moved.size(), false);

  // What the neighbours of `root` would have to do if it were made in `layout`.
  const auto propose_maker = [&](ValueId root, const Layout& layout) {
    const NodeId maker = graph_.value(root).producer;
    if (maker == kNone || layout.empty() || is_identity(layout)) return;
    queue.push_back({maker, {true, graph_.value(root).output_index, undone(layout)}});
  };
  std::set<std::pair<ValueId, Layout>> told;
  const auto propose_readers = [&](ValueId root, const Layout& layout) {
    if (!told.emplace(root, layout).second) return;
    for (const ValueId view : views_[static_cast<size_t>(root)]) {
      if (layout.empty() || seen(view).layout.empty()) continue;
      const Permutation order = compose(undone(layout), seen(view).layout);
      if (is_identity(order)) continue;
      for (const NodeId reader : users_[static_cast<size_t>(view)]) {
        if (is_view(reader) || choice.moved[static_cast<size_t>(reader)]) continue;
        for (size_t i = 0; i < node(reader).inputs.size(); ++i)
          if (node(reader).inputs[i] == view) queue.push_back({reader, {false, static_cast<int>(i), order}});
      }
    }
  };

  // Seeds: readers behind a transpose could read its root; makers before one could make what it gives.
  const auto seed = [&](bool down) {
    for (const NodeId n : order_) {
      if (!is_view(n)) continue;
      const Seen& y = seen(node(n).outputs[0]);
      if (down)
        propose_readers(y.root, as_it_is(graph_.fact(y.root)));
      else
        propose_maker(y.root, y.layout);
    }
  };
  seed(down_first);
  const auto work = [&] {
    for (; !queue.empty(); queue.pop_front()) {
      const Proposal proposal = std::move(queue.front());
      const size_t n = static_cast<size_t>(proposal.node);
      if (choice.moved[n] || locked[n] || is_view(proposal.node)) continue;
      auto moved = move_axes(graph_, users_, proposal.node, proposal.order);
      if (!moved) continue;
      const auto taken = [&](NodeId r) {
        return choice.moved[static_cast<size_t>(r)] || locked[static_cast<size_t>(r)];
      };
      if (std::any_of(moved->readers.begin(), moved->readers.end(), taken)) continue;
      for (const NodeId r : moved->readers) locked[static_cast<size_t>(r)] = true;
      for (size_t j = 0; j < moved->outputs.size(); ++j) {
        const Permutation& r = moved->outputs[j];
        if (r.empty() || is_identity(r)) continue;
        propose_readers(node(proposal.node).outputs[j], undone(r));
      }
      for (const MovedInput& input : moved->inputs) {
        if (input.source == kNone || input.order.empty()) continue;
        const Seen& x = seen(node(proposal.node).inputs[static_cast<size_t>(input.source)]);
        if (graph_.fact(x.root).is_constant()) continue;
        const Layout layout = compose(x.layout, undone(input.order));
        propose_maker(x.root, layout);
        propose_readers(x.root, layout);
      }
      choice.moved[n] = std::move(moved);
    }
  };
  work();
  seed(!down_first);
  work();
}

std::map<ValueId, RootUse> Sinker::uses(const Choice& choice) const {
  std::map<ValueId, RootUse> out;
  for (const NodeId n : order_) {
    if (is_view(n)) continue;
    const auto& moved = choice.moved[static_cast<size_t>(n)];
    for (size_t j = 0; j < node(n).outputs.size(); ++j) {
      const ValueId y = node(n).outputs[j];
      const Layout here = as_it_is(graph_.fact(y));
      Touch touch{n, {here, here}};
      if (moved && !moved->outputs[j].empty()) touch.layout[1] = undone(moved->outputs[j]);
      out[y].maker = std::move(touch);
    }
    if (reads_sizes_only(*node(n).op)) continue;
    std::vector<std::optional<Touch>> touches(node(n).inputs.size());
    for (size_t i = 0; i < node(n).inputs.size(); ++i) {
      const ValueId x = node(n).inputs[i];
      if (x == kNone || graph_.fact(seen(x).root).is_constant()) continue;
      touches[i] = Touch{n, {seen(x).layout, seen(x).layout}};
    }
    if (moved)
      for (const MovedInput& input : moved->inputs) {
        if (input.source == kNone || input.order.empty() || !touches[static_cast<size_t>(input.source)])
          continue;
        Touch& touch = *touches[static_cast<size_t>(input.source)];
        touch.layout[1] = compose(touch.layout[0], undone(input.order));
      }
    for (size_t i = 0; i < touches.size(); ++i)
      if (touches[i]) out[seen(node(n).inputs[i]).root].readers.push_back(*std::move(touches[i]));
  }
  const auto wanted_by_graph = [&](ValueId v) {
    if (!graph_.fact(seen(v).root).is_constant())
      out[seen(v).root].readers.push_back({kNone, {seen(v).layout, seen(v).layout}});
  };
  for (const GraphOutput& output : graph_.outputs()) wanted_by_graph(output.value);
  for (const State& state : graph_.states()) wanted_by_graph(state.next);
  return out;
}

/// For each node, which version counts as side 0 of the cut. Everyone who touches a root in one layout must
/// do so on one side, or the costs are no cut; a node for which that cannot be arranged stays as it stands.
class Sides {
 public:
  explicit Sides(size_t nodes) : parent_(nodes), flipped_(nodes, false) {
    for (size_t n = 0; n < nodes; ++n) parent_[n] = n;
  }
  /// Whether version 0 of `n` is on the other side than version 0 of its group's first node; gives the first
  /// node.
  std::pair<size_t, bool> find(size_t n) {
    bool flip = false;
    size_t root = n;
    while (parent_[root] != root) {
      flip ^= flipped_[root];
      root = parent_[root];
    }
    for (bool rest = flip; parent_[n] != n;) {  // shorten the path
      const size_t next = parent_[n];
      const bool step = flipped_[n];
      parent_[n] = root;
      flipped_[n] = rest;
      rest ^= step;
      n = next;
    }
    return {root, flip};
  }
  /// False if that contradicts what was said before.
  bool unite(size_t a, size_t b, bool different) {
    const auto [root_a, flip_a] = find(a);
    const auto [root_b, flip_b] = find(b);
    if (root_a == root_b) return (flip_a ^ flip_b) == different;
    parent_[root_b] = root_a;
    flipped_[root_b] = flip_a ^ flip_b ^ different;
    return true;
  }

 private:
  std::vector<size_t> parent_;
  std::vector<bool> flipped_;
};

/// A root wanted in a layout: costs `weight` if its maker does not make it so and somebody wants it so.
struct Term {
  int64_t elements = 0;
  int made_in = -1;  ///< version of the maker that makes it so; -1: none does
  NodeId maker = kNone;
  bool always_wanted = false;
  std::vector<std::pair<NodeId, int>> wanted_in;  ///< by this node in this version
};

int64_t weight_of_size(const Fact& fact) {
  const auto shape = fact.shape();
  if (!shape) return 1;
  return std::clamp<int64_t>(shape->elements() / 256, 1, 4095);
}

Sinker::Choice Sinker::choose(bool down_first) const {
  Choice choice;
  find_candidates(down_first, choice);

  // Sides, and the terms of the cost. Layouts that a Reshape takes into each other count as one.
  Sides sides(choice.moved.size());
  std::vector<Term> terms;
  std::map<ValueId, RootUse> roots;
  for (bool again = true; again;) {
    again = false;
    terms.clear();
    sides = Sides(choice.moved.size());
    roots = uses(choice);
    for (const auto& [root, use] : roots) {
      const Fact& fact = graph_.fact(root);
      struct Group {
        int made_in = -1;
        bool always_made = false;
        bool always_wanted = false;
        std::vector<std::pair<NodeId, int>> members;  // (node, version), the maker first
        std::vector<std::pair<NodeId, int>> wanted_in;
      };
      std::map<Layout, Group> groups;
      const auto keys = [&](const Touch& touch) {
        return std::pair(key_of(fact, touch.layout[0]), key_of(fact, touch.layout[1]));
      };
      if (!use.maker) {
        groups[key_of(fact, as_it_is(fact))].always_made = true;
      } else {
        const auto [stands, moved] = keys(*use.maker);
        if (stands == moved) {
          groups[stands].always_made = true;
        } else {
          groups[stands].made_in = 0;
          groups[moved].made_in = 1;
          groups[stands].members.push_back({use.maker->node, 0});
          groups[moved].members.push_back({use.maker->node, 1});
        }
      }
      for (const Touch& reader : use.readers) {
        const auto [stands, moved] = keys(reader);
        if (stands == moved) {
          groups[stands].always_wanted = true;
        } else {
          for (const auto& [key, version] : {std::pair(stands, 0), std::pair(moved, 1)}) {
            groups[key].members.push_back({reader.node, version});
            groups[key].wanted_in.push_back({reader.node, version});
          }
        }
      }
      for (const auto& [key, group] : groups) {
        if (group.always_made) continue;
        for (size_t m = 1; m < group.members.size(); ++m) {
          const auto [first, first_version] = group.members[0];
          const auto [n, version] = group.members[m];
          if (first == n
                  ? first_version == version
                  : sides.unite(static_cast<size_t>(first), static_cast<size_t>(n), first_version != version))
            continue;
          choice.moved[static_cast<size_t>(n)].reset();
          again = true;
        }
        if (group.wanted_in.empty() && !group.always_wanted) continue;
        terms.push_back({weight_of_size(fact), group.made_in, use.maker ? use.maker->node : kNone,
                         group.always_wanted, group.wanted_in});
      }
    }
  }

  // Other things equal, run a node in the layout of the channels-last operators around it, or leave it.
  std::vector<int> liked(choice.moved.size(), 0);
  {
    std::vector<bool> decided(choice.moved.size(), false);
    std::map<ValueId, Layout> layouts;
    std::deque<ValueId> queue;
    const auto settle = [&](ValueId root, const Layout& layout) {
      if (layout.empty() || !layouts.emplace(root, layout).second) return;
      queue.push_back(root);
    };
    std::vector<std::vector<std::pair<ValueId, Touch>>> touched(choice.moved.size());
    for (const auto& [root, use] : roots) {
      if (use.maker) touched[static_cast<size_t>(use.maker->node)].push_back({root, *use.maker});
      for (const Touch& reader : use.readers)
        if (reader.node != kNone) touched[static_cast<size_t>(reader.node)].push_back({root, reader});
    }
    const auto settle_all = [&](NodeId n, int version) {
      for (const auto& [root, touch] : touched[static_cast<size_t>(n)]) settle(root, touch.layout[version]);
    };
    for (const NodeId n : order_)
      if (!choice.moved[static_cast<size_t>(n)] && is_channels_last(*node(n).op)) settle_all(n, 0);
    for (; !queue.empty(); queue.pop_front()) {
      const ValueId root = queue.front();
      const Layout& layout = layouts[root];
      const auto look = [&](const Touch& touch) {
        if (touch.node == kNone || decided[static_cast<size_t>(touch.node)] ||
            !choice.moved[static_cast<size_t>(touch.node)])
          return;
        if (touch.layout[0] == touch.layout[1]) return;
        for (const int version : {0, 1}) {
          if (touch.layout[version] != layout) continue;
          decided[static_cast<size_t>(touch.node)] = true;
          liked[static_cast<size_t>(touch.node)] = version;
          settle_all(touch.node, version);
        }
      };
      const RootUse& use = roots[root];
      if (use.maker) look(*use.maker);
      for (const Touch& reader : use.readers) look(reader);
    }
  }

  // One transpose outweighs all sizes, one unit of size all tastes.
  int64_t tastes = 1, sizes = 1;
  for (const auto& moved : choice.moved) tastes += moved.has_value();
  for (const Term& term : terms) sizes += term.elements * tastes;
  const auto weight = [&](const Term& term) { return sizes + term.elements * tastes; };

  MinCut cut;
  std::vector<MinCut::Vertex> vertices(choice.moved.size(), -1);
  for (size_t n = 0; n < choice.moved.size(); ++n)
    if (choice.moved[n]) vertices[n] = cut.add_vertex();
  // The side of the cut on which a node runs in this version.
  const auto side_of = [&](NodeId n, int version) {
    return sides.find(static_cast<size_t>(n)).second ^ (version == 1) ? 1 : 0;
  };
  // `cost` if a is on side `side_a` and b on the other one.
  const auto edge = [&](int side_a, MinCut::Vertex a, MinCut::Vertex b, int64_t cost) {
    if (side_a == 0)
      cut.add_edge(a, b, cost);
    else
      cut.add_edge(b, a, cost);
  };
  for (const Term& term : terms) {
    // `home`: the side on which its maker makes it and its readers want it so.
    int home = 0;
    if (term.made_in >= 0)
      home = side_of(term.maker, term.made_in);
    else if (!term.wanted_in.empty())
      home = side_of(term.wanted_in[0].first, term.wanted_in[0].second);
    const MinCut::Vertex here = home == 0 ? cut.side_0() : cut.side_1();
    const MinCut::Vertex away = home == 0 ? cut.side_1() : cut.side_0();
    const MinCut::Vertex maker = term.made_in >= 0 ? vertices[static_cast<size_t>(term.maker)] : away;
    if (term.always_wanted) {
      if (maker != away) edge(home, here, maker, weight(term));
    } else {
      const MinCut::Vertex wanted = cut.add_vertex();  // at home as soon as one of the readers is
      for (const auto& [reader, version] : term.wanted_in)
        edge(home, vertices[static_cast<size_t>(reader)], wanted, MinCut::kInfinite);
      edge(home, wanted, maker, weight(term));
    }
  }
  for (size_t n = 0; n < choice.moved.size(); ++n) {
    if (!choice.moved[n]) continue;
    const int side = side_of(static_cast<NodeId>(n), liked[n]);
    edge(side, side == 0 ? cut.side_0() : cut.side_1(), vertices[n], 1);
  }
  cut.minimize();

  choice.use_moved.assign(choice.moved.size(), false);
  for (size_t n = 0; n < choice.moved.size(); ++n)
    if (choice.moved[n]) choice.use_moved[n] = cut.side(vertices[n]) == side_of(static_cast<NodeId>(n), 1);

  // The true cost of a choice, by the definition.
  const auto cost_of = [&](const std::vector<bool>& use_moved, int* transposes) {
    int64_t cost = 0;
    int count = 0;
    const auto in_version = [&](NodeId n, int version) {
      return use_moved[static_cast<size_t>(n)] == (version == 1);
    };
    for (const Term& term : terms) {
      if (term.made_in >= 0 && in_version(term.maker, term.made_in)) continue;
      if (!term.always_wanted && std::none_of(term.wanted_in.begin(), term.wanted_in.end(),
                                              [&](const auto& w) { return in_version(w.first, w.second); }))
        continue;
      cost += weight(term);
      ++count;
    }
    for (size_t n = 0; n < choice.moved.size(); ++n)
      cost += choice.moved[n] && use_moved[n] != (liked[n] == 1);
    if (transposes) *transposes = count;
    return cost;
  };
  const int64_t as_it_stands = cost_of(std::vector<bool>(choice.moved.size(), false), nullptr);
  const int64_t chosen = cost_of(choice.use_moved, &choice.transposes);
  choice.better = chosen < as_it_stands;
  choice.cost =
      (static_cast<int64_t>(choice.transposes) << 40) + std::min<int64_t>(chosen, (int64_t{1} << 40) - 1);
  return choice;
}

/// Builds what was chosen: moved nodes anew, the others with other inputs where these moved.
class Emitter {
 public:
  Emitter(const Graph& graph, Rewrite& rewrite) : graph_(graph), rewrite_(rewrite) {}

  /// `root` is made as transpose(root, layout) by `value`.
  void made(ValueId root, const Layout& layout, ValueId value) {
    have_[root].insert(have_[root].begin(), {layout, value});
    moved_.insert(root);
  }
  /// An old node gives this view, if its root was not moved.
  void known_view(ValueId root, const Layout& layout, ValueId value, bool by_reshape) {
    views_[root].push_back({layout, value, by_reshape});
  }

  /// transpose(root, layout), by a new node if there is no such value yet.
  Result<ValueId> get(ValueId root, const Layout& layout) {
    auto& have = have_[root];
    const Fact& fact = graph_.fact(root);
    if (have.empty()) have.push_back({as_it_is(fact), root});
    if (layout.empty()) return have[0].second;
    for (const auto& [made, value] : have)
      if (made == layout) return value;
    if (fact.is_constant()) {
      TRY(Tensor tensor, transposed(fact.constant, layout));
      have.push_back({layout, rewrite_.constant(graph_.value(root).name + "/transposed", std::move(tensor))});
      return have.back().second;
    }
    // By a Reshape, if only axes of size 1 are elsewhere; from the root's own layout if possible.
    const Layout key = key_of(fact, layout);
    const auto same_order =
        std::find_if(have.begin(), have.end(), [&](const auto& h) { return key_of(fact, h.first) == key; });
    const bool by_reshape = same_order != have.end();
    const auto source = by_reshape ? *same_order : have[0];
    if (!moved_.contains(root))
      for (const View& view : views_[root])
        if (view.layout == layout && view.by_reshape == by_reshape) {
          have.push_back({layout, view.value});
          return view.value;
        }
    const std::string& name = graph_.value(root).name;
    ValueId out;
    if (by_reshape) {
      std::vector<int64_t> sizes;
      for (const int axis : layout)
        sizes.push_back(fact.dim(axis).is_number() ? fact.dim(axis).number() : -1);
      const ValueId shape = rewrite_.constant(
          name + "/shape", Tensor::of<int64_t>({static_cast<int64_t>(sizes.size())}, sizes));
      out = rewrite_.node(name + "/reshaped", make_op(Reshape{}), {source.second, shape});
    } else {
      const Permutation order = compose(undone(source.first), layout);
      out = rewrite_.node(name + "/transposed", make_op<Transpose>([&](Transpose& op) {
                            op.perm.assign(order.begin(), order.end());
                          }),
                          {source.second});
    }
    have.push_back({layout, out});
    return out;
  }

  /// The layout in which `root` is made, and the value.
  std::pair<Layout, ValueId> own(ValueId root) const {
    const auto it = have_.find(root);
    if (it != have_.end() && !it->second.empty()) return it->second[0];
    return {as_it_is(graph_.fact(root)), root};
  }

 private:
  struct View {
    Layout layout;
    ValueId value;
    bool by_reshape;
  };
  const Graph& graph_;
  Rewrite& rewrite_;
  std::map<ValueId, std::vector<std::pair<Layout, ValueId>>> have_;  // the made one first
  std::map<ValueId, std::vector<View>> views_;
  std::set<ValueId> moved_;
};

Status Sinker::emit(const Choice& choice, Rewrite& rewrite) const {
  Emitter values(graph_, rewrite);
  std::map<std::pair<NodeId, int>, Tensor> constants;
  for (size_t n = 0; n < choice.moved.size(); ++n)
    if (choice.use_moved[n])
      for (const MovedConstant& c : choice.moved[n]->constants) constants[{c.node, c.input}] = c.constant;

  for (const NodeId n : order_) {
    const Node old = node(n);  // a copy: the draft's nodes move in memory
    if (is_view(n)) {
      const Seen& y = seen(old.outputs[0]);
      if (y.root == old.inputs[0])
        values.known_view(y.root, y.layout, old.outputs[0], old.op->only_reshapes());
      continue;
    }
    if (reads_sizes_only(*old.op)) {
      // Sizes can be read in any order: take what is there, and put them in order afterwards.
      const Seen& x = seen(old.inputs[0]);
      const auto [layout, value] = values.own(x.root);
      if (value == old.inputs[0]) continue;
      const auto* shape = op_as<ShapeOp>(*old.op);
      const Permutation order =
          layout.empty() || x.layout.empty() ? Permutation() : compose(undone(layout), x.layout);
      if (!shape || is_identity(order)) {
        rewrite.set_inputs(n, {value});
        continue;
      }
      const int rank = static_cast<int>(order.size());
      const auto clamped = [&](int64_t axis) {
        return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
      };
      std::vector<int64_t> wanted;
      for (int64_t axis = clamped(shape->start); axis < clamped(shape->end); ++axis)
        wanted.push_back(order[static_cast<size_t>(axis)]);
      const ValueId sizes = rewrite.node(old.name + "/sizes", make_op(ShapeOp{}), {value});
      const ValueId axes = rewrite.constant(
          old.name + "/axes", Tensor::of<int64_t>({static_cast<int64_t>(wanted.size())}, wanted));
      rewrite.replace(n, make_op(Gather{}), {sizes, axes});
      continue;
    }
    const auto constant = [&](size_t i) -> ValueId {
      const auto it = constants.find({n, static_cast<int>(i)});
      return it == constants.end() ? kNone : rewrite.constant(graph_.value(old.inputs[i]).name, it->second);
    };
    std::vector<ValueId> inputs;
    if (!choice.use_moved[static_cast<size_t>(n)]) {
      for (size_t i = 0; i < old.inputs.size(); ++i) {
        const ValueId x = old.inputs[i];
        const ValueId other = x == kNone ? kNone : constant(i);
        if (x == kNone || other != kNone) {
          inputs.push_back(other);
        } else {
          TRY(const ValueId value, values.get(seen(x).root, seen(x).layout));
          inputs.push_back(value);
        }
      }
      if (inputs != old.inputs) rewrite.set_inputs(n, std::move(inputs));
      continue;
    }
    const MovedNode& moved = *choice.moved[static_cast<size_t>(n)];
    for (const MovedInput& input : moved.inputs) {
      if (input.constant.defined()) {
        inputs.push_back(rewrite.constant(
            input.source == kNone ? old.name + "/constant"
                                  : graph_.value(old.inputs[static_cast<size_t>(input.source)]).name,
            input.constant));
      } else if (input.source == kNone || old.inputs[static_cast<size_t>(input.source)] == kNone) {
        inputs.push_back(kNone);
      } else {
        const Seen& x = seen(old.inputs[static_cast<size_t>(input.source)]);
        TRY(const ValueId value,
            values.get(x.root, input.order.empty() ? x.layout : compose(x.layout, undone(input.order))));
        inputs.push_back(value);
      }
    }
    const auto outputs = rewrite.nodes(old.name, moved.op, std::move(inputs));
    for (size_t j = 0; j < old.outputs.size() && j < outputs.size(); ++j)
      values.made(old.outputs[j],
                  moved.outputs[j].empty() ? as_it_is(graph_.fact(old.outputs[j])) : undone(moved.outputs[j]),
                  outputs[j]);
  }
  std::set<ValueId> done;
  const auto keep = [&](ValueId v) -> Status {
    if (!done.insert(v).second) return {};
    TRY(const ValueId value, values.get(seen(v).root, seen(v).layout));
    rewrite.redirect(v, value);
    return {};
  };
  for (const GraphOutput& output : graph_.outputs()) TRY(keep(output.value));
  for (const State& state : graph_.states()) TRY(keep(state.next));
  return {};
}

}  // namespace

Result<Rewrite> sink_transposes(const Graph& graph) {
  return Sinker(graph).run();
}

int count_activation_transposes(const Graph& graph) {
  int count = 0;
  for (NodeId n = 0; n < graph.node_count(); ++n) {
    const Node& node = graph.node(n);
    count += node.op && op_as<Transpose>(*node.op) && !graph.fact(node.inputs[0]).is_constant();
  }
  return count;
}

}  // namespace pochade
