#pragma once
// The messages of onnx.proto that we read, as views of the file.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace pochade::onnx {

struct GraphProto;

/// What AttributeProto::type says; old files leave it out, then the field that is there decides.
enum class AttributeType {
  kNone,
  kNumber,
  kInteger,
  kText,
  kTensor,
  kGraph,
  kNumbers,
  kIntegers,
  kTexts,
  kTensors,
  kOther
};
std::string_view to_string(AttributeType type);

/// Numbers of TensorProto.DataType.
enum class ElementType : int64_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
  kUint4 = 21,
  kInt4 = 22,
};

struct TensorProto {
  std::string_view name;
  std::vector<int64_t> dims;
  ElementType type = ElementType::kUndefined;
  std::span<const std::byte> raw;
  bool has_raw = false;
  bool is_external = false;
  bool has_segment = false;
  std::vector<std::pair<std::string_view, std::string_view>>
      external;                        ///< location, offset, length, checksum
  std::span<const std::byte> message;  ///< the whole record: typed data is decoded from it when wanted
};

struct AttributeProto {
  std::string_view name;
  std::string_view reference;  ///< ref_attr_name: an attribute of the function that holds the node
  AttributeType type = AttributeType::kNone;
  float number = 0;
  int64_t integer = 0;
  std::string_view text;
  std::vector<float> numbers;
  std::vector<int64_t> integers;
  std::vector<std::string_view> texts;
  std::span<const std::byte> message;  ///< of a tensor or a graph, parsed when wanted
};

struct NodeProto {
  std::string_view name, op_type, domain;
  std::vector<std::string_view> inputs, outputs;
  std::vector<AttributeProto> attributes;
};

/// A tensor's type; `kind` names what else it is ("a sequence", "a map", "an optional value", "a sparse
/// tensor"), empty for a tensor.
struct TypeProto {
  std::string_view kind;
  ElementType element = ElementType::kUndefined;
  bool has_shape = false;
  struct Dim {
    bool has_value = false;
    int64_t value = 0;
    std::string_view name;
  };
  std::vector<Dim> dims;
};

struct ValueInfoProto {
  std::string_view name, doc;
  TypeProto type;
};

struct GraphProto {
  std::string_view name, doc;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfoProto> inputs, outputs, values;
  std::vector<std::string_view> sparse_initializers;  ///< names
};

using OpsetMap = std::map<std::string_view, int64_t>;  ///< domain ("" for ai.onnx) to version

struct FunctionProto {
  std::string_view name, domain;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<AttributeProto> defaults;
  std::vector<NodeProto> nodes;
  OpsetMap opsets;
};

struct ModelProto {
  Bytes file;  ///< keeps every view alive
  int64_t ir_version = 0;
  std::string_view producer_name, producer_version, doc;
  OpsetMap opsets;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  std::vector<FunctionProto> functions;
  GraphProto graph;
};

/// "ai.onnx" is another spelling of the default domain "".
inline std::string_view normal_domain(std::string_view domain) {
  return domain == "ai.onnx" ? "" : domain;
}

/// kInvalidModel on anything that is not an ONNX file: truncated, damaged, of another kind.
Result<ModelProto> parse_model(Bytes file);
Result<TensorProto> parse_tensor(std::span<const std::byte> message);
Result<GraphProto> parse_graph(std::span<const std::byte> message);

}  // namespace pochade::onnx
