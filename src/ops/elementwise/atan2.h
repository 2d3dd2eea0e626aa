#pragma once

#include "ops/elementwise/binary.h"

namespace pochade {

/// The angle of the point (b, a), in (-pi, pi].
struct Atan2Function {
  static constexpr std::string_view kName = "Atan2";
  static constexpr unsigned kTypes = kFloatTypes;
  static constexpr bool kGivesBool = false;
  template <typename T>
  T operator()(T a, T b) const {
    return std::atan2(a, b);
  }
};
using Atan2 = BinaryOp<Atan2Function>;

}  // namespace pochade
