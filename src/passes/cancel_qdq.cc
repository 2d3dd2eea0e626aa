#include "passes/cancel_qdq.h"

#include "ops/quant/quantize_linear.h"
#include "passes/match.h"

namespace pochade {
namespace {

/// Scale and zero point i of both nodes are the same, whether absent, one value or equal constants.
bool same_parameter(const Finder& find, const Node& a, const Node& b, size_t i) {
  const ValueId va = input_of(a, i), vb = input_of(b, i);
  if (va == vb) return true;
  return find.is_constant(va) && find.is_constant(vb) && find.constant(va).identical(find.constant(vb));
}

/// Float rounding cannot move (q * scale) / scale as far as to another integer: q has at most 17 bits, and
/// scale is normal.
bool scales_are_normal(const Tensor& scale) {
  if (!scale.defined() || scale.dtype() != DType::kF32) return false;
  for (const float s : scale.data<float>())
    if (!(s >= 1e-30f && s <= 1e30f)) return false;
  return true;
}

}  // namespace

Result<Rewrite> cancel_qdq(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    const auto* quantize = op_as<QuantizeLinear>(*node.op);
    if (quantize == nullptr) continue;
    const auto* dequantize = find.producer<DequantizeLinear>(node.inputs[0]);
    if (dequantize == nullptr) continue;
    const Node& before = graph.node(graph.value(node.inputs[0]).producer);
    const bool same_way =
        quantize->axis == dequantize->axis && quantize->block_size == dequantize->block_size;
    if (!same_way || !same_parameter(find, node, before, 1) || !same_parameter(find, node, before, 2))
      continue;
    const Fact &x = graph.fact(before.inputs[0]), &y = graph.fact(node.outputs[0]);
    if (!same_type_and_shape(x, y) || !scales_are_normal(find.constant(node.inputs[1]))) continue;
    rewrite.redirect(node.outputs[0], rewrite.graph().node(graph.value(node.inputs[0]).producer).inputs[0]);
  }
  return rewrite;
}

}  // namespace pochade
