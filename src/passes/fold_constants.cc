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
  TRY(Facts out, node.op->infer(in));
  const bool may_evaluate = node.op->deterministic() && !blows_up(in, out);
  return may_evaluate ? infer_and_fold(*node.op, in, kFoldLimitBytes) : Result<Facts>(std::move(out));
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

Result<Rewrite> fold(const Graph& graph, const std::vector<bool>& kept) {
  Rewrite rewrite(graph);
  const auto users = graph.users();
  std::vector<Fact> known;  // by value: the graph's facts, made more precise by what was folded before
  for (ValueId v = 0; v < graph.value_count(); ++v) known.push_back(graph.fact(v));

  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    Facts in;
    for (const ValueId v : node.inputs) in.push_back(v == kNone ? Fact() : known[static_cast<size_t>(v)]);
    TRY(Facts out, folded(node, in).context("node \"{}\" ({})", node.name, node.op->name()));
    for (size_t i = 0; i < std::min(out.size(), node.outputs.size()); ++i) {
      Fact& fact = known[static_cast<size_t>(node.outputs[i])];
      if (refines(out[i], fact)) fact = out[i];
      if (!fact.is_constant() || fact.quantization || kept[static_cast<size_t>(node.outputs[i])]) continue;
      if (users[static_cast<size_t>(node.outputs[i])].empty() && !graph.is_output(node.outputs[i])) continue;
      const Value& value = graph.value(node.outputs[i]);
      rewrite.redirect(node.outputs[i], rewrite.constant(value.name, fact.constant));
    }
  }
  return rewrite;
}

}  // namespace

Result<Rewrite> fold_constants(const Graph& graph) {
  return fold(graph, std::vector<bool>(static_cast<size_t>(graph.value_count()), false));
}

Result<Rewrite> fold_plain_constants(const Graph& graph) {
  return fold(graph, dequantized_constants(graph));
}

}  // namespace pochade
