#pragma once

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

enum class PadFill {
  kConstant,
  kReflect,  ///< without repeating the border: 2 1 | 0 1 2
  kEdge,
  kWrap,
};
std::string_view to_string(PadFill fill);

/// x, pads (int64: begins, then ends, of the named axes), value (scalar of x's dtype, optional: 0), axes
/// (optional: all). Negative pads cut, and cutting comes first.
struct Pad final : OpOf<Pad> {
  static constexpr std::string_view kName = "Pad";
  PadFill mode = PadFill::kConstant;
  static void fields(auto& self, auto&& f) { f("mode", self.mode); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// What a Pad adds before and after each axis of x.
struct PadSizes {
  std::vector<int64_t> begin, end;
};
/// From the constant inputs of a Pad; empty if they are not constant.
Result<std::optional<PadSizes>> pad_sizes(std::span<const Fact> in, int rank);
/// For each position along an output axis, where in x it comes from; -1: the value.
std::vector<int64_t> pad_sources(PadFill mode, int64_t size, int64_t begin, int64_t end);

}  // namespace pochade
