#pragma once

#include "graph/op.h"

namespace pochade {

/// Keeps the best of each group of overlapping boxes, by batch and class.
///   boxes: N,B,4 float32   scores: N,C,B float32   max_output_boxes_per_class: int64 (optional: 0)
///   iou_threshold: float32 (optional: 0)   score_threshold: float32 (optional: none)
///   ->   int64 K,3: batch, class and box index, best scores first within a class; K depends on the data
struct NonMaxSuppression final : OpOf<NonMaxSuppression> {
  static constexpr std::string_view kName = "NonMaxSuppression";
  bool center_point_box = false;  ///< x, y, width, height instead of two opposite corners y, x, y, x
  static void fields(auto& self, auto&& f) { f("center_point_box", self.center_point_box); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
