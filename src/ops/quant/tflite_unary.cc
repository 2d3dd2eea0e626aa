// Functions of one value, as TFLite's reference kernels compute them.

#include <cmath>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/select.h"
#include "ops/quant/fixed_point_functions.h"
#include "ops/quant/tflite_functions.h"
#include "ops/quant/tflite_loops.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

double ratio(const Type& x, const Type& y) {
  return static_cast<double>(x.scale()) / static_cast<double>(y.scale());
}
/// The same with a quotient in single precision, which some of TFLite's operators take.
double float_ratio(const Type& x, const Type& y) {
  return static_cast<double>(x.scale() / y.scale());
}

Status check_zero_points(const Quantized& quantized) {
  if (quantized.in[0].dtype != DType::kI16) return {};
  if (quantized.in[0].zero_point() == 0 && quantized.out[0].zero_point() == 0) return {};
  return Error::not_supported("int16 values have a zero point, expected 0");
}

/// f of real numbers, rounded: what TFLite keeps in a table of 256 entries.
template <typename F>
Result<Tensors> map_reals(const Quantized& quantized, const Tensor& x, F&& f) {
  const Type &from = quantized.in[0], &to = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  const float inverse = 1.0f / to.scale();
  return map_integers(quantized, x, [&](int32_t q) {
    const float real = from.scale() * static_cast<float>(q - from.zero_point());
    const float rounded = std::round(f(real) * inverse) + static_cast<float>(to.zero_point());
    return bounds.clamp(static_cast<int32_t>(std::clamp(rounded, -1e9f, 1e9f)));
  });
}

// Quantize, Dequantize, Requantize.
// ------------------------------------------------------------------------------------------------------

Result<Tensors> quantize(const Quantized& quantized, const Tensor& x) {
  const Type& to = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  TRY(Tensor y, Tensor::make(DType::kI32, x.shape()));
  const auto from = x.data<float>();
  for (size_t i = 0; i < from.size(); ++i) {
    const float rounded = std::round(from[i] / to.scale());
    const auto q = static_cast<int64_t>(std::isnan(rounded) ? 0 : std::clamp(rounded, -1e9f, 1e9f));
    y.mutable_data<int32_t>()[i] = bounds.clamp(static_cast<int32_t>(q + to.zero_point()));
  }
  TRY(y, y.cast(*to.dtype));
  return Tensors{y};
}

Result<Tensors> dequantize(const Quantized& quantized, const Tensor& x) {
  const Quantization& q = *quantized.in[0].quantization;
  int64_t inner = 1, channels = 1;
  if (q.axis >= 0) {
    inner = x.shape().product(q.axis + 1, x.rank());
    channels = x.shape()[q.axis];
  }
  const std::vector<int64_t> from = to_int64s(x);
  TRY(Tensor y, Tensor::make(DType::kF32, x.shape()));
  for (size_t i = 0; i < from.size(); ++i) {
    const size_t channel = q.axis < 0 ? 0 : static_cast<size_t>(static_cast<int64_t>(i) / inner % channels);
    const int32_t zero = q.zero_point.empty() ? 0 : q.zero_point[channel];
    // TFLite multiplies in double precision, then rounds.
    y.mutable_data<float>()[i] =
        static_cast<float>(static_cast<double>(q.scale[channel]) * static_cast<double>(from[i] - zero));
  }
  return Tensors{y};
}

Result<Tensors> rescale(const Quantized& quantized, const Tensor& x, FixedPoint multiplier,
                        IntegerBounds bounds) {
  const int32_t from = quantized.in[0].zero_point(), to = quantized.out[0].zero_point();
  return map_integers(quantized, x, [&](int32_t q) {
    return bounds.clamp(wrap_int32(int64_t{multiply(q - from, multiplier)} + to));
  });
}

/// Bounds of a real interval in the type of output 0.
IntegerBounds bounds_within(const Quantized& quantized, float low, float high) {
  Quantized clipped = quantized;
  clipped.act = {Activation::Kind::kClip, low, high};
  return output_bounds(clipped);
}

// 16-bit sigmoid and tanh: straight lines between the points of a table of sigmoid(i / 24).
// ------------------------------------------------------------------------------------------------------

/// In 1/65536; each point is lowered by half of what the line to the next one lies below the curve in its
/// middle.
uint32_t sigmoid_point(uint32_t i) {
  if (i >= 255) return 65535;
  const auto curve = [](double at) { return 65536.0 / (1.0 + std::exp(-at / 24.0)); };
  const double error = (curve(i) + curve(i + 1)) / 2 - curve(i + 0.5);
  return static_cast<uint32_t>(std::lround(curve(i) - error / 2));
}

struct TableScale {
  int32_t multiplier = 0;  ///< 0: the scale is the table's own
  int shift = 0;
};

/// Brings x to the table's scale, 1 / (3 * 4096). `own_shifts`: how many doublings a power of two may lack.
TableScale table_scale(float scale, int own_shifts) {
  const float log2 = std::log(scale) * (1.0f / std::log(2.0f));
  const float rounded = std::round(log2);
  const int shift = 12 + static_cast<int>(rounded);
  if (std::fabs(log2 - rounded) < 1e-3f && shift >= 0 && shift <= own_shifts) return {0, shift};
  TableScale out;
  double multiplier = static_cast<double>(scale) * 4096.0 * 3.0;
  for (; multiplier <= 32767.0 / 2.0 && out.shift <= 30; multiplier *= 2) ++out.shift;
  out.multiplier = static_cast<int32_t>(multiplier);
  return out;
}

int32_t sigmoid16(int32_t q, TableScale scale) {
  if (scale.multiplier == 0) scale = {3 << scale.shift, 0};
  const int64_t half = scale.shift > 0 ? int64_t{1} << (scale.shift - 1) : 0;
  const auto x = static_cast<int32_t>((int64_t{q} * scale.multiplier + half) >> scale.shift);
  const auto size = static_cast<uint32_t>(std::abs(x));
  const uint32_t place = size >> 9;
  uint32_t y = 0x7FFFu << 10;
  if (place < 255) {
    const uint32_t a = sigmoid_point(place), b = sigmoid_point(place + 1);
    y = (a << 9) + (size & 0x1FF) * (b - a);
  }
  y = x >= 0 ? y + (1u << 9) : (1u << 25) - y + (1u << 9) - 1;
  return static_cast<int32_t>(y >> 10);
}

int32_t tanh16(int32_t q, TableScale scale) {
  if (scale.multiplier == 0) scale = {3 << scale.shift, 0};
  const int64_t half = scale.shift > 0 ? int64_t{1} << (scale.shift - 1) : 0;
  const auto x = static_cast<int32_t>((int64_t{q} * scale.multiplier + half) >> scale.shift);
  const auto size = static_cast<uint32_t>(std::abs(x));
  const uint32_t place = size >> 8;
  int32_t y = 0xFFFF << 8;
  if (place < 255) {
    const uint32_t a = sigmoid_point(place), b = sigmoid_point(place + 1);
    y = static_cast<int32_t>((a << 8) + (size & 0xFF) * (b - a));
  }
  y = x >= 0 ? y - (1 << 23) + (1 << 7) : -y + (1 << 23) + (1 << 7) - 1;
  return y >> 8;
}

// Hard swish works in 16 bits.
// ------------------------------------------------------------------------------------------------------

int32_t saturate16(int64_t x) {
  return static_cast<int32_t>(std::clamp<int64_t>(x, -32768, 32767));
}
int32_t wrap16(int64_t x) {
  return static_cast<int16_t>(static_cast<uint16_t>(x));
}
/// a * b / 2^15; halves as doubling_high_multiply() rounds them, or towards zero.
int32_t multiply16(int32_t a, int32_t b, bool rounding) {
  if (a == b && a == -32768) return 32767;
  const int32_t product = a * b;
  const int32_t nudge = !rounding ? 0 : product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return wrap16((product + nudge) / (1 << 15));
}
FixedPoint fixed_point16(float multiplier) {
  FixedPoint out = fixed_point(static_cast<double>(multiplier));
  out.value =
      out.value >= std::numeric_limits<int32_t>::max() - (1 << 15) ? 32767 : (out.value + (1 << 15)) >> 16;
  return out;
}

}  // namespace

Status check_quantized_identity(const Quantized& quantized, std::span<const Fact> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  TRY(expect_bounds(quantized));
  if (!x.dtype && !y.dtype) return Error::invalid_model("neither its input nor its output is an integer");
  if (!x.dtype) TRY(expect_dtype(in[0], "x", {DType::kF32}));
  for (const Type* type : {&x, &y})
    if (type->dtype && (!type->quantization || size_of(*type->dtype) > 4))
      return Error::not_supported("{} without a scale cannot be quantized", to_string(*type->dtype));
  if (y.dtype && y.quantization->axis >= 0)
    return Error::not_supported("the output is quantized by channel, expected one scale");
  if (x.dtype && y.dtype && x.quantization->axis >= 0)
    return Error::not_supported("values quantized by channel cannot be requantized");
  return {};
}

Result<Tensors> eval_quantized_identity(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  if (!x.dtype) return quantize(quantized, in[0]);
  if (!y.dtype) return dequantize(quantized, in[0]);
  return rescale(quantized, in[0], fixed_point(ratio(x, y)), output_bounds(quantized));
}

Status check_quantized_relu(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  TRY(check_zero_points(quantized));
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_relu(const Quantized& quantized, std::span<const Tensor> in) {
  float low = 0, high = std::numeric_limits<float>::max();
  if (op_as<Clip>(*quantized.op) != nullptr) {
    low = in.size() > 1 && in[1].defined() ? to_floats(in[1])[0] : std::numeric_limits<float>::lowest();
    high = in.size() > 2 && in[2].defined() ? to_floats(in[2])[0] : high;
  }
  return rescale(quantized, in[0], fixed_point(float_ratio(quantized.in[0], quantized.out[0])),
                 bounds_within(quantized, low, high));
}

Result<Tensors> eval_quantized_leaky_relu(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const float alpha = static_cast<const LeakyRelu&>(*quantized.op).alpha;
  const FixedPoint same = fixed_point(float_ratio(x, y));
  const FixedPoint less = fixed_point(static_cast<double>(x.scale() * alpha / y.scale()));
  const IntegerBounds bounds = output_bounds(quantized);
  return map_integers(quantized, in[0], [&](int32_t q) {
    const int32_t value = q - x.zero_point();
    return bounds.clamp(multiply(value, value >= 0 ? same : less) + y.zero_point());
  });
}

Status check_quantized_table(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8}));
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_table(const Quantized& quantized, std::span<const Tensor> in) {
  const Op& op = *quantized.op;
  if (op_as<Elu>(op) != nullptr) {
    const float alpha = static_cast<const Elu&>(op).alpha;
    return map_reals(quantized, in[0], [&](float x) { return x < 0 ? alpha * std::expm1(x) : x; });
  }
  if (op_as<Log>(op) != nullptr) {
    const Type& y = quantized.out[0];
    const float least = static_cast<float>(output_bounds(quantized).low - y.zero_point()) * y.scale();
    return map_reals(quantized, in[0], [&](float x) { return x <= 0 ? least : std::log(x); });
  }
  if (const auto* gelu = op_as<Gelu>(op))
    return map_reals(quantized, in[0], [&](float x) { return (*gelu)(x); });
  return map_reals(quantized, in[0], [](float x) { return std::exp(x); });
}

Status check_quantized_sigmoid(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  TRY(check_zero_points(quantized));
  const float scale = quantized.out[0].scale();
  if (quantized.in[0].dtype == DType::kI16 && scale != 1.0f / 32768)
    return Error::not_supported("the int16 output has the scale {}, expected 1/32768", scale);
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_sigmoid(const Quantized& quantized, std::span<const Tensor> in) {
  const bool sigmoid = op_as<Sigmoid>(*quantized.op) != nullptr;
  if (in[0].dtype() == DType::kI16) {
    const TableScale scale = table_scale(quantized.in[0].scale(), sigmoid ? 0 : 1);
    return map_integers(quantized, in[0],
                        [&](int32_t q) { return sigmoid ? sigmoid16(q, scale) : tanh16(q, scale); });
  }
  if (sigmoid) return map_reals(quantized, in[0], [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
  return map_reals(quantized, in[0], [](float x) { return std::tanh(x); });
}

Status check_quantized_hard_swish(const Quantized& quantized, std::span<const Fact> in) {
  TRY(check_quantized_table(quantized, in));
  if (fixed_point16(quantized.in[0].scale() / 128.0f / quantized.out[0].scale()).exponent > 0)
    return Error::not_supported("the output's scale is less than 1/128 of the input's");
  return {};
}

Result<Tensors> eval_quantized_hard_swish(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const float fine_scale = (1.0f / 128.0f) * x.scale();
  const FixedPoint to_output = fixed_point16(fine_scale / y.scale());
  const FixedPoint to_gate = fixed_point16(fine_scale / (3.0f / 32768.0f));
  const IntegerBounds bounds = output_bounds(quantized);
  return map_integers(quantized, in[0], [&](int32_t q) {
    const int32_t fine = wrap16(int64_t{q - x.zero_point()} * 128);
    // x / 3 in Q0.15, saturated, then (x / 3 + 1) / 2 = min(max(x + 3, 0), 6) / 6.
    int32_t gate = fine;
    if (to_gate.exponent > 0) gate = saturate16(int64_t{gate} << std::min(to_gate.exponent - 1, 31));
    gate = multiply16(gate, to_gate.value, true);
    if (to_gate.exponent > 0) gate = saturate16(int64_t{gate} * 2);
    if (to_gate.exponent < 0) gate = divide_by_power(gate, std::min(-to_gate.exponent, 31));
    gate = (gate + (1 << 15)) >> 1;
    const int32_t product = multiply16(gate, multiply16(fine, to_output.value, true), false);
    return bounds.clamp(wrap16(divide_by_power(product, std::min(-to_output.exponent, 31)) + y.zero_point()));
  });
}

Result<Tensors> eval_quantized_abs(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  const FixedPoint multiplier = fixed_point(float_ratio(x, y));
  const bool same = x.scale() == y.scale();
  return map_integers(quantized, in[0], [&](int32_t q) {
    const int32_t value = std::abs(q - x.zero_point());
    return bounds.clamp((same ? value : multiply(value, multiplier)) + y.zero_point());
  });
}

Status check_quantized_neg(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kI16}));
  const Type &x = quantized.in[0], &y = quantized.out[0];
  if (x.scale() != y.scale() || x.zero_point() != 0 || y.zero_point() != 0)
    return Error::not_supported("Neg of integers needs equal scales and zero points of 0");
  return expect_no_activation(quantized);
}

/// The least integer stays, as in two's complement.
Result<Tensors> eval_quantized_neg(const Quantized& quantized, std::span<const Tensor> in) {
  const int32_t least = output_bounds(quantized).low;
  return map_integers(quantized, in[0], [&](int32_t q) { return q == least ? q : -q; });
}

Status check_quantized_rsqrt(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8}));
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_rsqrt(const Quantized& quantized, std::span<const Tensor> in) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  const double scale = 1.0 / static_cast<double>(std::sqrt(x.scale()) * y.scale());
  FixedPoint multiplier = fixed_point(scale);
  constexpr int kShift = 20;  // keeps the root an integer with a fraction
  multiplier.exponent -= kShift;
  return map_integers(quantized, in[0], [&](int32_t q) {
    const int32_t value = q - x.zero_point();
    if (value <= 0) return bounds.high;  // TFLite refuses to run on numbers below 0
    FixedPoint root = inverse_sqrt(value);
    root.exponent += kShift;
    return bounds.clamp(multiply(multiply(1, root), multiplier) + y.zero_point());
  });
}

}  // namespace pochade
