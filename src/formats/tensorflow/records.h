#pragma once
// The messages of TensorFlow's graph.proto, function.proto, saved_model.proto and their relatives that we
// read, as views of the file. https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "formats/wire.h"
#include "tensor/tensor.h"

namespace pochade::tensorflow {

/// Numbers of types.proto that decide something here.
constexpr int64_t kTypeString = 7;
constexpr int64_t kTypeResource = 20;

/// Our element type; kNotSupported names the other ones (string, complex64, resource, ...). References
/// (DT_FLOAT_REF) count as what they refer to.
Result<DType> element_type(int64_t type);
std::string type_name(int64_t type);

/// -1 is an unknown size.
struct ShapeRecord {
  bool unknown_rank = false;
  std::vector<int64_t> dims;
};

struct TensorRecord {
  int64_t type = 0;
  ShapeRecord shape;
  std::span<const std::byte> content;
  bool has_content = false;
  std::vector<std::string_view> texts;
  std::span<const std::byte> message;  ///< the whole record: typed values are decoded from it when wanted
};

enum class AttrKind {
  kNone,
  kText,
  kInteger,
  kNumber,
  kFlag,
  kType,
  kShape,
  kTensor,
  kFunction,
  kPlaceholder,
  kList,
};
std::string_view to_string(AttrKind kind);

struct AttrRecord;
/// In the order of the file; keys are unique.
using Attrs = std::map<std::string_view, AttrRecord>;

/// One AttrValue; a list keeps each kind of its elements apart, as the file does.
struct AttrRecord {
  AttrKind kind = AttrKind::kNone;
  std::string_view text;  ///< also the function's or the placeholder's name
  int64_t integer = 0;    ///< also flag and type
  float number = 0;
  ShapeRecord shape;
  std::span<const std::byte> message;  ///< of a tensor or a function, parsed when wanted
  std::vector<std::string_view> texts;
  std::vector<int64_t> integers;  ///< also flags and types
  std::vector<float> numbers;
  std::vector<ShapeRecord> shapes;
};

struct NodeRecord {
  std::string_view name, op;
  std::vector<std::string_view> inputs;
  Attrs attrs;
};

struct ArgumentRecord {
  std::string_view name;
  int64_t type = 0;
};

struct FunctionRecord {
  std::string_view name;
  std::vector<ArgumentRecord> inputs, outputs;
  std::vector<NodeRecord> nodes;
  std::map<std::string_view, std::string_view> results;  ///< output argument -> "node:output:index"
};

struct GraphRecord {
  std::vector<NodeRecord> nodes;
  std::unordered_map<std::string_view, FunctionRecord> functions;
};

struct TensorInfo {
  std::string_view name;  ///< "node:0"; empty for composite and sparse tensors
  int64_t type = 0;
  ShapeRecord shape;
};

struct SignatureRecord {
  std::map<std::string_view, TensorInfo> inputs, outputs;
};

struct MetaGraph {
  std::vector<std::string_view> tags;
  std::string_view version;  ///< of TensorFlow
  GraphRecord graph;
  std::map<std::string_view, SignatureRecord> signatures;
};

/// kInvalidModel on anything that is not such a file: truncated, damaged, of another kind.
Result<GraphRecord> parse_graph(std::span<const std::byte> file);
Result<std::vector<MetaGraph>> parse_saved_model(std::span<const std::byte> file);
Result<TensorRecord> parse_tensor(std::span<const std::byte> message);
Result<ShapeRecord> parse_shape(WireReader reader);

/// A function's name and attributes, as the attribute "f" of a call holds them.
struct FunctionReference {
  std::string_view name;
  Attrs attrs;
};
Result<FunctionReference> parse_function_reference(std::span<const std::byte> message);

/// The elements. One value may stand for all of the same: TensorProto leaves the repeated tail out.
struct Elements {
  DType dtype = DType::kF32;
  Shape shape;
  Tensor tensor;  ///< undefined if it is `splat`
  Tensor splat;   ///< one element that fills a shape larger than `splat_limit_bytes`
};
/// Shares the file's memory where it can (`file` keeps it alive). Errors: unknown or overflowing sizes, more
/// dimensions than kMaxRank, data of another size than they say.
Result<Elements> read_elements(const TensorRecord& record, const Bytes& file, int64_t splat_limit_bytes);

}  // namespace pochade::tensorflow
