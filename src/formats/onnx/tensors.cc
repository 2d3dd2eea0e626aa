#include "formats/onnx/tensors.h"

#include <charconv>

#include "formats/wire.h"

namespace pochade::onnx {
namespace {

Result<Shape> shape_of(const TensorProto& proto) {
  if (proto.dims.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", proto.dims.size(), kMaxRank);
  for (const int64_t dim : proto.dims)
    if (dim < 0) return Error::invalid_model("a dimension is {}", dim);
  const Shape shape(proto.dims);
  if (!shape.checked_elements())
    return Error::invalid_model("the product of the dimensions {} overflows", shape);
  return shape;
}

tl::unexpected<Error> size_error(const Shape& shape, int64_t found) {
  return Error::invalid_model("{} elements of data, its shape {} needs {}", found, shape, shape.elements());
}

/// Typed data: one list of numbers for each of float_data (4), int32_data (5), int64_data (7), double_data
/// (10) and uint64_data (11). Elements are written where they belong, and their number is known before
/// anything is allocated.
class TypedData {
 public:
  explicit TypedData(uint32_t field) : field_(field) {}

  Status collect(std::span<const std::byte> message) {
    WireReader reader(message);
    while (!reader.done()) {
      TRY(const WireField field, reader.next());
      if (field.number() == 4 || field.number() == 5 || field.number() == 7 || field.number() == 10 ||
          field.number() == 11) {
        if (field.number() != field_)
          return Error::invalid_model("its data is of another type than its elements");
        chunks_.push_back(field);
      }
    }
    return {};
  }

  /// At least one byte an element.
  int64_t most_elements() const {
    int64_t total = 0;
    for (const WireField& chunk : chunks_) {
      total += chunk.type() == WireType::kBytes ? static_cast<int64_t>(chunk.bytes().size()) : 1;
    }
    return total;
  }

  template <typename Stored>
  Result<std::vector<Stored>> values() const {
    std::vector<Stored> out;
    for (const WireField& chunk : chunks_) TRY(chunk.append(out));
    return out;
  }

 private:
  uint32_t field_;
  std::vector<WireField> chunks_;
};

template <typename Stored>
Result<Tensor> from_typed(DType dtype, const Shape& shape, const TypedData& data) {
  if (shape.elements() > data.most_elements()) return size_error(shape, data.most_elements());
  TRY(const std::vector<Stored> values, data.values<Stored>());
  if (static_cast<int64_t>(values.size()) != shape.elements())
    return size_error(shape, static_cast<int64_t>(values.size()));
  TRY(Tensor out, Tensor::make(dtype, shape));
  visit(dtype, [&]<typename T>() {
    const auto to = out.mutable_data<T>();
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
        to[i].bits = static_cast<uint16_t>(values[i]);
      else if constexpr (std::is_same_v<T, bool>)
        to[i] = values[i] != 0;
      else
        to[i] = static_cast<T>(values[i]);
    }
  });
  return out;
}

Result<Tensor> typed_tensor(DType dtype, const Shape& shape, const TensorProto& proto) {
  uint32_t field = 5;
  if (dtype == DType::kF32)
    field = 4;
  else if (dtype == DType::kF64)
    field = 10;
  else if (dtype == DType::kI64)
    field = 7;
  else if (dtype == DType::kU32 || dtype == DType::kU64)
    field = 11;
  TypedData data(field);
  TRY(data.collect(proto.message));
  if (field == 4) return from_typed<float>(dtype, shape, data);
  if (field == 10) return from_typed<double>(dtype, shape, data);
  return from_typed<int64_t>(dtype, shape, data);
}

/// Two 4-bit elements a byte, the first in the low half; they become bytes.
Result<Tensor> unpack_nibbles(bool is_signed, const Shape& shape, const TensorProto& proto) {
  std::vector<uint8_t> bytes;
  if (proto.has_raw) {
    for (const std::byte b : proto.raw) bytes.push_back(static_cast<uint8_t>(b));
  } else {
    TypedData data(5);
    TRY(data.collect(proto.message));
    TRY(const std::vector<int64_t> values, data.values<int64_t>());
    for (const int64_t v : values) bytes.push_back(static_cast<uint8_t>(v));
  }
  const int64_t elements = shape.elements();
  if (static_cast<int64_t>(bytes.size()) != (elements + 1) / 2)
    return size_error(shape, static_cast<int64_t>(bytes.size()) * 2);
  TRY(Tensor out, Tensor::make(is_signed ? DType::kI8 : DType::kU8, shape));
  for (int64_t i = 0; i < elements; ++i) {
    const uint8_t byte = bytes[static_cast<size_t>(i / 2)];
    const auto nibble = static_cast<uint8_t>(i % 2 == 0 ? byte & 15 : byte >> 4);
    out.mutable_bytes()[i] = static_cast<std::byte>(is_signed && nibble > 7 ? nibble | 0xf0 : nibble);
  }
  return out;
}

Result<size_t> read_count(std::string_view key, std::string_view text) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Error::invalid_model("external data: {} is \"{}\", expected a number", key, text);
  return value;
}

}  // namespace

namespace {

std::optional<DType> find_element_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
      return DType::kF32;
    case ElementType::kUint8:
      return DType::kU8;
    case ElementType::kInt8:
      return DType::kI8;
    case ElementType::kUint16:
      return DType::kU16;
    case ElementType::kInt16:
      return DType::kI16;
    case ElementType::kInt32:
      return DType::kI32;
    case ElementType::kInt64:
      return DType::kI64;
    case ElementType::kBool:
      return DType::kBool;
    case ElementType::kFloat16:
      return DType::kF16;
    case ElementType::kDouble:
      return DType::kF64;
    case ElementType::kUint32:
      return DType::kU32;
    case ElementType::kUint64:
      return DType::kU64;
    case ElementType::kBfloat16:
      return DType::kBF16;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<DType> element_type(ElementType type) {
  if (type == ElementType::kUndefined) return Error::invalid_model("the element type is missing");
  const auto known = find_element_type(type);
  if (!known) return Error::not_supported("elements of type {} are not supported", to_string(type));
  return *known;
}

std::string to_string(ElementType type) {
  switch (static_cast<int64_t>(type)) {
    case 8:
      return "string";
    case 14:
      return "complex64";
    case 15:
      return "complex128";
    case 17:
      return "float8e4m3fn";
    case 18:
      return "float8e4m3fnuz";
    case 19:
      return "float8e5m2";
    case 20:
      return "float8e5m2fnuz";
    case 21:
      return "uint4";
    case 22:
      return "int4";
    case 23:
      return "float4e2m1";
    default:
      break;
  }
  const auto known = find_element_type(type);
  return known ? std::string(pochade::to_string(*known)) : std::to_string(static_cast<int64_t>(type));
}

Result<Tensor> TensorFiles::tensor(const TensorProto& proto) {
  return load(proto).context("tensor \"{}\"", proto.name);
}

Result<Tensor> TensorFiles::load(const TensorProto& proto) {
  TRY(const Shape shape, shape_of(proto));
  if (proto.has_segment) return Error::not_supported("it is split into segments");
  if (proto.type == ElementType::kInt4 || proto.type == ElementType::kUint4) {
    if (proto.is_external) return Error::not_supported("4-bit elements in external data are not supported");
    return unpack_nibbles(proto.type == ElementType::kInt4, shape, proto);
  }
  TRY(const DType dtype, element_type(proto.type));
  if (proto.is_external) {
    TRY(const Bytes bytes, external(proto));
    return Tensor::from_bytes(dtype, shape, bytes);
  }
  if (proto.has_raw) return Tensor::from_bytes(dtype, shape, Bytes(model_.owner(), proto.raw));
  return typed_tensor(dtype, shape, proto);
}

Result<Bytes> TensorFiles::external(const TensorProto& proto) {
  namespace fs = std::filesystem;
  std::string_view location;
  size_t offset = 0;
  std::optional<size_t> length;
  for (const auto& [key, text] : proto.external) {
    if (key == "location") {
      location = text;
    } else if (key == "offset") {
      TRY(offset, read_count(key, text));
    } else if (key == "length") {
      TRY(length, read_count(key, text));
    }
  }
  if (location.empty()) return Error::invalid_model("external data without a location");
  if (folder_.empty())
    return Error::not_supported("its data is in \"{}\", but the model was not read from a folder", location);

  auto found = opened_.find(location);
  if (found == opened_.end()) {
    const fs::path relative{std::string(location)};
    const auto outside = [&] {
      return Error::invalid_model("external data \"{}\" is outside the model's folder", location);
    };
    if (relative.is_absolute() || location.find('\0') != std::string_view::npos) return outside();
    std::error_code error;
    const fs::path root = fs::canonical(folder_, error);
    if (error) return Error::io("cannot open the folder {}: {}", folder_, error.message());
    const fs::path lexical = (root / relative).lexically_normal();
    const auto inside = [&root](const fs::path& path) {
      const auto [end, unused] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
      return end == root.end();
    };
    if (!inside(lexical)) return outside();
    const fs::path real = fs::canonical(lexical, error);  // follows symbolic links
    if (error) return Error::not_found("external data \"{}\": {}", location, error.message());
    if (!inside(real)) return outside();
    if (!fs::is_regular_file(real, error))
      return Error::invalid_model("external data \"{}\" is not a file", location);
    TRY(Bytes bytes, map_file(real));
    found = opened_.emplace(std::string(location), std::move(bytes)).first;
  }
  const Bytes& file = found->second;
  if (offset > file.size() || length.value_or(0) > file.size() - offset)
    return Error::invalid_model("external data \"{}\" has {} bytes, the tensor lies beyond them", location,
                                file.size());
  return Bytes(file.owner(), file.span().subspan(offset, length.value_or(file.size() - offset)));
}

}  // namespace pochade::onnx
