#pragma once
// One output element from the element(s) at the same place.

#include "kernels/common.h"

namespace pochade {

enum class Unary : uint8_t {
  kCopy,
  kRelu,
  kClip,       ///< min(max(x, a), b)
  kLeakyRelu,  ///< slope a
  kSigmoid,
  kTanh,
  kHardSigmoid,  ///< min(max(a * x + b, 0), 1)
  kHardSwish,
  kSilu,
  kGelu,      ///< with erf
  kGeluTanh,  ///< x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2
  kElu,       ///< x < 0 ? a * (exp(x) - 1) : x
  kSelu,      ///< x <= 0 ? b * (a * exp(x) - a) : b * x;   ONNX alpha = a, gamma = b
  kCelu,      ///< max(0, x) + min(0, a * (exp(x / a) - 1))
  kSoftplus,  ///< log(1 + exp(x))
  kSoftsign,  ///< x / (1 + |x|)
  kMish,      ///< x * tanh(softplus(x))
  kExp,
  kLog,
  kSqrt,
  kAbs,
  kNeg,
  kReciprocal,
  kFloor,
  kCeil,
  kRound,  ///< half to even
  kSign,
  kErf,
  kAffine,  ///< a * x + b
  // By the C library, one element at a time:
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
};

enum class Binary : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMin,
  kMax,
  kPow,    ///< by the C library
  kPrelu,  ///< a < 0 ? a * b : a
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // see Activation
/// How an operand of y [rows, columns] is repeated.
enum class Repeat : uint8_t {
  kNone,    ///< [rows, columns]
  kScalar,  ///< one value
  kRow,     ///< [columns], the same for every row: per channel
  kColumn,  ///< [rows], one value for all of a row
};
#pragma GCC diagnostic pop

/// y[i,j] = activation(a[i,j] op b[i,j]). Range counts elements of y, row by row.
/// Operands of one and the same shape may be given as one row.
struct BinaryArgs {
  const float* a;
  const float* b;
  float* y;
  size_t rows = 1, columns = 0;
  Repeat repeat_a = Repeat::kNone, repeat_b = Repeat::kNone;
  Activation activation{};
};

}  // namespace pochade
