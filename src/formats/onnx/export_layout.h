#pragma once
// The Graph is channels-last, ONNX channels-first: the mirror image of what the import does.

#include "graph/graph.h"
#include "passes/permutation.h"

namespace pochade::onnx {

/// An operator of ours that reads and writes as ONNX lays values out. An order is empty where the layouts are
/// the same.
struct ChannelsFirst final : Op {
  OpPtr op;
  std::vector<Permutation> in;   ///< op's input i = transpose(given input i, in[i])
  std::vector<Permutation> out;  ///< output i = transpose(op's output i, out[i])

  std::string_view name() const override { return "ChannelsFirst"; }
  Result<Facts> infer(std::span<const Fact> facts) const override;
  Result<Tensors> eval(std::span<const Tensor> tensors) const override;
  void visit_fields(FieldVisitor& visitor) const override { visitor.op("op", *op); }
  bool deterministic() const override { return op->deterministic(); }
};

/// The same graph with every operator whose axes have a place in ONNX as a ChannelsFirst, and as few
/// Transposes as can be: none where the graph came from ONNX, since the import's own are undone.
Result<Graph> to_channels_first(const Graph& graph);

}  // namespace pochade::onnx
