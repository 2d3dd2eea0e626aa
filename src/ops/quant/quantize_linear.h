#pragma once

#include "graph/op.h"
#include "ops/quant/rounding.h"
#include "plan/step.h"

namespace pochade {

/// y = saturate(round(x / scale) + zero_point).
///   x: any shape, float or int32   scale: float   zero_point: y's dtype, scale's shape (optional: 0)   -> y:
///   x's shape
/// scale has one element (the whole tensor), one for each index along `axis`, or, with block_size B, x's
/// shape with the size along `axis` divided by B (rounded up).
struct QuantizeLinear final : OpOf<QuantizeLinear> {
  static constexpr std::string_view kName = "QuantizeLinear";
  int64_t axis = 1;          ///< in [-rank, rank); means nothing for one scale
  int64_t block_size = 0;    ///< 0: no blocks
  DType dtype = DType::kU8;  ///< of y, if there is no zero point: int8, uint8, int16 or uint16
  Rounding rounding = Rounding::kOnnx;

  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("block_size", self.block_size);
    f("dtype", self.dtype);
    f("rounding", self.rounding);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// y = (x - zero_point) * scale, of scale's dtype. Shapes as for QuantizeLinear.
///   x: int8, uint8, int16, uint16 or int32 (then the zero point is 0)
struct DequantizeLinear final : OpOf<DequantizeLinear> {
  static constexpr std::string_view kName = "DequantizeLinear";
  int64_t axis = 1;
  int64_t block_size = 0;

  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("block_size", self.block_size);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Quantizes to uint8 by the range of the data, widened to contain 0.
///   x: float32   ->   y: uint8, x's shape   scale: float32 scalar   zero_point: uint8 scalar
/// A tensor of zeros has scale 1. What is no number does not count, and becomes the zero point.
struct DynamicQuantizeLinear final : OpOf<DynamicQuantizeLinear> {
  static constexpr std::string_view kName = "DynamicQuantizeLinear";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// For numbers between least (0 or less) and most (0 or more).
struct DynamicRange {
  float scale = 1;
  uint8_t zero_point = 0;
};
DynamicRange dynamic_range(float least, float most);

Result<Step> lower(const DynamicQuantizeLinear& op, const Lowering& at);

/// Which of the scales (or zero points) belongs to each element of x.
class ScaleIndex {
 public:
  /// `axis` in [-rank, rank). Error: the shape of the scales does not go with x.
  static Result<ScaleIndex> make(const Shape& x, const Shape& scale, int64_t axis, int64_t block_size);
  /// For the element at this row-major position.
  size_t at(int64_t element) const {
    if (single_) return 0;
    const int64_t inner = element % inner_, along = element / inner_ % size_,
                  outer = element / inner_ / size_;
    if (block_ == 0) return static_cast<size_t>(along);
    return static_cast<size_t>((outer * blocks_ + along / block_) * inner_ + inner);
  }

 private:
  bool single_ = true;
  int64_t inner_ = 1, size_ = 1, block_ = 0, blocks_ = 1;
};

/// The nearest value of an integer dtype of at most 32 bits.
int64_t saturate_to(DType dtype, double value);

}  // namespace pochade
