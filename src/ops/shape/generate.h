#pragma once
// Operators whose output is made from sizes alone.

#include "graph/op.h"

namespace pochade {

/// int64 sizes of x, from axis `start` up to, not including, axis `end` (both may count from the end; they
/// are clamped).
struct ShapeOp final : OpOf<ShapeOp> {
  static constexpr std::string_view kName = "Shape";
  int64_t start = 0;
  int64_t end = kMaxRank;
  static void fields(auto& self, auto&& f) {
    f("start", self.start);
    f("end", self.end);
  }
  /// Constant as soon as the sizes are numbers.
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// int64 scalar: the number of elements of x.
struct SizeOp final : OpOf<SizeOp> {
  static constexpr std::string_view kName = "Size";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// start, start + delta, .. up to, not including, limit.  start, limit, delta: scalars of one number type.
struct RangeOp final : OpOf<RangeOp> {
  static constexpr std::string_view kName = "Range";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// A tensor of the shape that the input holds (int64), filled with `value`.
struct ConstantOfShape final : OpOf<ConstantOfShape> {
  static constexpr std::string_view kName = "ConstantOfShape";
  Tensor value = Tensor::scalar(0.0f);  ///< one element
  static void fields(auto& self, auto&& f) { f("value", self.value); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x: M,N -> y: M,N with ones where column - row = k, else zeroes.
struct EyeLike final : OpOf<EyeLike> {
  static constexpr std::string_view kName = "EyeLike";
  int64_t k = 0;
  std::optional<DType> dtype;  ///< x's without it
  static void fields(auto& self, auto&& f) {
    f("k", self.k);
    f("dtype", self.dtype ? to_string(*self.dtype) : std::string_view("like"));
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Dims from a constant vector of sizes, or so many unknown ones as the vector is long, or an unknown rank.
Result<std::optional<Dims>> dims_from(const Fact& sizes);

}  // namespace pochade
