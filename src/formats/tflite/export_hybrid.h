#pragma once
// Layers with integer weights and real activations: what the import wrote out in single steps (hybrid.h) as
// one layer again.

#include "graph/graph.h"
#include "ops/activation.h"
#include "ops/quant/quantized.h"

namespace pochade::tflite {

/// A Conv or a Gemm whose activations are quantized by rows while it runs: x float32, w int8, b float32.
/// For the writer alone: it is never evaluated.
struct HybridLayer final : Op {
  OpPtr op;
  Quantized::Type weights;
  bool symmetric = true;  ///< of the activations (QuantizeRows)
  Activation act;

  std::string_view name() const override { return op->name(); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  void visit_fields(FieldVisitor& visitor) const override { visitor.op("op", *op); }
  bool deterministic() const override { return false; }  // never folded, never merged
};

/// The same graph with every such group as a HybridLayer.
Result<Graph> join_hybrid_layers(const Graph& graph);

}  // namespace pochade::tflite
