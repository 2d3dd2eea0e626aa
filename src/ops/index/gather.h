#pragma once
// Reading by index. Indices are int32 or int64 and may count from the end; one outside is kInvalidArgument at
// run time.

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// x, indices: y[a.., i.., b..] = x[a.., indices[i..], b..] where a.. are the axes before `axis`, b.. those
/// after it.
struct Gather final : OpOf<Gather> {
  static constexpr std::string_view kName = "Gather";
  int64_t axis = 0;
  static void fields(auto& self, auto&& f) { f("axis", self.axis); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, indices of the same rank: y[i] = x[i with indices[i] at `axis`].
struct GatherElements final : OpOf<GatherElements> {
  static constexpr std::string_view kName = "GatherElements";
  int64_t axis = 0;
  static void fields(auto& self, auto&& f) { f("axis", self.axis); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, indices b.., i.., n: y[b.., i.., ..] = x[b.., indices[b.., i.., :], ..] where b.. are `batch_dims`
/// axes.
struct GatherND final : OpOf<GatherND> {
  static constexpr std::string_view kName = "GatherND";
  int64_t batch_dims = 0;
  static void fields(auto& self, auto&& f) { f("batch_dims", self.batch_dims); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x, condition (bool vector): the slices along `axis`, or the elements of the flattened x, whose condition
/// is true.
struct Compress final : OpOf<Compress> {
  static constexpr std::string_view kName = "Compress";
  std::optional<int64_t> axis;
  static void fields(auto& self, auto&& f) {
    if (self.axis) f("axis", *self.axis);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Integers in [-size, size) counted from the start, or kInvalidArgument.
Result<std::vector<int64_t>> checked_indices(const Tensor& indices, int64_t size);

}  // namespace pochade
