#include "passes/quantized_values.h"

#include <algorithm>

#include "ops/elementwise/select.h"
#include "ops/quant/quantize_linear.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

/// Scales whose quotients and products cannot overflow.
bool is_normal(float scale) {
  return scale >= 1e-30f && scale <= 1e30f;
}

std::optional<Tensor> moved(const Finder& find, const Node& node, const Tensor& tensor) {
  Tensors in{tensor};
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    const Tensor constant = find.constant(node.inputs[i]);
    if (node.inputs[i] != kNone && !constant.defined()) return std::nullopt;
    in.push_back(constant);
  }
  auto out = node.op->eval(in);
  return out ? std::optional(std::move((*out)[0])) : std::nullopt;
}

/// The axis of what `node` makes of a tensor that counts what `axis` counted before.
std::optional<int> moved_axis(const Node& node, const Shape& before, const Shape& after, int axis) {
  if (const auto* transpose = op_as<Transpose>(*node.op)) {
    const std::vector<int64_t> perm = transpose->permutation(before.rank());
    return static_cast<int>(std::find(perm.begin(), perm.end(), axis) - perm.begin());
  }
  const int64_t inner = before.product(axis + 1, before.rank());
  for (int k = 0; k < after.rank(); ++k)
    if (after[k] == before[axis] && after.product(k + 1, after.rank()) == inner) return k;
  return std::nullopt;
}

}  // namespace

bool moves_weights(const Op& op) {
  return op_as<Transpose>(op) || op_as<Reshape>(op) || op_as<Flatten>(op) || op_as<Squeeze>(op) ||
         op_as<Unsqueeze>(op) || op_as<Identity>(op);
}

Quantized::Type QuantizedConstant::type() const {
  return {integers.dtype(), std::make_shared<const Quantization>(Quantization{scale, zero_point, axis, 0})};
}

std::optional<Quantized::Type> type_of_node(const Finder& find, const Node& node,
                                            std::optional<DType> dtype) {
  if (dtype != DType::kI8 && dtype != DType::kU8) return std::nullopt;
  const Tensor scale = find.constant(input_of(node, 1)), zero = find.constant(input_of(node, 2));
  if (!scale.defined() || scale.dtype() != DType::kF32 || scale.elements() != 1 || scale.rank() > 1 ||
      !is_normal(scale.data<float>()[0]))
    return std::nullopt;
  if (input_of(node, 2) != kNone && (!zero.defined() || zero.elements() != 1)) return std::nullopt;
  const auto* quantize = op_as<QuantizeLinear>(*node.op);
  if (quantize != nullptr && quantize->rounding != Rounding::kOnnx) return std::nullopt;
  return quantized_type(*dtype, scale.data<float>()[0],
                        zero.defined() ? static_cast<int32_t>(to_int64s(zero)[0]) : 0);
}

std::optional<QuantizedConstant> dequantized_constant(const Finder& find, ValueId value) {
  std::vector<const Node*> moves;
  const DequantizeLinear* dequantize = nullptr;
  const Node* node = nullptr;
  for (; value != kNone && find.graph().value(value).producer != kNone; value = node->inputs[0]) {
    node = &find.graph().node(find.graph().value(value).producer);
    if (!node->op || node->inputs.empty()) return std::nullopt;
    dequantize = op_as<DequantizeLinear>(*node->op);
    if (dequantize != nullptr) break;
    if (!moves_weights(*node->op)) return std::nullopt;
    moves.push_back(node);
  }
  if (dequantize == nullptr || dequantize->block_size != 0) return std::nullopt;
  const Tensor scale = find.constant(input_of(*node, 1)), zero = find.constant(input_of(*node, 2));
  QuantizedConstant out{find.constant(node->inputs[0]), {}, {}, -1};
  if (!out.integers.defined() || !scale.defined() || scale.dtype() != DType::kF32 || scale.rank() > 1 ||
      (input_of(*node, 2) != kNone && !zero.defined()) || size_of(out.integers.dtype()) > 4)
    return std::nullopt;
  out.scale = to_floats(scale);
  out.zero_point.assign(out.scale.size(), 0);
  if (zero.defined()) {
    const std::vector<int64_t> zeros = to_int64s(zero);
    out.zero_point.assign(zeros.begin(), zeros.end());
  }
  if (out.zero_point.size() != out.scale.size() ||
      !std::all_of(out.scale.begin(), out.scale.end(), is_normal))
    return std::nullopt;
  if (out.scale.size() > 1) {
    const auto axis = normal_axis(dequantize->axis, out.integers.rank());
    if (!axis || out.integers.shape()[*axis] != scale.elements()) return std::nullopt;
    out.axis = *axis;
  }
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {
    auto next = moved(find, **move, out.integers);
    if (!next) return std::nullopt;
    if (out.axis >= 0) {
      const auto axis = moved_axis(**move, out.integers.shape(), next->shape(), out.axis);
      if (!axis) return std::nullopt;
      out.axis = *axis;
    }
    out.integers = *std::move(next);
  }
  return out;
}

}  // namespace pochade
