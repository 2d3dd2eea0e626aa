#pragma once
// What the normalisations share.

#include "graph/op.h"

namespace pochade {

/// `fact` has the dtype of x and holds `length` values in one axis, as far as that is known.
Status expect_vector(const Fact& fact, std::string_view what, DType dtype, const Dim& length);
/// One of the four floating-point types.
Status expect_float(const Fact& fact, std::string_view what);

struct Moments {
  double mean = 0;
  double variance = 0;  ///< biased: divided by the count
};
/// Of values[0], values[stride], ... (count of them).
Moments moments(const double* values, int64_t count, int64_t stride);

}  // namespace pochade
