#include "passes/fold_scale_bias.h"

#include "ops/elementwise/binary.h"
#include "ops/matrix/gemm.h"
#include "passes/affine.h"

namespace pochade {
namespace {

/// Add, Sub, Mul or Div of a value and a constant a channel, as scale and shift; empty if the node is none of
/// these.
std::optional<Affine> affine_of(const Finder& find, NodeId id) {
  const Node& node = find.graph().node(id);
  const bool sum = op_as<Add>(*node.op) != nullptr, difference = op_as<Sub>(*node.op) != nullptr;
  const bool product = op_as<Mul>(*node.op) != nullptr, quotient = op_as<Div>(*node.op) != nullptr;
  if (!sum && !difference && !product && !quotient) return std::nullopt;
  const bool constant_first = find.is_constant(node.inputs[0]);
  if (constant_first && (quotient || find.is_constant(node.inputs[1]))) return std::nullopt;
  const ValueId x = node.inputs[constant_first ? 1 : 0];
  const Fact &fact = find.graph().fact(x), &y = find.graph().fact(node.outputs[0]);
  if (!fact.dims || fact.dims->empty() || !fact.dims->back().is_number() || !same_type_and_shape(fact, y))
    return std::nullopt;
  const auto values = channel_values(find.constant(node.inputs[constant_first ? 0 : 1]), fact.rank(),
                                     fact.dims->back().number());
  if (!values) return std::nullopt;

  Affine out{id, x, std::vector<double>(values->size(), 1.0), std::vector<double>(values->size(), 0.0)};
  for (size_t c = 0; c < values->size(); ++c) {
    const double v = (*values)[c];
    if (sum) out.shift[c] = v;
    if (product) out.scale[c] = v;
    if (quotient) out.scale[c] = 1 / v;
    if (difference) out.shift[c] = constant_first ? v : -v;
    if (difference && constant_first) out.scale[c] = -1;
  }
  return out;
}

/// MatMul(x, w) + bias -> Gemm(x, w, bias), for matrices.
bool make_gemm(Rewrite& rewrite, const Finder& find, const Affine& affine, NodeId add) {
  const Graph& graph = find.graph();
  if (find.producer<MatMul>(affine.x) == nullptr || op_as<Add>(*graph.node(add).op) == nullptr) return false;
  if (find.sole_user(affine.x) != add) return false;
  const Node product = rewrite.graph().node(graph.value(affine.x).producer);
  for (const ValueId v : product.inputs)
    if (!graph.fact(v).dims || graph.fact(v).rank() != 2) return false;
  const std::vector<float> bias(affine.shift.begin(), affine.shift.end());
  const ValueId c = rewrite.constant(graph.node(add).name + ".bias",
                                     Tensor::of<float>({static_cast<int64_t>(bias.size())}, bias));
  rewrite.replace(add, make_op(Gemm{}), {product.inputs[0], product.inputs[1], c});
  return true;
}

}  // namespace

Result<Rewrite> fold_scale_bias(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  AffineFolder folder(rewrite, find);
  for (const NodeId n : graph.topological_order()) {
    const auto affine = affine_of(find, n);
    if (!affine) continue;
    if (!make_gemm(rewrite, find, *affine, n) && !folder.into_producer(*affine)) folder.into_user(*affine);
  }
  return rewrite;
}

}  // namespace pochade
