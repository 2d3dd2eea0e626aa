#pragma once
// The oracles of elementwise operators compute in four types only: float (for float16 and bfloat16 too),
// double, int64 and uint64. Narrower integers widen on the way in and wrap on the way out, as arithmetic
// modulo 2^n does.

#include <limits>

#include "ops/eval.h"

namespace pochade {

/// Sets of element types that an operator takes.
enum Types : unsigned {
  kFloatTypes = 1,
  kSignedTypes = 2,
  kUnsignedTypes = 4,
  kBoolType = 8,
  kIntegerTypes = kSignedTypes | kUnsignedTypes,
  kNumberTypes = kFloatTypes | kIntegerTypes,
  kSignedNumberTypes = kFloatTypes | kSignedTypes,
  kAllTypes = kNumberTypes | kBoolType,
};

bool is_in(unsigned types, DType dtype);
Status expect_types(const Fact& fact, std::string_view what, unsigned types);

/// float for 16 and 32 bits, double, int64 for signed integers, uint64 for unsigned ones and bool.
DType wide_dtype(DType dtype);

/// visit() over what wide_dtype() gives, as far as `kTypes` has it.
template <unsigned kTypes, typename F>
void visit_wide(DType wide, F&& f) {
  if constexpr ((kTypes & kFloatTypes) != 0) {
    if (wide == DType::kF32) return f.template operator()<float>();
    if (wide == DType::kF64) return f.template operator()<double>();
  }
  if constexpr ((kTypes & kSignedTypes) != 0) {
    if (wide == DType::kI64) return f.template operator()<int64_t>();
  }
  if constexpr ((kTypes & (kUnsignedTypes | kBoolType)) != 0) {
    if (wide == DType::kU64) return f.template operator()<uint64_t>();
  }
  CHECK(false);
}

/// The nearest T; 0 for NaN. T is one of the wide types.
template <typename T>
T saturate(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    if (!(value == value)) return 0;
    if (value <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  }
}

}  // namespace pochade
