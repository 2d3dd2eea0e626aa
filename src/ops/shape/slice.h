#pragma once

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// x, starts, ends, axes (optional), steps (optional), all int32 or int64 vectors of one length: along each
/// named axis the elements start, start + step, .. before end. Negative positions count from the end;
/// positions are clamped; steps may be negative.
struct Slice final : OpOf<Slice> {
  static constexpr std::string_view kName = "Slice";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// One axis of a slice: `count` elements from `start` by `step`.
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

/// For each axis of `x`, from the constant inputs of a Slice.
Result<std::vector<SliceRange>> slice_ranges(std::span<const Fact> in, const Shape& x);
StridedMove slice_move(const std::vector<SliceRange>& ranges, const Shape& x);

/// x, shape (int64): along each of `axes`, cuts or pads with zeroes on both sides equally (an odd one at the
/// end).
struct CenterCropPad final : OpOf<CenterCropPad> {
  static constexpr std::string_view kName = "CenterCropPad";
  std::vector<int64_t> axes;  ///< none: all
  static void fields(auto& self, auto&& f) { f("axes", self.axes); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
