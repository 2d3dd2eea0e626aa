#include "tensor/tensor.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/memory.h"
#include "tensor/cast.h"

namespace pochade {
namespace {

constexpr size_t kAlignment = 64;
/// Asking the system how much memory there is takes longer than making a small tensor.
constexpr int64_t kLargeBytes = int64_t{64} << 20;

template <typename To, typename From>
To cast_element(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return static_cast<float>(value) != 0.0f;
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_integral_v<To> && !std::is_integral_v<From>) {
    const double v = std::trunc(static_cast<double>(value));
    if (std::isnan(v)) return 0;
    if (v <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (v >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(v);
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return static_cast<To>(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

Result<Tensor> Tensor::make(DType dtype, const Shape& shape) {
  const auto elements = shape.checked_elements();
  const auto byte_size =
      elements ? checked_mul(*elements, static_cast<int64_t>(size_of(dtype))) : std::nullopt;
  if (!byte_size) return Error::invalid_argument("a tensor cannot have the shape {}", shape);
  // A model may compute a giant size while it runs: refused here, before the system takes memory from others
  // for it.
  if (*byte_size > kLargeBytes && *byte_size > available_memory_bytes())
    return Error::out_of_memory("no memory for a tensor of {}", bytes_text(*byte_size));
  Tensor out;
  out.dtype_ = dtype;
  out.shape_ = shape;
  out.elements_ = *elements;
  const size_t rounded = (static_cast<size_t>(*byte_size) + kAlignment) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) return Error::out_of_memory("no memory for a tensor of {}", bytes_text(*byte_size));
  std::memset(memory, 0, rounded);
  out.data_ = std::shared_ptr<const std::byte>(static_cast<const std::byte*>(memory), [](const std::byte* p) {
    std::free(const_cast<std::byte*>(p));
  });
  return out;
}

Result<Tensor> Tensor::from_bytes(DType dtype, const Shape& shape, const Bytes& bytes) {
  const auto elements = shape.checked_elements();
  const auto byte_size =
      elements ? checked_mul(*elements, static_cast<int64_t>(size_of(dtype))) : std::nullopt;
  if (!byte_size || static_cast<size_t>(*byte_size) != bytes.size())
    return Error::invalid_model("{} bytes of data do not fill {} of {}", bytes.size(), to_string(dtype),
                                shape);
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % size_of(dtype) == 0;
  if (!aligned || bytes.size() == 0 ||
      dtype == DType::kBool) {  // bool: other bytes than 0 and 1 are not to be trusted
    TRY(Tensor out, make(dtype, shape));
    if (dtype == DType::kBool) {
      for (size_t i = 0; i < bytes.size(); ++i)
        out.mutable_bytes()[i] = std::byte{bytes.data()[i] != std::byte{0}};
    } else if (bytes.size() != 0) {
      std::memcpy(out.mutable_bytes(), bytes.data(), bytes.size());
    }
    return out;
  }
  Tensor out;
  out.dtype_ = dtype;
  out.shape_ = shape;
  out.elements_ = *elements;
  out.data_ = std::shared_ptr<const std::byte>(bytes.owner(), bytes.data());
  return out;
}

Tensor Tensor::view(DType dtype, const Shape& shape, const std::byte* data) {
  Tensor out;
  out.dtype_ = dtype;
  out.shape_ = shape;
  out.elements_ = shape.elements();
  out.data_ = std::shared_ptr<const std::byte>(std::shared_ptr<const std::byte>(), data);
  return out;
}

Tensor Tensor::reshaped(const Shape& shape) const {
  CHECK(shape.elements() == elements_);
  Tensor out = *this;
  out.shape_ = shape;
  return out;
}

void cast_elements(DType from, const std::byte* x, DType to, std::byte* y, size_t count) {
  if (from == to) {
    if (count != 0) std::memmove(y, x, count * size_of(from));
    return;
  }
  visit(from, [&]<typename From>() {
    visit(to, [&]<typename To>() {
      const From* in = reinterpret_cast<const From*>(x);
      To* out = reinterpret_cast<To*>(y);
      for (size_t i = 0; i < count; ++i) out[i] = cast_element<To>(in[i]);
    });
  });
}

Result<Tensor> Tensor::cast(DType dtype) const {
  if (dtype == dtype_) return *this;
  TRY(Tensor out, make(dtype, shape_));
  cast_elements(dtype_, bytes(), dtype, out.mutable_bytes(), static_cast<size_t>(elements_));
  return out;
}

bool Tensor::identical(const Tensor& other) const {
  if (defined() != other.defined()) return false;
  if (!defined()) return true;
  return dtype_ == other.dtype_ && shape_ == other.shape_ &&
         (data_ == other.data_ || std::memcmp(bytes(), other.bytes(), byte_size()) == 0);
}

uint64_t Tensor::hash() const {
  uint64_t h = 1469598103934665603u;  // FNV-1a
  const auto mix = [&h](uint64_t byte) { h = (h ^ byte) * 1099511628211u; };
  mix(static_cast<uint64_t>(dtype_));
  for (const int64_t dim : shape_.dims()) mix(static_cast<uint64_t>(dim));
  const size_t step =
      byte_size() <= 4096 ? 1 : byte_size() / 4096;  // large weights: a sample is enough for a hash
  for (size_t i = 0; i < byte_size(); i += step) mix(static_cast<uint64_t>(data_.get()[i]));
  return h;
}

std::vector<int64_t> to_int64s(const Tensor& tensor) {
  const Tensor wide = tensor.cast(DType::kI64).value();
  const auto values = wide.data<int64_t>();
  return {values.begin(), values.end()};
}

std::vector<float> to_floats(const Tensor& tensor) {
  const Tensor wide = tensor.cast(DType::kF32).value();
  const auto values = wide.data<float>();
  return {values.begin(), values.end()};
}

}  // namespace pochade
