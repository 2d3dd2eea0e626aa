#pragma once
// A TFLite file as plain records: checked once, so that nobody behind needs to ask whether an index is valid.
// schema.fbs has the format itself.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace pochade::tflite {

/// Numbers of the schema's TensorType.
enum class ElementType : int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kString = 5,
  kBool = 6,
  kInt16 = 7,
  kComplex64 = 8,
  kInt8 = 9,
  kFloat64 = 10,
  kComplex128 = 11,
  kUint64 = 12,
  kResource = 13,
  kVariant = 14,
  kUint32 = 15,
  kUint16 = 16,
  kInt4 = 17,
  kBfloat16 = 18,
  kInt2 = 19,
  kUint4 = 20,
};
/// The schema's name in lower case, or "type 77".
std::string to_string(ElementType type);

/// One field of an operator's options that the file holds; fields that have their default are not stored.
struct Option {
  enum class Kind { kInteger, kNumber, kText, kIntegers, kNumbers, kOther };
  std::string name;  ///< the schema's, or "field 12" if the schema knows less than the file
  Kind kind = Kind::kInteger;
  int64_t integer = 0;
  double number = 0;
  std::string_view text;
  std::vector<int64_t> integers;
  std::vector<float> numbers;
};
std::string_view to_string(Option::Kind kind);

/// real = (q - zero_point) * scale. Empty scale: none.
struct QuantizationRecord {
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  int axis = 0;              ///< quantized_dimension, where there is more than one scale
  std::string_view details;  ///< the name of a form that is not supported ("CustomQuantization"), or empty
  int64_t block = 0;         ///< by blocks of so many elements, with
  int scales_tensor = -1;    ///< these tensors
  int zero_points_tensor = -1;
  std::vector<float> min, max;  ///< what was seen when the file was made
};

/// A compressed tensor. Levels are those of traversal_order; see tensors.cc.
struct SparsityRecord {
  struct Level {
    bool is_sparse = false;
    int64_t dense_size = 0;
    std::vector<int64_t> segments, indices;
  };
  std::vector<int64_t> traversal_order, block_map;
  std::vector<Level> levels;
};

struct TensorRecord {
  std::string_view name;
  ElementType type = ElementType::kFloat32;
  std::vector<int64_t> dims;       ///< each is at least 0
  std::vector<int64_t> signature;  ///< as dims, -1 where the size is not fixed; empty: as dims
  bool has_rank = true;            ///< false: even the rank is not fixed
  bool is_variable = false;        ///< lives between runs
  bool has_data = false;
  std::span<const std::byte> data;  ///< of constants
  std::string_view outside;         ///< why the data is not in this file, or empty
  QuantizationRecord quantization;
  bool is_sparse = false;
  SparsityRecord sparsity;
};

struct OperatorRecord {
  std::string_view name;  ///< the schema's ("CONV_2D"), or that of a custom operator
  bool is_custom = false;
  int version = 1;
  std::vector<int> inputs;   ///< indices of tensors; -1: left out
  std::vector<int> outputs;  ///< never -1
  std::vector<int> intermediates;
  std::vector<bool> mutating_inputs;
  std::vector<Option> options;
  std::span<const std::byte> custom_options;  ///< a FlexBuffer, as a rule
};

struct SubgraphRecord {
  std::string_view name;
  std::vector<TensorRecord> tensors;
  std::vector<OperatorRecord> operators;
  std::vector<int> inputs, outputs;  ///< valid indices
};

struct SignatureRecord {
  std::string_view key;
  size_t subgraph = 0;
  std::vector<std::pair<std::string_view, int>> inputs, outputs;  ///< name, tensor
};

struct ModelRecord {
  Bytes file;  ///< keeps every view alive
  std::string_view description;
  std::vector<SubgraphRecord> subgraphs;  ///< at least one; the first is the model
  std::vector<SignatureRecord> signatures;
  std::vector<std::pair<std::string_view, std::span<const std::byte>>> metadata;  ///< name, buffer
};

/// Whether these bytes say that they are a TFLite file.
bool is_tflite(std::span<const std::byte> file);

/// kInvalidModel on anything that is not a TFLite file: truncated, damaged, of another kind.
Result<ModelRecord> parse_model(Bytes file);

/// A FlexBuffer map of scalars, as custom operators keep their options.
Result<std::vector<Option>> parse_custom_options(std::span<const std::byte> bytes);

/// Adds what a file says of itself to `out`: see import.h. `zip` is the whole file, whose end may be an
/// archive of label files.
void read_metadata(const ModelRecord& model, std::map<std::string, std::string>& out);

}  // namespace pochade::tflite
