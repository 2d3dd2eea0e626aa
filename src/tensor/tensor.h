#pragma once
// Tensor: dense elements with shared ownership. TensorView: somebody else's elements.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace pochade {

/// Scale and zero point of quantized values: real = (q - zero_point) * scale.
/// Per tensor: one of each, axis = -1. Per channel: one for each index along `axis`.
/// By blocks: `block` > 0 neighbours along `axis` share one.
struct Quantization {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
  int axis = -1;
  int64_t block = 0;
  bool operator==(const Quantization&) const = default;
};

/// Dense, row-major elements. A copy shares them; whoever made a tensor may write it until it is shared.
/// A default-constructed tensor is undefined: an optional input that is absent.
class Tensor {
 public:
  Tensor() = default;
  /// Zeroed elements of its own, aligned to 64 bytes. kOutOfMemory if there is no such memory.
  static Result<Tensor> make(DType dtype, const Shape& shape);
  /// Elements inside `bytes` (kept alive). Their number must fit; they need not be aligned: then they are
  /// copied.
  static Result<Tensor> from_bytes(DType dtype, const Shape& shape, const Bytes& bytes);
  /// Somebody else's elements, which must outlive the tensor and all its copies.
  static Tensor view(DType dtype, const Shape& shape, const std::byte* data);
  /// For values known to be small (constants, tests): aborts without memory.
  template <typename T>
  static Tensor of(const Shape& shape, const std::vector<T>& values) {
    Tensor out = make(dtype_of<T>(), shape).value();
    CHECK(static_cast<int64_t>(values.size()) == shape.elements());
    std::copy(values.begin(), values.end(), out.mutable_data<T>().begin());
    return out;
  }
  template <typename T>
  static Tensor scalar(T value) {
    return of<T>({}, {value});
  }

  bool defined() const { return data_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t elements() const { return elements_; }
  size_t byte_size() const { return static_cast<size_t>(elements_) * size_of(dtype_); }
  const std::byte* bytes() const { return data_.get(); }
  std::byte* mutable_bytes() { return const_cast<std::byte*>(data_.get()); }

  template <typename T>
  std::span<const T> data() const {
    CHECK(dtype_of<T>() == dtype_);
    return {reinterpret_cast<const T*>(data_.get()), static_cast<size_t>(elements_)};
  }
  template <typename T>
  std::span<T> mutable_data() {
    CHECK(dtype_of<T>() == dtype_);
    return {reinterpret_cast<T*>(mutable_bytes()), static_cast<size_t>(elements_)};
  }

  /// The same elements under another shape of the same number of elements.
  Tensor reshaped(const Shape& shape) const;
  /// Elements converted one by one as a C++ cast does (floats to integers: towards zero, saturating; to bool:
  /// != 0).
  Result<Tensor> cast(DType dtype) const;
  /// Same dtype, shape and bytes.
  bool identical(const Tensor& other) const;
  uint64_t hash() const;

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  int64_t elements_ = 0;
  std::shared_ptr<const std::byte> data_;
};

using Tensors = std::vector<Tensor>;

/// All elements of an integer (or bool) tensor as int64, of a float tensor truncated.
std::vector<int64_t> to_int64s(const Tensor& tensor);
std::vector<float> to_floats(const Tensor& tensor);

/// Borrowed elements of an API caller.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  std::byte* data = nullptr;
  size_t byte_size() const { return static_cast<size_t>(shape.elements()) * size_of(dtype); }
};

}  // namespace pochade
