#pragma once
// What the import of one ONNX node sees and does. Each operator of ONNX is one Row; its function reads the
// node's inputs and attributes through NodeScope and builds our operators.
//
//   Status leaky_relu(NodeScope& node) {
//     TRY(const float alpha, node.number("alpha", 0.01f));
//     LeakyRelu op;
//     op.alpha = alpha;
//     return node.emit(op);                                         // the node's inputs in, the op's outputs
//     out
//   }
//   Status squeeze(NodeScope& node) {                               // axes: attribute before opset 13, input
//   1 since
//     TRY(const auto axes, node.option_integers("axes", 1));
//     return node.emit(Squeeze{...}, {node.input(0)});
//   }
//   Status global_average_pool(NodeScope& node) {                   // the Graph is channels-last
//     TRY(const ValueId x, node.to_channels_last(node.input(0)));
//     TRY(const ValueId y, node.add(GlobalAveragePool{}, {x}));
//     return node.set_output_channels_first(0, y);
//   }
//
// An attribute or an input that the function does not read, and an output that it does not set, make the
// import fail: to ignore one could mean a wrong result. A getter fails on an attribute of another type, and
// names it.

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/onnx/records.h"
#include "formats/onnx/tensors.h"
#include "graph/graph.h"

namespace pochade::onnx {

class NodeScope;
using ImportFunction = Status (*)(NodeScope& node);

/// Opsets before 7 are read as far as the rows reach back: operators that have not changed since.
constexpr int kOldestOpset = 1;
constexpr int kNewestOpset = 21;
/// For Row::until_opset: still so in the newest opset that we read.
constexpr int kLatest = kNewestOpset;

/// How an operator of ONNX becomes ours in the opsets [since_opset, until_opset] of its domain ("" is
/// ai.onnx). Without ImportFunction the operator is known but refused, and `reason` says why.
struct Row {
  std::string_view domain;
  std::string_view name;
  int since_opset = 1;
  int until_opset = kLatest;
  ImportFunction import = nullptr;
  std::string_view reason = {};
};

class NodeScope {
 public:
  /// `prefix` goes before the names of what is built: the function that the node is in.
  NodeScope(Graph& graph, TensorFiles& files, const NodeProto& proto, int opset, std::string_view prefix,
            std::vector<ValueId> inputs, std::vector<AttributeProto> attributes);

  // --- What the node is
  // -----------------------------------------------------------------------------------------
  const std::string& name() const {
    return name_;
  }  ///< the node's, or that of its first output if it has none
  std::string_view op_type() const { return proto_.op_type; }
  std::string_view domain() const { return normal_domain(proto_.domain); }
  int opset() const { return opset_; }  ///< of the operator's domain
  const Graph& graph() const { return graph_; }

  // --- Inputs
  // ---------------------------------------------------------------------------------------------------
  /// Number of inputs that are written down, absent ones in the middle included, absent ones at the end not.
  size_t input_count() const { return inputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i] != kNone; }
  /// kNone if it is absent.
  ValueId input(size_t i);
  /// Fails if it is absent.
  Result<ValueId> required_input(size_t i);
  /// All of them, from `first` on.
  std::vector<ValueId> inputs(size_t first = 0);
  /// Fact of an input, not present() if it is absent.
  Fact fact(size_t i);
  const Fact& fact_of(ValueId value) const { return graph_.fact(value); }
  /// Rank of an input; kNotSupported if the model does not say.
  Result<int> rank(size_t i);
  /// Values of a constant input ("axes" is for the error); kNotSupported if it is not constant.
  Result<std::vector<int64_t>> constant_integers(size_t i, std::string_view what);
  Result<std::vector<float>> constant_numbers(size_t i, std::string_view what);
  Result<Tensor> constant_tensor(size_t i, std::string_view what);

  // --- Attributes
  // -----------------------------------------------------------------------------------------------
  /// Whether it is there; does not count as reading it.
  bool has(std::string_view name) const;
  Result<int64_t> integer(std::string_view name, int64_t otherwise);
  Result<int64_t> integer(std::string_view name);            ///< must be there
  Result<bool> flag(std::string_view name, bool otherwise);  ///< an integer that is 0 or 1
  Result<float> number(std::string_view name, float otherwise);
  Result<float> number(std::string_view name);
  Result<std::string> text(std::string_view name, std::string_view otherwise);
  Result<std::string> text(std::string_view name);
  Result<std::vector<int64_t>> integers(std::string_view name, std::vector<int64_t> otherwise = {});
  Result<std::vector<float>> numbers(std::string_view name, std::vector<float> otherwise = {});
  Result<std::vector<std::string>> texts(std::string_view name, std::vector<std::string> otherwise = {});
  Result<Tensor> tensor(std::string_view name);
  /// An element type written as an integer of TensorProto.DataType, such as `to` of Cast.
  Result<DType> dtype(std::string_view name, DType otherwise);
  Result<DType> dtype(std::string_view name);
  /// For attributes that cannot change the result here, such as consumed_inputs.
  void ignore(std::string_view name);

  // --- Options that were attributes in old opsets and are inputs in new ones
  // --------------------------------------- The attribute's or the constant input's values; empty if there is
  // neither. An input that is not constant: kNotSupported.
  Result<std::optional<std::vector<int64_t>>> option_integers(std::string_view attribute, size_t input);
  Result<std::optional<std::vector<float>>> option_numbers(std::string_view attribute, size_t input);
  Result<std::optional<int64_t>> option_integer(std::string_view attribute, size_t input);
  Result<std::optional<float>> option_number(std::string_view attribute, size_t input);
  /// For operators of ours that take it as an input: the input (constant or not), or a constant made of the
  /// attribute (int64 or float32, 1-D for lists, a scalar for single values; `dtype` converts it), or kNone.
  Result<ValueId> option_value(std::string_view attribute, size_t input, std::optional<DType> dtype = {});

  // --- Building
  // ---------------------------------------------------------------------------------------------------
  /// Adds one operator of ours and gives its first output. Small results of constant inputs become known
  /// constants (Fact), the node stays.
  Result<ValueId> add(OpPtr op, std::vector<ValueId> inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add(D op, std::vector<ValueId> inputs) {
    return add(make_op(std::move(op)), std::move(inputs));
  }
  /// The same, all outputs.
  Result<std::vector<ValueId>> add_all(OpPtr op, std::vector<ValueId> inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Result<std::vector<ValueId>> add_all(D op, std::vector<ValueId> inputs) {
    return add_all(make_op(std::move(op)), std::move(inputs));
  }
  ValueId constant(Tensor tensor);
  template <typename T>
  ValueId scalar(T value) {
    return constant(Tensor::scalar<T>(value));
  }
  /// A 1-D int64 constant.
  ValueId constant(const std::vector<int64_t>& values) {
    return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  /// Permutes axes: small constants at once, everything else by a Transpose node (none for the identity).
  Result<ValueId> transpose(ValueId value, std::vector<int64_t> perm);
  /// N,C,spatial... -> N,spatial...,C, and weights O,I,spatial... -> O,spatial...,I. Rank 2 and less:
  /// unchanged.
  Result<ValueId> to_channels_last(ValueId value);
  /// The way back.
  Result<ValueId> to_channels_first(ValueId value);

  // --- Outputs
  // ----------------------------------------------------------------------------------------------------
  size_t output_count() const { return proto_.outputs.size(); }
  /// Whether somebody may read output i.
  bool wants_output(size_t i) const { return i < proto_.outputs.size() && !proto_.outputs[i].empty(); }
  /// For outputs that the file does not name, nothing happens.
  Status set_output(size_t i, ValueId value);
  Status set_output_channels_first(size_t i, ValueId value);
  /// Adds the operator and sets the node's outputs to the operator's, in order. Fails if the node has more.
  Status emit(OpPtr op, std::vector<ValueId> inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Status emit(D op, std::vector<ValueId> inputs) {
    return emit(make_op(std::move(op)), std::move(inputs));
  }
  /// With all the node's inputs.
  template <typename D>
    requires std::derived_from<D, Op>
  Status emit(D op) {
    return emit(make_op(std::move(op)), inputs());
  }

  /// A channels-last operator of one output: input 0 is turned, and the output back; the other inputs are
  /// vectors.
  template <typename D>
  Status emit_channels_last(D op) {
    TRY(const ValueId in, required_input(0));
    std::vector<ValueId> in_order = inputs();
    TRY(in_order[0], to_channels_last(in));
    TRY(const ValueId y, add(std::move(op), std::move(in_order)));
    return set_output_channels_first(0, y);
  }

  /// After the import function: every attribute and input read, every output set.
  Status finish() const;
  const std::vector<ValueId>& results() const { return results_; }

 private:
  const AttributeProto* read(std::string_view name);
  Result<const AttributeProto*> read(std::string_view name, AttributeType type);

  Graph& graph_;
  TensorFiles& files_;
  const NodeProto& proto_;
  int opset_;
  std::string name_;
  std::vector<ValueId> inputs_;
  std::vector<AttributeProto> attributes_;
  std::set<std::string_view> attributes_read_;
  std::vector<bool> inputs_read_;
  std::vector<ValueId> results_;
  int added_ = 0;
};

}  // namespace pochade::onnx
