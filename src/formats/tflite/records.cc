#include "formats/tflite/records.h"

#include <flatbuffers/flexbuffers.h>
#include <formats/tflite/schema_generated.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace pochade::tflite {
namespace {

/// FlatBuffers are smaller than 2 GiB; what follows in a larger file are the buffers that have an offset.
constexpr size_t kMostVerifiedBytes = FLATBUFFERS_MAX_BUFFER_SIZE - 1;
constexpr flatbuffers::uoffset_t kMostDepth = 64;
constexpr flatbuffers::uoffset_t kMostTables = 4'000'000;

std::string_view view(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

Option unread(std::string name) {
  Option out;
  out.name = std::move(name);
  out.kind = Option::Kind::kOther;
  return out;
}

/// Turns the tables of a verified file into records.
class Parser {
 public:
  /// Tables may share lists: without a limit a small file could ask for as many copies as it has tables.
  explicit Parser(const Bytes& file) : file_(file), budget_(16 * file.size() + 65536) {}

  Result<ModelRecord> parse();

 private:
  template <typename To, typename From>
  Result<std::vector<To>> list(const flatbuffers::Vector<From>* from) {
    if (from == nullptr) return std::vector<To>();
    TRY(spend(from->size()));
    std::vector<To> out;
    out.reserve(from->size());
    for (size_t i = 0; i < from->size(); ++i)
      out.push_back(static_cast<To>(from->Get(static_cast<flatbuffers::uoffset_t>(i))));
    return out;
  }
  Status spend(size_t elements) {
    if (elements > budget_)
      return Error::invalid_model("its lists are referred to more often than a file of this size can need");
    budget_ -= elements;
    return {};
  }

  Result<std::span<const std::byte>> buffer_data(const schema::Model& model, uint32_t index) const;
  Result<TensorRecord> tensor(const schema::Model& model, const schema::Tensor& from);
  Result<QuantizationRecord> quantization(const schema::QuantizationParameters& from, size_t tensors);
  Result<SparsityRecord> sparsity(const schema::SparsityParameters& from);
  Result<std::vector<int64_t>> indices(schema::SparseIndexVector type, const void* table);
  Result<OperatorRecord> operation(const schema::Model& model, const schema::Operator& from, size_t tensors);
  Status options(const flatbuffers::Table& table, const flatbuffers::TypeTable& type,
                 std::vector<Option>& out);
  Result<Option> option(const flatbuffers::Table& table, const flatbuffers::TypeTable& type, size_t field,
                        const uint8_t* at);
  Result<std::vector<int>> tensor_indices(const flatbuffers::Vector<int32_t>* from, size_t tensors,
                                          bool may_be_absent);
  Result<SubgraphRecord> subgraph(const schema::Model& model, const schema::SubGraph& from);
  Status signatures(const schema::Model& model, ModelRecord& out);

  const Bytes& file_;
  size_t budget_;
};

Result<std::span<const std::byte>> Parser::buffer_data(const schema::Model& model, uint32_t index) const {
  const auto* buffers = model.buffers();
  if (buffers == nullptr || index >= buffers->size())
    return Error::invalid_model("buffer {} does not exist, the file has {}", index,
                                buffers == nullptr ? 0 : buffers->size());
  const schema::Buffer* buffer = buffers->Get(index);
  if (buffer == nullptr) return std::span<const std::byte>();
  // Writers put 1 where the offset is to be filled in later.
  if (buffer->offset() > 1) {
    if (buffer->offset() > file_.size() || buffer->size() > file_.size() - buffer->offset())
      return Error::invalid_model("buffer {} ends beyond the end of the file", index);
    return file_.span().subspan(static_cast<size_t>(buffer->offset()), static_cast<size_t>(buffer->size()));
  }
  if (buffer->data() == nullptr) return std::span<const std::byte>();
  return std::as_bytes(std::span(buffer->data()->data(), buffer->data()->size()));
}

Result<QuantizationRecord> Parser::quantization(const schema::QuantizationParameters& from, size_t tensors) {
  QuantizationRecord out;
  TRY(out.scale, list<float>(from.scale()));
  TRY(out.zero_point, list<int64_t>(from.zero_point()));
  TRY(out.min, list<float>(from.min()));
  TRY(out.max, list<float>(from.max()));
  out.axis = from.quantized_dimension();
  if (from.details_type() == schema::QuantizationDetails::NONE || from.details() == nullptr) return out;
  if (const auto* blocks = from.details_as_BlockwiseQuantization()) {
    out.block = blocks->block_size();
    out.scales_tensor = blocks->scales();
    out.zero_points_tensor = blocks->zero_points();
    const auto valid = [&](int t) { return t >= -1 && t < static_cast<int>(tensors); };
    if (!valid(out.scales_tensor) || !valid(out.zero_points_tensor))
      return Error::invalid_model("its quantization refers to a tensor that does not exist");
    return out;
  }
  const char* name = schema::EnumNameQuantizationDetails(from.details_type());
  out.details = *name != '\0' ? name : "quantization of a kind that is not known";
  return out;
}

Result<std::vector<int64_t>> Parser::indices(schema::SparseIndexVector type, const void* table) {
  if (table == nullptr) return std::vector<int64_t>();
  switch (type) {
    case schema::SparseIndexVector::Int32Vector:
      return list<int64_t>(static_cast<const schema::Int32Vector*>(table)->values());
    case schema::SparseIndexVector::Uint16Vector:
      return list<int64_t>(static_cast<const schema::Uint16Vector*>(table)->values());
    case schema::SparseIndexVector::Uint8Vector:
      return list<int64_t>(static_cast<const schema::Uint8Vector*>(table)->values());
    default:
      return Error::not_supported("its indices are of a kind that is not known");
  }
}

Result<SparsityRecord> Parser::sparsity(const schema::SparsityParameters& from) {
  SparsityRecord out;
  TRY(out.traversal_order, list<int64_t>(from.traversal_order()));
  TRY(out.block_map, list<int64_t>(from.block_map()));
  if (from.dim_metadata() == nullptr) return out;
  for (const schema::DimensionMetadata* level : *from.dim_metadata()) {
    TRY(spend(1));
    SparsityRecord::Level to;
    to.is_sparse = level->format() == schema::DimensionType::SPARSE_CSR;
    if (!to.is_sparse && level->format() != schema::DimensionType::DENSE)
      return Error::not_supported("one of its levels has an unknown format");
    to.dense_size = level->dense_size();
    TRY(to.segments, indices(level->array_segments_type(), level->array_segments()));
    TRY(to.indices, indices(level->array_indices_type(), level->array_indices()));
    out.levels.push_back(std::move(to));
  }
  return out;
}

Result<TensorRecord> Parser::tensor(const schema::Model& model, const schema::Tensor& from) {
  TensorRecord out;
  out.name = view(from.name());
  out.type = static_cast<ElementType>(from.type());
  TRY(out.dims, list<int64_t>(from.shape()));
  TRY(out.signature, list<int64_t>(from.shape_signature()));
  for (const int64_t dim : out.dims)
    if (dim < 0) return Error::invalid_model("one of its sizes is {}", dim);
  for (const int64_t dim : out.signature)
    if (dim < -1) return Error::invalid_model("one of the sizes of its signature is {}", dim);
  if (!out.signature.empty() && out.signature.size() != out.dims.size())
    return Error::invalid_model("it has {} sizes, but {} in its signature", out.dims.size(),
                                out.signature.size());
  out.has_rank = from.has_rank();
  out.is_variable = from.is_variable();
  if (from.external_buffer() != 0) out.outside = "an external buffer";
  TRY(out.data, buffer_data(model, from.buffer()));
  out.has_data = !out.data.empty();
  if (from.quantization() != nullptr) {
    TRY(out.quantization, quantization(*from.quantization(), 0x7fffffff));
  }
  if (from.sparsity() != nullptr) {
    out.is_sparse = true;
    TRY(out.sparsity, sparsity(*from.sparsity()));
  }
  return out;
}

template <typename T, typename To>
Result<std::vector<To>> scalars(const uint8_t* vector, size_t& budget) {
  const auto* from = reinterpret_cast<const flatbuffers::Vector<T>*>(vector);
  if (from->size() > budget) return Error::invalid_model("the options refer to the same list too often");
  budget -= from->size();
  std::vector<To> out;
  for (flatbuffers::uoffset_t i = 0; i < from->size(); ++i) out.push_back(static_cast<To>(from->Get(i)));
  return out;
}

Result<Option> Parser::option(const flatbuffers::Table&, const flatbuffers::TypeTable& type, size_t field,
                              const uint8_t* at) {
  Option out;
  out.name = type.names[field];
  const flatbuffers::TypeCode code = type.type_codes[field];
  const auto base = static_cast<flatbuffers::ElementaryType>(code.base_type);
  const bool is_offset = code.is_repeating || base == flatbuffers::ET_STRING;
  if (is_offset) at += flatbuffers::ReadScalar<flatbuffers::uoffset_t>(at);
  if (code.is_repeating) {
    out.kind = Option::Kind::kIntegers;
    switch (base) {
      case flatbuffers::ET_BOOL:
      case flatbuffers::ET_UCHAR: {
        TRY(out.integers, scalars<uint8_t, int64_t>(at, budget_));
        return out;
      }
      case flatbuffers::ET_INT: {
        TRY(out.integers, scalars<int32_t, int64_t>(at, budget_));
        return out;
      }
      case flatbuffers::ET_LONG: {
        TRY(out.integers, scalars<int64_t, int64_t>(at, budget_));
        return out;
      }
      case flatbuffers::ET_FLOAT: {
        out.kind = Option::Kind::kNumbers;
        TRY(out.numbers, scalars<float, float>(at, budget_));
        return out;
      }
      default:
        out.kind = Option::Kind::kOther;
        return out;
    }
  }
  switch (base) {
    case flatbuffers::ET_BOOL:
    case flatbuffers::ET_UCHAR:
    case flatbuffers::ET_UTYPE:
      out.integer = flatbuffers::ReadScalar<uint8_t>(at);
      return out;
    case flatbuffers::ET_CHAR:
      out.integer = flatbuffers::ReadScalar<int8_t>(at);
      return out;
    case flatbuffers::ET_INT:
      out.integer = flatbuffers::ReadScalar<int32_t>(at);
      return out;
    case flatbuffers::ET_UINT:
      out.integer = flatbuffers::ReadScalar<uint32_t>(at);
      return out;
    case flatbuffers::ET_LONG:
      out.integer = flatbuffers::ReadScalar<int64_t>(at);
      return out;
    case flatbuffers::ET_FLOAT:
      out.kind = Option::Kind::kNumber;
      out.number = static_cast<double>(flatbuffers::ReadScalar<float>(at));
      return out;
    case flatbuffers::ET_STRING:
      out.kind = Option::Kind::kText;
      out.text = view(reinterpret_cast<const flatbuffers::String*>(at));
      return out;
    default:
      out.kind = Option::Kind::kOther;
      return out;
  }
}

/// All fields that are there; also those that a newer schema than ours has added.
Status Parser::options(const flatbuffers::Table& table, const flatbuffers::TypeTable& type,
                       std::vector<Option>& out) {
  const auto table_bytes = flatbuffers::ReadScalar<flatbuffers::voffset_t>(table.GetVTable());
  for (size_t field = 0;; ++field) {
    const size_t place = sizeof(flatbuffers::voffset_t) * (2 + field);
    if (place >= table_bytes) return {};
    const uint8_t* at = table.GetAddressOf(static_cast<flatbuffers::voffset_t>(place));
    if (at == nullptr) continue;
    TRY(spend(1));
    if (field >= type.num_elems) {
      out.push_back(unread(format("field {}", field)));
      continue;
    }
    TRY(Option read, option(table, type, field, at));
    out.push_back(std::move(read));
  }
}

Result<std::vector<int>> Parser::tensor_indices(const flatbuffers::Vector<int32_t>* from, size_t tensors,
                                                bool may_be_absent) {
  TRY(std::vector<int> out, list<int>(from));
  for (const int index : out)
    if (index >= static_cast<int>(tensors) || index < (may_be_absent ? -1 : 0))
      return Error::invalid_model("it refers to tensor {}, the subgraph has {}", index, tensors);
  return out;
}

const flatbuffers::TypeTable* options_type(const flatbuffers::TypeTable& all, size_t type) {
  if (type >= all.num_elems || all.type_codes[type].sequence_ref < 0) return nullptr;
  return all.type_refs[all.type_codes[type].sequence_ref]();
}

Result<OperatorRecord> Parser::operation(const schema::Model& model, const schema::Operator& from,
                                         size_t tensors) {
  OperatorRecord out;
  const auto* codes = model.operator_codes();
  if (codes == nullptr || from.opcode_index() >= codes->size())
    return Error::invalid_model("its operator code {} does not exist", from.opcode_index());
  const schema::OperatorCode& code = *codes->Get(from.opcode_index());
  const int number =
      std::max(static_cast<int>(code.builtin_code()), static_cast<int>(code.deprecated_builtin_code()));
  const auto builtin = static_cast<schema::BuiltinOperator>(number);
  out.version = code.version();
  out.is_custom = builtin == schema::BuiltinOperator::CUSTOM;
  out.name = out.is_custom ? view(code.custom_code()) : schema::EnumNameBuiltinOperator(builtin);
  if (out.name.empty()) {
    if (out.is_custom) return Error::invalid_model("a custom operator has no name");
    return Error::not_supported("operator number {} is newer than this reader", number);
  }
  const auto where = [&](auto&& result) { return std::move(result).context("operator {}", out.name); };
  TRY(out.inputs, where(tensor_indices(from.inputs(), tensors, true)));
  TRY(out.outputs, where(tensor_indices(from.outputs(), tensors, false)));
  TRY(out.intermediates, where(tensor_indices(from.intermediates(), tensors, true)));
  TRY(out.mutating_inputs, list<bool>(from.mutating_variable_inputs()));
  if (from.custom_options() != nullptr)
    out.custom_options =
        std::as_bytes(std::span(from.custom_options()->data(), from.custom_options()->size()));
  if (from.large_custom_options_offset() > 1) {
    const uint64_t offset = from.large_custom_options_offset(), size = from.large_custom_options_size();
    if (offset > file_.size() || size > file_.size() - offset)
      return Error::invalid_model("operator {}: its options end beyond the end of the file", out.name);
    out.custom_options = file_.span().subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
  }
  if (from.builtin_options() != nullptr) {
    const auto* type =
        options_type(*schema::BuiltinOptionsTypeTable(), static_cast<size_t>(from.builtin_options_type()));
    if (type != nullptr)
      TRY(options(*static_cast<const flatbuffers::Table*>(from.builtin_options()), *type, out.options));
    else
      out.options.push_back(unread("options of an unknown kind"));
  }
  if (from.builtin_options_2() != nullptr) {
    const auto* type =
        options_type(*schema::BuiltinOptions2TypeTable(), static_cast<size_t>(from.builtin_options_2_type()));
    if (type != nullptr)
      TRY(options(*static_cast<const flatbuffers::Table*>(from.builtin_options_2()), *type, out.options));
    else
      out.options.push_back(unread("options of an unknown kind"));
  }
  return out;
}

Result<SubgraphRecord> Parser::subgraph(const schema::Model& model, const schema::SubGraph& from) {
  SubgraphRecord out;
  out.name = view(from.name());
  const size_t tensors = from.tensors() == nullptr ? 0 : from.tensors()->size();
  for (size_t i = 0; i < tensors; ++i) {
    const schema::Tensor* record = from.tensors()->Get(static_cast<flatbuffers::uoffset_t>(i));
    TRY(spend(1));
    TRY(TensorRecord to, tensor(model, *record).context("tensor {} \"{}\"", i, view(record->name())));
    if (to.quantization.scales_tensor >= static_cast<int>(tensors) ||
        to.quantization.zero_points_tensor >= static_cast<int>(tensors))
      return Error::invalid_model("tensor {}: its quantization refers to a tensor that does not exist", i);
    out.tensors.push_back(std::move(to));
  }
  TRY(out.inputs, tensor_indices(from.inputs(), tensors, false).context("the list of inputs"));
  TRY(out.outputs, tensor_indices(from.outputs(), tensors, false).context("the list of outputs"));
  if (from.operators() == nullptr) return out;
  for (const schema::Operator* record : *from.operators()) {
    TRY(spend(1));
    TRY(OperatorRecord to, operation(model, *record, tensors));
    out.operators.push_back(std::move(to));
  }
  return out;
}

Status Parser::signatures(const schema::Model& model, ModelRecord& out) {
  if (model.signature_defs() == nullptr) return {};
  for (const schema::SignatureDef* from : *model.signature_defs()) {
    TRY(spend(1));
    SignatureRecord to;
    to.key = view(from->signature_key());
    to.subgraph = from->subgraph_index();
    if (to.subgraph >= out.subgraphs.size())
      return Error::invalid_model("signature \"{}\" is of subgraph {}, which does not exist", to.key,
                                  to.subgraph);
    const size_t tensors = out.subgraphs[to.subgraph].tensors.size();
    for (const bool is_input : {true, false}) {
      const auto* maps = is_input ? from->inputs() : from->outputs();
      if (maps == nullptr) continue;
      TRY(spend(maps->size()));
      for (const schema::TensorMap* map : *maps) {
        if (map->tensor_index() >= tensors)
          return Error::invalid_model("signature \"{}\" names tensor {}, which does not exist", to.key,
                                      map->tensor_index());
        (is_input ? to.inputs : to.outputs)
            .emplace_back(view(map->name()), static_cast<int>(map->tensor_index()));
      }
    }
    out.signatures.push_back(std::move(to));
  }
  return {};
}

Result<ModelRecord> Parser::parse() {
  const schema::Model& model = *schema::GetModel(file_.data());
  if (model.version() != 3)
    return Error::not_supported("it is of version {} of the format, only 3 is supported", model.version());
  ModelRecord out;
  out.file = file_;
  out.description = view(model.description());
  if (model.subgraphs() == nullptr || model.subgraphs()->size() == 0)
    return Error::invalid_model("it holds no subgraph");
  for (const schema::SubGraph* from : *model.subgraphs()) {
    TRY(spend(1));
    TRY(SubgraphRecord to, subgraph(model, *from));
    out.subgraphs.push_back(std::move(to));
  }
  TRY(signatures(model, out));
  if (model.metadata() == nullptr) return out;
  for (const schema::Metadata* entry : *model.metadata()) {
    TRY(spend(1));
    TRY(const auto data, buffer_data(model, entry->buffer()).context("metadata \"{}\"", view(entry->name())));
    out.metadata.emplace_back(view(entry->name()), data);
  }
  return out;
}

}  // namespace

std::string to_string(ElementType type) {
  const char* name = schema::EnumNameTensorType(static_cast<schema::TensorType>(type));
  if (*name == '\0') return format("type {}", static_cast<int>(type));
  std::string out = name;
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view to_string(Option::Kind kind) {
  switch (kind) {
    case Option::Kind::kInteger:
      return "an integer";
    case Option::Kind::kNumber:
      return "a number";
    case Option::Kind::kText:
      return "text";
    case Option::Kind::kIntegers:
      return "a list of integers";
    case Option::Kind::kNumbers:
      return "a list of numbers";
    case Option::Kind::kOther:
      break;
  }
  return "something else";
}

bool is_tflite(std::span<const std::byte> file) {
  return file.size() >= 8 && std::memcmp(file.data() + 4, schema::ModelIdentifier(), 4) == 0;
}

Result<ModelRecord> parse_model(Bytes file) {
  if (!is_tflite(file.span())) return Error::invalid_model("it does not begin as a TFLite file does");
  // Numbers are read where they lie: the beginning must be aligned, as that of a mapped file is.
  if (reinterpret_cast<uintptr_t>(file.data()) % 16 != 0) file = Bytes::copy_of(file.span());
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(file.data()),
                                 std::min(file.size(), kMostVerifiedBytes), kMostDepth, kMostTables);
  if (!schema::VerifyModelBuffer(verifier))
    return Error::invalid_model("the file is damaged: its tables do not lie inside it");
  return Parser(file).parse();
}

Result<std::vector<Option>> parse_custom_options(std::span<const std::byte> bytes) {
  std::vector<Option> out;
  if (bytes.empty()) return out;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  std::vector<uint8_t> seen;  // without it shared parts are walked once a reference
  if (bytes.size() < 3 || !flexbuffers::VerifyBuffer(data, bytes.size(), &seen))
    return Error::invalid_model("its options are not a FlexBuffer");
  const flexbuffers::Reference root = flexbuffers::GetRoot(data, bytes.size());
  if (!root.IsMap()) return Error::invalid_model("its options are not a map");
  const flexbuffers::Map map = root.AsMap();
  for (size_t i = 0; i < map.size(); ++i) {
    Option option;
    option.name = map.Keys()[i].AsKey();
    const flexbuffers::Reference value = map.Values()[i];
    if (value.IsBool() || value.IsIntOrUint()) {
      option.integer = value.IsBool() ? value.AsBool() : value.AsInt64();
    } else if (value.IsFloat()) {
      option.kind = Option::Kind::kNumber;
      option.number = value.AsDouble();
    } else if (value.IsString()) {
      option.kind = Option::Kind::kText;
      option.text = {value.AsString().c_str(), value.AsString().size()};
    } else {
      option.kind = Option::Kind::kOther;
    }
    out.push_back(std::move(option));
  }
  return out;
}

}  // namespace pochade::tflite
