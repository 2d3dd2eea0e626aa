// From floats to integers and back.

#include "formats/tflite/rows.h"
#include "ops/elementwise/select.h"

namespace pochade::tflite {
namespace {

/// To other types or scales: what the Facts on both sides say.
Status quantize(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const Quantized::Type type, node.output_type(0));
  if (!type.dtype) return Error::invalid_model("its output has no scale");
  return node.emit(Identity{}, {x});
}

Status dequantize(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const DType from, node.dtype(0));
  if (is_float(from)) {  // constants that are stored as float16
    TRY(const DType to, element_type(node.output_record(0).type));
    TRY(const ValueId y, node.cast(x, to));
    return node.set_output(0, y);
  }
  if (!node.is_quantized(x)) return Error::not_supported("its input is {} without a scale", node.fact(x));
  TRY(const ValueId y,
      node.type(x).quantization->axis >= 0 ? node.dequantized(x) : node.add_as({}, Identity{}, {x}));
  return node.set_output(0, y);
}

/// Compressed tensors are unpacked when they are read.
Status densify(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  return node.set_output(0, x);
}

constexpr Row kQuantRows[] = {
    {"DENSIFY", densify},
    {"DEQUANTIZE", dequantize},
    {"QUANTIZE", quantize},
};

}  // namespace

std::span<const Row> quant_rows() {
  return kQuantRows;
}

}  // namespace pochade::tflite
