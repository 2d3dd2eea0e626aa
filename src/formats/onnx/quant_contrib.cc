// Operators on integers that ONNX Runtime adds (domain com.microsoft). Each is read as what it means:
// DequantizeLinear of its inputs, the real operator, QuantizeLinear of its output.

#include "formats/onnx/rows.h"
#include "formats/onnx/window_attributes.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/unary.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/concat.h"

namespace pochade::onnx {
namespace {

/// Inputs `at` (integers), `at` + 1 (scale) and, if it is there, `at` + 2 (zero point) as real numbers.
Result<ValueId> real(NodeScope& node, size_t at, int64_t axis = 0) {
  TRY(const ValueId integers, node.required_input(at));
  TRY(const ValueId scale, node.required_input(at + 1));
  DequantizeLinear op;
  op.axis = axis;
  std::vector<ValueId> inputs{integers, scale};
  if (node.has_input(at + 2)) inputs.push_back(node.input(at + 2));
  return node.add(op, std::move(inputs));
}

/// The node's output: `value` by the scale at input `at` and the zero point behind it. Without a zero point
/// it is of the dtype of input `like`.
Status set_integers(NodeScope& node, ValueId value, size_t at, size_t like) {
  TRY(const ValueId scale, node.required_input(at));
  QuantizeLinear op;
  std::vector<ValueId> inputs{value, scale};
  if (node.has_input(at + 1))
    inputs.push_back(node.input(at + 1));
  else
    op.dtype = node.fact(like).dtype.value_or(DType::kU8);
  TRY(const ValueId y, node.add(op, std::move(inputs)));
  return node.set_output(0, y);
}

template <typename D>
Status binary(NodeScope& node) {
  TRY(const ValueId a, real(node, 0));
  TRY(const ValueId b, real(node, 3));
  TRY(const ValueId y, node.add(D{}, {a, b}));
  return set_integers(node, y, 6, 0);
}

template <typename D>
Status unary(NodeScope& node, D op) {
  TRY(const ValueId x, real(node, 0));
  TRY(const ValueId y, node.add(std::move(op), {x}));
  return set_integers(node, y, 3, 0);
}

Status sigmoid(NodeScope& node) {
  return unary(node, Sigmoid{});
}

Status leaky_relu(NodeScope& node) {
  LeakyRelu op;
  TRY(op.alpha, node.number("alpha", 0.01f));
  return unary(node, op);
}

Status softmax(NodeScope& node) {
  Softmax op;
  TRY(op.axis, node.integer("axis", -1));
  TRY(const int64_t opset, node.integer("opset"));
  op.to_end = opset < 13;
  return unary(node, op);
}

Status qlinear_concat(NodeScope& node) {
  Concat op;
  TRY(op.axis, node.integer("axis"));
  if (node.input_count() < 5 || (node.input_count() - 2) % 3 != 0)
    return Error::invalid_model("has {} inputs, expected y_scale, y_zero_point and three for each tensor",
                                node.input_count());
  std::vector<ValueId> parts;
  for (size_t i = 2; i < node.input_count(); i += 3) {
    TRY(parts.emplace_back(), real(node, i));
  }
  TRY(const ValueId y, node.add(op, std::move(parts)));
  return set_integers(node, y, 0, 2);
}

Status where(NodeScope& node) {
  TRY(const ValueId condition, node.required_input(0));
  TRY(const ValueId a, real(node, 1));
  TRY(const ValueId b, real(node, 4));
  TRY(const ValueId y, node.add(Where{}, {condition, a, b}));
  return set_integers(node, y, 7, 1);
}

/// A pool of pictures, which lie channels-first unless the attribute says otherwise.
template <typename D>
Status pool(NodeScope& node, D op) {
  TRY(const bool channels_last, node.flag("channels_last", false));
  TRY(ValueId x, real(node, 0));
  if (!channels_last) {
    TRY(x, node.to_channels_last(x));
  }
  TRY(ValueId y, node.add(std::move(op), {x}));
  if (!channels_last) {
    TRY(y, node.to_channels_first(y));
  }
  return set_integers(node, y, 3, 0);
}

Status qlinear_average_pool(NodeScope& node) {
  AveragePool op;
  TRY(op.kernel, node.integers("kernel_shape"));
  TRY(const int rank, node.rank(0));
  if (op.kernel.empty() || static_cast<size_t>(rank) != op.kernel.size() + 2)
    return Error::invalid_model("kernel_shape has {} values, but x has rank {}", op.kernel.size(), rank);
  TRY(op.window, read_window(node, op.kernel.size()));
  TRY(op.window.ceil_mode, node.flag("ceil_mode", false));
  TRY(op.count_include_pad, node.flag("count_include_pad", false));
  return pool(node, std::move(op));
}

Status qlinear_global_average_pool(NodeScope& node) {
  return pool(node, GlobalAveragePool{});
}

Status reduce_mean(NodeScope& node) {
  ReduceMean op;
  TRY(op.keep_dims, node.flag("keepdims", true));
  TRY(const std::vector<int64_t> axes, node.integers("axes"));
  TRY(const ValueId x, real(node, 0));
  std::vector<ValueId> inputs{x};
  if (!axes.empty()) inputs.push_back(node.constant(axes));
  TRY(const ValueId y, node.add(op, std::move(inputs)));
  return set_integers(node, y, 3, 0);
}

/// a, b (each with scale and zero point), c (int32, counts in alpha * a_scale * b_scale; optional), y_scale,
/// y_zero_point. Without y_scale the output is real.
Status qlinear_gemm(NodeScope& node) {
  Gemm op;
  TRY(op.transpose_a, node.flag("transA", false));
  TRY(op.transpose_b, node.flag("transB", false));
  TRY(op.alpha, node.number("alpha", 1));
  TRY(const ValueId a, real(node, 0));
  TRY(const ValueId b, real(node, 3, op.transpose_b ? 0 : 1));
  std::vector<ValueId> inputs{a, b};
  if (node.has_input(6)) {
    TRY(const std::vector<float> a_scale, node.constant_numbers(1, "a_scale"));
    TRY(std::vector<float> scales, node.constant_numbers(4, "b_scale"));
    TRY(const int rank, node.rank(6));
    if (a_scale.size() != 1) return Error::invalid_model("a_scale has {} values, expected 1", a_scale.size());
    for (float& scale : scales) scale *= op.alpha * a_scale[0];
    DequantizeLinear dequantize;
    dequantize.axis = std::max(rank - 1, 0);
    const Shape shape = scales.size() == 1 ? Shape{} : Shape{static_cast<int64_t>(scales.size())};
    TRY(inputs.emplace_back(),
        node.add(dequantize, {node.input(6), node.constant(Tensor::of<float>(shape, scales))}));
  }
  TRY(const ValueId y, node.add(op, std::move(inputs)));
  return node.has_input(7) ? set_integers(node, y, 7, 0) : node.set_output(0, y);
}

/// An int32 product as real numbers: times both scales, plus the bias if it is there.
Status set_real_product(NodeScope& node, ValueId product, ValueId a_scale, ValueId b_scale, size_t bias) {
  Cast cast;
  cast.to = DType::kF32;
  TRY(const ValueId sums, node.add(cast, {product}));
  TRY(const ValueId scale, node.add(Mul{}, {a_scale, b_scale}));
  TRY(ValueId y, node.add(Mul{}, {sums, scale}));
  if (node.has_input(bias)) {
    TRY(y, node.add(Add{}, {y, node.input(bias)}));
  }
  return node.set_output(0, y);
}

/// a, b, a_scale, b_scale, a_zero_point, b_zero_point, bias (the last three are optional)
Status matmul_integer_to_float(NodeScope& node) {
  TRY(const ValueId a, node.required_input(0));
  TRY(const ValueId b, node.required_input(1));
  TRY(const ValueId a_scale, node.required_input(2));
  TRY(const ValueId b_scale, node.required_input(3));
  TRY(const ValueId product, node.add(MatMulInteger{}, {a, b, node.input(4), node.input(5)}));
  return set_real_product(node, product, a_scale, b_scale, 6);
}

/// a (real), b, b_scale, b_zero_point, bias (the last two are optional)
Status dynamic_quantize_matmul(NodeScope& node) {
  TRY(const ValueId a, node.required_input(0));
  TRY(const ValueId b, node.required_input(1));
  TRY(const ValueId b_scale, node.required_input(2));
  TRY(const std::vector<ValueId> quantized, node.add_all(DynamicQuantizeLinear{}, {a}));
  TRY(const ValueId product, node.add(MatMulInteger{}, {quantized[0], b, quantized[2], node.input(3)}));
  return set_real_product(node, product, quantized[1], b_scale, 4);
}

constexpr std::string_view kDomain = "com.microsoft";

constexpr Row kQuantContribRows[] = {
    {kDomain, "DynamicQuantizeMatMul", 1, kLatest, dynamic_quantize_matmul},
    {kDomain, "MatMulIntegerToFloat", 1, kLatest, matmul_integer_to_float},
    {kDomain, "QGemm", 1, kLatest, qlinear_gemm},
    {kDomain, "QLinearAdd", 1, kLatest, binary<Add>},
    {kDomain, "QLinearAveragePool", 1, kLatest, qlinear_average_pool},
    {kDomain, "QLinearConcat", 1, kLatest, qlinear_concat},
    {kDomain, "QLinearGlobalAveragePool", 1, kLatest, qlinear_global_average_pool},
    {kDomain, "QLinearLeakyRelu", 1, kLatest, leaky_relu},
    {kDomain, "QLinearMul", 1, kLatest, binary<Mul>},
    {kDomain, "QLinearReduceMean", 1, kLatest, reduce_mean},
    {kDomain, "QLinearSigmoid", 1, kLatest, sigmoid},
    {kDomain, "QLinearSoftmax", 1, kLatest, softmax},
    {kDomain, "QLinearWhere", 1, kLatest, where},
};

}  // namespace

std::span<const Row> quant_contrib_rows() {
  return kQuantContribRows;
}

}  // namespace pochade::onnx
