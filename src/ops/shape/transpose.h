#pragma once

#include "graph/op.h"

namespace pochade {

/// Axis i of the output is axis perm[i] of the input.  x: d0,d1,... -> y: d[perm0],d[perm1],...  (ONNX
/// Transpose)
struct Transpose final : OpOf<Transpose> {
  static constexpr std::string_view kName = "Transpose";
  std::vector<int64_t> perm;  ///< empty: all axes reversed

  static void fields(auto& self, auto&& f) { f("perm", self.perm); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  /// The permutation for an input of this rank, checked by infer().
  std::vector<int64_t> permutation(int rank) const;
};

}  // namespace pochade
