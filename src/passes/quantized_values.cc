#include "passes/quantized_values.h"

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

/// The index along `axis` of each element, as int32.
Tensor indices_along(const Shape& shape, int axis) {
  std::vector<int32_t> out(static_cast<size_t>(shape.elements()));
  const int64_t inner = shape.product(axis + 1, shape.rank());
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<int32_t>(static_cast<int64_t>(i) / inner % shape[axis]);
  return Tensor::of<int32_t>(shape, out);
}

/// The axis along which the elements of `indices` count; empty if there is none.
std::optional<int> counting_axis(const Tensor& indices, int64_t channels) {
  for (int axis = 0; axis < indices.rank(); ++axis)
    if (indices.shape()[axis] == channels && indices.identical(indices_along(indices.shape(), axis)))
      return axis;
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
  Tensor indices;
  if (out.scale.size() > 1) {
    const auto axis = normal_axis(dequantize->axis, out.integers.rank());
    if (!axis || out.integers.shape()[*axis] != scale.elements()) return std::nullopt;
    indices = indices_along(out.integers.shape(), *axis);
  }
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {
    auto next = moved(find, **move, out.integers);
    if (!next) return std::nullopt;
    out.integers = *std::move(next);
    if (!indices.defined()) continue;
    next = moved(find, **move, indices);
    if (!next) return std::nullopt;
    indices = *std::move(next);
  }
  if (indices.defined()) {
    const auto axis = counting_axis(indices, scale.elements());
    if (!axis) return std::nullopt;
    out.axis = *axis;
  }
  return out;
}

}  // namespace pochade
