#pragma once
// What the export of one node to TFLite sees and does. Each operator of ours is one ExportRow; its function
// writes one builtin operator, or a few. Values are channels-last on both sides.

#include <unordered_map>

#include <formats/tflite/schema_generated.h>
#include "graph/graph.h"
#include "ops/quant/quantized.h"

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
                         const Quantized::Type& type);
  void add_operator(BuiltinOperator code, int version, const std::vector<TensorIndex>& inputs,
                    const std::vector<TensorIndex>& outputs, Options options);
  /// The finished file.
  void finish(const std::vector<TensorIndex>& inputs, const std::vector<TensorIndex>& outputs,
              const std::vector<std::string>& input_names, const std::vector<std::string>& output_names,
              const std::string& graph_name, const std::string& description);
  int64_t operator_count() const { return static_cast<int64_t>(operators_.size()); }

 private:
  flatbuffers::FlatBufferBuilder flat_{1 << 20};
  std::vector<flatbuffers::Offset<schema::Buffer>> buffers_;
  std::vector<flatbuffers::Offset<schema::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<schema::Operator>> operators_;
  std::map<std::pair<BuiltinOperator, int>, uint32_t> codes_;
  std::vector<std::pair<BuiltinOperator, int>> code_list_;
};

struct ExportContext {
  const Graph& graph;
  FileBuilder& file;
  std::unordered_map<ValueId, TensorIndex> tensors;
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
  bool is_quantized() const { return quantized_ != nullptr; }
  size_t input_count() const { return node_.inputs.size(); }
  bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNone; }
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
  TensorIndex int32s(const std::vector<int64_t>& values);
  /// A number of the type of input 0.
  Result<TensorIndex> number(double value);
  /// A tensor between two operators of this node, of these dims, stored as input `like` (or as the output).
  TensorIndex between(std::optional<Dims> dims, bool like_output = false);
  /// The same for int32 values.
  TensorIndex vector_of_int32(std::optional<Dims> dims) {
    return context_.file.add_tensor(name() + "/inner", Fact(DType::kI32, std::move(dims)), Tensor(), {});
  }
  /// How input or output i stores real numbers.
  Quantized::Type input_type(size_t i) const;
  Quantized::Type output_type(size_t i = 0) const;

  /// Writes an operator. Versions are those in which the operator got what it uses here.
  void write(BuiltinOperator code, int version, const std::vector<TensorIndex>& inputs,
             const std::vector<TensorIndex>& outputs, Options options = {}) {
    context_.file.add_operator(code, version, inputs, outputs, options);
  }
  /// From the inputs to the first output.
  Status emit(BuiltinOperator code, int version = 1, Options options = {}) {
    write(code, version, inputs(), {output()}, options);
    return {};
  }
  /// The activation inside the operator, as the schema has it.
  Result<schema::ActivationFunctionType> activation() const;
  template <typename T>
  Options options(OptionsType type, flatbuffers::Offset<T> offset) const {
    return {type, offset.Union()};
  }
  flatbuffers::FlatBufferBuilder& flat() { return context_.file.flat(); }
  /// 2 for int8, 3 for int16, else 1: what the versions of many operators say.
  int type_version() const;

 private:
  TensorIndex tensor_of(ValueId value, const Quantized::Type& type);

  ExportContext& context_;
  const Node& node_;
  const Quantized* quantized_;
  const Op& op_;
};

using ExportFunction = Status (*)(ExportScope& node);
struct ExportRow {
  std::string_view name;
  ExportFunction write = nullptr;
};
std::span<const ExportRow> elementwise_export_rows();
std::span<const ExportRow> layer_export_rows();
std::span<const ExportRow> shape_export_rows();
/// Null if TFLite has no such operator.
const ExportRow* find_export_row(std::string_view name);

}  // namespace pochade::tflite
