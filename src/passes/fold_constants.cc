#include "passes/fold_constants.h"

#include <algorithm>

#include "ops/quant/quantize_linear.h"
#include "passes/quantized_values.h"

namespace pochade {
namespace {

// A result of at least this many bytes that is this many times larger than all inputs together is not worth a
// constant.
constexpr int64_t kBigBytes = int64_t{1} << 20;
constexpr int64_t kMaxGrowth = 8;

bool blows_up(std::span<const Fact> in, std::span<const Fact> out) {
  const int64_t out_bytes = bytes_of(out);
  return out_bytes >= kBigBytes && out_bytes / kMaxGrowth > bytes_of(in);
}

/// What `node` gives if its inputs are the facts `in`; constant where that can be computed within the limits.
Result<Facts> folded(const Node& node, const Facts& in) {
  const bool known = std::all_of(in.begin(), in.end(),
                                 [](const Fact& fact) { return !fact.present() || fact.is_constant(); });
  if (!known || !node.op->deterministic()) return infer_and_fold(*node.op, in, 0);
  TRY(Facts out, node.op->infer(in));
  return blows_up(in, out) ? Result<Facts>(std::move(out)) : infer_and_fold(*node.op, in, kFoldLimitBytes);
}

/// By value: whether it is made of dequantized constants. Files may turn the integers before that, and such
/// integers become constants only in this pass.
std::vector<bool> dequantized_constants(const Graph& graph) {
  std::vector<bool> out(static_cast<size_t>(graph.value_count()), false);
  std::vector<bool> constant;
  for (ValueId v = 0; v < graph.value_count(); ++v) constant.push_back(graph.fact(v).is_constant());
  const auto is_constant = [&](ValueId v) { return v == kNone || constant[static_cast<size_t>(v)]; };
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    if (node.inputs.empty() || node.inputs[0] == kNone) continue;
    if (node.op->deterministic() && std::ranges::all_of(node.inputs, is_constant))
      for (const ValueId y : node.outputs) constant[static_cast<size_t>(y)] = true;
    const bool is_source = op_as<DequantizeLinear>(*node.op) && is_constant(node.inputs[0]);
    const bool is_moved = moves_weights(*node.op) && out[static_cast<size_t>(node.inputs[0])];
    for (const ValueId y : node.outputs) out[static_cast<size_t>(y)] = is_source || is_moved;
  }
  return out;
}

/// Folds all but the values that are `kept`, which are computed only where something else is made of them.
class ConstantFolder {
 public:
  ConstantFolder(const Graph& graph, std::vector<bool> kept) : graph_(graph), kept_(std::move(kept)) {
    for (ValueId v = 0; v < graph.value_count(); ++v) known_.push_back(graph.fact(v));
  }

  Result<Rewrite> run() && {
    Rewrite rewrite(graph_);
    const auto users = graph_.users();
    for (const NodeId n : graph_.topological_order()) {
      const Node& node = graph_.node(n);
      if (std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId v) { return is_kept(v); }))
        continue;
      if (can_be_known(node))
        for (const ValueId v : node.inputs) TRY(compute(v));
      TRY(learn(node));
      for (const ValueId v : node.outputs) {
        const Fact& fact = known_[static_cast<size_t>(v)];
        if (!fact.is_constant() || fact.quantization || is_kept(v)) continue;
        if (users[static_cast<size_t>(v)].empty() && !graph_.is_output(v)) continue;
        rewrite.redirect(v, rewrite.constant(graph_.value(v).name, fact.constant));
      }
    }
    return rewrite;
  }

 private:
  bool is_kept(ValueId v) const { return kept_[static_cast<size_t>(v)]; }

  bool can_be_known(const Node& node) const {
    return node.op->deterministic() && std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
             return v == kNone || is_kept(v) || known_[static_cast<size_t>(v)].is_constant();
           });
  }

  Status learn(const Node& node) {
    Facts in;
    for (const ValueId v : node.inputs) in.push_back(v == kNone ? Fact() : known_[static_cast<size_t>(v)]);
    TRY(const Facts out, folded(node, in).context("node \"{}\" ({})", node.name, node.op->name()));
    for (size_t i = 0; i < std::min(out.size(), node.outputs.size()); ++i) {
      Fact& fact = known_[static_cast<size_t>(node.outputs[i])];
      if (refines(out[i], fact)) fact = out[i];
    }
    return {};
  }

  /// A kept value, from its first constant on.
  Status compute(ValueId value) {
    std::vector<const Node*> nodes;
    for (ValueId v = value; v != kNone && is_kept(v) && !known_[static_cast<size_t>(v)].is_constant();
         v = nodes.back()->inputs[0])
      nodes.push_back(&graph_.node(graph_.value(v).producer));
    for (; !nodes.empty(); nodes.pop_back()) TRY(learn(*nodes.back()));
    return {};
  }

  const Graph& graph_;
  const std::vector<bool> kept_;
  std::vector<Fact> known_;  // by value: the graph's facts, made more precise by what was folded before
};

}  // namespace

Result<Rewrite> fold_constants(const Graph& graph) {
  return ConstantFolder(graph, std::vector<bool>(static_cast<size_t>(graph.value_count()), false)).run();
}

Result<Rewrite> fold_plain_constants(const Graph& graph) {
  return ConstantFolder(graph, dequantized_constants(graph)).run();
}

}  // namespace pochade
