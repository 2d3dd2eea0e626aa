// From the file's tensors to ours.

#include <bit>

#include "formats/tensorflow/records.h"

namespace pochade::tensorflow {
namespace {

struct TypeRow {
  int64_t number;
  std::string_view name;
  std::optional<DType> dtype;
};

constexpr TypeRow kTypes[] = {
    {1, "float32", DType::kF32},
    {2, "float64", DType::kF64},
    {3, "int32", DType::kI32},
    {4, "uint8", DType::kU8},
    {5, "int16", DType::kI16},
    {6, "int8", DType::kI8},
    {7, "string", {}},
    {8, "complex64", {}},
    {9, "int64", DType::kI64},
    {10, "bool", DType::kBool},
    {11, "qint8", {}},
    {12, "quint8", {}},
    {13, "qint32", {}},
    {14, "bfloat16", DType::kBF16},
    {15, "qint16", {}},
    {16, "quint16", {}},
    {17, "uint16", DType::kU16},
    {18, "complex128", {}},
    {19, "float16", DType::kF16},
    {20, "resource", {}},
    {21, "variant", {}},
    {22, "uint32", DType::kU32},
    {23, "uint64", DType::kU64},
};

const TypeRow* find_type(int64_t type) {
  for (const TypeRow& row : kTypes)
    if (row.number == type || row.number + 100 == type) return &row;
  return nullptr;
}

/// The field of TensorProto that holds values of a type.
uint32_t field_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 5;
    case DType::kF64:
      return 6;
    case DType::kI64:
      return 10;
    case DType::kBool:
      return 11;
    case DType::kF16:
    case DType::kBF16:
      return 13;
    case DType::kU32:
      return 16;
    case DType::kU64:
      return 17;
    default:
      return 7;
  }
}

Result<Shape> concrete_shape(const ShapeRecord& record) {
  if (record.unknown_rank) return Error::invalid_model("a tensor of unknown rank");
  if (record.dims.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", record.dims.size(), kMaxRank);
  const Shape shape(record.dims);
  const auto elements = shape.checked_elements();
  if (!elements || *elements > (int64_t{1} << 48))
    return Error::invalid_model("a tensor of the impossible shape {}", shape);
  return shape;
}

tl::unexpected<Error> size_error(const Shape& shape, size_t values) {
  return Error::invalid_model("{} values for the shape {}", values, shape);
}

template <typename Stored>
Result<std::vector<Stored>> typed_values(const TensorRecord& record, uint32_t number) {
  std::vector<Stored> out;
  WireReader reader(record.message);
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == number) TRY(field.append(out));
  }
  return out;
}

/// Values that are left out at the end are as the last one; none at all are zeroes.
template <typename Stored>
Result<Elements> from_typed(DType dtype, const Shape& shape, const TensorRecord& record, int64_t limit) {
  TRY(std::vector<Stored> values, typed_values<Stored>(record, field_of(dtype)));
  const auto elements = static_cast<size_t>(shape.elements());
  if (values.size() > elements) return size_error(shape, values.size());
  if (values.empty()) values.push_back(Stored{0});
  const auto put = [&](Tensor& tensor) {
    visit(dtype, [&]<typename T>() {
      const auto to = tensor.mutable_data<T>();
      for (size_t i = 0; i < to.size(); ++i) {
        const Stored value = values[std::min(i, values.size() - 1)];
        if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
          to[i].bits = static_cast<uint16_t>(value);
        else if constexpr (std::is_same_v<T, bool>)
          to[i] = value != Stored{0};
        else
          to[i] = static_cast<T>(value);
      }
    });
  };
  Elements out{dtype, shape, {}, {}};
  const bool is_splat = values.size() == 1 && shape.elements() > limit / static_cast<int64_t>(size_of(dtype));
  TRY(Tensor tensor, Tensor::make(dtype, is_splat ? Shape{} : shape));
  put(tensor);
  (is_splat ? out.splat : out.tensor) = std::move(tensor);
  // A few values of which the last one is repeated: no more memory than a file of such values would take.
  if (!is_splat && values.size() < elements && shape.elements() > limit)
    return Error::not_supported("{} values that stand for {} elements", values.size(), elements);
  return out;
}

}  // namespace

Result<DType> element_type(int64_t type) {
  const TypeRow* row = find_type(type);
  if (row == nullptr || !row->dtype)
    return Error::not_supported("elements of type {} are not supported", type_name(type));
  return *row->dtype;
}

std::string type_name(int64_t type) {
  const TypeRow* row = find_type(type);
  return row != nullptr ? std::string(row->name) : format("number {}", type);
}

Result<Elements> read_elements(const TensorRecord& record, const Bytes& file, int64_t splat_limit_bytes) {
  TRY(const DType dtype, element_type(record.type));
  TRY(const Shape shape, concrete_shape(record.shape));
  if (record.has_content) {
    if (record.content.size() != static_cast<size_t>(shape.elements()) * size_of(dtype))
      return size_error(shape, record.content.size() / size_of(dtype));
    TRY(Tensor tensor, Tensor::from_bytes(dtype, shape, Bytes(file.owner(), record.content)));
    return Elements{dtype, shape, std::move(tensor), {}};
  }
  if (shape.elements() == 0) {
    TRY(Tensor tensor, Tensor::make(dtype, shape));
    return Elements{dtype, shape, std::move(tensor), {}};
  }
  if (dtype == DType::kF32) return from_typed<float>(dtype, shape, record, splat_limit_bytes);
  if (dtype == DType::kF64) return from_typed<double>(dtype, shape, record, splat_limit_bytes);
  return from_typed<int64_t>(dtype, shape, record, splat_limit_bytes);
}

}  // namespace pochade::tensorflow
