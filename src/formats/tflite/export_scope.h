#pragma once
// What the export of one node to TFLite sees and does. Each operator of ours is one ExportRow; its function
// writes one builtin operator, or a few. Values are channels-last on both sides.

#include <unordered_map>

#include <formats/tflite/schema_generated.h>
#include "formats/tflite/export_hybrid.h"
#include "passes/permutation.h"

namespace pochade::tflite {

using BuiltinOperator = schema::BuiltinOperator;
using OptionsType = schema::BuiltinOptions;
/// A table of options that was built: its type and its offset.
struct Options {
  OptionsType type = OptionsType::NONE;
  flatbuffers::Offset<void> offset = 0;
};
/// A tensor of the file.
using TensorIndex = int;
constexpr TensorIndex kLeftOut = -1;

/// The file under construction.
class FileBuilder {
 public:
  flatbuffers::FlatBufferBuilder& flat() { return flat_; }
  TensorIndex add_tensor(const std::string& name, const Fact& fact, const Tensor& constant,
                         const Quantized::Type& type) {
    return add_tensor(name, fact, constant, type, false);
  }
  /// Zeros (or zero points) that the operators change and that stay for the next run.
  TensorIndex add_variable(const std::string& name, const Fact& fact, const Quantized::Type& type) {
    return add_tensor(name, fact, Tensor(), type, true);
  }
  /// What stands for a named variable.
  TensorIndex add_resource(const std::string& name);
  /// Some operators keep the scales of what they compute in between in `intermediates`.
  void add_operator(BuiltinOperator code, int version, const std::vector<TensorIndex>& inputs,
                    const std::vector<TensorIndex>& outputs, Options options,
                    const std::vector<TensorIndex>& intermediates = {});
  /// Tensors and operators that follow belong to another subgraph, without inputs or outputs.
  void begin_subgraph(std::string name);
  /// The finished file. The inputs and outputs are those of the first subgraph.
  void finish(const std::vector<TensorIndex>& inputs, const std::vector<TensorIndex>& outputs,
              const std::vector<std::string>& input_names, const std::vector<std::string>& output_names,
              const std::string& graph_name, const std::string& description);
  int64_t operator_count() const {
    int64_t out = 0;
    for (const Subgraph& subgraph : subgraphs_) out += static_cast<int64_t>(subgraph.operators.size());
    return out;
  }

 private:
  struct Subgraph {
    std::string name;
    std::vector<flatbuffers::Offset<schema::Tensor>> tensors;
    std::vector<flatbuffers::Offset<schema::Operator>> operators;
  };
  TensorIndex add_tensor(const std::string& name, const Fact& fact, const Tensor& constant,
                         const Quantized::Type& type, bool is_variable);

  flatbuffers::FlatBufferBuilder flat_{1 << 20};
  std::vector<flatbuffers::Offset<schema::Buffer>> buffers_;
  std::vector<Subgraph> subgraphs_{1};
  std::map<std::pair<BuiltinOperator, int>, uint32_t> codes_;
  std::vector<std::pair<BuiltinOperator, int>> code_list_;
};

struct ExportContext {
  const Graph& graph;
  FileBuilder& file;
  std::unordered_map<ValueId, TensorIndex> tensors;
  /// Nodes whose operator keeps two states by itself: their indexes into Graph::states().
  std::unordered_map<const Node*, std::pair<size_t, size_t>> kept_states;

  /// The tensor of a value; `type` says how it stores real numbers if it is new.
  TensorIndex tensor_of(ValueId value, const Quantized::Type& type);
};

class ExportScope {
 public:
  ExportScope(ExportContext& context, const Node& node);

  const std::string& name() const { return node_.name; }
  const Op& op() const { return op_; }
  template <typename D>
  const D& as() const {
    const D* found = op_as<D>(op_);
    CHECK(found != nullptr);
    return *found;
  }
  /// An axis of input 0, counted from the front.
  Result<int> axis_of(int64_t axis) const;
  /// kNotSupported unless input 0 is N,H,W,C.
  Status expect_picture() const;
  /// kNotSupported if integers of input 0 and the weights, input 1, are of types that TFLite does not
  /// multiply.
  Status expect_products() const;
  bool is_quantized() const { return quantized_ != nullptr; }
  /// Null unless the weights alone are integers.
  const HybridLayer* hybrid() const { return hybrid_; }
  std::optional<std::pair<size_t, size_t>> kept_states() const {
    const auto found = context_.kept_states.find(&node_);
    return found == context_.kept_states.end() ? std::nullopt : std::optional(found->second);
  }
  /// A tensor that lives between runs.
  TensorIndex variable(size_t state, const Quantized::Type& type = {}) {
    const State& s = context_.graph.states()[state];
    return context_.file.add_variable(s.name, Fact(s.initial.dtype(), s.initial.shape()), type);
  }
  size_t input_count() const { return node_.inputs.size(); }
  bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNone; }
  const Graph& graph() const { return context_.graph; }
  ValueId value(size_t i) const { return has_input(i) ? node_.inputs[i] : kNone; }
  Fact fact(size_t i) const { return has_input(i) ? context_.graph.fact(node_.inputs[i]) : Fact(); }
  const Fact& output_fact(size_t i = 0) const { return context_.graph.fact(node_.outputs.at(i)); }
  /// kLeftOut if it is absent.
  TensorIndex input(size_t i);
  TensorIndex output(size_t i = 0);
  std::vector<TensorIndex> inputs();
  std::optional<std::vector<int64_t>> known_integers(size_t i) const {
    return has_input(i) ? constant_ints(fact(i)) : std::nullopt;
  }
  /// A constant tensor of the file.
  TensorIndex constant(const Tensor& tensor, const Quantized::Type& type = {});
  /// Constant input i with its axes in another order; its scales go along.
  Result<TensorIndex> turned(size_t i, const Permutation& order);
  TensorIndex int32s(const std::vector<int64_t>& values);
  /// A number of the type of input 0.
  Result<TensorIndex> number(double value);
  /// A tensor between two operators of this node, of these dims, stored as input 0 or as the output.
  TensorIndex between(std::optional<Dims> dims, bool like_output = false);
  /// The same of int32 values.
  TensorIndex int32_between(std::optional<Dims> dims) {
    return tensor_between(Fact(DType::kI32, std::move(dims)));
  }
  /// The same of any type without a scale.
  TensorIndex tensor_between(const Fact& fact) {
    return context_.file.add_tensor(name() + "/inner", fact, Tensor(), {});
  }
  /// A tensor of the output's size between two operators of this node, stored in this way.
  TensorIndex between_as(const Quantized::Type& type) {
    return context_.file.add_tensor(name() + "/inner", Fact(*type.dtype, output_fact().dims), Tensor(), type);
  }
  /// One without a size, which only says a type.
  TensorIndex type_between(const Quantized::Type& type) {
    return context_.file.add_tensor(name() + "/inner", Fact(*type.dtype, Shape{}), Tensor(), type);
  }
  /// How input or output i stores real numbers.
  Quantized::Type input_type(size_t i) const;
  Quantized::Type output_type(size_t i = 0) const;

  /// Writes an operator. Versions are those in which the operator got what it uses here.
  void write(BuiltinOperator code, int version, const std::vector<TensorIndex>& inputs,
             const std::vector<TensorIndex>& outputs, Options options = {},
             const std::vector<TensorIndex>& intermediates = {}) {
    context_.file.add_operator(code, version, inputs, outputs, options, intermediates);
  }
  /// From the inputs to the first output.
  Status emit(BuiltinOperator code, int version = 1, Options options = {}) {
    write(code, version, inputs(), {output()}, options);
    return {};
  }
  /// The activation inside the operator, as the schema has it.
  Result<schema::ActivationFunctionType> activation();
  /// Whether an activation that the operator has was left out.
  bool lost_activation() const {
    return quantized_ != nullptr && !is_none(quantized_->act) && !activation_read_;
  }
  template <typename T>
  Options options(OptionsType type, flatbuffers::Offset<T> offset) const {
    return {type, offset.Union()};
  }
  flatbuffers::FlatBufferBuilder& flat() { return context_.file.flat(); }
  /// 2 for int8, 3 for int16, else 1: what the versions of many operators say.
  int type_version() const;

 private:
  ExportContext& context_;
  const Node& node_;
  const Quantized* quantized_;
  const HybridLayer* hybrid_;
  const Op& op_;
  bool activation_read_ = false;
};

using ExportFunction = Status (*)(ExportScope& node);
struct ExportRow {
  std::string_view name;
  ExportFunction write = nullptr;
};
std::span<const ExportRow> elementwise_export_rows();
std::span<const ExportRow> index_export_rows();
std::span<const ExportRow> layer_export_rows();
std::span<const ExportRow> recurrent_export_rows();
std::span<const ExportRow> shape_export_rows();
std::span<const ExportRow> window_export_rows();
/// Null if TFLite has no such operator.
const ExportRow* find_export_row(std::string_view name);

}  // namespace pochade::tflite
