#pragma once
// Joining along an axis, and its reverse.

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// The inputs one after the other along `axis`; their other sizes are equal.
struct Concat final : OpOf<Concat> {
  static constexpr std::string_view kName = "Concat";
  int64_t axis = 0;
  static void fields(auto& self, auto&& f) { f("axis", self.axis); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, sizes (int64, optional): `outputs` pieces along `axis`. Without sizes they are equal, rounded up; the
/// last may be smaller.
struct Split final : OpOf<Split> {
  static constexpr std::string_view kName = "Split";
  int64_t axis = 0;
  int64_t outputs = 1;
  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("outputs", self.outputs);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// The move of a dense tensor `part` to (or, with x and y exchanged, from) its place at `offset` along `axis`
/// of `whole`.
StridedMove place_along(int axis, int64_t offset, const Shape& part, const Shape& whole);

}  // namespace pochade
