#include "formats/onnx/rows.h"
#include "ops/matrix/det.h"
#include "ops/matrix/einsum.h"
#include "ops/matrix/gemm.h"

namespace pochade::onnx {
namespace {

Status gemm(NodeScope& node) {
  Gemm op;
  TRY(op.alpha, node.number("alpha", 1.0f));
  TRY(op.beta, node.number("beta", 1.0f));
  TRY(op.transpose_a, node.flag("transA", false));
  TRY(op.transpose_b, node.flag("transB", false));
  return node.emit(op);
}

Status matmul(NodeScope& node) {
  return node.emit(MatMul{});
}

Status det(NodeScope& node) {
  return node.emit(Det{});
}

Status einsum(NodeScope& node) {
  Einsum op;
  TRY(op.equation, node.text("equation"));
  return node.emit(std::move(op));
}

constexpr Row kMatrixRows[] = {
    {"", "Gemm", 7, kLatest, gemm},
    {"", "MatMul", 1, kLatest, matmul},
    {"", "Det", 11, kLatest, det},
    {"", "Einsum", 12, kLatest, einsum},
};

}  // namespace

std::span<const Row> matrix_rows() {
  return kMatrixRows;
}

}  // namespace pochade::onnx
