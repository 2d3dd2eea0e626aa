#include <cmath>

#include "formats/tensorflow/rows.h"
#include "ops/elementwise/variadic.h"
#include "ops/quant/quantize_linear.h"

namespace pochade::tensorflow {
namespace {

/// The range [low, high] as TensorFlow moves it: 0 becomes a step of the scale exactly.
/// (https://www.tensorflow.org/api_docs/python/tf/quantization/fake_quant_with_min_max_args)
struct Steps {
  float scale = 1;
  int64_t zero_point = 0;
};

Result<Steps> steps_of(float low, float high, int64_t least, int64_t most) {
  if (!(low <= 0 && high >= 0 && low < high) || !std::isfinite(low) || !std::isfinite(high))
    return Error::not_supported("a range from {} to {} that does not hold 0", low, high);
  Steps out;
  out.scale = (high - low) / static_cast<float>(most - least);
  const float zero = static_cast<float>(least) - low / out.scale;
  out.zero_point = zero < static_cast<float>(least)  ? least
                   : zero > static_cast<float>(most) ? most
                                                     : static_cast<int64_t>(std::round(zero));
  return out;
}

/// Rounds to the steps of a quantized tensor and back: QuantizeLinear and DequantizeLinear.
Status fake_quant(NodeScope& node, const std::vector<float>& low, const std::vector<float>& high) {
  TRY(const int64_t bits, node.integer("num_bits", 8));
  TRY(const bool narrow, node.flag("narrow_range", false));
  if (bits < 2 || bits > 16) return Error::invalid_model("num_bits is {}", bits);
  if (low.size() != high.size() || low.empty())
    return Error::invalid_model("{} minima and {} maxima", low.size(), high.size());
  const int64_t least = narrow ? 1 : 0, most = (int64_t{1} << bits) - 1;
  const DType dtype = bits <= 8 ? DType::kU8 : DType::kU16;
  std::vector<float> scales, bottoms, tops;
  std::vector<int64_t> zeros;
  for (size_t i = 0; i < low.size(); ++i) {
    TRY(const Steps steps, steps_of(low[i], high[i], least, most));
    scales.push_back(steps.scale);
    zeros.push_back(steps.zero_point);
    bottoms.push_back(static_cast<float>(least - steps.zero_point) * steps.scale);
    tops.push_back(static_cast<float>(most - steps.zero_point) * steps.scale);
  }
  const auto count = static_cast<int64_t>(low.size());
  const Shape shape = count == 1 ? Shape{} : Shape{count};
  TRY(ValueId x, node.input(0));
  // The integer type ends the range by itself unless the range is a part of it.
  if (least != 0 || most != (dtype == DType::kU8 ? 255 : 65535)) {
    TRY(x, node.add(Max{}, {x, node.constant(Tensor::of<float>(shape, bottoms))}));
    TRY(x, node.add(Min{}, {x, node.constant(Tensor::of<float>(shape, tops))}));
  }
  TRY(const Tensor zero_points, Tensor::of<int64_t>(shape, zeros).cast(dtype));
  const ValueId scale = node.constant(Tensor::of<float>(shape, scales)), zero = node.constant(zero_points);
  QuantizeLinear quantize;
  quantize.axis = -1;
  quantize.dtype = dtype;
  quantize.rounding = Rounding::kTflite;
  DequantizeLinear dequantize;
  dequantize.axis = -1;
  TRY(const ValueId q, node.add(quantize, {x, scale, zero}));
  return node.emit(dequantize, {q, scale, zero});
}

Status fake_quant_args(NodeScope& node) {
  TRY(const float low, node.number("min", -6.0f));
  TRY(const float high, node.number("max", 6.0f));
  return fake_quant(node, {low}, {high});
}

Status fake_quant_vars(NodeScope& node) {
  TRY(const Tensor low, node.constant_tensor(1, "min"));
  TRY(const Tensor high, node.constant_tensor(2, "max"));
  if (low.elements() != 1 && node.op() == "FakeQuantWithMinMaxVars")
    return Error::invalid_model("min has {} values", low.elements());
  return fake_quant(node, to_floats(low), to_floats(high));
}

constexpr Row kQuantRows[] = {
    {"FakeQuantWithMinMaxArgs", fake_quant_args},
    {"FakeQuantWithMinMaxVars", fake_quant_vars},
    {"FakeQuantWithMinMaxVarsPerChannel", fake_quant_vars},
};

}  // namespace

std::span<const Row> quant_rows() {
  return kQuantRows;
}

}  // namespace pochade::tensorflow
