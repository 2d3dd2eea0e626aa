#include "formats/tflite/export_hybrid.h"

#include <set>

#include "formats/graph_copy.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/quantize_rows.h"
#include "passes/match.h"

namespace pochade::tflite {
namespace {

/// The nodes of one layer, and what it is made of.
struct Group {
  std::set<NodeId> nodes;
  NodeId layer = kNone;
  ValueId x = kNone, bias = kNone, result = kNone;
  Tensor weights;
  std::vector<float> scales;
  bool symmetric = true;
  Activation act;
};

class Joiner {
 public:
  explicit Joiner(const Graph& graph) : find_(graph), copy_(graph) {}

  Result<Graph> run() {
    for (const NodeId id : copy_.order()) {
      const Node& node = find_.graph().node(id);
      if (op_as<QuantizeRows>(*node.op) == nullptr) continue;
      TRY(std::optional<Group> group, group_of(id));
      if (!group) continue;
      inside_.insert(group->nodes.begin(), group->nodes.end());
      const NodeId last = find_.graph().value(group->result).producer;
      groups_.emplace(last, *std::move(group));
    }
    for (const NodeId id : copy_.order()) {
      if (const auto found = groups_.find(id); found != groups_.end()) {
        TRY(write(found->second));
      } else if (!inside_.contains(id)) {
        TRY(copy_.copy(id));
      }
    }
    return std::move(copy_).finish();
  }

 private:
  /// The only reader of a value if it is a D with another input beside it: that input, and the reader.
  template <typename D>
  NodeId reader(ValueId value) const {
    const NodeId user = find_.sole_user(value);
    return user != kNone && op_as<D>(*find_.graph().node(user).op) ? user : kNone;
  }
  static ValueId other(const Node& node, ValueId value) {
    return node.inputs.size() != 2 ? kNone : node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
  }

  /// QuantizeRows -> Conv or Gemm -> Mul by (row scale times weight scale) -> Add of a bias -> activation.
  Result<std::optional<Group>> group_of(NodeId rows_id) const {
    const Graph& graph = find_.graph();
    const Node& rows = graph.node(rows_id);
    Group out;
    out.x = rows.inputs[0];
    out.symmetric = op_as<QuantizeRows>(*rows.op)->symmetric;
    out.layer = find_.sole_user(rows.outputs[0]);
    const NodeId scale = reader<Mul>(rows.outputs[1]);
    if (out.layer == kNone || scale == kNone) return std::optional<Group>();
    const Node& layer = graph.node(out.layer);
    const bool is_layer = op_as<Conv>(*layer.op) != nullptr || op_as<Gemm>(*layer.op) != nullptr;
    if (!is_layer || layer.inputs.size() != 2 || layer.inputs[0] != rows.outputs[0])
      return std::optional<Group>();
    const ValueId scales = other(graph.node(scale), rows.outputs[1]);
    if (!find_.is_constant(scales)) return std::optional<Group>();
    out.scales = to_floats(find_.constant(scales));
    const NodeId cast = graph.value(layer.inputs[1]).producer;
    if (cast == kNone || op_as<Cast>(*graph.node(cast).op) == nullptr) return std::optional<Group>();
    TRY(out.weights, constant_value(graph, graph.node(cast).inputs[0]));
    if (!out.weights.defined() || out.weights.dtype() != DType::kI8) return std::optional<Group>();
    const NodeId scaled = reader<Mul>(layer.outputs[0]);
    if (scaled == kNone || other(graph.node(scaled), layer.outputs[0]) != graph.node(scale).outputs[0])
      return std::optional<Group>();
    out.nodes = {rows_id, out.layer, scale, scaled};
    out.result = graph.node(scaled).outputs[0];
    take_bias_and_activation(out);
    return std::optional(std::move(out));
  }

  void take_bias_and_activation(Group& group) const {
    const Graph& graph = find_.graph();
    if (const NodeId add = reader<Add>(group.result); add != kNone) {
      const ValueId bias = other(graph.node(add), group.result);
      if (find_.is_constant(bias) && graph.fact(bias).rank() == 1) {
        group.bias = bias;
        take(group, add);
      }
    }
    if (const NodeId relu = reader<Relu>(group.result); relu != kNone) {
      group.act = {ActivationKind::kRelu, 0, 0};
      take(group, relu);
    } else if (const NodeId clip = reader<Clip>(group.result); clip != kNone) {
      const Node& node = graph.node(clip);
      const Tensor low = find_.constant(input_of(node, 1)), high = find_.constant(input_of(node, 2));
      if (!low.defined() || !high.defined()) return;
      group.act = {ActivationKind::kClip, to_floats(low)[0], to_floats(high)[0]};
      take(group, clip);
    }
  }

  void take(Group& group, NodeId node) const {
    group.nodes.insert(node);
    group.result = find_.graph().node(node).outputs[0];
  }

  Status write(const Group& group) {
    const Node& layer = find_.graph().node(group.layer);
    HybridLayer op;
    op.op = layer.op;
    op.symmetric = group.symmetric;
    op.act = group.act;
    Quantization scales;
    scales.scale = group.scales;
    scales.zero_point.assign(group.scales.size(), 0);
    scales.axis = group.scales.size() > 1 ? 0 : -1;
    op.weights = {DType::kI8, std::make_shared<const Quantization>(std::move(scales))};
    std::vector<ValueId> inputs{copy_.now(group.x), copy_.constant(layer.name + "/weights", group.weights)};
    if (group.bias != kNone) inputs.push_back(copy_.now(group.bias));
    TRY(const ValueId made, copy_.add(layer.name, make_op(std::move(op)), std::move(inputs)));
    copy_.set(group.result, made);
    return {};
  }

  Finder find_;
  GraphCopy copy_;
  std::map<NodeId, Group> groups_;  ///< by the node that gives the layer's result
  std::set<NodeId> inside_;
};

}  // namespace

Result<Facts> HybridLayer::infer(std::span<const Fact> in) const {
  Facts real(in.begin(), in.end());
  if (real.size() > 1) real[1] = Fact(DType::kF32, in[1].dims);
  return op->infer(real);
}

Result<Tensors> HybridLayer::eval(std::span<const Tensor>) const {
  return Error::not_supported("a layer that only the writer of TFLite files knows");
}

Result<Graph> join_hybrid_layers(const Graph& graph) {
  return Joiner(graph).run();
}

}  // namespace pochade::tflite
