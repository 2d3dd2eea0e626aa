#include "passes/expand_qlinear.h"

#include "ops/conv/conv.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"
#include "passes/match.h"

namespace pochade {
namespace {

struct Site {
  const Finder& find;
  const Node node;  // a copy: the draft's nodes move in memory
  Rewrite& rewrite;

  bool is_constant(size_t i) const { return find.is_constant(input_of(node, i)); }
  bool is_single(size_t i) const {
    return is_constant(i) && find.constant(input_of(node, i)).elements() == 1;
  }
  /// Of the inputs i (integers), i + 1 (scale) and i + 2 (zero point).
  ValueId dequantize(size_t i, int64_t axis) const {
    DequantizeLinear op;
    op.axis = axis;
    return rewrite.node(format("{}/real{}", node.name, i), make_op(op),
                        {input_of(node, i), input_of(node, i + 1), input_of(node, i + 2)});
  }
};

/// A bias counts in x scale * w scale.
ValueId dequantized_bias(const Site& at) {
  const ValueId bias = input_of(at.node, 8);
  if (bias == kNone) return kNone;
  const float x_scale = to_floats(at.find.constant(input_of(at.node, 1)))[0];
  std::vector<float> scales = to_floats(at.find.constant(input_of(at.node, 4)));
  for (float& scale : scales) scale = x_scale * scale;
  const Shape shape = scales.size() == 1 ? Shape{} : Shape{static_cast<int64_t>(scales.size())};
  const ValueId scale = at.rewrite.constant(at.node.name + "/bias_scale", Tensor::of<float>(shape, scales));
  DequantizeLinear op;
  op.axis = 0;
  return at.rewrite.node(at.node.name + "/real_bias", make_op(op), {bias, scale});
}

/// Replaces the node by the quantization of `real`; y's scale is input `scale`.
void quantize(const Site& at, NodeId n, ValueId real, size_t scale) {
  at.rewrite.replace(n, make_op(QuantizeLinear{}),
                     {real, input_of(at.node, scale), input_of(at.node, scale + 1)});
}

void expand_conv(const Site& at, NodeId n, const QLinearConv& op) {
  const bool known = at.is_single(1) && at.is_single(2) && at.is_constant(4) && at.is_constant(5) &&
                     at.is_single(6) && at.is_single(7);
  if (!known || op.rounding != Rounding::kOnnx) return;
  Conv conv;
  conv.window = op.window;
  conv.groups = op.groups;
  std::vector<ValueId> inputs{at.dequantize(0, 0), at.dequantize(3, 0)};
  if (const ValueId bias = dequantized_bias(at); bias != kNone) inputs.push_back(bias);
  quantize(at, n, at.rewrite.node(at.node.name + "/real", make_op(conv), std::move(inputs)), 6);
}

void expand_matmul(const Site& at, NodeId n, const QLinearMatMul& op) {
  const Fact& b = at.find.graph().fact(at.node.inputs[3]);
  const bool known = at.is_single(1) && at.is_single(2) && at.is_constant(4) && at.is_constant(5) &&
                     at.is_single(6) && at.is_single(7) && b.rank_known();
  if (!known || op.rounding != Rounding::kOnnx) return;
  // A scale for each column, if not one for all.
  const Tensor scale = at.find.constant(at.node.inputs[4]);
  if (scale.elements() != 1 && (scale.rank() != 1 || b.rank() < 2)) return;
  const ValueId real = at.rewrite.node(at.node.name + "/real", make_op(MatMul{}),
                                       {at.dequantize(0, 0), at.dequantize(3, b.rank() - 1)});
  quantize(at, n, real, 6);
}

}  // namespace

Result<Rewrite> expand_qlinear(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  for (const NodeId n : graph.topological_order()) {
    const Site at{find, graph.node(n), rewrite};
    if (const auto* conv = op_as<QLinearConv>(*at.node.op)) expand_conv(at, n, *conv);
    if (const auto* matmul = op_as<QLinearMatMul>(*at.node.op)) expand_matmul(at, n, *matmul);
  }
  return rewrite;
}

}  // namespace pochade
