#include "formats/onnx/export_file.h"

namespace pochade::onnx {
namespace {

/// What a protobuf parser takes.
constexpr uint64_t kMostBytes = (uint64_t{1} << 31) - 1;

// Numbers of AttributeProto.AttributeType.
constexpr int64_t kFloatType = 1, kIntType = 2, kStringType = 3, kTensorType = 4, kFloatsType = 6,
                  kIntsType = 7, kStringsType = 8;

WireWriter attribute(std::string_view name, int64_t type) {
  WireWriter out;
  out.text(1, name);
  out.integer(20, type);
  return out;
}

/// Everything of a TensorProto but its elements.
WireWriter tensor_head(std::string_view name, const Tensor& tensor) {
  WireWriter out;
  for (const int64_t dim : tensor.shape().dims()) out.integer(1, dim);
  out.integer(2, static_cast<int64_t>(element_type_of(tensor.dtype())));
  if (!name.empty()) out.text(8, name);
  return out;
}

constexpr uint32_t kRawData = 9;

/// The beginning of field `number` with `size` bytes to come.
std::string field_head(uint32_t number, uint64_t size) {
  std::string out;
  const auto varint = [&out](uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
  };
  varint(uint64_t{number} << 3 | static_cast<uint64_t>(WireType::kBytes));
  varint(size);
  return out;
}

WireWriter value_info(std::string_view name, const Fact& fact, std::string_view doc) {
  WireWriter tensor;
  tensor.integer(1, static_cast<int64_t>(element_type_of(*fact.dtype)));
  if (fact.dims) {
    WireWriter shape;
    for (const Dim& dim : *fact.dims) {
      WireWriter size;
      if (dim.is_number())
        size.integer(1, dim.number());
      else if (dim.is_named())
        size.text(2, dim.name());
      shape.message(1, size);
    }
    tensor.message(2, shape);
  }
  WireWriter type, out;
  type.message(1, tensor);
  out.text(1, name);
  out.message(2, type);
  if (!doc.empty()) out.text(3, doc);
  return out;
}

/// The oldest version of the format that has this opset.
int64_t ir_version(int opset) {
  if (opset >= 21) return 10;
  if (opset >= 19) return 9;
  return opset >= 15 ? 8 : 7;
}

}  // namespace

ElementType element_type_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return ElementType::kFloat;
    case DType::kF64:
      return ElementType::kDouble;
    case DType::kF16:
      return ElementType::kFloat16;
    case DType::kBF16:
      return ElementType::kBfloat16;
    case DType::kI8:
      return ElementType::kInt8;
    case DType::kI16:
      return ElementType::kInt16;
    case DType::kI32:
      return ElementType::kInt32;
    case DType::kI64:
      return ElementType::kInt64;
    case DType::kU8:
      return ElementType::kUint8;
    case DType::kU16:
      return ElementType::kUint16;
    case DType::kU32:
      return ElementType::kUint32;
    case DType::kU64:
      return ElementType::kUint64;
    case DType::kBool:
      return ElementType::kBool;
  }
  return ElementType::kUndefined;
}

Attributes& Attributes::integer(std::string_view name, int64_t value) {
  list_.push_back(attribute(name, kIntType));
  list_.back().integer(3, value);
  return *this;
}
Attributes& Attributes::type(std::string_view name, DType value) {
  return integer(name, static_cast<int64_t>(element_type_of(value)));
}
Attributes& Attributes::number(std::string_view name, float value) {
  list_.push_back(attribute(name, kFloatType));
  list_.back().number32(2, value);
  return *this;
}
Attributes& Attributes::text(std::string_view name, std::string_view value) {
  list_.push_back(attribute(name, kStringType));
  list_.back().text(4, value);
  return *this;
}
Attributes& Attributes::integers(std::string_view name, const std::vector<int64_t>& values) {
  list_.push_back(attribute(name, kIntsType));
  for (const int64_t value : values) list_.back().integer(8, value);
  return *this;
}
Attributes& Attributes::numbers(std::string_view name, const std::vector<float>& values) {
  list_.push_back(attribute(name, kFloatsType));
  for (const float value : values) list_.back().number32(7, value);
  return *this;
}
Attributes& Attributes::texts(std::string_view name, const std::vector<std::string>& values) {
  list_.push_back(attribute(name, kStringsType));
  for (const std::string& value : values) list_.back().text(9, value);
  return *this;
}
Attributes& Attributes::tensor(std::string_view name, const Tensor& value) {
  WireWriter proto = tensor_head("", value);
  proto.bytes(kRawData, {value.bytes(), value.byte_size()});
  list_.push_back(attribute(name, kTensorType));
  list_.back().message(5, proto);
  return *this;
}

std::string UniqueNames::make(std::string_view wanted) {
  std::string name(wanted.empty() ? "value" : wanted);
  if (!names_.contains(name)) {
    names_.insert(name);
    return name;
  }
  int& number = next_number_.try_emplace(name, 0).first->second;
  std::string numbered;
  do {
    numbered = format("{}_{}", name, ++number);
  } while (names_.contains(numbered));
  names_.insert(numbered);
  return numbered;
}

void ModelFile::add_node(std::string_view op_type, std::string_view domain, std::string_view name,
                         const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                         const Attributes& attributes) {
  WireWriter node;
  for (const std::string& input : inputs) node.text(1, input);
  for (const std::string& output : outputs) node.text(2, output);
  if (!name.empty()) node.text(3, node_names_.make(name));
  node.text(4, op_type);
  for (const WireWriter& one : attributes.list()) node.message(5, one);
  if (!domain.empty()) node.text(7, domain);
  nodes_.message(1, node);
  ++node_count_;
}

void ModelFile::add_initializer(std::string_view name, const Tensor& tensor) {
  std::string inner = tensor_head(name, tensor).str();
  inner += field_head(kRawData, tensor.byte_size());
  initializers_.push_back({field_head(5, inner.size() + tensor.byte_size()) + inner, tensor});
}

void ModelFile::add_input(std::string_view name, const Fact& fact, std::string_view doc) {
  inputs_.message(11, value_info(name, fact, doc));
}

void ModelFile::add_output(std::string_view name, const Fact& fact, std::string_view doc) {
  outputs_.message(12, value_info(name, fact, doc));
}

void ModelFile::add_metadata(std::string_view key, std::string_view text) {
  WireWriter entry;
  entry.text(1, key);
  entry.text(2, text);
  metadata_.message(14, entry);
}

template <typename Sink>
Status ModelFile::stream(int opset, Sink&& sink) const {
  WireWriter name;
  name.text(2, graph_name_.empty() ? "graph" : graph_name_);
  uint64_t graph_bytes = 0;
  for (const WireWriter* part : std::initializer_list<const WireWriter*>{&nodes_, &name, &inputs_, &outputs_})
    graph_bytes += part->str().size();
  for (const Piece& piece : initializers_) graph_bytes += piece.head.size() + piece.tensor.byte_size();

  WireWriter model, opset_import;
  model.integer(1, ir_version(opset));
  model.text(2, "pochade");
  if (!doc_.empty()) model.text(6, doc_);
  opset_import.text(1, "");
  opset_import.integer(2, opset);
  model.message(8, opset_import);
  const std::string head = model.str() + metadata_.str() + field_head(7, graph_bytes);
  if (head.size() + graph_bytes > kMostBytes)
    return Error::not_supported("the model has {} bytes, an ONNX file can hold {}", graph_bytes, kMostBytes);

  const auto text = [&sink](const std::string& part) { return sink(std::as_bytes(std::span(part))); };
  TRY(text(head));
  TRY(text(nodes_.str()));
  TRY(text(name.str()));
  for (const Piece& piece : initializers_) {
    TRY(text(piece.head));
    TRY(sink(std::span(piece.tensor.bytes(), piece.tensor.byte_size())));
  }
  TRY(text(inputs_.str()));
  return text(outputs_.str());
}

Status ModelFile::write(FileWriter& file, int opset) const {
  return stream(opset, [&file](std::span<const std::byte> bytes) { return file.write(bytes); });
}

Result<int64_t> ModelFile::byte_size(int opset) const {
  int64_t total = 0;
  TRY(stream(opset, [&total](std::span<const std::byte> bytes) -> Status {
    total += static_cast<int64_t>(bytes.size());
    return {};
  }));
  return total;
}

Result<std::string> ModelFile::bytes(int opset) const {
  std::string out;
  TRY(stream(opset, [&out](std::span<const std::byte> bytes) -> Status {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }));
  return out;
}

}  // namespace pochade::onnx
