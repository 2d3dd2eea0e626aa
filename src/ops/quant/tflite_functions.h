#pragma once
// Operators of TFLite that ONNX has no name for, for Quantized to wrap: their integer arithmetic is one step.

#include "ops/elementwise/binary.h"
#include "ops/elementwise/unary.h"

namespace pochade {

/// 1 / sqrt(x)
struct RsqrtFunction : FloatFunction {
  static constexpr std::string_view kName = "Rsqrt";
  template <typename T>
  T operator()(T x) const {
    return T(1) / std::sqrt(x);
  }
};
using Rsqrt = UnaryOp<RsqrtFunction>;

/// (a - b)^2
struct SquaredDifferenceFunction : Arithmetic {
  static constexpr std::string_view kName = "SquaredDifference";
  template <typename T>
  T operator()(T a, T b) const {
    const T difference = SubFunction()(a, b);
    return MulFunction()(difference, difference);
  }
};
using SquaredDifference = BinaryOp<SquaredDifferenceFunction>;

}  // namespace pochade
