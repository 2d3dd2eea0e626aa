#include "formats/onnx/rows.h"
#include "ops/detect/non_max_suppression.h"

namespace pochade::onnx {
namespace {

Status non_max_suppression(NodeScope& node) {
  NonMaxSuppression op;
  TRY(op.center_point_box, node.flag("center_point_box", false));
  return node.emit(op);
}

constexpr Row kDetectRows[] = {
    {"", "NonMaxSuppression", 10, kLatest, non_max_suppression},
};

}  // namespace

std::span<const Row> detect_rows() {
  return kDetectRows;
}

}  // namespace pochade::onnx
