#include "passes/fold_activation.h"

#include <cmath>
#include <limits>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "passes/activated.h"
#include "passes/match.h"

namespace pochade {
namespace {

/// A bound of Clip: `otherwise` if absent, NaN (never folded) if it is not constant.
float bound(const Finder& find, ValueId value, float otherwise) {
  if (value == kNone) return otherwise;
  const Tensor tensor = find.constant(value);
  return tensor.defined() && tensor.elements() == 1 ? to_floats(tensor)[0]
                                                    : std::numeric_limits<float>::quiet_NaN();
}

/// The node as an activation of its first input; empty if it is none.
std::optional<Activation> activation_at(const Finder& find, const Node& node) {
  using Kind = Activation::Kind;
  const Op& op = *node.op;
  if (op_as<Relu>(op) != nullptr) return Activation{Kind::kRelu, 0, 0};
  if (op_as<Sigmoid>(op) != nullptr) return Activation{Kind::kSigmoid, 0, 0};
  if (op_as<Tanh>(op) != nullptr) return Activation{Kind::kTanh, 0, 0};
  if (op_as<HardSwish>(op) != nullptr) return Activation{Kind::kHardSwish, 0, 0};
  if (op_as<Silu>(op) != nullptr) return Activation{Kind::kSilu, 0, 0};
  if (const auto* leaky = op_as<LeakyRelu>(op)) return Activation{Kind::kLeakyRelu, leaky->alpha, 0};
  if (const auto* elu = op_as<Elu>(op)) return Activation{Kind::kElu, elu->alpha, 0};
  if (const auto* hard = op_as<HardSigmoid>(op))
    return Activation{Kind::kHardSigmoid, hard->alpha, hard->beta};
  if (const auto* gelu = op_as<Gelu>(op); gelu != nullptr && !gelu->tanh_approximation)
    return Activation{Kind::kGelu, 0, 0};
  if (op_as<Clip>(op) != nullptr) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const float low = bound(find, input_of(node, 1), -kInfinity),
                high = bound(find, input_of(node, 2), kInfinity);
    if (std::isnan(low) || std::isnan(high)) return std::nullopt;
    if (low == 0 && high == kInfinity) return Activation{Kind::kRelu, 0, 0};
    return Activation{Kind::kClip, low, high};
  }
  return std::nullopt;
}

/// Whether `gate` is a function of x alone that makes x * gate a known one: that operator, else null.
OpPtr gated(const Finder& find, ValueId gate, ValueId x) {
  const Node& node = find.graph().node(find.graph().value(gate).producer);
  if (!node.op || input_of(node, 0) != x) return nullptr;
  if (op_as<Sigmoid>(*node.op) != nullptr) return make_op(Silu{});
  const auto* hard = op_as<HardSigmoid>(*node.op);
  const bool sixth = hard != nullptr && std::fabs(hard->alpha - 1.0f / 6) < 1e-7f && hard->beta == 0.5f;
  return sixth ? make_op(HardSwish{}) : nullptr;
}

}  // namespace

Result<Rewrite> fold_activation(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  std::set<NodeId> changed;
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    const auto act = activation_at(find, node);
    if (!act) continue;
    const ValueId x = node.inputs[0];
    const NodeId producer = graph.value(x).producer;
    // The activation of these operators is a float32 function.
    if (producer == kNone || find.sole_user(x) != n || graph.fact(x).dtype != DType::kF32) continue;
    const auto old = activation_of(*graph.node(producer).op);
    if (!old || !is_none(*old) || graph.node(producer).outputs.size() != 1 ||
        !changed.insert(producer).second)
      continue;
    const Node target = rewrite.graph().node(producer);
    rewrite.replace(producer, with_activation(*target.op, *act), target.inputs);
    rewrite.redirect(node.outputs[0], x);
  }
  return rewrite;
}

Result<Rewrite> fold_gates(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    if (op_as<Mul>(*node.op) == nullptr) continue;
    for (const size_t i : {0, 1}) {
      const ValueId x = node.inputs[i], gate = node.inputs[1 - i];
      if (graph.value(gate).producer == kNone) continue;
      if (OpPtr op = gated(find, gate, x)) {
        rewrite.replace(n, std::move(op), {x});
        break;
      }
    }
  }
  return rewrite;
}

}  // namespace pochade
