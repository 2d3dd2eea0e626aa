#include "passes/fold_batch_norm.h"

#include <cmath>

#include "ops/norm/batch_normalization.h"
#include "passes/activated.h"
#include "passes/affine.h"

namespace pochade {
namespace {

/// What the node does to each channel; empty if its statistics are not constant.
std::optional<Affine> affine_of(const Finder& find, NodeId id, const BatchNormalization& norm) {
  const Node& node = find.graph().node(id);
  const Fact& x = find.graph().fact(node.inputs[0]);
  if (norm.training || node.outputs.size() != 1 || !x.dims || !x.dims->back().is_number())
    return std::nullopt;
  const int64_t channels = x.dims->back().number();
  const auto values = [&](size_t i) { return channel_values(find.constant(input_of(node, i)), 1, channels); };
  const auto gain = values(1), bias = values(2), mean = values(3), variance = values(4);
  if (!gain || !bias || !mean || !variance) return std::nullopt;
  Affine out{id, node.inputs[0], *gain, *bias};
  for (size_t c = 0; c < out.scale.size(); ++c) {
    out.scale[c] = (*gain)[c] / std::sqrt((*variance)[c] + static_cast<double>(norm.epsilon));
    out.shift[c] = (*bias)[c] - (*mean)[c] * out.scale[c];
  }
  return out;
}

}  // namespace

Result<Rewrite> fold_batch_norm(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  AffineFolder folder(rewrite, find);
  for (const NodeId n : graph.topological_order()) {
    const auto* norm = op_as<BatchNormalization>(*graph.node(n).op);
    if (norm == nullptr) continue;
    const auto affine = affine_of(find, n, *norm);
    if (!affine) continue;
    if (folder.into_producer(*affine)) {
      const NodeId producer = graph.value(affine->x).producer;
      const Node changed = rewrite.graph().node(producer);
      if (!is_none(norm->act))
        rewrite.replace(producer, with_activation(*changed.op, norm->act), changed.inputs);
    } else if (is_none(norm->act)) {
      folder.into_user(*affine);
    }
  }
  return rewrite;
}

}  // namespace pochade
