#include "ops/resize/resize.h"
#include "formats/tensorflow/rows.h"
#include "ops/elementwise/select.h"

namespace pochade::tensorflow {
namespace {

/// x: N,H,W,C and the two new sizes.
template <Resize::Mode kMode>
Status resize(NodeScope& node) {
  TRY(const bool align_corners, node.flag("align_corners", false));
  TRY(const bool half_pixel, node.flag("half_pixel_centers", false));
  if (align_corners && half_pixel)
    return Error::invalid_model("align_corners and half_pixel_centers exclude each other");
  constexpr bool kNearest = kMode == Resize::Mode::kNearest;
  Resize op;
  op.mode = kMode;
  op.axes = {1, 2};
  op.coordinates = align_corners ? Resize::Coordinates::kAlignCorners
                   : !half_pixel ? Resize::Coordinates::kAsymmetric
                   : kNearest    ? Resize::Coordinates::kTfHalfPixelForNn
                                 : Resize::Coordinates::kHalfPixel;
  op.nearest = align_corners ? Resize::Nearest::kRoundPreferCeil : Resize::Nearest::kFloor;
  if (kMode == Resize::Mode::kCubic && half_pixel) {  // Keys (1981) with a = -1/2, the border's weight spread
    op.cubic_coefficient = -0.5f;
    op.exclude_outside = true;
  }
  TRY(ValueId x, node.input(0));
  TRY(const ValueId raw, node.input(1));
  TRY(const ValueId sizes, node.as_int64(raw));
  if (!kNearest) {
    TRY(x, node.cast(x, DType::kF32));
  }
  return node.emit(std::move(op), {x, kNone, kNone, sizes});
}

constexpr Row kResizeRows[] = {
    {"ResizeBicubic", resize<Resize::Mode::kCubic>},
    {"ResizeBilinear", resize<Resize::Mode::kLinear>},
    {"ResizeNearestNeighbor", resize<Resize::Mode::kNearest>},
};

}  // namespace

std::span<const Row> resize_rows() {
  return kResizeRows;
}

}  // namespace pochade::tensorflow
