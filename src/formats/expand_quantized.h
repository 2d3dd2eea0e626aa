#pragma once

#include <functional>

#include "formats/graph_copy.h"
#include "ops/quant/quantized.h"

namespace pochade {

/// How the products of x (one scale) and weights w (one scale, or one for each output channel) count.
Quantization product_quantization(const Quantization& x, const Quantization& w);

/// How input i stores real numbers. A bias that does not say it has the scale of the products.
Quantized::Type meant_type(const Quantized& op, size_t i);

/// Writes an operator on integers as DequantizeLinear of its inputs, the operator on real numbers, and
/// QuantizeLinear of its outputs: for formats that say it so. What only moves elements stays on integers.
class QuantizedExpander {
 public:
  using Add = std::function<Result<ValueId>(const std::string& name, const OpPtr& op, std::vector<ValueId>)>;
  using AddActivation = std::function<Result<ValueId>(const std::string& name, const Activation&, ValueId)>;

  /// `add` adds an operator of one output in the words of the format.
  QuantizedExpander(GraphCopy& copy, Add add, AddActivation add_activation)
      : copy_(copy), add_(std::move(add)), add_activation_(std::move(add_activation)) {}

  Result<std::vector<ValueId>> expand(const std::string& name, const Quantized& op,
                                      const std::vector<ValueId>& in);

 private:
  struct Known {
    Quantized::Type type;
    ValueId real;
  };
  Result<ValueId> dequantized(const std::string& name, ValueId value, const Quantized::Type& type);
  Result<ValueId> quantized(const std::string& name, ValueId value, const Quantized::Type& type);
  Result<ValueId> real_constant(const std::string& name, ValueId value, const Quantization& quantization);
  ValueId scales(const std::string& name, const Quantization& quantization);
  ValueId zero_points(const std::string& name, const Quantization& quantization, DType dtype);

  GraphCopy& copy_;
  Add add_;
  AddActivation add_activation_;
  std::map<ValueId, std::vector<Known>> known_;  ///< values that are dequantized already
};

}  // namespace pochade
