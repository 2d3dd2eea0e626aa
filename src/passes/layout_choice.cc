#include "passes/layout_choice.h"

#include <algorithm>
#include <deque>
#include <set>

#include "passes/min_cut.h"

// A node that can run in another order of axes has two versions, as it stands and moved, and each version
// makes its outputs and wants its inputs in certain layouts. A transpose is needed wherever a root is wanted
// in a layout in which it is not made, once for a root and layout. Choosing the versions such that fewest are
// needed is a minimum cut; the graph as it stands is one of the choices, so that the number never grows.

namespace pochade {
namespace {

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

/// A root wanted in a layout: costs its weight if its maker does not make it so and somebody wants it so.
struct Term {
  int64_t size = 1;
  int made_in = -1;  ///< version of the maker that makes it so; -1: none does
  NodeId maker = kNone;
  bool always_wanted = false;
  std::vector<std::pair<NodeId, int>> wanted_in;  ///< by this node in this version
};

int64_t size_of_values(const Fact& fact) {
  const auto shape = fact.shape();
  return shape ? std::clamp<int64_t>(shape->elements() / 256, 1, 4095) : 1;
}

class Chooser {
 public:
  explicit Chooser(const SeenGraph& graph)
      : graph_(graph), moved_(static_cast<size_t>(graph.graph().node_count())), sides_(moved_.size()) {}

  LayoutChoice run(bool down_first) {
    find_candidates(down_first);
    while (!find_terms()) {
    }
    find_liked();
    return cheapest();
  }

 private:
  void find_candidates(bool down_first);
  std::map<ValueId, RootUse> uses() const;
  bool find_terms();
  bool add_terms(ValueId root, const RootUse& use);
  void find_liked();
  LayoutChoice cheapest();
  std::vector<bool> cut();
  bool is_needed(const Term& term, const std::vector<bool>& use_moved) const;
  int64_t cost(const std::vector<bool>& use_moved) const;

  /// One transpose outweighs all sizes, one unit of size all tastes.
  int64_t weight(const Term& term) const { return transpose_weight_ + term.size * size_weight_; }
  /// The side of the cut on which a node runs in this version.
  int side_of(NodeId n, int version) {
    return sides_.find(static_cast<size_t>(n)).second != (version == 1) ? 1 : 0;
  }

  const SeenGraph& graph_;
  std::vector<std::optional<MovedNode>> moved_;  // by node
  std::map<ValueId, RootUse> uses_;              // by root
  Sides sides_;
  std::vector<Term> terms_;
  std::vector<int> liked_;  // by node: the version that it should have, other things equal
  int64_t size_weight_ = 1;
  int64_t transpose_weight_ = 1;
};

/// Gives nodes a second version, spreading from the transposes over their neighbours: whoever makes or reads
/// a root that another node would move gets the chance to move with it.
void Chooser::find_candidates(bool down_first) {
  struct Proposal {
    NodeId node;
    AxisOrder order;
  };
  std::deque<Proposal> queue;
  moved_.assign(static_cast<size_t>(graph_.graph().node_count()), std::nullopt);
  std::vector<bool> locked(moved_.size(), false);

  // What the neighbours of `root` would have to do if it were made in `layout`.
  const auto propose_maker = [&](ValueId root, const Layout& layout) {
    const NodeId maker = graph_.graph().value(root).producer;
    if (maker == kNone || layout.empty() || is_identity(layout)) return;
    queue.push_back({maker, {true, graph_.graph().value(root).output_index, undone(layout)}});
  };
  std::set<std::pair<ValueId, Layout>> told;
  const auto propose_readers = [&](ValueId root, const Layout& layout) {
    if (!told.emplace(root, layout).second) return;
    for (const ValueId view : graph_.views(root)) {
      if (layout.empty() || graph_.seen(view).layout.empty()) continue;
      const Permutation order = compose(undone(layout), graph_.seen(view).layout);
      if (is_identity(order)) continue;
      for (const NodeId reader : graph_.users()[static_cast<size_t>(view)]) {
        if (graph_.is_view(reader) || moved_[static_cast<size_t>(reader)]) continue;
        for (size_t i = 0; i < graph_.node(reader).inputs.size(); ++i)
          if (graph_.node(reader).inputs[i] == view)
            queue.push_back({reader, {false, static_cast<int>(i), order}});
      }
    }
  };

  // Seeds: readers behind a transpose could read its root; makers before one could make what it gives.
  const auto seed = [&](bool down) {
    for (const NodeId n : graph_.order()) {
      if (!graph_.is_view(n)) continue;
      const Seen& y = graph_.seen(graph_.node(n).outputs[0]);
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
      if (moved_[n] || locked[n] || graph_.is_view(proposal.node)) continue;
      auto moved = move_axes(graph_.graph(), graph_.users(), proposal.node, proposal.order);
      if (!moved) continue;
      const auto taken = [&](NodeId r) {
        return moved_[static_cast<size_t>(r)] || locked[static_cast<size_t>(r)];
      };
      if (std::any_of(moved->readers.begin(), moved->readers.end(), taken)) continue;
      for (const NodeId r : moved->readers) locked[static_cast<size_t>(r)] = true;
      for (size_t j = 0; j < moved->outputs.size(); ++j) {
        const Permutation& r = moved->outputs[j];
        if (r.empty() || is_identity(r)) continue;
        propose_readers(graph_.node(proposal.node).outputs[j], undone(r));
      }
      for (const MovedInput& input : moved->inputs) {
        if (input.source == kNone || input.order.empty()) continue;
        const Seen& x = graph_.seen(graph_.node(proposal.node).inputs[static_cast<size_t>(input.source)]);
        if (graph_.fact(x.root).is_constant()) continue;
        const Layout layout = compose(x.layout, undone(input.order));
        propose_maker(x.root, layout);
        propose_readers(x.root, layout);
      }
      moved_[n] = std::move(moved);
    }
  };
  work();
  seed(!down_first);
  work();
}

std::map<ValueId, RootUse> Chooser::uses() const {
  std::map<ValueId, RootUse> out;
  for (const NodeId n : graph_.order()) {
    if (graph_.is_view(n)) continue;
    const auto& moved = moved_[static_cast<size_t>(n)];
    for (size_t j = 0; j < graph_.node(n).outputs.size(); ++j) {
      const ValueId y = graph_.node(n).outputs[j];
      const Layout here = as_it_is(graph_.fact(y));
      Touch touch{n, {here, here}};
      if (moved && !moved->outputs[j].empty()) touch.layout[1] = undone(moved->outputs[j]);
      out[y].maker = std::move(touch);
    }
    if (reads_sizes_only(*graph_.node(n).op)) continue;
    std::vector<std::optional<Touch>> touches(graph_.node(n).inputs.size());
    for (size_t i = 0; i < graph_.node(n).inputs.size(); ++i) {
      const ValueId x = graph_.node(n).inputs[i];
      if (x == kNone || graph_.fact(graph_.seen(x).root).is_constant()) continue;
      touches[i] = Touch{n, {graph_.seen(x).layout, graph_.seen(x).layout}};
    }
    if (moved)
      for (const MovedInput& input : moved->inputs) {
        if (input.source == kNone || input.order.empty() || !touches[static_cast<size_t>(input.source)])
          continue;
        Touch& touch = *touches[static_cast<size_t>(input.source)];
        touch.layout[1] = compose(touch.layout[0], undone(input.order));
      }
    for (size_t i = 0; i < touches.size(); ++i)
      if (touches[i])
        out[graph_.seen(graph_.node(n).inputs[i]).root].readers.push_back(*std::move(touches[i]));
  }
  const auto wanted_by_graph = [&](ValueId v) {
    if (!graph_.fact(graph_.seen(v).root).is_constant())
      out[graph_.seen(v).root].readers.push_back({kNone, {graph_.seen(v).layout, graph_.seen(v).layout}});
  };
  for (const GraphOutput& output : graph_.graph().outputs()) wanted_by_graph(output.value);
  for (const State& state : graph_.graph().states()) wanted_by_graph(state.next);
  return out;
}

/// The terms of the cost. False if some node had to lose its second version: then once more.
bool Chooser::find_terms() {
  terms_.clear();
  sides_ = Sides(moved_.size());
  uses_ = uses();
  bool complete = true;
  for (const auto& [root, use] : uses_) complete &= add_terms(root, use);
  return complete;
}

bool Chooser::add_terms(ValueId root, const RootUse& use) {
  // Layouts that a Reshape takes into each other count as one.
  struct Group {
    int made_in = -1;
    bool always_made = false;
    bool always_wanted = false;
    std::vector<std::pair<NodeId, int>> members;  // (node, version), the maker first
    std::vector<std::pair<NodeId, int>> wanted_in;
  };
  const Fact& fact = graph_.fact(root);
  std::map<Layout, Group> groups;
  if (!use.maker) groups[key_of(fact, as_it_is(fact))].always_made = true;
  if (use.maker) {
    const Layout stands = key_of(fact, use.maker->layout[0]), moved = key_of(fact, use.maker->layout[1]);
    if (stands == moved) groups[stands].always_made = true;
    for (const auto& [key, version] : {std::pair(stands, 0), std::pair(moved, 1)}) {
      groups[key].made_in = version;
      groups[key].members.push_back({use.maker->node, version});
    }
  }
  for (const Touch& reader : use.readers) {
    const Layout stands = key_of(fact, reader.layout[0]), moved = key_of(fact, reader.layout[1]);
    if (stands == moved) {
      groups[stands].always_wanted = true;
      continue;
    }
    for (const auto& [key, version] : {std::pair(stands, 0), std::pair(moved, 1)}) {
      groups[key].members.push_back({reader.node, version});
      groups[key].wanted_in.push_back({reader.node, version});
    }
  }
  bool complete = true;
  for (const auto& [key, group] : groups) {
    if (group.always_made) continue;
    for (const auto& [n, version] : group.members) {
      const auto& [first, first_version] = group.members[0];
      const bool different = first_version != version;
      const bool agrees = first == n
                              ? !different
                              : sides_.unite(static_cast<size_t>(first), static_cast<size_t>(n), different);
      if (agrees) continue;
      moved_[static_cast<size_t>(n)].reset();
      complete = false;
    }
    if (group.wanted_in.empty() && !group.always_wanted) continue;
    terms_.push_back({size_of_values(fact), group.made_in, use.maker ? use.maker->node : kNone,
                      group.always_wanted, group.wanted_in});
  }
  return complete;
}

/// Other things equal, a node runs in the layout of the channels-last operators around it, or as it stands.
void Chooser::find_liked() {
  liked_.assign(moved_.size(), 0);
  std::vector<bool> decided(moved_.size(), false);
  std::vector<std::vector<std::pair<ValueId, Touch>>> touched(moved_.size());
  for (const auto& [root, use] : uses_) {
    if (use.maker) touched[static_cast<size_t>(use.maker->node)].push_back({root, *use.maker});
    for (const Touch& reader : use.readers)
      if (reader.node != kNone) touched[static_cast<size_t>(reader.node)].push_back({root, reader});
  }
  std::map<ValueId, Layout> settled;
  std::deque<ValueId> queue;
  const auto settle = [&](NodeId n, int version) {
    for (const auto& [root, touch] : touched[static_cast<size_t>(n)])
      if (!touch.layout[version].empty() && settled.emplace(root, touch.layout[version]).second)
        queue.push_back(root);
  };
  for (const NodeId n : graph_.order())
    if (!moved_[static_cast<size_t>(n)] && is_channels_last(*graph_.node(n).op)) settle(n, 0);
  for (; !queue.empty(); queue.pop_front()) {
    const Layout layout = settled[queue.front()];
    const auto look = [&](const Touch& touch) {
      const auto n = static_cast<size_t>(touch.node);
      if (touch.node == kNone || decided[n] || !moved_[n] || touch.layout[0] == touch.layout[1]) return;
      for (const int version : {0, 1}) {
        if (touch.layout[version] != layout) continue;
        decided[n] = true;
        liked_[n] = version;
        settle(touch.node, version);
      }
    };
    const RootUse& use = uses_[queue.front()];
    if (use.maker) look(*use.maker);
    for (const Touch& reader : use.readers) look(reader);
  }
}

/// By node, whether it runs moved in the cheapest choice.
std::vector<bool> Chooser::cut() {
  MinCut cut;
  std::vector<MinCut::Vertex> vertices(moved_.size(), -1);
  for (size_t n = 0; n < moved_.size(); ++n)
    if (moved_[n]) vertices[n] = cut.add_vertex();
  // Costs `weight` if a is on side `side_a` and b on the other one.
  const auto edge = [&](int side_a, MinCut::Vertex a, MinCut::Vertex b, int64_t edge_weight) {
    if (side_a == 0)
      cut.add_edge(a, b, edge_weight);
    else
      cut.add_edge(b, a, edge_weight);
  };
  for (const Term& term : terms_) {
    // `home`: the side on which its maker makes it so and its readers want it so.
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
      continue;
    }
    const MinCut::Vertex wanted = cut.add_vertex();  // at home as soon as one of the readers is
    for (const auto& [reader, version] : term.wanted_in)
      edge(home, vertices[static_cast<size_t>(reader)], wanted, MinCut::kInfinite);
    edge(home, wanted, maker, weight(term));
  }
  for (size_t n = 0; n < moved_.size(); ++n) {
    if (!moved_[n]) continue;
    const int side = side_of(static_cast<NodeId>(n), liked_[n]);
    edge(side, side == 0 ? cut.side_0() : cut.side_1(), vertices[n], 1);
  }
  cut.minimize();
  std::vector<bool> use_moved(moved_.size(), false);
  for (size_t n = 0; n < moved_.size(); ++n)
    if (moved_[n]) use_moved[n] = cut.side(vertices[n]) == side_of(static_cast<NodeId>(n), 1);
  return use_moved;
}

bool Chooser::is_needed(const Term& term, const std::vector<bool>& use_moved) const {
  const auto in_version = [&](NodeId n, int version) {
    return use_moved[static_cast<size_t>(n)] == (version == 1);
  };
  if (term.made_in >= 0 && in_version(term.maker, term.made_in)) return false;
  return term.always_wanted || std::any_of(term.wanted_in.begin(), term.wanted_in.end(),
                                           [&](const auto& w) { return in_version(w.first, w.second); });
}

/// By the definition, so that a choice is never taken on the cut's word alone.
int64_t Chooser::cost(const std::vector<bool>& use_moved) const {
  int64_t sum = 0;
  for (const Term& term : terms_)
    if (is_needed(term, use_moved)) sum += weight(term);
  for (size_t n = 0; n < moved_.size(); ++n) sum += moved_[n] && use_moved[n] != (liked_[n] == 1);
  return sum;
}

LayoutChoice Chooser::cheapest() {
  size_weight_ = 1;
  for (const auto& moved : moved_) size_weight_ += moved.has_value();
  transpose_weight_ = 1;
  for (const Term& term : terms_) transpose_weight_ += term.size * size_weight_;

  LayoutChoice choice;
  const std::vector<bool> as_it_stands(moved_.size(), false);
  choice.use_moved = cut();
  choice.better = cost(choice.use_moved) < cost(as_it_stands);
  if (!choice.better) choice.use_moved = as_it_stands;
  for (const Term& term : terms_) choice.transposes += is_needed(term, choice.use_moved);
  choice.moved = std::move(moved_);
  return choice;
}

}  // namespace

LayoutChoice choose_layouts(const SeenGraph& graph, bool down_first) {
  return Chooser(graph).run(down_first);
}

}  // namespace pochade
