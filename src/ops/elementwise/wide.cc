#include "ops/elementwise/wide.h"

namespace pochade {

bool is_in(unsigned types, DType dtype) {
  if (is_float(dtype)) return (types & kFloatTypes) != 0;
  if (is_signed_integer(dtype)) return (types & kSignedTypes) != 0;
  if (is_unsigned_integer(dtype)) return (types & kUnsignedTypes) != 0;
  return (types & kBoolType) != 0;
}

Status expect_types(const Fact& fact, std::string_view what, unsigned types) {
  if (!fact.present()) return Error::invalid_model("{} is missing", what);
  if (!is_in(types, *fact.dtype)) return Error::not_supported("{} is {}", what, to_string(*fact.dtype));
  return {};
}

DType wide_dtype(DType dtype) {
  if (dtype == DType::kF64) return DType::kF64;
  if (is_float(dtype)) return DType::kF32;
  return is_signed_integer(dtype) ? DType::kI64 : DType::kU64;
}

}  // namespace pochade
