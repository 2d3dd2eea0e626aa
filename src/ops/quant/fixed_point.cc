#include "ops/quant/fixed_point.h"

#include <cmath>

namespace pochade {

FixedPoint fixed_point(double multiplier) {
  if (multiplier == 0 || !std::isfinite(multiplier)) return {};
  int exponent = 0;
  const double fraction = std::frexp(multiplier, &exponent);
  auto value = static_cast<int64_t>(std::round(fraction * 2147483648.0));
  if (value == int64_t{1} << 31) {
    value /= 2;
    ++exponent;
  }
  if (exponent < -31) return {};
  return {static_cast<int32_t>(value), exponent};
}

}  // namespace pochade
