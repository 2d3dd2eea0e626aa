#include "formats/keras/stream.h"

#include <array>
#include <cstring>
#include <optional>

namespace pochade::keras {
namespace {

std::optional<DType> dtype_of_stream(uint32_t type) {
  constexpr std::array kTypes = {DType::kF32, DType::kF64, DType::kF16, DType::kI8,
                                 DType::kI16, DType::kI32, DType::kI64, DType::kU8,
                                 DType::kU16, DType::kU32, DType::kU64, DType::kBool};
  if (type < 1 || type > kTypes.size()) return std::nullopt;
  return kTypes[type - 1];
}

/// Numbers and bytes from the front of a span; fails at its end.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  bool done() const { return at_ == bytes_.size(); }
  template <typename T>
  Result<T> number() {
    TRY(const auto raw, take(sizeof(T)));
    T out;
    std::memcpy(&out, raw.data(), sizeof(T));
    return out;
  }
  Result<std::span<const std::byte>> take(uint64_t count) {
    if (count > bytes_.size() - at_)
      return Error::invalid_model("what was read of it ends at byte {} of {}", bytes_.size(), at_ + count);
    const auto out = bytes_.subspan(at_, static_cast<size_t>(count));
    at_ += static_cast<size_t>(count);
    return out;
  }
  Status align(size_t to) {
    return take((to - at_ % to) % to).map([](auto) {});
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::vector<std::string>> parse_strings(std::span<const std::byte> payload) {
  std::vector<std::string> out;
  Cursor cursor(payload);
  while (!cursor.done()) {
    TRY(const uint32_t length, cursor.number<uint32_t>());
    TRY(const auto text, cursor.take(length));
    out.emplace_back(text_of(text));
  }
  return out;
}

Result<Tensor> parse_dataset(std::span<const std::byte> payload, const Bytes& stream) {
  Cursor cursor(payload);
  TRY(const uint32_t type, cursor.number<uint32_t>());
  TRY(const uint32_t rank, cursor.number<uint32_t>());
  const auto dtype = dtype_of_stream(type);
  if (!dtype) return Error::invalid_model("element type {} is unknown", type);
  if (rank > static_cast<uint32_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", rank, kMaxRank);
  Shape shape;
  for (uint32_t axis = 0; axis < rank; ++axis) {
    TRY(const uint64_t size, cursor.number<uint64_t>());
    if (size > static_cast<uint64_t>(INT64_MAX)) return Error::invalid_model("a dimension is {}", size);
    shape.push_back(static_cast<int64_t>(size));
  }
  TRY(cursor.align(kStreamAlignment));
  const auto elements = shape.checked_elements();
  const auto bytes = elements ? checked_mul(*elements, static_cast<int64_t>(size_of(*dtype))) : std::nullopt;
  if (!bytes) return Error::invalid_model("the product of the dimensions overflows");
  TRY(const auto data, cursor.take(static_cast<uint64_t>(*bytes)));
  return Tensor::from_bytes(*dtype, shape, Bytes(stream.owner(), data));
}

}  // namespace

std::string_view Contents::attribute(std::string_view key) const {
  const auto found = attributes.find(key);
  return found == attributes.end() || found->second.size() != 1 ? "" : std::string_view(found->second[0]);
}

Result<Contents> parse_stream(const Bytes& stream) {
  Contents out;
  out.bytes = stream;
  Cursor cursor(stream.span());
  TRY(const auto magic, cursor.take(kStreamMagic.size()));
  if (text_of(magic) != kStreamMagic) return Error::invalid_model("the reader program is not ours");
  TRY(cursor.align(kStreamAlignment));
  while (true) {
    TRY(const uint32_t kind, cursor.number<uint32_t>());
    TRY(const uint32_t name_bytes, cursor.number<uint32_t>());
    TRY(const uint64_t payload_bytes, cursor.number<uint64_t>());
    TRY(const auto name_span, cursor.take(name_bytes));
    TRY(cursor.align(kStreamAlignment));
    TRY(const auto payload, cursor.take(payload_bytes));
    TRY(cursor.align(kStreamAlignment));
    std::string name(text_of(name_span));
    switch (static_cast<RecordKind>(kind)) {
      case RecordKind::kText:
        out.texts[std::move(name)] = text_of(payload);
        break;
      case RecordKind::kAttribute: {
        TRY(auto strings, parse_strings(payload));
        out.attributes[std::move(name)] = std::move(strings);
        break;
      }
      case RecordKind::kDataset: {
        TRY(Tensor tensor, parse_dataset(payload, stream).context("dataset \"{}\"", name));
        out.datasets[std::move(name)] = std::move(tensor);
        break;
      }
      case RecordKind::kError:
        return Error::invalid_model("{}", payload.empty() ? "it cannot be read" : text_of(payload));
      case RecordKind::kEnd:
        return out;
      default:
        return Error::invalid_model("a record is of kind {}", kind);
    }
  }
}

}  // namespace pochade::keras
