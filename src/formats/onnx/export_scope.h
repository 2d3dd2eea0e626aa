#pragma once
// What the export of one node sees and does: the mirror image of scope.h. Each operator of ours is one
// ExportRow; its function writes one node of ONNX, or a few.
//
//   Status leaky_relu(ExportScope& node) {
//     return node.emit("LeakyRelu", node.inputs(),
//                      Attributes().number("alpha", node.op<LeakyRelu>().alpha));
//   }
//
// Values are as ONNX lays them out: channels first.

#include <functional>
#include <unordered_map>

#include "formats/onnx/export_file.h"
#include "formats/onnx/export_layout.h"

namespace pochade::onnx {

/// What a node's function asks of the whole export.
struct ExportContext {
  const Graph& graph;
  ModelFile& file;
  int opset;
  std::unordered_map<ValueId, std::string> names;  ///< of values that have one already

  /// The name of a value; a constant becomes an initializer when it is first asked for.
  std::string name(ValueId value);
};

class ExportScope {
 public:
  ExportScope(ExportContext& context, const Node& node);

  const std::string& name() const { return node_.name; }
  int opset() const { return context_.opset; }
  /// Whether the axes are turned: values of rank 3 and more are N, C, spatial...
  bool channels_first() const { return turned_; }
  template <typename D>
  const D& op() const {
    const D* found = op_as<D>(op_);
    CHECK(found != nullptr);
    return *found;
  }
  const Op& any_op() const { return op_; }
  /// kNotSupported unless the opset is at least this; `what` is an operator, an attribute or a type.
  Status needs_opset(int least, std::string_view what) const;

  size_t input_count() const { return node_.inputs.size(); }
  bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNone; }
  /// Its name, empty if it is absent.
  std::string input(size_t i) const;
  std::vector<std::string> inputs() const;
  /// Not present() if it is absent.
  Fact fact(size_t i) const;
  Fact output_fact(size_t i) const;
  /// Integers of a constant input; empty if it is absent or computed.
  std::optional<std::vector<int64_t>> known_integers(size_t i) const;
  /// An input of integers as int64, which is all that most operators of ONNX take for sizes and axes.
  std::string int64_input(size_t i);
  /// The same, a vector even if ours is a scalar.
  std::string int64_vector(size_t i);
  /// A constant of one element as a scalar, anything else as it is.
  std::string scalar_input(size_t i) const;
  size_t output_count() const { return node_.outputs.size(); }
  std::vector<std::string> outputs() const;

  /// A new initializer.
  std::string constant(const Tensor& tensor) const;
  std::string constant(const std::vector<int64_t>& values) const {
    return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  /// A number of the given type.
  Result<std::string> number(double value, DType dtype) const;
  /// A node of one output, of which it gives the name.
  std::string add(std::string_view op_type, std::vector<std::string> inputs,
                  const Attributes& attributes = {});
  /// A node of as many outputs as this one has; their names, empty where ours is absent.
  std::vector<std::string> add_all(std::string_view op_type, std::vector<std::string> inputs,
                                   const Attributes& attributes);
  /// The node that writes this node's outputs, the first `count` of them.
  Status emit(std::string_view op_type, std::vector<std::string> inputs, const Attributes& attributes = {},
              size_t count = SIZE_MAX);
  /// The node that writes one output.
  Status emit_output(size_t i, std::string_view op_type, std::vector<std::string> inputs,
                     const Attributes& attributes = {});

 private:
  ExportContext& context_;
  const Node& node_;
  const Op& op_;
  bool turned_ = false;
  int added_ = 0;
};

using ExportFunction = Status (*)(ExportScope& node);

/// How an operator of ours is written. Before `since_opset` ONNX has nothing like it. Without a function the
/// name and the inputs are the same and there are no attributes.
struct ExportRow {
  std::string_view name;
  int since_opset = 1;
  ExportFunction write = nullptr;
};

std::span<const ExportRow> elementwise_export_rows();
std::span<const ExportRow> index_export_rows();
std::span<const ExportRow> norm_export_rows();
std::span<const ExportRow> other_export_rows();
std::span<const ExportRow> quant_export_rows();
std::span<const ExportRow> recurrent_export_rows();
std::span<const ExportRow> resize_export_rows();
std::span<const ExportRow> shape_export_rows();
std::span<const ExportRow> window_export_rows();

/// Null if ONNX has no such operator.
const ExportRow* find_export_row(std::string_view name);

}  // namespace pochade::onnx
