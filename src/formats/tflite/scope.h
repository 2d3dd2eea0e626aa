#pragma once
// What the import of one TFLite operator sees and does. Each operator is one Row; its function reads the
// operator's inputs and options through NodeScope and builds our operators.
//
//   Status leaky_relu(NodeScope& node) {
//     LeakyRelu op;
//     TRY(op.alpha, node.number("alpha", 0));
//     return node.emit(op, node.inputs());
//   }
//
// An option or an input that the function does not read, and an output that it does not set, make the import
// fail: to ignore one could mean a wrong result. Options carry the schema's names; a field that the file
// leaves out has the default that the function gives.
//
// Values that are quantized: emit() and add_as() wrap the operator in Quantized as soon as one of its inputs
// or outputs is. add() never does: for shapes, indices and floats.

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "formats/tflite/records.h"
#include "graph/graph.h"
#include "ops/quant/quantized.h"

namespace pochade::tflite {

class NodeScope;
using ImportFunction = Status (*)(NodeScope& node);

/// How an operator of TFLite becomes ours. Without ImportFunction the operator is known but refused, and
/// `reason` says why.
struct Row {
  std::string_view name;  ///< the schema's, or that of a custom operator
  ImportFunction import = nullptr;
  std::string_view reason = {};
  bool is_custom = false;
  bool has_outputs = true;
};

/// A named value of VAR_HANDLE that lives between runs.
struct Variable {
  ValueId value = kNone;  ///< what a reader sees now; kNone: nothing was assigned yet
  Quantized::Type type;
  Tensor initial;
  bool is_state = false;
  std::string state;  ///< its name in the Graph
};

/// What all operators of a file share while it is imported.
struct ImportState {
  Graph graph;
  std::map<ValueId, Quantized::Type> types;  ///< of constants and states, whose Facts carry no quantization
  std::map<std::string, Variable> variables;
  std::set<std::string> state_names;
  size_t decode_budget = 0;    ///< bytes that tensors of this file may still take beyond the file itself
  int64_t steps_left = 16384;  ///< of recurrent operators that are written out step by step
  std::set<size_t> ran;        ///< subgraphs of CALL_ONCE
  bool initialising = false;   ///< in the subgraph of a CALL_ONCE
  /// Imports the operators of another subgraph into the same Graph; nothing goes in or comes out.
  std::function<Status(size_t)> run_subgraph;
};

/// One subgraph that is being imported.
struct Frame {
  const SubgraphRecord& record;
  std::vector<ValueId> values;           ///< of each tensor; kNone: not there yet
  std::map<int, std::string> resources;  ///< tensor to the variable that it stands for
  std::map<int, std::string> states;     ///< variable tensors that have become states
};

class NodeScope {
 public:
  NodeScope(const ModelRecord& model, ImportState& state, Frame& frame, const OperatorRecord& record);

  // --- What the node is
  const std::string& name() const { return name_; }  ///< of its first output
  std::string_view op_type() const { return record_.name; }
  int version() const { return record_.version; }
  const Graph& graph() const { return state_.graph; }

  // --- Inputs
  size_t input_count() const { return record_.inputs.size(); }
  bool has_input(size_t i) const { return i < record_.inputs.size() && record_.inputs[i] >= 0; }
  /// kNone if it is left out. Error: nothing has computed it, or it has no data, or data that is damaged.
  Result<ValueId> input(size_t i);
  /// Fails if it is left out.
  Result<ValueId> required(size_t i);
  Result<std::vector<ValueId>> inputs(size_t first = 0);
  /// The input must be there, and its rank known.
  Result<int> rank(size_t i);
  Result<DType> dtype(size_t i);
  /// Values of a constant input ("axes" is for the error); kNotSupported if it is computed.
  Result<std::vector<int64_t>> constant_integers(size_t i, std::string_view what);
  Result<int64_t> constant_integer(size_t i, std::string_view what);
  Result<Tensor> constant_tensor(size_t i, std::string_view what);
  /// What the file says of an input or an output; the input must be there.
  const TensorRecord& input_record(size_t i) const {
    return frame_.record.tensors[static_cast<size_t>(record_.inputs[i])];
  }
  const TensorRecord& output_record(size_t i) const {
    return frame_.record.tensors[static_cast<size_t>(record_.outputs[i])];
  }
  /// Of what the operator keeps between its parts; fails if the file names no such tensor.
  Result<Quantized::Type> intermediate_type(size_t i) const;
  size_t intermediate_count() const { return record_.intermediates.size(); }
  const Fact& fact(ValueId value) const { return state_.graph.fact(value); }
  bool is_constant(ValueId value) const { return value != kNone && fact(value).is_constant(); }

  // --- Options
  bool has(std::string_view option) const;
  Result<int64_t> integer(std::string_view option, int64_t otherwise);
  Result<bool> flag(std::string_view option, bool otherwise);
  Result<float> number(std::string_view option, float otherwise);
  Result<std::string> text(std::string_view option);
  Result<std::vector<int64_t>> integers(std::string_view option);
  Result<std::vector<float>> numbers(std::string_view option);
  /// For options that cannot change the result here.
  void ignore(std::string_view option);
  /// fused_activation_function. kNotSupported: SIGN_BIT, which no kernel of TFLite computes either.
  Result<Activation> activation();
  /// An option of type TensorType.
  Result<DType> dtype_option(std::string_view option, ElementType otherwise);

  // --- Values that are quantized
  /// How a value stores real numbers; no dtype: as it is.
  Quantized::Type type(ValueId value) const;
  bool is_quantized(ValueId value) const { return value != kNone && type(value).dtype.has_value(); }
  /// As the file says for output i.
  Result<Quantized::Type> output_type(size_t i) const;
  /// Registers the meaning of a constant that was made here.
  void set_type(ValueId value, Quantized::Type type) { state_.types[value] = std::move(type); }
  /// Real numbers of a quantized constant (weights of an operator that computes in float).
  Result<ValueId> dequantized(ValueId value);

  // --- Building
  /// Adds one operator of ours and gives its first output. Small results of constant inputs become known.
  Result<ValueId> add(OpPtr op, std::vector<ValueId> inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add(D op, std::vector<ValueId> inputs) {
    return add(make_op(std::move(op)), std::move(inputs));
  }
  /// All outputs.
  Result<std::vector<ValueId>> add_all(OpPtr op, std::vector<ValueId> inputs);
  /// The operator and an activation; on integers if an input or `out` is quantized.
  Result<ValueId> add_as(Quantized::Type out, OpPtr op, std::vector<ValueId> inputs, Activation act = {});
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add_as(Quantized::Type out, D op, std::vector<ValueId> inputs, Activation act = {}) {
    return add_as(std::move(out), make_op(std::move(op)), std::move(inputs), act);
  }
  Result<ValueId> add_activation(ValueId value, const Activation& act);
  ValueId constant(Tensor tensor);
  template <typename T>
  ValueId scalar(T value) {
    return constant(Tensor::scalar<T>(value));
  }
  /// A 1-D int64 constant.
  ValueId integers_value(const std::vector<int64_t>& values) {
    return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  /// A scalar of this dtype.
  Result<ValueId> scalar_of(DType dtype, double value);
  /// The same numbers as int64: constants at once, others by a Cast.
  Result<ValueId> to_int64(ValueId value);
  Result<ValueId> cast(ValueId value, DType to);
  /// Keeps the meaning of quantized values (an axis of quantization moves along).
  Result<ValueId> transpose(ValueId value, std::vector<int64_t> perm);
  Result<ValueId> reshape(ValueId value, ValueId shape);
  Result<ValueId> reshape_to(ValueId value, const std::vector<int64_t>& shape) {
    return reshape(value, integers_value(shape));
  }
  Result<ValueId> unsqueeze(ValueId value, const std::vector<int64_t>& axes);
  Result<ValueId> squeeze(ValueId value, const std::vector<int64_t>& axes);
  /// The elements [begin, end) along an axis; end INT64_MAX: to the last.
  Result<ValueId> slice(ValueId value, int64_t axis, int64_t begin, int64_t end);
  Result<ValueId> concat(std::vector<ValueId> values, int64_t axis);
  /// int64 sizes, constant as far as they are known.
  Result<ValueId> sizes(ValueId value);
  /// One of them as a vector of one element.
  Result<ValueId> size(ValueId value, int64_t axis);

  // --- Outputs
  size_t output_count() const { return record_.outputs.size(); }
  Status set_output(size_t i, ValueId value);
  /// Adds the operator, with types as the file says, and sets the outputs to its outputs, in order.
  Status emit(OpPtr op, std::vector<ValueId> inputs, Activation act = {});
  template <typename D>
    requires std::derived_from<D, Op>
  Status emit(D op, std::vector<ValueId> inputs, Activation act = {}) {
    return emit(make_op(std::move(op)), std::move(inputs), act);
  }

  // --- What lives between runs
  /// The value of a variable tensor at the beginning of a run.
  Result<ValueId> state(size_t input);
  /// What replaces it at the end.
  Status set_state(size_t input, ValueId next);
  /// The variable that an input stands for.
  Result<std::string> resource(size_t input);
  void define_resource(size_t output, std::string variable);
  Result<ValueId> read_variable(const std::string& variable);
  Status assign_variable(const std::string& variable, ValueId value);

  const ModelRecord& model() const { return model_; }
  ImportState& state() { return state_; }
  const OperatorRecord& record() const { return record_; }

  /// After the import function: every option and input read, every output set and of the type that the file
  /// says.
  Status finish() const;

 private:
  const Option* read(std::string_view option);
  Result<const Option*> read(std::string_view option, Option::Kind kind);
  std::string next_name() {
    std::string out = added_ == 0 ? name_ : format("{}/{}", name_, added_);
    ++added_;
    return out;
  }

  const ModelRecord& model_;
  ImportState& state_;
  Frame& frame_;
  const OperatorRecord& record_;
  std::string name_;
  std::set<std::string_view> options_read_;
  std::vector<bool> inputs_read_;
  std::vector<bool> outputs_set_;
  int added_ = 0;
};

/// Our element type; kNotSupported names the others (string, complex64, resource, ...). 4-bit integers are
/// kept in bytes.
Result<DType> element_type(ElementType type);

/// The elements of a constant. Shares the file's memory where it can; unpacks 4-bit integers and compressed
/// tensors, whose bytes `budget` pays. Errors: data of another size than the dims say, damaged compression.
Result<Tensor> constant_tensor(const ModelRecord& model, const TensorRecord& record, size_t& budget);

/// Quantized::Type of what the file says; no dtype for values that are not quantized.
Result<Quantized::Type> quantized_type(const TensorRecord& record);

/// Dims as the file fixes them: a first size that is not fixed is "N", others are unknown.
Result<Fact> fact_of(const TensorRecord& record);

}  // namespace pochade::tflite
