#pragma once
// Operators that choose elements by their place.

#include "graph/op.h"

namespace pochade {

/// x: ..,M,N, k (int64 scalar, optional: 0): zero below (upper) or above (not upper) the diagonal column -
/// row = k.
struct Trilu final : OpOf<Trilu> {
  static constexpr std::string_view kName = "Trilu";
  bool upper = true;
  static void fields(auto& self, auto&& f) { f("upper", self.upper); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, lengths (int64, one an element of the batch axis): reverses the first `length` elements of each
/// sequence. The two axes are 0 and 1.
struct ReverseSequence final : OpOf<ReverseSequence> {
  static constexpr std::string_view kName = "ReverseSequence";
  int64_t batch_axis = 1;
  int64_t time_axis = 0;
  static void fields(auto& self, auto&& f) {
    f("batch_axis", self.batch_axis);
    f("time_axis", self.time_axis);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
