// Constants of a file: dense, packed or compressed.

#include <algorithm>
#include <cmath>
#include <set>

#include "formats/tflite/scope.h"

namespace pochade::tflite {
namespace {

/// No model is known to leave out more than this share of its weights, and a damaged one must not ask for
/// more.
constexpr int64_t kMostDenseElements = int64_t{1} << 31;

Result<Shape> shape_of(const TensorRecord& record) {
  if (record.dims.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", record.dims.size(), kMaxRank);
  const Shape shape(record.dims);
  if (!shape.checked_elements()) return Error::invalid_model("the product of the sizes {} overflows", shape);
  return shape;
}

bool is_nibbles(ElementType type) {
  return type == ElementType::kInt4 || type == ElementType::kUint4;
}

Status spend(size_t& budget, int64_t bytes) {
  if (bytes < 0 || static_cast<uint64_t>(bytes) > budget)
    return Error::invalid_model("its data unpacks to far more than the file holds");
  budget -= static_cast<size_t>(bytes);
  return {};
}

/// Two elements a byte, the first in the low half.
Result<Tensor> unpack_nibbles(const Shape& shape, std::span<const std::byte> data, bool is_signed,
                              size_t& budget) {
  const int64_t elements = shape.elements();
  if (static_cast<int64_t>(data.size()) != elements / 2 + elements % 2)
    return Error::invalid_model("{} bytes of data do not fill {} of 4 bits", data.size(), shape);
  TRY(spend(budget, elements));
  TRY(Tensor out, Tensor::make(is_signed ? DType::kI8 : DType::kU8, shape));
  for (int64_t i = 0; i < elements; ++i) {
    const auto byte = static_cast<uint8_t>(data[static_cast<size_t>(i / 2)]);
    const auto nibble = static_cast<uint8_t>(i % 2 == 0 ? byte & 15 : byte >> 4);
    out.mutable_bytes()[i] = static_cast<std::byte>(is_signed && nibble > 7 ? nibble | 0xf0 : nibble);
  }
  return out;
}

/// A compressed tensor is a tree: level i of it is dimension traversal_order[i]; those from the rank on are
/// the inner sizes of blocks, which block_map assigns to dimensions. A dense level has all its indices; a
/// compressed one those that `indices` lists between segments[p] and segments[p + 1], p being the place of
/// its parent in its own level. The values of the leaves follow each other. (Kjolstad et al. 2017, "The
/// tensor algebra compiler")
class Decompressor {
 public:
  Decompressor(const SparsityRecord& record, const Shape& shape) : record_(record), shape_(shape) {}

  Status check();
  /// Calls copy(dense element, stored element) for each leaf. Error: a place outside the tensor.
  template <typename F>
  Status walk(size_t level, int64_t parent, F&& copy) {
    if (level == record_.levels.size()) {
      if (parent >= stored_) return Error::invalid_model("it has fewer values than its indices name");
      copy(place(), parent);
      return {};
    }
    const SparsityRecord::Level& at = record_.levels[level];
    if (!at.is_sparse) {
      for (int64_t i = 0; i < at.dense_size; ++i) {
        index_[level] = i;
        TRY(walk(level + 1, parent * at.dense_size + i, copy));
      }
      return {};
    }
    if (parent + 1 >= static_cast<int64_t>(at.segments.size()))
      return Error::invalid_model("the segments of level {} end too early", level);
    const int64_t begin = at.segments[static_cast<size_t>(parent)],
                  end = at.segments[static_cast<size_t>(parent) + 1];
    if (begin < 0 || end < begin || end > static_cast<int64_t>(at.indices.size()))
      return Error::invalid_model("the segments of level {} are not in order", level);
    if (end - begin > sizes_[level])
      return Error::invalid_model("level {} has {} indices, expected at most {}", level, end - begin,
                                  sizes_[level]);
    for (int64_t i = begin; i < end; ++i) {
      index_[level] = at.indices[static_cast<size_t>(i)];
      if (index_[level] < 0 || index_[level] >= sizes_[level])
        return Error::invalid_model("an index of level {} is {}, expected less than {}", level, index_[level],
                                    sizes_[level]);
      TRY(walk(level + 1, i, copy));
    }
    return {};
  }
  void set_stored(int64_t elements) { stored_ = elements; }

 private:
  int64_t place() const {
    std::array<int64_t, kMaxRank> at{};
    const size_t rank = static_cast<size_t>(shape_.rank());
    for (size_t level = 0; level < rank; ++level)
      at[static_cast<size_t>(record_.traversal_order[level])] = index_[level];
    for (size_t b = 0; b < record_.block_map.size(); ++b) {
      auto& outer = at[static_cast<size_t>(record_.block_map[b])];
      outer = outer * sizes_[rank + b] + index_[rank + b];
    }
    int64_t out = 0;
    for (size_t axis = 0; axis < rank; ++axis) out = out * shape_[static_cast<int>(axis)] + at[axis];
    return out;
  }

  const SparsityRecord& record_;
  const Shape& shape_;
  std::vector<int64_t> sizes_;  ///< of each level
  std::vector<int64_t> index_;
  int64_t stored_ = 0;
};

Status Decompressor::check() {
  const size_t rank = static_cast<size_t>(shape_.rank()), levels = record_.levels.size();
  if (levels != record_.traversal_order.size() || levels != rank + record_.block_map.size() ||
      levels > 2 * static_cast<size_t>(kMaxRank))
    return Error::invalid_model("{} levels do not fit {} dimensions and {} blocks", levels, rank,
                                record_.block_map.size());
  // The outer levels are the dimensions, in some order; then come the blocks, in theirs.
  std::vector<bool> seen(levels, false);
  for (size_t level = 0; level < levels; ++level) {
    const int64_t at = record_.traversal_order[level];
    if (at < 0 || at >= static_cast<int64_t>(levels) || seen[static_cast<size_t>(at)])
      return Error::invalid_model("the traversal order is not an order");
    if ((at < static_cast<int64_t>(rank)) != (level < rank))
      return Error::not_supported("a block stands before a dimension in the traversal order");
    if (level >= rank && at != static_cast<int64_t>(level))
      return Error::not_supported("blocks are traversed in another order than that of their dimensions");
    seen[static_cast<size_t>(at)] = true;
  }
  sizes_.assign(levels, 1);
  index_.assign(levels, 0);
  std::vector<int64_t> outer(shape_.begin(), shape_.end());
  std::set<int64_t> blocked;
  for (size_t b = 0; b < record_.block_map.size(); ++b) {
    const int64_t axis = record_.block_map[b], size = record_.levels[rank + b].dense_size;
    if (axis < 0 || axis >= static_cast<int64_t>(rank) || !blocked.insert(axis).second)
      return Error::invalid_model("the block map names dimension {}", axis);
    if (record_.levels[rank + b].is_sparse)
      return Error::not_supported("the inside of a block is compressed");
    if (size < 1 || outer[static_cast<size_t>(axis)] % size != 0)
      return Error::invalid_model("blocks of {} do not divide a dimension of {}", size,
                                  outer[static_cast<size_t>(axis)]);
    outer[static_cast<size_t>(axis)] /= size;
    sizes_[rank + b] = size;
  }
  for (size_t level = 0; level < rank; ++level) {
    sizes_[level] = outer[static_cast<size_t>(record_.traversal_order[level])];
    const SparsityRecord::Level& at = record_.levels[level];
    if (!at.is_sparse && at.dense_size != sizes_[level])
      return Error::invalid_model("level {} has {} indices, expected {}", level, at.dense_size,
                                  sizes_[level]);
  }
  return {};
}

Result<Tensor> decompress(const TensorRecord& record, DType dtype, const Shape& shape, size_t& budget) {
  Decompressor decompressor(record.sparsity, shape);
  TRY(decompressor.check());
  const auto element_bytes = static_cast<int64_t>(size_of(dtype));
  if (shape.elements() == 0) return Tensor::make(dtype, shape);
  if (shape.elements() > kMostDenseElements) return Error::invalid_model("{} elements are too many", shape);
  TRY(spend(budget, shape.elements() * element_bytes));
  std::span<const std::byte> data = record.data;
  Tensor unpacked;
  if (is_nibbles(record.type)) {
    TRY(unpacked, unpack_nibbles({static_cast<int64_t>(data.size()) * 2}, data,
                                 record.type == ElementType::kInt4, budget));
    data = {unpacked.bytes(), unpacked.byte_size()};
  }
  TRY(Tensor out, Tensor::make(dtype, shape));
  decompressor.set_stored(static_cast<int64_t>(data.size()) / element_bytes);
  // What is not stored is 0, which quantized tensors write as their zero point: TFLite has it 0.
  TRY(decompressor.walk(0, 0, [&](int64_t to, int64_t from) {
    std::copy_n(data.data() + from * element_bytes, element_bytes, out.mutable_bytes() + to * element_bytes);
  }));
  return out;
}

}  // namespace

Result<DType> element_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return DType::kF32;
    case ElementType::kFloat16:
      return DType::kF16;
    case ElementType::kBfloat16:
      return DType::kBF16;
    case ElementType::kFloat64:
      return DType::kF64;
    case ElementType::kInt4:
    case ElementType::kInt8:
      return DType::kI8;
    case ElementType::kUint4:
    case ElementType::kUint8:
      return DType::kU8;
    case ElementType::kInt16:
      return DType::kI16;
    case ElementType::kUint16:
      return DType::kU16;
    case ElementType::kInt32:
      return DType::kI32;
    case ElementType::kUint32:
      return DType::kU32;
    case ElementType::kInt64:
      return DType::kI64;
    case ElementType::kUint64:
      return DType::kU64;
    case ElementType::kBool:
      return DType::kBool;
    default:
      return Error::not_supported("elements of type {} are not supported", to_string(type));
  }
}

Result<Tensor> constant_tensor(const ModelRecord& model, const TensorRecord& record, size_t& budget) {
  if (!record.outside.empty()) return Error::not_supported("its data is in {}", record.outside);
  TRY(const DType dtype, element_type(record.type));
  TRY(const Shape shape, shape_of(record));
  if (record.is_sparse) return decompress(record, dtype, shape, budget).context("a compressed tensor");
  if (is_nibbles(record.type))
    return unpack_nibbles(shape, record.data, record.type == ElementType::kInt4, budget);
  const Bytes bytes(model.file.owner(), record.data);
  const bool shares = reinterpret_cast<uintptr_t>(record.data.data()) % size_of(dtype) == 0 &&
                      dtype != DType::kBool && !record.data.empty();
  if (!shares) TRY(spend(budget, static_cast<int64_t>(record.data.size())));
  return Tensor::from_bytes(dtype, shape, bytes);
}

Result<Quantized::Type> quantized_type(const TensorRecord& record) {
  const QuantizationRecord& from = record.quantization;
  if (!from.details.empty())
    return Error::not_supported("it is quantized by {}, only by scales and zero points is supported",
                                from.details);
  if (from.block != 0 || from.scales_tensor >= 0)
    return Error::not_supported("it is quantized by blocks, only by tensor or by channel is supported");
  if (from.scale.empty()) return Quantized::Type();
  TRY(const DType dtype, element_type(record.type));
  // Floats keep the ranges of an earlier form of the model; int32 and int64 are biases, whose scale is known
  // (files are about that not always right) or exact integers.
  if (dtype != DType::kI8 && dtype != DType::kU8 && dtype != DType::kI16) return Quantized::Type();
  if (from.scale.size() != from.zero_point.size() && from.zero_point.size() > 1)
    return Error::invalid_model("it has {} scales, but {} zero points", from.scale.size(),
                                from.zero_point.size());
  Quantization out;
  out.scale = from.scale;
  for (const float scale : out.scale)
    if (!std::isfinite(scale) || scale < 0) return Error::invalid_model("one of its scales is {}", scale);
  for (const int64_t zero : from.zero_point) {
    if (zero < -65536 || zero > 65536) return Error::invalid_model("its zero point is {}", zero);
    out.zero_point.push_back(static_cast<int32_t>(zero));
  }
  out.zero_point.resize(out.scale.size(), out.zero_point.empty() ? 0 : out.zero_point[0]);
  if (out.scale.size() > 1) {
    out.axis = from.axis;
    const auto rank = static_cast<int>(record.dims.size());
    if (out.axis < 0 || out.axis >= rank ||
        record.dims[static_cast<size_t>(out.axis)] != static_cast<int64_t>(out.scale.size()))
      return Error::invalid_model("{} scales along its dimension {} do not fit its shape {}",
                                  out.scale.size(), out.axis, join(record.dims, "x"));
  }
  return Quantized::Type{dtype, std::make_shared<const Quantization>(std::move(out))};
}

Result<Fact> fact_of(const TensorRecord& record) {
  TRY(const DType dtype, element_type(record.type));
  if (!record.has_rank && record.dims.empty() && record.signature.empty() && !record.has_data)
    return Fact(dtype, Shape{});  // has_rank is newer than most files, which leave it out
  TRY(const Shape shape, shape_of(record));
  Dims dims(shape.begin(), shape.end());
  for (size_t axis = 0; axis < record.signature.size(); ++axis)
    if (record.signature[axis] < 0) dims[axis] = axis == 0 ? Dim::named("N") : Dim();
  return Fact(dtype, std::move(dims));
}

}  // namespace pochade::tflite
