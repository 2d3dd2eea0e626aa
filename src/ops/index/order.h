#pragma once
// Operators that compare elements with each other, or find them.

#include "graph/op.h"

namespace pochade {

/// x, k (int64, one element) -> the k largest (or smallest) along `axis`, in order, and their indices
/// (int64). Of equal elements the one with the lower index comes first. NaN counts as the largest.
struct TopK final : OpOf<TopK> {
  static constexpr std::string_view kName = "TopK";
  int64_t axis = -1;
  bool largest = true;
  bool sorted = true;  ///< not sorted: the order does not matter; ours is sorted all the same
  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("largest", self.largest);
    f("sorted", self.sorted);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x -> int64 [rank, n]: the coordinates of the elements that are not 0, in row-major order.
struct NonZero final : OpOf<NonZero> {
  static constexpr std::string_view kName = "NonZero";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// x -> the different elements (or slices along `axis`), the index of each one's first place, for each
/// element of x the index of its value in the first output, and how often each occurs; the last three int64
/// vectors.
struct Unique final : OpOf<Unique> {
  static constexpr std::string_view kName = "Unique";
  std::optional<int64_t> axis;
  bool sorted = true;  ///< else in the order of their first place
  static void fields(auto& self, auto&& f) {
    if (self.axis) f("axis", *self.axis);
    f("sorted", self.sorted);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// 1 where the largest element along `axis` is (the first of equal ones), else 0.
struct Hardmax final : OpOf<Hardmax> {
  static constexpr std::string_view kName = "Hardmax";
  int64_t axis = -1;
  static void fields(auto& self, auto&& f) { f("axis", self.axis); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// indices (any number type), depth (one element), values [off, on]: a new axis of `depth` elements, `on` at
/// the index, else `off`; an index outside [-depth, depth) gives `off` only.
struct OneHot final : OpOf<OneHot> {
  static constexpr std::string_view kName = "OneHot";
  int64_t axis = -1;  ///< of the output
  static void fields(auto& self, auto&& f) { f("axis", self.axis); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
