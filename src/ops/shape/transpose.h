#pragma once

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// y's axis i is x's axis perm[i]  (ONNX Transpose)
struct Transpose final : OpOf<Transpose> {
  static constexpr std::string_view kName = "Transpose";
  std::vector<int64_t> perm;  ///< empty: the axes in reverse
  static void fields(auto& self, auto&& f) { f("perm", self.perm); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;

  /// The permutation for an input of this rank, checked by infer().
  std::vector<int64_t> permutation(int rank) const;
  /// As one move from x to y, dense.
  StridedMove move(const Shape& x) const;
};

}  // namespace pochade
