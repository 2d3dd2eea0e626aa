#pragma once
// The messages of onnx.proto that we write. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file_writer.h"
#include "formats/onnx/records.h"
#include "formats/wire.h"
#include "graph/fact.h"

namespace pochade::onnx {

ElementType element_type_of(DType dtype);

/// The attributes of one node: Attributes().integer("axis", 1).text("mode", "linear")
class Attributes {
 public:
  Attributes& integer(std::string_view name, int64_t value);
  Attributes& number(std::string_view name, float value);
  Attributes& type(std::string_view name, DType value);  ///< ONNX's number of an element type
  Attributes& text(std::string_view name, std::string_view value);
  Attributes& integers(std::string_view name, const std::vector<int64_t>& values);
  Attributes& numbers(std::string_view name, const std::vector<float>& values);
  Attributes& texts(std::string_view name, const std::vector<std::string>& values);
  Attributes& tensor(std::string_view name, const Tensor& value);

  const std::vector<WireWriter>& list() const { return list_; }

 private:
  std::vector<WireWriter> list_;
};

/// Names of one kind, each given once.
class UniqueNames {
 public:
  /// Any name as it is, or with a number behind it if it is taken. Never empty.
  std::string make(std::string_view wanted);

 private:
  std::set<std::string, std::less<>> names_;
  std::map<std::string, int, std::less<>> next_number_;
};

/// A model file in pieces: weights are written from where they lie.
class ModelFile {
 public:
  /// Of a value.
  std::string unique_name(std::string_view wanted) { return value_names_.make(wanted); }

  /// ONNX Runtime refuses files in which two nodes have one name: a number is set behind it.
  void add_node(std::string_view op_type, std::string_view domain, std::string_view name,
                const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                const Attributes& attributes);
  void add_initializer(std::string_view name, const Tensor& tensor);
  void add_input(std::string_view name, const Fact& fact, std::string_view doc);
  void add_output(std::string_view name, const Fact& fact, std::string_view doc);
  void add_metadata(std::string_view key, std::string_view text);
  void set_graph_name(std::string_view name) { graph_name_ = name; }
  void set_doc(std::string_view doc) { doc_ = doc; }

  /// kNotSupported: more than the 2 GB that a protobuf file can hold.
  Status write(FileWriter& file, int opset) const;
  Result<std::string> bytes(int opset) const;
  Result<int64_t> byte_size(int opset) const;
  int64_t node_count() const { return node_count_; }

 private:
  struct Piece {
    std::string head;
    Tensor tensor;  ///< its elements follow the head
  };
  /// Calls sink(bytes) for each piece, in order; the first error ends it.
  template <typename Sink>
  Status stream(int opset, Sink&& sink) const;

  UniqueNames value_names_, node_names_;
  std::string graph_name_, doc_;
  WireWriter nodes_, inputs_, outputs_, metadata_;
  std::vector<Piece> initializers_;
  int64_t node_count_ = 0;
};

}  // namespace pochade::onnx
