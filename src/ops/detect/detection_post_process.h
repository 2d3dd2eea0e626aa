#pragma once

#include "graph/op.h"

namespace pochade {

/// Boxes of a single-shot detector: decodes them from anchors, and keeps the best of those that overlap.
///   codes: 1,A,4+ (y, x, height, width)   scores: 1,A,C or 1,A,C+1 with the background first
///   anchors: A,4 (y, x, height, width)    all float32
///   -> boxes: 1,D,4 (top, left, bottom, right)   classes: 1,D   scores: 1,D   count: 1   all float32
/// D = max_detections * max_classes_per_detection; what is not found is 0. The count is one of boxes. (Liu et
/// al. 2015, arXiv:1512.02325; TensorFlow Lite's custom operator TFLite_Detection_PostProcess)
struct DetectionPostProcess final : OpOf<DetectionPostProcess> {
  static constexpr std::string_view kName = "DetectionPostProcess";
  int64_t max_detections = 1;
  int64_t max_classes_per_detection = 1;
  int64_t detections_per_class = 100;  ///< kept of each class, if each class is searched by itself
  bool by_class = false;  ///< each class is searched by itself; else each anchor stands for its best class
  int64_t classes = 1;    ///< C
  float score_threshold = 0;
  float iou_threshold = 0.5f;  ///< boxes that overlap more (intersection over union) are the same
  float y_scale = 1, x_scale = 1, height_scale = 1, width_scale = 1;  ///< of the codes

  static void fields(auto& self, auto&& f) {
    f("max_detections", self.max_detections);
    f("max_classes_per_detection", self.max_classes_per_detection);
    f("detections_per_class", self.detections_per_class);
    f("by_class", self.by_class);
    f("classes", self.classes);
    f("score_threshold", self.score_threshold);
    f("iou_threshold", self.iou_threshold);
    f("y_scale", self.y_scale);
    f("x_scale", self.x_scale);
    f("height_scale", self.height_scale);
    f("width_scale", self.width_scale);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
