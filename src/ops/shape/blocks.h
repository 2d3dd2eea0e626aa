#pragma once
// Squares of pixels to channels and back, channels-last.

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// x: N,H,W,C -> y: N,H*b,W*b,C/(b*b). A pixel's channels are block row, block column, channel ("DCR"), or
/// with channel_first channel, block row, block column ("CRD").
struct DepthToSpace final : OpOf<DepthToSpace> {
  static constexpr std::string_view kName = "DepthToSpace";
  int64_t block = 1;
  bool channel_first = false;
  static void fields(auto& self, auto&& f) {
    f("block", self.block);
    f("channel_first", self.channel_first);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  StridedMove move(const Shape& x) const;
};

/// x: N,H,W,C -> y: N,H/b,W/b,b*b*C: the reverse of DepthToSpace in its "DCR" order.
struct SpaceToDepth final : OpOf<SpaceToDepth> {
  static constexpr std::string_view kName = "SpaceToDepth";
  int64_t block = 1;
  static void fields(auto& self, auto&& f) { f("block", self.block); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  StridedMove move(const Shape& x) const;
};

}  // namespace pochade
