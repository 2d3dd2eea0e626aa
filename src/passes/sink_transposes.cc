#include "passes/sink_transposes.h"

#include <algorithm>
#include <set>

#include "ops/index/gather.h"
#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"
#include "passes/layout_choice.h"

// A Transpose only says how its reader looks at a value: each value is a *root*, which some other operator
// made, seen in a *layout* (passes/layouts.h). What order of axes each node runs in is chosen for the whole
// graph at once (passes/layout_choice.h), by forms of nodes that compute the same (passes/move_axes.h). What
// is left to do here is to build it, with a transpose wherever a root is wanted in a layout in which it is
// not made.

namespace pochade {
namespace {

/// Builds what was chosen: moved nodes anew, the others with other inputs where these moved.
class Builder {
 public:
  Builder(const SeenGraph& graph, const LayoutChoice& choice, Rewrite& rewrite)
      : graph_(graph), choice_(choice), rewrite_(rewrite) {}

  void run() {
    for (size_t n = 0; n < choice_.moved.size(); ++n)
      if (choice_.use_moved[n])
        for (const MovedConstant& c : choice_.moved[n]->constants) constants_[{c.node, c.input}] = c.constant;
    for (const NodeId n : graph_.order()) {
      const Node old = graph_.node(n);  // a copy: the draft's nodes move in memory
      if (graph_.is_view(n))
        note_view(old);
      else if (reads_sizes_only(*old.op))
        build_sizes(n, old);
      else if (choice_.use_moved[static_cast<size_t>(n)])
        build_moved(old, *choice_.moved[static_cast<size_t>(n)]);
      else
        build_kept(n, old);
    }
    std::set<ValueId> outputs;
    for (const GraphOutput& output : graph_.graph().outputs()) outputs.insert(output.value);
    for (const State& state : graph_.graph().states()) outputs.insert(state.next);
    for (const ValueId v : outputs) rewrite_.redirect(v, get(v));
  }

 private:
  struct Made {
    Layout layout;
    ValueId value = kNone;
    bool by_reshape = false;
  };

  const std::string& name(ValueId v) const { return graph_.graph().value(v).name; }

  void note_view(const Node& old) {
    const Seen& y = graph_.seen(old.outputs[0]);
    if (y.root == old.inputs[0])
      views_[y.root].push_back({y.layout, old.outputs[0], old.op->only_reshapes()});
  }

  /// What there is of a root, as it is made first.
  std::vector<Made>& made(ValueId root) {
    std::vector<Made>& list = made_[root];
    if (list.empty()) list.push_back({as_it_is(graph_.fact(root)), root, false});
    return list;
  }

  ValueId get(ValueId v) { return get(graph_.seen(v).root, graph_.seen(v).layout); }

  /// transpose(root, layout), by a new node if there is no such value yet.
  ValueId get(ValueId root, const Layout& layout) {
    std::vector<Made>& list = made(root);
    if (layout.empty()) return list[0].value;
    for (const Made& m : list)
      if (m.layout == layout) return m.value;
    // By a Reshape, if only axes of size 1 stand elsewhere.
    const Fact& fact = graph_.fact(root);
    const Layout key = key_of(fact, layout);
    const auto alike =
        std::find_if(list.begin(), list.end(), [&](const Made& m) { return key_of(fact, m.layout) == key; });
    const bool by_reshape = alike != list.end();
    if (list[0].value == root)  // not moved: what the old graph has of it holds
      for (const Made& view : views_[root])
        if (view.layout == layout && view.by_reshape == by_reshape) {
          list.push_back(view);
          return view.value;
        }
    const ValueId value = by_reshape ? reshape(root, alike->value, layout) : transpose(root, list[0], layout);
    list.push_back({layout, value, by_reshape});
    return value;
  }

  ValueId reshape(ValueId root, ValueId from, const Layout& layout) {
    std::vector<int64_t> sizes;
    for (const int axis : layout) {
      const Dim& dim = graph_.fact(root).dim(axis);
      sizes.push_back(dim.is_number() ? dim.number() : -1);
    }
    return rewrite_.node(name(root) + "/reshaped", make_op(Reshape{}),
                         {from, integers(name(root) + "/shape", sizes)});
  }

  ValueId transpose(ValueId root, const Made& from, const Layout& layout) {
    const Permutation order = compose(undone(from.layout), layout);
    Transpose op;
    op.perm.assign(order.begin(), order.end());
    return rewrite_.node(name(root) + "/transposed", make_op(op), {from.value});
  }

  ValueId integers(std::string constant_name, const std::vector<int64_t>& values) {
    return rewrite_.constant(std::move(constant_name),
                             Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }

  /// Sizes can be read in any layout: takes the one that is there, and puts them in order afterwards.
  void build_sizes(NodeId n, const Node& old) {
    const Seen& x = graph_.seen(old.inputs[0]);
    const Made& from = made(x.root)[0];
    if (from.value == old.inputs[0]) return;
    const auto* shape = op_as<ShapeOp>(*old.op);
    const Permutation order =
        from.layout.empty() || x.layout.empty() ? Permutation() : compose(undone(from.layout), x.layout);
    if (!shape || is_identity(order)) {
      rewrite_.set_inputs(n, {from.value});
      return;
    }
    const auto rank = static_cast<int64_t>(order.size());
    const auto clamped = [&](int64_t axis) {
      return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
    };
    std::vector<int64_t> wanted;
    for (int64_t axis = clamped(shape->start); axis < clamped(shape->end); ++axis)
      wanted.push_back(order[static_cast<size_t>(axis)]);
    const ValueId sizes = rewrite_.node(old.name + "/sizes", make_op(ShapeOp{}), {from.value});
    rewrite_.replace(n, make_op(Gather{}), {sizes, integers(old.name + "/axes", wanted)});
  }

  void build_kept(NodeId n, const Node& old) {
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < old.inputs.size(); ++i) {
      const auto reordered = constants_.find({n, static_cast<int>(i)});
      if (old.inputs[i] == kNone)
        inputs.push_back(kNone);
      else if (reordered != constants_.end())
        inputs.push_back(rewrite_.constant(name(old.inputs[i]), reordered->second));
      else
        inputs.push_back(get(old.inputs[i]));
    }
    if (inputs != old.inputs) rewrite_.set_inputs(n, std::move(inputs));
  }

  void build_moved(const Node& old, const MovedNode& moved) {
    std::vector<ValueId> inputs;
    for (const MovedInput& input : moved.inputs) {
      const ValueId source = input.source == kNone ? kNone : old.inputs[static_cast<size_t>(input.source)];
      if (input.constant.defined()) {
        inputs.push_back(
            rewrite_.constant(source == kNone ? old.name + "/constant" : name(source), input.constant));
      } else if (source == kNone) {
        inputs.push_back(kNone);
      } else {
        const Seen& x = graph_.seen(source);
        inputs.push_back(
            get(x.root, input.order.empty() ? x.layout : compose(x.layout, undone(input.order))));
      }
    }
    const auto outputs = rewrite_.nodes(old.name, moved.op, std::move(inputs));
    for (size_t j = 0; j < old.outputs.size() && j < outputs.size(); ++j) {
      const Permutation& order = moved.outputs[j];
      made_[old.outputs[j]] = {
          {order.empty() ? as_it_is(graph_.fact(old.outputs[j])) : undone(order), outputs[j], false}};
    }
  }

  const SeenGraph& graph_;
  const LayoutChoice& choice_;
  Rewrite& rewrite_;
  std::map<std::pair<NodeId, int>, Tensor> constants_;  // inputs whose rows were reordered
  std::map<ValueId, std::vector<Made>> made_;           // by root
  std::map<ValueId, std::vector<Made>> views_;          // by root: what the old graph has of it
};

}  // namespace

Result<Rewrite> sink_transposes(const Graph& graph) {
  const SeenGraph seen(graph);
  int now = 0;
  for (const NodeId n : seen.order()) now += seen.is_view(n) && op_as<Transpose>(*seen.node(n).op);
  // Two orders of looking for candidates; each is as good as the other on most graphs.
  LayoutChoice best = choose_layouts(seen, true);
  if (LayoutChoice other = choose_layouts(seen, false); other.transposes < best.transposes)
    best = std::move(other);
  Rewrite rewrite(graph);
  if (best.better || best.transposes < now) Builder(seen, best, rewrite).run();
  return rewrite;
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
