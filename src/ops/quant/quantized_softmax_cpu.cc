// Quantized softmax and its logarithm on the CPU.

#include <cmath>

#include "ops/norm/softmax.h"
#include "ops/phases.h"
#include "ops/quant/fixed_point_functions.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/quant/tflite_parts.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

// Softmax: exponentials of the 256 differences that there are.
// ------------------------------------------------------------------------------------------------------

struct SoftmaxTable {
  std::array<int32_t, 256> exps{};  ///< Q0.31 of difference -i
  int32_t count = 0;                ///< differences beyond are negligible
  int32_t low = 0, high = 0;

  void row(const uint8_t* x, uint8_t* y, size_t n, uint8_t flip) const {
    uint8_t most = 0;
    for (size_t i = 0; i < n; ++i) most = std::max(most, static_cast<uint8_t>(x[i] ^ flip));
    std::array<int32_t, 256> counts{};
    for (size_t i = 0; i < n; ++i) ++counts[static_cast<size_t>(most - (x[i] ^ flip))];
    int32_t sum = 0;
    for (size_t d = 0; d < size(count); ++d)
      if (counts[d] != 0) sum = wrap_int32(int64_t{sum} + int64_t{counts[d]} * divide_by_power(exps[d], 12));
    const Reciprocal31 inverse = reciprocal_of(sum, 12);
    std::array<uint8_t, 256> results;
    results.fill(static_cast<uint8_t>(low));
    for (size_t d = 0; d < size(count); ++d) {
      if (counts[d] == 0) continue;
      const int32_t product = doubling_high_multiply(inverse.value, exps[d]);
      const int32_t rounded = divide_by_power(product, std::clamp(inverse.exponent + 31 - 8, 0, 31));
      results[d] = static_cast<uint8_t>(std::clamp(wrap_int32(int64_t{rounded} + low), low, high));
    }
    for (size_t i = 0; i < n; ++i) y[i] = results[static_cast<size_t>(most - (x[i] ^ flip))];
  }
};

/// The same for its logarithm, and the differences themselves.
struct LogSoftmaxTable {
  std::array<int32_t, 256> exps{}, scaled{};  ///< Q0.31 and Q5.26 of difference -i
  int32_t count = 0;                          ///< differences beyond add nothing to the sum
  int64_t least = 0;                          ///< differences from here on have no logarithm
  FixedPoint back;                            ///< from Q5.26 to steps of x
  IntegerBounds bounds;

  void row(const uint8_t* x, uint8_t* y, size_t n, uint8_t flip) const {
    uint8_t most = 0;
    for (size_t i = 0; i < n; ++i) most = std::max(most, static_cast<uint8_t>(x[i] ^ flip));
    int32_t sum = 0;
    for (size_t i = 0; i < n; ++i)
      if (const int32_t d = most - (x[i] ^ flip); d < count)
        sum = wrap_int32(int64_t{sum} + divide_by_power(exps[size(d)], 12));
    const int32_t log_sum = log_of(sum);
    const int32_t lowest = wrap_int32(int64_t{log_sum} + std::numeric_limits<int32_t>::min());
    const int64_t none = std::max<int64_t>(least, multiply(lowest, back));
    for (size_t i = 0; i < n; ++i) {
      const int32_t d = most - (x[i] ^ flip);
      const int32_t logarithm = divide_by_power(wrap_int32(int64_t{scaled[size(d)]} - log_sum), 31 - 5 - 4);
      y[i] = static_cast<uint8_t>(-d <= none ? bounds.low : bounds.clamp(logarithm + bounds.high));
    }
  }
};

/// ONNX's, in double precision: y = round(e^(x - most) / sum / scale) + zero.
struct RealSoftmaxTable {
  std::array<double, 256> exps{};  ///< of difference -i
  double scale = 1;                ///< of y
  IntegerBounds bounds;
  int32_t zero = 0;

  uint8_t place(double exp, double unit) const {
    const double rounded = std::min(round_value(exp / unit, Rounding::kOnnx), 1e6);
    return static_cast<uint8_t>(bounds.clamp(static_cast<int32_t>(rounded) + zero));
  }
  void row(const uint8_t* x, uint8_t* y, size_t n, uint8_t flip) const {
    uint8_t most = 0;
    for (size_t i = 0; i < n; ++i) most = std::max(most, static_cast<uint8_t>(x[i] ^ flip));
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += exps[static_cast<size_t>(most - (x[i] ^ flip))];
    const double unit = sum * scale;
    if (n < 256) {
      for (size_t i = 0; i < n; ++i) y[i] = place(exps[static_cast<size_t>(most - (x[i] ^ flip))], unit);
      return;
    }
    std::array<uint8_t, 256> results;
    for (size_t d = 0; d < results.size(); ++d) results[d] = place(exps[d], unit);
    for (size_t i = 0; i < n; ++i) y[i] = results[static_cast<size_t>(most - (x[i] ^ flip))];
  }
};

Result<Step> lower_onnx_softmax(const Quantized& quantized, const Lowering& at) {
  const auto& softmax = static_cast<const Softmax&>(*quantized.op);
  const Shape xs = at.in_shape(0);
  const auto axis = normal_axis(softmax.axis, xs.rank());
  if (!axis || (*axis != xs.rank() - 1 && !softmax.to_end)) return Lowering::reference();
  const int64_t depth = xs.product(*axis, xs.rank());
  RealSoftmaxTable table;
  for (size_t d = 0; d < table.exps.size(); ++d)
    table.exps[d] = std::exp(-static_cast<double>(d) * static_cast<double>(quantized.in[0].scale()));
  table.scale = static_cast<double>(quantized.out[0].scale());
  table.bounds = output_bounds(quantized);
  table.zero = quantized.out[0].zero_point();
  const uint8_t flip = quantized.in[0].dtype == DType::kI8 ? 0x80 : 0;
  Step step;
  step.kernel = "softmax_real_8";
  step.why = "a table of exponentials, in double precision";
  step.phases.push_back(divided(xs.elements() / depth, 8 * depth + 64, [=](const StepBuffers& b, Range rows) {
    for (size_t r = rows.begin; r < rows.end; ++r)
      table.row(b.in<uint8_t>(0) + r * size(depth), b.out<uint8_t>(0) + r * size(depth), size(depth), flip);
  }));
  return step;
}

/// table.row() of each vector along the last axis.
template <typename Table>
Step rows_step(const Lowering& at, std::string_view kernel, std::string_view reason, const Table& table,
               uint8_t flip) {
  const Shape xs = at.in_shape(0);
  const int64_t depth = xs.rank() == 0 ? 1 : xs.back();
  Step step;
  step.kernel = kernel;
  step.why = reason;
  step.phases.push_back(
      divided(xs.elements() / depth, 8 * depth + 512, [=](const StepBuffers& b, Range rows) {
        for (size_t r = rows.begin; r < rows.end; ++r)
          table.row(b.in<uint8_t>(0) + r * size(depth), b.out<uint8_t>(0) + r * size(depth), size(depth),
                    flip);
      }));
  return step;
}

Result<Step> lower_wide_softmax(const Quantized& quantized, const Lowering& at) {
  const Shape xs = at.in_shape(0);
  if (xs.elements() == 0 || quantized.rounding != Rounding::kTflite || quantized.out[0].dtype != DType::kI16)
    return Lowering::reference();
  const int64_t depth = xs.rank() == 0 ? 1 : xs.back();
  Step step;
  step.kernel = "softmax_16";
  step.why = "straight lines for the exponential and the reciprocal";
  step.phases.push_back(
      divided(xs.elements() / depth, 16 * depth + 64,
              [=, multiplier = softmax_multiplier_16(quantized)](const StepBuffers& b, Range rows) {
                for (size_t r = rows.begin; r < rows.end; ++r)
                  softmax_row_16({b.in<int16_t>(0) + r * size(depth), size(depth)},
                                 {b.out<int16_t>(0) + r * size(depth), size(depth)}, multiplier);
              }));
  return step;
}

}  // namespace

Result<Step> lower_quantized_softmax(const Quantized& quantized, const Lowering& at) {
  const auto depth = at.in_shape(0).rank() == 0 ? 1 : at.in_shape(0).back();
  if (quantized.in[0].dtype == DType::kI16) return lower_wide_softmax(quantized, at);
  if (!is_plain_bytes(quantized, at) || depth > (1 << 20)) return Lowering::reference();
  if (quantized.rounding == Rounding::kOnnx) return lower_onnx_softmax(quantized, at);
  const SoftmaxDifference scaled(quantized.in[0].scale());
  SoftmaxTable table;
  const IntegerBounds bounds = output_bounds(quantized);
  table.low = bounds.low;
  table.high = bounds.high;
  for (int d = 0; d < 256 && -d >= scaled.least; ++d) {
    table.exps[size(d)] = exp_of_negative(scaled(-d));
    table.count = d + 1;
  }
  return rows_step(at, "softmax_8", "a table of exponentials", table,
                   quantized.in[0].dtype == DType::kI8 ? 0x80 : 0);
}

Result<Step> lower_quantized_log_softmax(const Quantized& quantized, const Lowering& at) {
  if (!is_plain_bytes(quantized, at) || quantized.rounding != Rounding::kTflite) return Lowering::reference();
  const SoftmaxDifference scaled(quantized.in[0].scale());
  LogSoftmaxTable table;
  for (int d = 0; d < 256; ++d) {
    table.scaled[size(d)] = scaled(-d);
    if (-d < scaled.least) continue;
    table.exps[size(d)] = exp_of_negative(scaled(-d));
    table.count = d + 1;
  }
  table.least = scaled.least - 1;
  table.back = log_softmax_back(scaled);
  table.bounds = output_bounds(quantized);
  return rows_step(at, "log_softmax_8", "a table of exponentials", table,
                   quantized.in[0].dtype == DType::kI8 ? 0x80 : 0);
}

}  // namespace pochade
