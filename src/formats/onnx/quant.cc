#include "formats/onnx/rows.h"
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

constexpr Row kRows[] = {
    {"", "QuantizeLinear", 10, kLatest, quantize_linear},
    {"", "DequantizeLinear", 10, kLatest, dequantize_linear},
    {"", "DynamicQuantizeLinear", 11, kLatest, dynamic_quantize_linear},
};

}  // namespace

std::span<const Row> quant_rows() {
  return kRows;
}

}  // namespace pochade::onnx
