#pragma once
// What the import of one TensorFlow node sees and does. Each operator of TensorFlow is one Row; its function
// reads the node's inputs and attributes through NodeScope and builds our operators, as in formats/onnx:
// an attribute that nobody reads makes the import fail, unless it can say nothing (element types that the
// inputs tell anyway, names of devices, hints that begin with '_').

#include <functional>
#include <memory>
#include <set>

#include "formats/tensorflow/records.h"
#include "graph/graph.h"

namespace pochade::tensorflow {

/// The contents of a TensorArray or a TensorList.
struct List {
  std::vector<ValueId> elements;  ///< kNone: not written yet
  DType dtype = DType::kF32;
};

/// An Item exists only if `condition`, a bool scalar that is computed while running, is `when`.
struct Guard {
  ValueId condition = kNone;
  bool when = true;
  auto operator<=>(const Guard&) const = default;
};

/// What an edge of the file's graph carries.
struct Item {
  enum class Kind {
    kNothing,   ///< a node that only has an effect, or an output that we do not compute
    kDead,      ///< the other side of a branch that is decided
    kValue,     ///< a tensor
    kBytes,     ///< the contents of a string, as uint8
    kTexts,     ///< constant strings
    kVariable,  ///< a variable's handle
    kList,
  };
  Kind kind = Kind::kNothing;
  ValueId value = kNone;
  std::string_view variable;  ///< the name of its node
  std::vector<std::string_view> texts;
  std::shared_ptr<const List> list;
  std::vector<Guard> guards;  ///< ascending

  static Item of(ValueId value) {
    Item out;
    out.kind = Kind::kValue;
    out.value = value;
    return out;
  }
  static Item of(List list) {
    Item out;
    out.kind = Kind::kList;
    out.list = std::make_shared<const List>(std::move(list));
    return out;
  }
  bool is_value() const { return kind == Kind::kValue; }
};

/// Integers of a small vector of which some may only be known while running.
using PartInts = std::vector<std::optional<int64_t>>;

/// What the import of all nodes shares.
struct ImportState {
  Graph graph;
  Bytes file;  ///< keeps the records alive
  std::function<Result<ValueId>(std::string_view variable)> read_variable;
  std::map<ValueId, PartInts> parts;             ///< see NodeScope::integers_of()
  int64_t splat_bytes_left = int64_t{64} << 20;  ///< memory for constants that the file writes as one value
  int64_t nodes = 0;                             ///< imported so far, loops and functions unrolled
};

class NodeScope;
using ImportFunction = Status (*)(NodeScope& node);

/// How an operator of TensorFlow becomes ours. Without ImportFunction it is known but refused, and `reason`
/// says why. `outputs`: the names of its outputs, as functions write them, if there is more than one.
struct Row {
  std::string_view op;
  ImportFunction import = nullptr;
  std::string_view outputs = {};
  std::string_view reason = {};
};

class NodeScope {
 public:
  NodeScope(ImportState& state, const NodeRecord& record, const Attrs* arguments, std::string name,
            std::vector<Item> inputs)
      : state_(state),
        record_(record),
        arguments_(arguments),
        name_(std::move(name)),
        inputs_(std::move(inputs)) {}

  const std::string& name() const { return name_; }
  std::string_view op() const { return record_.op; }
  /// As in the file, without the names of the functions around it.
  std::string_view record_name() const { return record_.name; }
  ImportState& state() { return state_; }

  // Inputs.
  size_t input_count() const { return inputs_.size(); }
  /// Fails if it is absent.
  Result<Item> item(size_t i) const;
  /// Fails if it is absent or no tensor.
  Result<ValueId> input(size_t i) const;
  /// All of them, from `first` up to, not including, `end`.
  Result<std::vector<ValueId>> inputs(size_t first = 0, size_t end = SIZE_MAX) const;
  const Fact& fact_of(ValueId value) const { return state_.graph.fact(value); }
  Result<Fact> fact(size_t i) const;
  Result<DType> dtype_of(size_t i) const;
  /// Rank of an input; kNotSupported if the model does not say.
  Result<int> rank(size_t i) const;
  /// Values of a constant input (`what` is for the error); kNotSupported if it is not constant.
  Result<Tensor> constant_tensor(size_t i, std::string_view what) const;
  Result<std::vector<int64_t>> constant_integers(size_t i, std::string_view what) const;
  Result<int64_t> constant_integer(size_t i, std::string_view what) const;
  Result<float> constant_number(size_t i, std::string_view what) const;
  /// What is known of a vector (or scalar) of integers before running; empty if not even its length is.
  std::optional<PartInts> integers_of(ValueId value) const;
  /// Remembers it for a value.
  void know(ValueId value, PartInts integers);

  // Attributes. A getter fails on one of another kind, and names it. Without `otherwise` it must be there.
  bool has(std::string_view name) const { return record_.attrs.contains(name); }
  Result<int64_t> integer(std::string_view name, std::optional<int64_t> otherwise = {});
  Result<bool> flag(std::string_view name, std::optional<bool> otherwise = {});
  Result<float> number(std::string_view name, std::optional<float> otherwise = {});
  Result<std::string_view> text(std::string_view name, std::optional<std::string_view> otherwise = {});
  Result<std::vector<int64_t>> integers(std::string_view name);  ///< empty if it is absent
  Result<std::vector<float>> numbers(std::string_view name);
  Result<std::vector<std::string_view>> texts(std::string_view name);
  Result<DType> dtype(std::string_view name, std::optional<DType> otherwise = {});
  Result<ShapeRecord> shape(std::string_view name);
  Result<TensorRecord> tensor(std::string_view name);
  Result<FunctionReference> function(std::string_view name);
  void ignore(std::string_view name) { read_.insert(name); }
  /// The attribute data_format: whether the channels come first (NCHW, NCDHW).
  Result<bool> channels_first();

  // Building.
  /// Adds one operator of ours and gives its first output. What is known at once (small results of constants,
  /// shapes) becomes a constant instead of a node.
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add(D op, std::vector<ValueId> inputs) {
    return add(make_op(std::move(op)), std::move(inputs));
  }
  Result<ValueId> add(OpPtr op, std::vector<ValueId> inputs);
  Result<std::vector<ValueId>> add_all(OpPtr op, std::vector<ValueId> inputs);
  ValueId constant(Tensor tensor) {
    return state_.graph.add_constant(name_ + "/constant", std::move(tensor));
  }
  template <typename T>
  ValueId scalar(T value) {
    return constant(Tensor::scalar<T>(value));
  }
  /// A scalar of an element type.
  Result<ValueId> scalar_of(DType dtype, double value);
  ValueId constant(const std::vector<int64_t>& values) {
    return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  Result<ValueId> cast(ValueId value, DType to);
  Result<ValueId> as_int64(ValueId value) { return cast(value, DType::kI64); }
  /// Permutes axes; a constant is permuted at once.
  Result<ValueId> transpose(ValueId value, std::vector<int64_t> perm);
  /// Another shape, -1 for what is left; a constant is reshaped at once.
  Result<ValueId> reshape(ValueId value, const std::vector<int64_t>& dims);
  Result<ValueId> unsqueeze(ValueId value, const std::vector<int64_t>& axes);
  Result<ValueId> squeeze(ValueId value, const std::vector<int64_t>& axes);
  /// int64 sizes of a value; what is known of them is remembered.
  Result<ValueId> shape_of(ValueId value);
  /// Element i of a vector, as a vector of one.
  Result<ValueId> element(ValueId vector, int64_t i);
  /// A vector from pieces, each a number or, if `dynamic`, a vector of one int64.
  struct Piece {
    int64_t number = 0;
    ValueId dynamic = kNone;
  };
  /// -1 takes the place of a single dynamic piece if the vector is for a Reshape.
  Result<ValueId> vector_of(const std::vector<Piece>& pieces, bool for_reshape);
  /// The sizes of an axis: a number or a dynamic piece.
  Result<Piece> size_of_axis(ValueId value, int axis);
  Result<ValueId> to_channels_last(ValueId value);
  Result<ValueId> to_channels_first(ValueId value);

  // Outputs.
  void set_output(size_t i, Item item);
  void set_output(size_t i, ValueId value) { set_output(i, Item::of(value)); }
  /// Adds the operator and sets the node's outputs to the operator's, in order.
  template <typename D>
    requires std::derived_from<D, Op>
  Status emit(D op, std::vector<ValueId> inputs) {
    TRY(const auto outputs, add_all(make_op(std::move(op)), std::move(inputs)));
    for (size_t i = 0; i < outputs.size(); ++i) set_output(i, outputs[i]);
    return {};
  }
  /// With all the node's inputs.
  template <typename D>
    requires std::derived_from<D, Op>
  Status emit(D op) {
    TRY(auto all, inputs());
    return emit(std::move(op), std::move(all));
  }

  /// After the import function: every attribute read.
  Status finish() const;
  std::vector<Item>& results() { return results_; }

 private:
  Result<const AttrRecord*> read(std::string_view name, AttrKind kind, bool must_be_there);

  ImportState& state_;
  const NodeRecord& record_;
  const Attrs* arguments_;  ///< of the function that holds the node; null outside
  std::string name_;
  std::vector<Item> inputs_;
  std::vector<Item> results_;
  std::set<std::string_view> read_;
  int added_ = 0;
};

}  // namespace pochade::tensorflow
