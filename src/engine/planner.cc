#include "engine/planner.h"

#include <algorithm>

#include "ops/list.h"

namespace pochade {
namespace {

using Kind = Location::Kind;

/// Builds one plan. Values that only reshape another, or overwrite an input in place, share its buffer:
/// `root_` is a union-find.
class Planner {
 public:
  Planner(Graph graph, const Kernels& kernels, PackedWeights& weights)
      : kernels_(kernels), weights_(weights) {
    plan_.graph = std::move(graph);
  }

  Result<Plan> make() {
    order_ = plan_.graph.topological_order();
    const size_t values = static_cast<size_t>(plan_.graph.value_count());
    plan_.locations.resize(values);
    root_.resize(values);
    for (size_t v = 0; v < values; ++v) root_[v] = static_cast<ValueId>(v);
    place_given_values();
    TRY(lower_nodes());
    find_lives();
    share_buffers();
    place_outputs();
    place_arena();
    return std::move(plan_);
  }

 private:
  const Graph& graph() const { return plan_.graph; }
  Location& at(ValueId v) { return plan_.locations[static_cast<size_t>(v)]; }
  ValueId root(ValueId v) const {
    while (root_[static_cast<size_t>(v)] != v) v = root_[static_cast<size_t>(v)];
    return v;
  }
  size_t bytes(ValueId v) const {
    const Fact& fact = graph().fact(v);
    return static_cast<size_t>(fact.shape()->elements()) * size_of(*fact.dtype);
  }

  void place_given_values() {
    for (ValueId v = 0; v < graph().value_count(); ++v)
      if (graph().fact(v).is_constant()) at(v).kind = Kind::kConstant;
    for (size_t i = 0; i < graph().inputs().size(); ++i) at(graph().inputs()[i]) = {Kind::kInput, 0, i};
    for (size_t i = 0; i < graph().states().size(); ++i) at(graph().states()[i].read) = {Kind::kState, 0, i};
    // A size that depends on the data makes a tensor while running; so does everything computed from it.
    for (const NodeId n : order_)
      for (const ValueId v : graph().node(n).outputs) {
        const Fact& fact = graph().fact(v);
        if (fact.present() && !fact.is_constant() && !fact.shape()) at(v).kind = Kind::kDynamic;
      }
  }

  Status lower_nodes() {
    for (const NodeId n : order_) {
      const Node& node = graph().node(n);
      if (std::all_of(node.outputs.begin(), node.outputs.end(),
                      [&](ValueId v) { return at(v).kind == Kind::kConstant || !graph().fact(v).present(); }))
        continue;  // folded
      PlannedStep planned;
      planned.op = node.op;
      planned.name = node.name;
      planned.inputs = node.inputs;
      planned.outputs = node.outputs;
      const auto dynamic = [&](ValueId v) { return v != kNone && at(v).kind == Kind::kDynamic; };
      planned.data_dependent = std::any_of(node.inputs.begin(), node.inputs.end(), dynamic) ||
                               std::any_of(node.outputs.begin(), node.outputs.end(), dynamic);
      if (!planned.data_dependent) {
        const Facts in = graph().facts(node.inputs), out = graph().facts(node.outputs);
        const Lowering lowering{kernels_, in, out, weights_};
        TRY(planned.step, Result<Step>(lower_op(*node.op, lowering))
                              .context("node \"{}\" ({})", node.name, node.op->name()));
      }
      plan_.steps.push_back(std::move(planned));
    }
    return {};
  }

  void find_lives() {
    last_use_.assign(static_cast<size_t>(graph().value_count()), -1);
    first_.assign(last_use_.size(), -1);
    const int end = static_cast<int>(plan_.steps.size());
    for (int s = 0; s < end; ++s) {
      for (const ValueId v : plan_.steps[static_cast<size_t>(s)].inputs)
        if (v != kNone) last_use_[static_cast<size_t>(v)] = s;
      for (const ValueId v : plan_.steps[static_cast<size_t>(s)].outputs) {
        first_[static_cast<size_t>(v)] = s;
        last_use_[static_cast<size_t>(v)] = std::max(last_use_[static_cast<size_t>(v)], s);
      }
    }
    for (const GraphOutput& o : graph().outputs()) last_use_[static_cast<size_t>(o.value)] = end;
    for (const State& s : graph().states()) last_use_[static_cast<size_t>(s.next)] = end;
  }

  /// `value` lives in the buffer of `with` from now on.
  void unite(ValueId value, ValueId with) {
    const ValueId to = root(with);
    root_[static_cast<size_t>(value)] = to;
    int& last = last_use_[static_cast<size_t>(to)];
    last = std::max(last, last_use_[static_cast<size_t>(value)]);
  }

  void share_buffers() {
    for (int s = 0; s < static_cast<int>(plan_.steps.size()); ++s) {
      PlannedStep& planned = plan_.steps[static_cast<size_t>(s)];
      if (planned.data_dependent || planned.outputs.empty()) continue;
      const ValueId out = planned.outputs[0];
      if (at(out).kind != Kind::kAbsent || !graph().fact(out).present()) continue;
      if (planned.op->only_reshapes()) {
        const ValueId in = planned.inputs[0];
        if (at(in).kind == Kind::kAbsent) {
          unite(out, in);
        } else {
          at(out) = at(in);
        }
        planned.step.kernel = "none";
        planned.step.why = "the same elements under another shape";
        planned.step.phases.clear();
        continue;
      }
      for (const int i : planned.step.in_place_inputs) {
        const ValueId in = planned.inputs[static_cast<size_t>(i)];
        if (in == kNone || at(in).kind != Kind::kAbsent) continue;
        const ValueId buffer = root(in);
        const bool read_again = std::count(planned.inputs.begin(), planned.inputs.end(), in) > 1;
        if (last_use_[static_cast<size_t>(buffer)] != s || bytes(in) != bytes(out) ||
            bytes(buffer) != bytes(out) || read_again)
          continue;
        unite(out, in);
        break;
      }
    }
  }

  /// A graph output is written straight into the caller's memory where its buffer allows it.
  void place_outputs() {
    for (size_t i = 0; i < graph().outputs().size(); ++i) {
      const ValueId v = graph().outputs()[i].value;
      const ValueId r = root(v);
      if (at(r).kind == Kind::kAbsent && graph().value(r).producer != kNone && bytes(r) == bytes(v))
        at(r) = {Kind::kOutput, 0, i};
    }
  }

  void place_arena() {
    std::vector<BufferLife> lives;
    std::vector<ValueId> owners;
    for (ValueId v = 0; v < graph().value_count(); ++v) {
      const size_t i = static_cast<size_t>(v);
      if (root_[i] != v || at(v).kind != Kind::kAbsent || first_[i] < 0 || !graph().fact(v).present())
        continue;
      lives.push_back({bytes(v), first_[i], last_use_[i], 0});
      owners.push_back(v);
    }
    const size_t value_buffers = lives.size();
    std::vector<PlannedStep*> with_scratch;
    for (int s = 0; s < static_cast<int>(plan_.steps.size()); ++s) {
      PlannedStep& planned = plan_.steps[static_cast<size_t>(s)];
      plan_.thread_scratch_bytes = std::max(plan_.thread_scratch_bytes, planned.step.thread_scratch_bytes);
      if (planned.step.shared_scratch_bytes == 0) continue;
      lives.push_back({planned.step.shared_scratch_bytes, s, s, 0});
      with_scratch.push_back(&planned);
    }
    plan_.arena_bytes = assign_offsets(lives);
    plan_.live_bytes = largest_live_bytes(lives);
    for (size_t i = 0; i < value_buffers; ++i) at(owners[i]) = {Kind::kArena, lives[i].offset, 0};
    for (size_t i = 0; i < with_scratch.size(); ++i)
      with_scratch[i]->shared_scratch_offset = lives[value_buffers + i].offset;
    for (ValueId v = 0; v < graph().value_count(); ++v)
      if (root(v) != v) at(v) = at(root(v));
  }

  Plan plan_;
  const Kernels& kernels_;
  PackedWeights& weights_;
  std::vector<NodeId> order_;
  std::vector<ValueId> root_;
  std::vector<int> first_, last_use_;
};

}  // namespace

Result<Plan> make_plan(Graph graph, const Kernels& kernels, PackedWeights& weights) {
  return Planner(std::move(graph), kernels, weights).make();
}

}  // namespace pochade
