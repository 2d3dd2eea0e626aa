#include "ops/norm/norm.h"

namespace pochade {

Status expect_float(const Fact& fact, std::string_view what) {
  return expect_dtype(fact, what, {DType::kF32, DType::kF64, DType::kF16, DType::kBF16});
}

Status expect_vector(const Fact& fact, std::string_view what, DType dtype, const Dim& length) {
  TRY(expect_dtype(fact, what, {dtype}));
  TRY(expect_rank(fact, what, 1, 1));
  if (fact.rank_known() && fact.dim(0).is_number() && length.is_number() && fact.dim(0) != length)
    return Error::invalid_model("{} has {} values, expected {}", what, fact.dim(0).number(), length.number());
  return {};
}

Moments moments(const double* values, int64_t count, int64_t stride) {
  Moments out;
  const auto n = static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) out.mean += values[i * stride];
  out.mean /= n;
  for (int64_t i = 0; i < count; ++i) {
    const double d = values[i * stride] - out.mean;
    out.variance += d * d;
  }
  out.variance /= n;
  return out;
}

}  // namespace pochade
