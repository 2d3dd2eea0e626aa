#pragma once

#include "graph/edit.h"

namespace pochade {

/// DequantizeLinear, an operator that has an integer kernel, and QuantizeLinear, all with constant scales,
/// become one operator on integers: Quantized with Rounding::kOnnx, whose values carry their quantization.
///   - Conv, Gemm and MatMul by constant 8-bit weights, with their bias (real numbers are counted in
///     x scale * w scale) and a Relu or Clip behind them; Add, Sub, Mul, PRelu, Concat, AveragePool,
///     GlobalAveragePool, ReduceMean, Softmax, and every function of one 8-bit value.
///   - What moves elements only (Reshape, Transpose, Slice, Pad, MaxPool, Resize by nearest, ...) works on
///   the
///     integers, and DequantizeLinear comes after it.
///   - QuantizeLinear right after DequantizeLinear is a table.
/// Where nothing of this is left to do, the remaining 8-bit QuantizeLinear and DequantizeLinear of one scale
/// become Quantized too, for their kernels.
Result<Retype> fold_qdq(const Graph& graph);

}  // namespace pochade
