// Softmax, its logarithm and L2 normalisation, as TFLite's reference kernels compute them.

#include <array>
#include <bit>
#include <cmath>

#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/quant/fixed_point_functions.h"
#include "ops/quant/tflite_loops.h"
#include "ops/quant/tflite_parts.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

Status expect_last_axis(const Quantized& quantized, int64_t axis, const Fact& x) {
  if (axis == -1 || (x.rank_known() && axis == x.rank() - 1)) return {};
  return Error::not_supported("{} of integers along axis {}, expected the last", quantized.op->name(), axis);
}

/// Calls f(row of x, row of y) for each vector along the last axis.
template <typename F>
Result<Tensors> map_rows(const Quantized& quantized, const Tensor& x, F&& f) {
  const std::vector<int64_t> from = to_int64s(x);
  std::vector<int64_t> to(from.size());
  const size_t depth = x.rank() == 0 ? 1 : static_cast<size_t>(x.shape().back());
  for (size_t begin = 0; begin < from.size(); begin += depth)
    f(std::span(from).subspan(begin, depth), std::span(to).subspan(begin, depth));
  TRY(Tensor y, integer_tensor(*quantized.out[0].dtype, x.shape(), to));
  return Tensors{y};
}

constexpr int kSumBits = 12;

int32_t sum_of_exps(std::span<const int64_t> row, int64_t most, const SoftmaxDifference& scaled) {
  int32_t sum = 0;
  for (const int64_t q : row)
    if (q - most >= scaled.least)
      sum = wrap_int32(int64_t{sum} + divide_by_power(exp_of_negative(scaled(q - most)), kSumBits));
  return sum;
}

// 16 bits: tables of 512 straight lines.
// ------------------------------------------------------------------------------------------------------

using LineTable = std::array<int16_t, 513>;

/// f over [low, high] as Q0.15, each line moved by half of its error in the middle.
template <typename F>
LineTable make_table(double low, double high, F&& f) {
  LineTable table;
  const double step = (high - low) / 512, unit = 65536.0 / (2.0 / 65535 * 32767 - 2.0 / 65535 * -32768);
  const auto clamped = [](double v) { return static_cast<int16_t>(std::clamp(v, -32768.0, 32767.0)); };
  for (int i = 0; i < 512; ++i) {
    const double here = f(low + i * step), middle = f(low + i * step + step / 2),
                 next = f(low + (i + 1) * step);
    const double sample = std::round(here * unit);
    const double line = std::round((next * unit + std::round(here * unit)) / 2);
    const double error = line - std::round(middle * unit);
    table[static_cast<size_t>(i)] = clamped(sample - std::round(error / 2));
  }
  table[512] = clamped(std::round(f(high) * unit));
  return table;
}

int32_t look_up(const LineTable& table, int32_t x) {
  const auto index = static_cast<size_t>(256 + (x >> 7));
  const int32_t slope = table[index + 1] - table[index];
  return static_cast<int16_t>(table[index] + ((slope * (x & 0x7F) + 64) >> 7));
}

int32_t saturate16(int64_t x) {
  return static_cast<int32_t>(std::clamp<int64_t>(x, -32768, 32767));
}

}  // namespace

SoftmaxDifference::SoftmaxDifference(float scale)
    : multiplier(fixed_point(std::min(static_cast<double>(scale) * (1 << 26), 2147483647.0))) {
  const double range = 31.0 * (1 << 26) / static_cast<double>(int64_t{1} << std::max(multiplier.exponent, 0));
  least = -static_cast<int64_t>(std::floor(range));
}

void softmax_row_16(std::span<const int16_t> x, std::span<int16_t> y, FixedPoint multiplier) {
  static const LineTable exps = make_table(10.0 / 65535 * -65535, 0.0, [](double v) { return std::exp(v); });
  static const LineTable inverses =
      make_table(0.0, 1.0 / 65535 * 65535, [](double v) { return 1.0 / (1.0 + v); });
  const int16_t most = *std::max_element(x.begin(), x.end());
  int64_t sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const int32_t scaled = multiply(static_cast<int32_t>(x[i] - most), multiplier);
    y[i] = static_cast<int16_t>(look_up(exps, saturate16(int64_t{scaled} + 32767)));
    sum += y[i];
  }
  const int zeros = std::countl_zero(static_cast<uint32_t>(sum));
  const auto shifted = static_cast<int32_t>(((sum << (zeros - 1)) + (1 << 13)) >> 14);
  const int32_t inverse = look_up(inverses, saturate16(int64_t{shifted} - (1 << 15) - (1 << 16)));
  const int right = 31 - zeros;
  for (int16_t& value : y)
    value = static_cast<int16_t>(
        std::clamp<int64_t>((int64_t{value} * inverse + (int64_t{1} << right >> 1)) >> right, 0, 32767));
}

FixedPoint softmax_multiplier_16(const Quantized& quantized) {
  return fixed_point(static_cast<double>(quantized.in[0].scale()) / (10.0 / 65535.0));
}

FixedPoint log_softmax_back(const SoftmaxDifference& scaled) {
  return fixed_point(static_cast<double>(int64_t{1} << (31 - scaled.multiplier.exponent)) /
                     static_cast<double>(scaled.multiplier.value));
}

Status check_quantized_softmax(const Quantized& quantized, std::span<const Fact> in) {
  const auto& softmax = static_cast<const Softmax&>(*quantized.op);
  TRY(expect_last_axis(quantized, softmax.to_end ? 0 : softmax.axis, in[0]));
  TRY(expect_no_activation(quantized));
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const auto near = [&](float scale) { return std::fabs(y.scale() - scale) <= 0.001f * scale; };
  if (x.dtype == DType::kI16) {
    TRY(expect_same_type(quantized, {DType::kI16}));
    if (x.zero_point() == 0 && y.zero_point() == 0 && near(1.0f / 32768)) return {};
    return Error::not_supported("int16 Softmax has the scale {}, expected 1/32768 and no zero point",
                                y.scale());
  }
  if (y.dtype != DType::kI16) TRY(expect_same_type(quantized, {DType::kI8, DType::kU8}));
  if (y.dtype == DType::kI8 && (y.zero_point() != -128 || !near(1.0f / 256)))
    return Error::not_supported("int8 Softmax gives {}*(q - {}), expected (q + 128) / 256", y.scale(),
                                y.zero_point());
  return {};
}

Result<Tensors> eval_quantized_softmax(const Quantized& quantized, std::span<const Tensor> in) {
  const Type& y_type = quantized.out[0];
  const float scale = quantized.in[0].scale();
  if (in[0].dtype() == DType::kI16) {
    const FixedPoint multiplier = softmax_multiplier_16(quantized);
    TRY(Tensors out, make_outputs(quantized, in));
    const auto depth = static_cast<size_t>(in[0].rank() == 0 ? 1 : in[0].shape().back());
    const std::span<const int16_t> x = in[0].data<int16_t>();
    const std::span<int16_t> y = out[0].mutable_data<int16_t>();
    for (size_t begin = 0; begin < x.size(); begin += depth)
      softmax_row_16(x.subspan(begin, depth), y.subspan(begin, depth), multiplier);
    return out;
  }
  const SoftmaxDifference scaled(scale);
  const int bits = y_type.dtype == DType::kI16 ? 16 : 8;
  const IntegerBounds bounds = output_bounds(quantized);
  return map_rows(quantized, in[0], [&](std::span<const int64_t> x, std::span<int64_t> y) {
    const int64_t most = *std::max_element(x.begin(), x.end());
    const Reciprocal31 inverse = reciprocal_of(sum_of_exps(x, most, scaled), kSumBits);
    for (size_t i = 0; i < x.size(); ++i) {
      y[i] = bounds.low;
      if (x[i] - most < scaled.least) continue;
      const int32_t product = doubling_high_multiply(inverse.value, exp_of_negative(scaled(x[i] - most)));
      const int32_t rounded = divide_by_power(product, std::clamp(inverse.exponent + 31 - bits, 0, 31));
      y[i] = bounds.clamp(wrap_int32(int64_t{rounded} + bounds.low));
    }
  });
}

Status check_quantized_log_softmax(const Quantized& quantized, std::span<const Fact> in) {
  const auto& softmax = static_cast<const LogSoftmax&>(*quantized.op);
  TRY(expect_last_axis(quantized, softmax.to_end ? 0 : softmax.axis, in[0]));
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8}));
  const Type& y = quantized.out[0];
  if (y.scale() != 1.0f / 16 || y.zero_point() != (y.dtype == DType::kI8 ? 127 : 255))
    return Error::not_supported("LogSoftmax gives {}*(q - {}), expected 1/16 and the greatest value",
                                y.scale(), y.zero_point());
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_log_softmax(const Quantized& quantized, std::span<const Tensor> in) {
  const SoftmaxDifference scaled(quantized.in[0].scale());
  const FixedPoint back = log_softmax_back(scaled);
  const IntegerBounds bounds = output_bounds(quantized);
  return map_rows(quantized, in[0], [&](std::span<const int64_t> x, std::span<int64_t> y) {
    const int64_t most = *std::max_element(x.begin(), x.end());
    const int32_t log_sum = log_of(sum_of_exps(x, most, scaled));
    const int32_t lowest = wrap_int32(int64_t{log_sum} + std::numeric_limits<int32_t>::min());
    const int64_t least = std::max<int64_t>(scaled.least - 1, multiply(lowest, back));
    for (size_t i = 0; i < x.size(); ++i) {
      y[i] = bounds.low;
      if (x[i] - most <= least) continue;
      const int32_t difference = wrap_int32(int64_t{scaled(x[i] - most)} - log_sum);
      y[i] = bounds.clamp(divide_by_power(difference, 31 - 5 - 4) + bounds.high);
    }
  });
}

Status check_quantized_l2_normalization(const Quantized& quantized, std::span<const Fact> in) {
  const auto& norm = static_cast<const LpNormalization&>(*quantized.op);
  if (norm.p != 2) return Error::not_supported("LpNormalization of integers has p {}, expected 2", norm.p);
  TRY(expect_last_axis(quantized, norm.axis, in[0]));
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8}));
  const Type& y = quantized.out[0];
  if (y.scale() != 1.0f / 128 || y.zero_point() != (y.dtype == DType::kI8 ? 0 : 128))
    return Error::not_supported("LpNormalization gives {}*(q - {}), expected 1/128 and the middle", y.scale(),
                                y.zero_point());
  return expect_no_activation(quantized);
}

Result<Tensors> eval_quantized_l2_normalization(const Quantized& quantized, std::span<const Tensor> in) {
  const int64_t zero = quantized.in[0].zero_point(), y_zero = quantized.out[0].zero_point();
  const bool is_unsigned = in[0].dtype() == DType::kU8;
  const IntegerBounds bounds = output_bounds(quantized);
  return map_rows(quantized, in[0], [&](std::span<const int64_t> x, std::span<int64_t> y) {
    int64_t squares = 0;
    for (const int64_t q : x) squares += (q - zero) * (q - zero);
    FixedPoint inverse = inverse_sqrt(saturate_int32(squares));
    // The output is in steps of 1/128: int8 shifts the multiplier, uint8 the value.
    if (!is_unsigned) inverse.exponent += 7;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto value = static_cast<int32_t>(x[i] - zero) * (is_unsigned ? 128 : 1);
      y[i] = bounds.clamp(wrap_int32(multiply(value, inverse) + y_zero));
    }
  });
}

}  // namespace pochade
