#include "formats/onnx/export_scope.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"

namespace pochade::onnx {
namespace {

/// 16-bit integers and blocks came with opset 21.
Status check_types(ExportScope& node, DType dtype, int64_t block_size) {
  if (dtype == DType::kI16 || dtype == DType::kU16)
    TRY(node.needs_opset(21, format("quantization to {}", to_string(dtype))));
  if (block_size != 0) TRY(node.needs_opset(21, "quantization by blocks"));
  return {};
}

Attributes axis_attributes(ExportScope& node, int64_t axis, int64_t block_size) {
  Attributes attributes;
  const Fact scale = node.fact(1);
  const bool one_scale = scale.shape() && scale.shape()->elements() == 1;
  if (!one_scale || axis != 1) attributes.integer("axis", axis);
  if (block_size != 0) attributes.integer("block_size", block_size);
  return attributes;
}

/// The dtype of y is that of the zero point; before opset 21 there is no other way to say it.
Result<std::string> zero_point(ExportScope& node, DType dtype) {
  const auto shape = node.fact(1).shape();
  if (!shape) return Error::not_supported("the shape of its scale is not known");
  TRY(const Tensor zeros, Tensor::make(dtype, *shape));
  return node.constant(zeros);
}

/// ONNX rounds halves to the even number, TFLite away from zero: where a value lies exactly between two
/// numbers, the file that is written may give the other one.
Status quantize_linear(ExportScope& node) {
  const auto& op = node.op<QuantizeLinear>();
  const DType dtype = *node.output_fact(0).dtype;
  TRY(check_types(node, dtype, op.block_size));
  Attributes attributes = axis_attributes(node, op.axis, op.block_size);
  if (node.has_input(2) || op.dtype == DType::kU8)
    return node.emit("QuantizeLinear", node.inputs(), attributes);
  if (node.opset() >= 21)
    return node.emit("QuantizeLinear", node.inputs(), attributes.type("output_dtype", dtype));
  TRY(const std::string zeros, zero_point(node, dtype));
  return node.emit("QuantizeLinear", {node.input(0), node.input(1), zeros}, attributes);
}

Status dequantize_linear(ExportScope& node) {
  const auto& op = node.op<DequantizeLinear>();
  TRY(check_types(node, *node.fact(0).dtype, op.block_size));
  return node.emit("DequantizeLinear", node.inputs(), axis_attributes(node, op.axis, op.block_size));
}

constexpr ExportRow kExportQuantRows[] = {
    {"DequantizeLinear", 1, dequantize_linear},
    {"DynamicQuantizeLinear"},
    {"MatMulInteger"},
    {"QLinearMatMul"},
    {"QuantizeLinear", 1, quantize_linear},
};

}  // namespace

std::span<const ExportRow> quant_export_rows() {
  return kExportQuantRows;
}

}  // namespace pochade::onnx
