#include "ops/quant/quantize_rows.h"

#include <algorithm>
#include <cmath>

#include "ops/eval.h"

namespace pochade {
namespace {

RowLevels symmetric_levels(float low, float high) {
  const float largest = std::max(std::fabs(low), std::fabs(high));
  RowLevels out;
  out.least = -127;
  if (!(largest > 0)) return out;
  out.scale = largest / 127;
  out.inverse = 127 / largest;
  return out;
}

/// The zero point comes from the end of the range whose rounding it disturbs less.
RowLevels asymmetric_levels(float low, float high) {
  const double least = static_cast<double>(low), most = static_cast<double>(high);
  RowLevels out;
  if (least == most) return out;
  const double scale = (most - least) / 255;
  const double from_least = -128 - least / scale, from_most = 127 - most / scale;
  const double place =
      128 + std::fabs(least / scale) < 127 + std::fabs(most / scale) ? from_least : from_most;
  out.scale = static_cast<float>(scale);
  out.inverse = 1 / out.scale;
  out.zero = static_cast<float>(std::clamp(std::round(place), -128.0, 127.0));
  return out;
}

}  // namespace

RowLevels row_levels(bool symmetric, float low, float high) {
  return symmetric ? symmetric_levels(low, high) : asymmetric_levels(low, high);
}

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
    const RowLevels range = row_levels(symmetric, low, high);
    out[1].mutable_data<float>()[static_cast<size_t>(row)] = range.scale;
    if (low == 0 && high == 0) continue;  // zeros, as they are
    for (int64_t i = 0; i < size; ++i) {
      const float level = std::round(range.zero + x[i] * range.inverse);  // halves away from zero
      levels[i] = (level < range.least ? range.least : level > range.most ? range.most : level) - range.zero;
    }
  }
  return out;
}

}  // namespace pochade
