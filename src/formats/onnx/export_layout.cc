#include "formats/onnx/export_layout.h"

#include <algorithm>
#include <unordered_map>

#include "formats/graph_copy.h"
#include "ops/conv/conv_transpose.h"
#include "ops/quant/quantize_linear.h"
#include "ops/shape/transpose.h"
#include "passes/move_axes.h"
#include "passes/sink_transposes.h"

namespace pochade::onnx {
namespace {

/// Which inputs and outputs of an operator have channels.
struct Places {
  std::vector<int> inputs, outputs;
};

const Places* places_of(const Op& op) {
  static const Places x_to_y{{0}, {0}};
  static const std::unordered_map<std::string_view, Places> places = {
      {"AveragePool", x_to_y},
      {"BatchNormalization", x_to_y},
      {"Conv", {{0, 1}, {0}}},
      {"ConvInteger", {{0, 1}, {0}}},
      {"ConvTranspose", {{0, 1}, {0}}},
      {"DeformConv", {{0, 1, 2, 4}, {0}}},
      {"DepthToSpace", x_to_y},
      {"GlobalAveragePool", x_to_y},
      {"GlobalLpPool", x_to_y},
      {"GlobalMaxPool", x_to_y},
      {"GridSample", x_to_y},
      {"GroupNormalization", x_to_y},
      {"InstanceNormalization", x_to_y},
      {"LRN", x_to_y},
      {"LpPool", x_to_y},
      {"MaxPool", {{0}, {0, 1}}},
      {"MaxRoiPool", x_to_y},
      {"MaxUnpool", {{0, 1}, {0}}},
      {"QLinearConv", {{0, 3}, {0}}},
      {"Resize", x_to_y},
      {"RoiAlign", x_to_y},
      {"SpaceToDepth", x_to_y},
  };
  const auto found = places.find(op.name());
  return found == places.end() ? nullptr : &found->second;
}

/// N, C, spatial... -> N, spatial..., C
Permutation to_last(int rank) {
  Permutation out{0};
  for (int axis = 2; axis < rank; ++axis) out.push_back(axis);
  out.push_back(1);
  return out;
}

/// How input i of an operator is made of what ONNX gives it; empty: as it is.
Result<Permutation> order_of_input(const Op& op, int i, const Fact& fact) {
  if (!fact.rank_known())
    return Error::not_supported("the rank of input {} is not known, which ONNX needs for its channels", i);
  const int rank = fact.rank();
  if (rank < 3 || (op.name() == "Resize" && rank > 5)) return Permutation();
  const auto* transposed_conv = op_as<ConvTranspose>(op);
  if (transposed_conv == nullptr || i == 0) return to_last(rank);
  // C, O/groups, spatial... -> O, spatial..., C/groups is more than an order of axes if there are groups.
  if (transposed_conv->groups != 1) return Permutation();
  Permutation out;
  for (int axis = 1; axis < rank; ++axis) out.push_back(axis);
  out.push_back(0);
  return out;
}

Fact reordered(Fact fact, const Permutation& order) {
  if (order.empty() || !fact.present()) return fact;
  if (fact.dims && fact.dims->size() == order.size()) fact.dims = permuted(*fact.dims, order);
  fact.constant = Tensor();  // weights say what is needed by their shape
  return fact;
}

/// A value of the original: transpose(root, layout) of what some operator makes.
struct View {
  ValueId root = kNone;
  Permutation layout;  ///< empty: as it is
};

class Turner {
 public:
  explicit Turner(const Graph& graph)
      : copy_(graph),
        views_(static_cast<size_t>(graph.value_count())),
        made_(static_cast<size_t>(graph.value_count())),
        shown_(static_cast<size_t>(graph.value_count())) {}

  Result<Graph> run() {
    const Graph& graph = copy_.from();
    for (ValueId v = 0; v < graph.value_count(); ++v) views_[at(v)].root = v;
    for (const NodeId id : copy_.order()) note_view(graph.node(id));
    for (const NodeId id : copy_.order()) {
      const Node& node = graph.node(id);
      TRY(build(id, node).context("node \"{}\" ({})", node.name, node.op->name()));
    }
    for (const GraphOutput& output : graph.outputs()) TRY(bring(output.value));
    for (const State& state : graph.states()) TRY(bring(state.next));
    return std::move(copy_).finish();
  }
  /// Transposes that the original did not have.
  int added() const { return added_; }

 private:
  struct Made {
    Permutation layout;
    ValueId value = kNone;
  };
  static size_t at(ValueId v) { return static_cast<size_t>(v); }

  const Fact& fact(ValueId old) const { return copy_.from().fact(old); }
  const std::string& name(ValueId old) const { return copy_.from().value(old).name; }

  void note_view(const Node& node) {
    const auto* transpose = op_as<Transpose>(*node.op);
    const Fact* x = transpose == nullptr ? nullptr : &fact(node.inputs[0]);
    if (x == nullptr || (!x->rank_known() && transpose->perm.empty())) return;
    const auto perm =
        transpose->permutation(x->rank_known() ? x->rank() : static_cast<int>(transpose->perm.size()));
    const Permutation order(perm.begin(), perm.end());
    const View& from = views_[at(node.inputs[0])];
    View& view = views_[at(node.outputs[0])];
    view = {from.root, from.layout.empty() ? order : compose(from.layout, order)};
    if (is_identity(view.layout)) view.layout.clear();
    shown_[at(view.root)].push_back({view.layout, node.outputs[0]});
  }
  bool is_view(ValueId old) const { return views_[at(old)].root != old; }

  /// The value of the original that shows the root in this layout, or kNone.
  ValueId shown(ValueId root, const Permutation& layout) const {
    if (layout.empty()) return root;
    for (const Made& view : shown_[at(root)])
      if (view.layout == layout) return view.value;
    return kNone;
  }

  /// transpose(root, layout) in the new graph.
  Result<ValueId> get(ValueId root, const Permutation& layout, bool fold_constants = false) {
    std::vector<Made>& list = made_[at(root)];
    if (list.empty()) list.push_back({{}, copy_.now(root)});
    for (const Made& made : list)
      if (made.layout == layout) return made.value;
    Permutation order = layout;
    if (!list[0].layout.empty())
      order = layout.empty() ? inverse(list[0].layout) : compose(inverse(list[0].layout), layout);
    const ValueId same = shown(root, layout);
    ValueId value = kNone;
    const auto* dequantize = fold_constants ? dequantized_weights(root) : nullptr;
    if (dequantize != nullptr) {
      TRY(value, turned_weights(root, *dequantize, order));
    } else if (fold_constants && fact(root).is_constant() && copy_.from().value(root).producer == kNone) {
      TRY(Tensor tensor, transposed(fact(root).constant, order));
      value = copy_.constant(name(root), std::move(tensor));
    } else {
      if (same == kNone || same == root) ++added_;
      Transpose op;
      op.perm.assign(order.begin(), order.end());
      const NodeId old = same == kNone ? kNone : copy_.from().value(same).producer;
      const bool known = same != kNone && same != root && old != kNone;
      TRY(value,
          copy_.add(known ? copy_.from().node(old).name : name(root) + "/transposed", op, {list[0].value}));
      if (known) copy_.set(same, value);
    }
    made_[at(root)].push_back({layout, value});
    return value;
  }

  /// The operator that makes `root` of constant integers, or null.
  const DequantizeLinear* dequantized_weights(ValueId root) const {
    const NodeId producer = copy_.from().value(root).producer;
    if (producer == kNone) return nullptr;
    const Node& node = copy_.from().node(producer);
    const auto* op = op_as<DequantizeLinear>(*node.op);
    const bool constant = copy_.from().value(node.inputs[0]).producer == kNone &&
                          fact(node.inputs[0]).is_constant() && made_[at(root)].size() <= 1;
    return op != nullptr && constant && op->block_size == 0 ? op : nullptr;
  }

  /// Turns the integers, not the real numbers, so that the weights stay constants.
  Result<ValueId> turned_weights(ValueId root, const DequantizeLinear& op, const Permutation& order) {
    const Node& node = copy_.from().node(copy_.from().value(root).producer);
    TRY(Tensor integers, transposed(fact(node.inputs[0]).constant, order));
    DequantizeLinear turned = op;
    const auto axis = static_cast<int>(op.axis < 0 ? op.axis + static_cast<int64_t>(order.size()) : op.axis);
    turned.axis = std::find(order.begin(), order.end(), axis) - order.begin();
    std::vector<ValueId> inputs = copy_.now(node.inputs);
    inputs[0] = copy_.constant(name(node.inputs[0]), std::move(integers));
    return copy_.add(node.name, turned, std::move(inputs));
  }

  /// Makes the value of the original as it is.
  Status bring(ValueId old) {
    if (old == kNone) return {};
    const View& view = views_[at(old)];
    TRY(const ValueId value, get(view.root, view.layout));
    if (copy_.now_or_none(old) != value) copy_.set(old, value);
    return {};
  }

  Status build(NodeId id, const Node& node) {
    if (!node.outputs.empty() && is_view(node.outputs[0])) return {};
    if (const Places* places = places_of(*node.op)) return build_turned(node, *places);
    for (const ValueId input : node.inputs) TRY(bring(input));
    return copy_.copy(id);
  }

  Status build_turned(const Node& node, const Places& places) {
    ChannelsFirst turned;
    turned.op = node.op;
    turned.in.resize(node.inputs.size());
    turned.out.resize(node.outputs.size());
    std::vector<ValueId> inputs;
    for (const int i : places.inputs) {
      const auto index = static_cast<size_t>(i);
      if (index >= node.inputs.size() || node.inputs[index] == kNone) continue;
      TRY(turned.in[index], order_of_input(*node.op, i, fact(node.inputs[index])));
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (turned.in[i].empty()) {
        TRY(bring(node.inputs[i]));
        inputs.push_back(copy_.now(node.inputs[i]));
        continue;
      }
      const View& view = views_[at(node.inputs[i])];
      Permutation layout = inverse(turned.in[i]);
      if (!view.layout.empty()) layout = compose(view.layout, layout);
      if (is_identity(layout)) layout.clear();
      TRY(inputs.emplace_back(), get(view.root, layout, true));
    }
    for (const int i : places.outputs) {
      const auto index = static_cast<size_t>(i);
      if (index >= node.outputs.size() || turned.in[0].empty()) continue;
      const Fact& y = fact(node.outputs[index]);
      if (y.rank_known()) turned.out[index] = inverse(to_last(y.rank()));
    }
    TRY(const std::vector<ValueId> outputs,
        copy_.add_all(node.name, std::make_shared<const ChannelsFirst>(turned), std::move(inputs)));
    for (size_t i = 0; i < outputs.size(); ++i) set_output(node.outputs[i], outputs[i], turned.out[i]);
    return {};
  }

  void set_output(ValueId old, ValueId value, const Permutation& layout) {
    made_[at(old)].push_back({layout, value});
    // A value that the original does not have in this layout keeps the node's name, not the name of another.
    if (const ValueId same = shown(old, layout); same != kNone) copy_.set(same, value);
  }

  GraphCopy copy_;
  std::vector<View> views_;               // by value of the original
  std::vector<std::vector<Made>> made_;   // by root
  std::vector<std::vector<Made>> shown_;  // by root: values of the original that are layouts of it
  int added_ = 0;
};

}  // namespace

Result<Facts> ChannelsFirst::infer(std::span<const Fact> facts) const {
  Facts own;
  for (size_t i = 0; i < facts.size(); ++i)
    own.push_back(i < in.size() ? reordered(facts[i], in[i]) : facts[i]);
  TRY(Facts results, op->infer(own));
  for (size_t i = 0; i < results.size() && i < out.size(); ++i)
    results[i] = reordered(std::move(results[i]), out[i]);
  return results;
}

Result<Tensors> ChannelsFirst::eval(std::span<const Tensor> tensors) const {
  Tensors own(tensors.begin(), tensors.end());
  for (size_t i = 0; i < own.size() && i < in.size(); ++i)
    if (own[i].defined() && !in[i].empty()) {
      TRY(own[i], transposed(own[i], in[i]));
    }
  TRY(Tensors results, op->eval(own));
  for (size_t i = 0; i < results.size() && i < out.size(); ++i)
    if (results[i].defined() && !out[i].empty()) {
      TRY(results[i], transposed(results[i], out[i]));
    }
  return results;
}

Result<Graph> to_channels_first(const Graph& graph) {
  Turner turner(graph);
  TRY(Graph out, turner.run());
  if (turner.added() == 0) return out;
  for (;;) {
    TRY(Rewrite rewrite, sink_transposes(out));
    if (rewrite.empty()) return out;
    TRY(out, std::move(rewrite).apply());
  }
}

}  // namespace pochade::onnx
