#include "passes/remove_identities.h"

#include <algorithm>
#include <numeric>

#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "passes/match.h"

namespace pochade {
namespace {

bool is_identity(const Transpose& op, const Fact& x) {
  if (!x.dims) return false;
  const std::vector<int64_t> perm = op.permutation(x.rank());
  for (size_t i = 0; i < perm.size(); ++i)
    if (perm[i] != static_cast<int64_t>(i)) return false;
  return true;
}

bool pads_nothing(const Facts& in) {
  if (!in[0].dims) return false;
  const auto sizes = pad_sizes(in, in[0].rank());
  const auto none = [](const std::vector<int64_t>& v) {
    return std::ranges::all_of(v, [](int64_t p) { return p == 0; });
  };
  return sizes && *sizes && none((*sizes)->begin) && none((*sizes)->end);
}

/// Positions are clamped, so a slice may take everything of a size that is not known: only its ranges tell.
bool takes_everything(const Facts& in) {
  const auto shape = in[0].shape();
  if (!shape) return false;
  for (size_t i = 1; i < in.size(); ++i)
    if (in[i].present() && !in[i].is_constant()) return false;
  const auto ranges = slice_ranges(in, *shape);
  if (!ranges) return false;
  for (int axis = 0; axis < shape->rank(); ++axis) {
    const SliceRange& range = (*ranges)[static_cast<size_t>(axis)];
    if (range.count != (*shape)[axis] || (range.count > 0 && range.start != 0) ||
        (range.count > 1 && range.step != 1))
      return false;
  }
  return true;
}

/// x + 0, 0 + x, x - 0, x * 1, 1 * x, x / 1: which input is x; kNone if it is none of these.
ValueId neutral_operand(const Finder& find, const Node& node) {
  if (node.inputs.size() != 2) return kNone;
  const bool sum = op_as<Add>(*node.op) != nullptr, product = op_as<Mul>(*node.op) != nullptr;
  const bool difference = op_as<Sub>(*node.op) != nullptr, quotient = op_as<Div>(*node.op) != nullptr;
  if (!sum && !product && !difference && !quotient) return kNone;
  const double neutral = sum || difference ? 0 : 1;
  if (all_elements_are(find.constant(node.inputs[1]), neutral)) return node.inputs[0];
  if ((sum || product) && all_elements_are(find.constant(node.inputs[0]), neutral)) return node.inputs[1];
  return kNone;
}

/// The input that the node's first output repeats; kNone if it computes something.
ValueId repeated_input(const Finder& find, const Node& node) {
  const ValueId x = input_of(node, 0);
  if (x == kNone) return kNone;
  const Graph& graph = find.graph();
  if (op_as<Identity>(*node.op) != nullptr) return x;
  if (const auto* dropout = op_as<Dropout>(*node.op)) return dropout->may_drop ? kNone : x;
  if (const auto* transpose = op_as<Transpose>(*node.op))
    return is_identity(*transpose, graph.fact(x)) ? x : kNone;
  if (op_as<Pad>(*node.op) != nullptr) return pads_nothing(graph.facts(node.inputs)) ? x : kNone;
  if (op_as<Slice>(*node.op) != nullptr) return takes_everything(graph.facts(node.inputs)) ? x : kNone;
  const Fact& y = graph.fact(node.outputs[0]);
  if (node.op->only_reshapes() || op_as<Cast>(*node.op) != nullptr)
    return same_type_and_shape(graph.fact(x), y) ? x : kNone;
  const ValueId operand = neutral_operand(find, node);
  return operand != kNone && same_type_and_shape(graph.fact(operand), y) ? operand : kNone;
}

}  // namespace

Result<Rewrite> remove_identities(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  for (const NodeId n : graph.topological_order()) {
    const Node& node = rewrite.graph().node(n);  // its inputs may have been redirected meanwhile
    const ValueId y = node.outputs[0];
    if (graph.fact(y).quantization || (find.users(y).empty() && !graph.is_output(y))) continue;
    const ValueId same = repeated_input(find, node);
    if (same != kNone) rewrite.redirect(y, same);
  }
  return rewrite;
}

}  // namespace pochade
