#include "ops/quant/quantize_rows.h"

#include <algorithm>
#include <cmath>

#include "ops/eval.h"

namespace pochade {
namespace {

struct Range8 {
  float scale = 1;
  int32_t zero_point = 0;
  float least = -128, most = 127;
};

Range8 symmetric_range(float low, float high) {
  const float largest = std::max(std::fabs(low), std::fabs(high));
  Range8 out;
  out.least = -127;
  if (largest > 0) out.scale = largest / 127;
  return out;
}

/// The zero point comes from the end of the range whose rounding it disturbs less.
Range8 asymmetric_range(float low, float high) {
  const double least = std::fmin(0.0, static_cast<double>(low)),
               most = std::fmax(0.0, static_cast<double>(high));
  Range8 out;
  if (least == most) return out;
  const double scale = (most - least) / 255;
  const double from_least = -128 - least / scale, from_most = 127 - most / scale;
  const double place =
      128 + std::fabs(least / scale) < 127 + std::fabs(most / scale) ? from_least : from_most;
  out.scale = static_cast<float>(scale);
  out.zero_point = static_cast<int32_t>(std::clamp(std::round(place), -128.0, 127.0));
  return out;
}

}  // namespace

Result<Facts> QuantizeRows::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kF32}));
  if (!in[0].rank_known()) return Facts{Fact(DType::kF32, std::nullopt), Fact(DType::kF32, std::nullopt)};
  TRY(expect_rank(in[0], "x", 1, kMaxRank));
  Dims rows(static_cast<size_t>(in[0].rank()), Dim(1));
  rows[0] = in[0].dim(0);
  return Facts{Fact(DType::kF32, in[0].dims), Fact(DType::kF32, std::move(rows))};
}

Result<Tensors> QuantizeRows::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const int64_t rows = in[0].shape()[0], size = in[0].shape().product(1, in[0].rank());
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = in[0].data<float>().data() + row * size;
    float* levels = out[0].mutable_data<float>().data() + row * size;
    float low = 0, high = 0;
    for (int64_t i = 0; i < size; ++i) {
      low = std::fmin(low, x[i]);
      high = std::fmax(high, x[i]);
    }
    const Range8 range = symmetric ? symmetric_range(low, high) : asymmetric_range(low, high);
    out[1].mutable_data<float>()[static_cast<size_t>(row)] = range.scale;
    if (low == 0 && high == 0) continue;  // zeros, as they are
    const float largest = std::max(std::fabs(low), std::fabs(high));
    const float inverse = symmetric ? 127 / largest : 1 / range.scale;
    const auto zero = static_cast<float>(range.zero_point);
    for (int64_t i = 0; i < size; ++i) {
      const float level = std::round(zero + x[i] * inverse);  // halves away from zero
      levels[i] = (level < range.least ? range.least : level > range.most ? range.most : level) - zero;
    }
  }
  return out;
}

}  // namespace pochade
