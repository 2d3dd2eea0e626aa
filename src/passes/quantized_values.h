#pragma once
// What the values of a graph with DequantizeLinear and QuantizeLinear stand for.

#include <map>

#include "ops/quant/quantized.h"
#include "passes/match.h"

namespace pochade {

/// 8-bit integers with one scale, and what they mean.
struct QuantizedValue {
  ValueId integers = kNone;
  Quantized::Type type;
};

/// Constant integers of a scale each, or of one scale for each index along `axis`.
struct QuantizedConstant {
  Tensor integers;
  std::vector<float> scale;
  std::vector<int32_t> zero_point;  ///< as many as scales
  int axis = -1;                    ///< -1: one scale

  float scale_of(size_t channel) const { return scale[scale.size() == 1 ? 0 : channel]; }
  Quantized::Type type() const;
};

/// The type that a QuantizeLinear or DequantizeLinear node of 8-bit integers with one constant scale speaks
/// of; empty for all others. `dtype` is that of the integers.
std::optional<Quantized::Type> type_of_node(const Finder& find, const Node& node, std::optional<DType> dtype);

/// Whether the operator gives its first input's elements as they are, only in another order or shape: what
/// may stand between weights and their DequantizeLinear.
bool moves_weights(const Op& op);

/// The constant integers that `value` is made of by DequantizeLinear and by moving elements (Transpose,
/// Reshape, ...), moved likewise.
std::optional<QuantizedConstant> dequantized_constant(const Finder& find, ValueId value);

}  // namespace pochade
