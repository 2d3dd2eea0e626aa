#include "formats/tflite/export_integers.h"

#include <algorithm>
#include <map>

#include "formats/graph_copy.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/quantized.h"
#include "ops/shape/reshape.h"
#include "passes/move_axes.h"

namespace pochade::tflite {
namespace {

using Type = Quantized::Type;

constexpr int32_t kMiddle = 128;

bool is_unsigned(const Type& type) {
  return type.dtype == DType::kU8 && type.quantization != nullptr;
}

/// A product that TFLite has for int8 only.
bool wants_signed(const Quantized& op) {
  const std::string_view name = op.op->name();
  if (name != "Conv" && name != "ConvTranspose" && name != "Gemm" && name != "MatMul") return false;
  if (op.rounding != Rounding::kOnnx || op.in.size() < 2 || !op.in[1].quantization) return false;
  const bool mixed = op.in[0].dtype != op.in[1].dtype || name == "MatMul";
  const bool by_channel = op.in[1].dtype == DType::kU8 && op.in[1].quantization->axis >= 0;
  return (is_unsigned(op.in[0]) || is_unsigned(op.in[1])) && (mixed || by_channel);
}

Type as_signed(const Type& type) {
  Quantization out = *type.quantization;
  out.zero_point.resize(out.scale.size(), 0);
  for (int32_t& zero : out.zero_point) zero -= kMiddle;
  return {DType::kI8, std::make_shared<const Quantization>(std::move(out))};
}

Result<Tensor> as_signed(const Tensor& tensor) {
  TRY(Tensor out, Tensor::make(DType::kI8, tensor.shape()));
  std::transform(tensor.bytes(), tensor.bytes() + tensor.byte_size(), out.mutable_bytes(),
                 [](std::byte b) { return b ^ std::byte{0x80}; });
  return out;
}

class Signer {
 public:
  explicit Signer(const Graph& graph) : copy_(graph) {}

  Result<Graph> run() {
    for (const NodeId id : copy_.order()) {
      const Node& node = copy_.from().node(id);
      const auto* quantized = op_as<Quantized>(*node.op);
      const bool shifts = quantized != nullptr && quantized->rounding == Rounding::kOnnx &&
                          (std::ranges::any_of(quantized->in, is_unsigned) ||
                           std::ranges::any_of(quantized->out, is_unsigned));
      if (shifts) {
        TRY(shift(node, *quantized));
        continue;
      }
      for (const ValueId input : node.inputs) TRY(bring_back(input));
      TRY(copy_.copy(id));
    }
    for (const GraphOutput& output : copy_.from().outputs()) TRY(bring_back(output.value));
    for (const State& state : copy_.from().states()) TRY(bring_back(state.next));
    return std::move(copy_).finish();
  }

 private:
  /// A value and how the nodes that made it read it.
  struct Signed {
    ValueId value;
    Type type, original;
  };

  Status shift(const Node& node, const Quantized& original) {
    Quantized op = original;
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (input == kNone || i >= op.in.size() || !is_unsigned(op.in[i])) {
        TRY(bring_back(input));
        inputs.push_back(copy_.now(input));
        continue;
      }
      TRY(const ValueId value, signed_value(input, op.in[i]));
      inputs.push_back(value);
      op.in[i] = as_signed(op.in[i]);
    }
    for (Type& type : op.out)
      if (is_unsigned(type)) type = as_signed(type);
    TRY(const std::vector<ValueId> made, copy_.add_all(node.name, make_op(op), std::move(inputs)));
    for (size_t i = 0; i < made.size(); ++i) {
      if (is_unsigned(original.out[i]))
        signed_.emplace(node.outputs[i], Signed{made[i], op.out[i], original.out[i]});
      else
        copy_.set(node.outputs[i], made[i]);
    }
    return {};
  }

  Result<ValueId> signed_value(ValueId input, const Type& type) {
    if (const auto found = signed_.find(input); found != signed_.end()) return found->second.value;
    const Value& value = copy_.from().value(input);
    Signed made{kNone, as_signed(type), type};
    if (value.producer == kNone && value.fact.is_constant()) {
      TRY(Tensor tensor, as_signed(value.fact.constant));
      made.value = copy_.constant(value.name, std::move(tensor));
    } else {
      TRY(made.value, requantized(value.name + "/signed", copy_.now(input), type, made.type));
    }
    return signed_.emplace(input, std::move(made)).first->second.value;
  }

  /// Makes the original form of a value that there is only the signed one of.
  Status bring_back(ValueId old) {
    if (old == kNone || copy_.now_or_none(old) != kNone) return {};
    const auto found = signed_.find(old);
    if (found == signed_.end()) return {};
    const Signed& from = found->second;
    if (copy_.from().value(old).producer == kNone) return {};  // a constant
    TRY(const ValueId made,
        requantized(copy_.from().value(old).name + "/unsigned", from.value, from.type, from.original));
    copy_.set(old, made);
    return {};
  }

  Result<ValueId> requantized(const std::string& name, ValueId x, const Type& from, const Type& to) {
    Quantized op;
    op.op = make_op(Identity{});
    op.in = {from};
    op.out = {to};
    op.rounding = Rounding::kOnnx;
    return copy_.add(name, std::move(op), {x});
  }

  GraphCopy copy_;
  std::map<ValueId, Signed> signed_;  ///< of values of the original
};

// Products by constant matrices.
// ------------------------------------------------------------------------------------------------------

const Quantized* product_by_columns(const Graph& graph, const Node& node) {
  const auto* op = op_as<Quantized>(*node.op);
  const bool is_product = op != nullptr && op->rounding == Rounding::kOnnx && op->op->name() == "MatMul" &&
                          op->in.size() == 2 && op->in[1].quantization && op->in[1].quantization->axis == 1;
  if (!is_product) return nullptr;
  const Fact &w = graph.fact(node.inputs[1]), &x = graph.fact(node.inputs[0]);
  return w.is_constant() && w.rank() == 2 && x.rank_known() && x.rank() >= 2 ? op : nullptr;
}

/// Sizes with -1 for one that is not known; empty if there are several.
std::optional<std::vector<int64_t>> sizes_of(const Fact& fact) {
  std::vector<int64_t> out;
  for (const Dim& dim : *fact.dims) out.push_back(dim.is_number() ? dim.number() : -1);
  return std::ranges::count(out, -1) <= 1 ? std::optional(out) : std::nullopt;
}

Result<ValueId> reshaped(GraphCopy& copy, const std::string& name, ValueId x, const Type& type,
                         const std::vector<int64_t>& sizes) {
  Quantized op;
  op.op = make_op(Reshape{});
  op.in = {type, {}};
  op.out = {type};
  op.rounding = Rounding::kOnnx;
  const ValueId shape =
      copy.constant(name + "/sizes", Tensor::of<int64_t>({static_cast<int64_t>(sizes.size())}, sizes));
  return copy.add(name, std::move(op), {x, shape});
}

Status write_as_layer(GraphCopy& copy, NodeId id, const Quantized& product) {
  const Graph& graph = copy.from();
  const Node& node = graph.node(id);
  const std::optional<std::vector<int64_t>> sizes = sizes_of(graph.fact(node.outputs[0]));
  const bool is_matrix = graph.fact(node.inputs[0]).rank() == 2;
  if (!is_matrix && !sizes) return copy.copy(id);
  const Tensor& w = graph.fact(node.inputs[1]).constant;
  TRY(const Tensor turned, transposed(w, {1, 0}));
  Quantized layer = product;
  layer.op = make_op<Gemm>([](Gemm& gemm) { gemm.transpose_b = true; });
  Quantization scales = *product.in[1].quantization;
  scales.axis = 0;
  layer.in[1].quantization = std::make_shared<const Quantization>(std::move(scales));
  ValueId x = copy.now(node.inputs)[0];
  if (!is_matrix) {
    TRY(x, reshaped(copy, node.name + "/rows", x, product.in[0], {-1, w.shape()[0]}));
  }
  TRY(ValueId y, copy.add(node.name, std::move(layer), {x, copy.constant(node.name + "/weights", turned)}));
  if (!is_matrix) {
    TRY(y, reshaped(copy, node.name + "/shape", y, product.out[0], *sizes));
  }
  copy.set(node.outputs[0], y);
  return {};
}

Result<Graph> products_as_layers(const Graph& graph) {
  GraphCopy copy(graph);
  for (const NodeId id : copy.order()) {
    const Node& node = graph.node(id);
    if (const Quantized* product = product_by_columns(graph, node))
      TRY(write_as_layer(copy, id, *product));
    else
      TRY(copy.copy(id));
  }
  return std::move(copy).finish();
}

}  // namespace

Result<Graph> integers_of_tflite(Graph graph) {
  const std::vector<NodeId> nodes = graph.topological_order();
  const auto any = [&](auto&& wanted) {
    return std::ranges::any_of(nodes, [&](NodeId id) { return wanted(graph.node(id)); });
  };
  const bool is_mixed = any([](const Node& node) {
    const auto* quantized = op_as<Quantized>(*node.op);
    return quantized != nullptr && wants_signed(*quantized);
  });
  const bool by_columns = any([&](const Node& node) { return product_by_columns(graph, node) != nullptr; });
  if (is_mixed) {
    TRY(graph, Signer(graph).run());
  }
  if (by_columns) {
    TRY(graph, products_as_layers(graph));
  }
  return graph;
}

}  // namespace pochade::tflite
