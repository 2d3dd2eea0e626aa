#include "ops/resize/resize.h"
#include "formats/tflite/rows.h"

namespace pochade::tflite {
namespace {

/// x: N,H,W,C   size: H', W'
Status resize(NodeScope& node, Resize op) {
  TRY(const bool align_corners, node.flag("align_corners", false));
  TRY(const bool half_pixel, node.flag("half_pixel_centers", false));
  node.ignore("new_height");  // of files older than the format's version 3, where they were options
  node.ignore("new_width");
  if (align_corners && half_pixel)
    return Error::invalid_model("align_corners and half_pixel_centers exclude each other");
  const bool is_nearest = op.mode == Resize::Mode::kNearest;
  op.coordinates = align_corners ? Resize::Coordinates::kAlignCorners
                   : !half_pixel ? Resize::Coordinates::kAsymmetric
                   : is_nearest  ? Resize::Coordinates::kTfHalfPixelForNn
                                 : Resize::Coordinates::kHalfPixel;
  op.nearest = align_corners ? Resize::Nearest::kRoundPreferCeil : Resize::Nearest::kFloor;
  op.axes = {1, 2};
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId size, node.required(1));
  TRY(const ValueId sizes, node.to_int64(size));
  return node.emit(std::move(op), {x, kNone, kNone, sizes});
}

Status resize_bilinear(NodeScope& node) {
  Resize op;
  op.mode = Resize::Mode::kLinear;
  return resize(node, std::move(op));
}

Status resize_nearest_neighbor(NodeScope& node) {
  Resize op;
  op.mode = Resize::Mode::kNearest;
  return resize(node, std::move(op));
}

constexpr Row kResizeRows[] = {
    {"RESIZE_BILINEAR", resize_bilinear},
    {"RESIZE_NEAREST_NEIGHBOR", resize_nearest_neighbor},
};

}  // namespace

std::span<const Row> resize_rows() {
  return kResizeRows;
}

}  // namespace pochade::tflite
