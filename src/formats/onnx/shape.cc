#include "ops/shape/transpose.h"

#include "formats/onnx/rows.h"

namespace pochade::onnx {
namespace {

Status transpose(NodeScope& node) {
  Transpose op;
  TRY(op.perm, node.integers("perm"));
  return node.emit(op);
}

constexpr Row kRows[] = {
    {"", "Transpose", 1, kLatest, transpose},
};

}  // namespace

std::span<const Row> shape_rows() {
  return kRows;
}

}  // namespace pochade::onnx
