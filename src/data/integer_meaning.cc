#include "data/integer_meaning.h"

#include <algorithm>

#include "ops/elementwise/select.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantized.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

using Meaning = std::shared_ptr<const Quantization>;

/// Of DequantizeLinear and QuantizeLinear with one constant scale.
Meaning of_node(const Graph& graph, const Node& node) {
  const Tensor scale = graph.fact(node.inputs[1]).constant;
  if (!scale.defined() || scale.elements() != 1) return nullptr;
  Quantization out{to_floats(scale), {0}, -1, 0};
  if (node.inputs.size() > 2 && node.inputs[2] != kNone) {
    const Tensor zero = graph.fact(node.inputs[2]).constant;
    if (!zero.defined() || zero.elements() != 1) return nullptr;
    out.zero_point = {static_cast<int32_t>(to_int64s(zero)[0])};
  }
  return std::make_shared<const Quantization>(std::move(out));
}

bool moves(const Op& op) {
  return op.only_reshapes() || op_as<Transpose>(op) != nullptr;
}

/// As what makes the value says it.
Meaning as_made(const Graph& graph, ValueId value) {
  const NodeId producer = graph.value(value).producer;
  if (producer == kNone) return nullptr;
  const Node& node = graph.node(producer);
  if (op_as<QuantizeLinear>(*node.op)) return of_node(graph, node);
  return moves(*node.op) ? quantization_of(graph, node.inputs[0]) : nullptr;
}

/// As all its readers say it.
Meaning as_read(const Graph& graph, ValueId value) {
  Meaning out;
  for (const NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != value) continue;
      Meaning one;
      if (const auto* quantized = op_as<Quantized>(*node.op))
        one = quantized->in[i].quantization;
      else if (op_as<DequantizeLinear>(*node.op) && i == 0)
        one = of_node(graph, node);
      else if (i == 0 && moves(*node.op))
        one = as_read(graph, node.outputs[0]);
      if (!one || (out && !(*one == *out))) return nullptr;
      out = one;
    }
  }
  return out;
}

}  // namespace

Meaning quantization_of(const Graph& graph, ValueId value) {
  const Fact& fact = graph.fact(value);
  if (fact.quantization || !fact.dtype || !is_integer(*fact.dtype)) return fact.quantization;
  if (const Meaning made = as_made(graph, value)) return made;
  return as_read(graph, value);
}

}  // namespace pochade
