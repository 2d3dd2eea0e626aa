#pragma once
// Element types.

#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/check.h"

namespace pochade {

enum class DType : uint8_t { kF32, kF64, kF16, kBF16, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kBool };

/// IEEE 754 binary16, stored only: arithmetic goes through float.
struct Half {
  uint16_t bits = 0;
  Half() = default;
  explicit Half(float value);  ///< rounds to nearest even
  operator float() const;      // NOLINT: implicit by design
};

/// The upper half of a binary32, stored only.
struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);  ///< rounds to nearest even; NaN stays NaN
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }  // NOLINT
};

size_t size_of(DType dtype);
/// "float32", "int8", "bool": numpy's names, and bfloat16.
std::string_view to_string(DType dtype);

constexpr bool is_float(DType t) {
  return t == DType::kF32 || t == DType::kF64 || t == DType::kF16 || t == DType::kBF16;
}
constexpr bool is_signed_integer(DType t) {
  return t >= DType::kI8 && t <= DType::kI64;
}
constexpr bool is_unsigned_integer(DType t) {
  return t >= DType::kU8 && t <= DType::kU64;
}
constexpr bool is_integer(DType t) {
  return is_signed_integer(t) || is_unsigned_integer(t);
}

template <typename T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::kF32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::kF64;
  else if constexpr (std::is_same_v<T, Half>)
    return DType::kF16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return DType::kBF16;
  else if constexpr (std::is_same_v<T, int8_t>)
    return DType::kI8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return DType::kI16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::kI32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::kI64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::kU8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return DType::kU16;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return DType::kU32;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return DType::kU64;
  else {
    static_assert(std::is_same_v<T, bool>, "not an element type");
    return DType::kBool;
  }
}

/// Calls f.template operator()<T>() with the C++ type of `dtype`: visit(x.dtype(), [&]<typename T>() { ...
/// }).
template <typename F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kF32:
      return f.template operator()<float>();
    case DType::kF64:
      return f.template operator()<double>();
    case DType::kF16:
      return f.template operator()<Half>();
    case DType::kBF16:
      return f.template operator()<BFloat16>();
    case DType::kI8:
      return f.template operator()<int8_t>();
    case DType::kI16:
      return f.template operator()<int16_t>();
    case DType::kI32:
      return f.template operator()<int32_t>();
    case DType::kI64:
      return f.template operator()<int64_t>();
    case DType::kU8:
      return f.template operator()<uint8_t>();
    case DType::kU16:
      return f.template operator()<uint16_t>();
    case DType::kU32:
      return f.template operator()<uint32_t>();
    case DType::kU64:
      return f.template operator()<uint64_t>();
    case DType::kBool:
      return f.template operator()<bool>();
  }
  CHECK(false);
  __builtin_unreachable();
}

}  // namespace pochade
