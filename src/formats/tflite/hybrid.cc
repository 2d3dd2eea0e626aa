#include "formats/tflite/hybrid.h"

#include <algorithm>

#include "ops/elementwise/binary.h"
#include "ops/quant/quantize_rows.h"

namespace pochade::tflite {

bool is_hybrid(const NodeScope& node, ValueId x, ValueId w) {
  if (!node.is_quantized(w) || node.is_quantized(x) || node.fact(x).dtype != DType::kF32) return false;
  const Quantized::Type type = node.type(w);
  if (type.quantization == nullptr) return false;
  const std::vector<int32_t>& zeros = type.quantization->zero_point;
  return type.dtype == DType::kI8 && type.quantization->axis <= 0 &&
         std::all_of(zeros.begin(), zeros.end(), [](int32_t zero) { return zero == 0; });
}

Result<Hybrid> quantized_rows(NodeScope& node, ValueId x, ValueId w, bool symmetric) {
  const Quantization& scales = *node.type(w).quantization;
  Hybrid out;
  QuantizeRows op;
  op.symmetric = symmetric;
  TRY(const std::vector<ValueId> rows, node.add_all(make_op(op), {x}));
  out.x = rows.at(0);
  out.x_scale = rows.at(1);
  TRY(out.w, node.cast(w, DType::kF32));
  out.by_channel = scales.axis >= 0;
  const Shape shape = out.by_channel ? Shape{static_cast<int64_t>(scales.scale.size())} : Shape{};
  out.w_scale = node.constant(Tensor::of<float>(shape, scales.scale));
  return out;
}

Result<ValueId> scaled_sums(NodeScope& node, const Hybrid& hybrid, ValueId sums, ValueId b,
                            const Activation& act) {
  ValueId y = sums;
  TRY(const ValueId scale, node.add(Mul{}, {hybrid.x_scale, hybrid.w_scale}));
  TRY(y, node.add(Mul{}, {y, scale}));
  if (b != kNone) {
    TRY(y, node.add(Add{}, {y, b}));
  }
  return node.add_activation(y, act);
}

}  // namespace pochade::tflite
