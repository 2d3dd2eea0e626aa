#pragma once

#include "graph/op.h"
#include "plan/step.h"

namespace pochade {

/// Quantizes each picture (or row) of a batch to 8 bits by the range of its own values, as TensorFlow Lite
/// does while it runs where only the weights are integers.
///   x: N,... float32   ->   levels: x's shape, float32 whole numbers (q - zero_point)   scale: N,1,...
///   float32
/// x is about levels * scale. Symmetric: q in [-127, 127], zero_point 0; else q in [-128, 127] over the range
/// widened to contain 0. A row of zeros has scale 1.
struct QuantizeRows final : OpOf<QuantizeRows> {
  static constexpr std::string_view kName = "QuantizeRows";
  bool symmetric = true;
  static void fields(auto& self, auto&& f) { f("symmetric", self.symmetric); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// level = clamp(round(zero + x * inverse), least, most) - zero
struct RowLevels {
  float scale = 1, inverse = 0, zero = 0, least = -128, most = 127;
};
/// For a row between low (0 or less) and high (0 or more).
RowLevels row_levels(bool symmetric, float low, float high);

Result<Step> lower(const QuantizeRows& op, const Lowering& at);

}  // namespace pochade
