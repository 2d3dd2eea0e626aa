#include "formats/onnx/rows.h"
#include "formats/onnx/window_attributes.h"
#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"

namespace pochade::onnx {
namespace {

Status quantize_linear(NodeScope& node) {
  QuantizeLinear op;
  TRY(op.axis, node.integer("axis", 1));
  TRY(op.block_size, node.integer("block_size", 0));
  TRY(const int64_t output_dtype, node.integer("output_dtype", 0));  // 0: that of the zero point
  if (output_dtype != 0) {
    TRY(op.dtype, node.dtype("output_dtype"));
  }
  node.ignore("saturate");  // is about 8-bit floats only, which are refused
  return node.emit(op);
}

Status dequantize_linear(NodeScope& node) {
  DequantizeLinear op;
  TRY(op.axis, node.integer("axis", 1));
  TRY(op.block_size, node.integer("block_size", 0));
  return node.emit(op);
}

Status dynamic_quantize_linear(NodeScope& node) {
  return node.emit(DynamicQuantizeLinear{});
}

/// Convolutions are channels-last here: x and w (input `w_index`) turn, and y turns back.
template <typename D>
Status integer_conv(NodeScope& node, D op, size_t w_index) {
  TRY(const size_t spatial_rank, read_spatial_rank(node, w_index));
  TRY(op.window, read_window(node, spatial_rank));
  TRY(op.groups, node.integer("group", 1));
  std::vector<ValueId> inputs = node.inputs();
  TRY(inputs[0], node.to_channels_last(inputs[0]));
  TRY(inputs[w_index], node.to_channels_last(inputs[w_index]));
  TRY(const ValueId y, node.add(std::move(op), std::move(inputs)));
  return node.set_output_channels_first(0, y);
}

Status conv_integer(NodeScope& node) {
  return integer_conv(node, ConvInteger{}, 1);
}
Status qlinear_conv(NodeScope& node) {
  return integer_conv(node, QLinearConv{}, 3);
}
Status matmul_integer(NodeScope& node) {
  return node.emit(MatMulInteger{});
}
Status qlinear_matmul(NodeScope& node) {
  return node.emit(QLinearMatMul{});
}

constexpr Row kQuantRows[] = {
    {"", "QuantizeLinear", 10, kLatest, quantize_linear},
    {"", "DequantizeLinear", 10, kLatest, dequantize_linear},
    {"com.microsoft", "QuantizeLinear", 1, kLatest, quantize_linear},
    {"com.microsoft", "DequantizeLinear", 1, kLatest, dequantize_linear},
    {"", "DynamicQuantizeLinear", 11, kLatest, dynamic_quantize_linear},
    {"", "ConvInteger", 10, kLatest, conv_integer},
    {"", "QLinearConv", 10, kLatest, qlinear_conv},
    {"", "MatMulInteger", 10, kLatest, matmul_integer},
    {"", "QLinearMatMul", 10, kLatest, qlinear_matmul},
};

}  // namespace

std::span<const Row> quant_rows() {
  return kQuantRows;
}

}  // namespace pochade::onnx
