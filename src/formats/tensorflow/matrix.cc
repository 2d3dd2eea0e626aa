#include "formats/tensorflow/fused.h"
#include "formats/tensorflow/rows.h"
#include "ops/matrix/einsum.h"
#include "ops/matrix/gemm.h"

namespace pochade::tensorflow {
namespace {

template <bool kFused>
Status matmul(NodeScope& node) {
  Gemm op;
  TRY(op.transpose_a, node.flag("transpose_a", false));
  TRY(op.transpose_b, node.flag("transpose_b", false));
  for (const std::string_view name : {"grad_a", "grad_b", "a_is_sparse", "b_is_sparse"}) node.ignore(name);
  TRY(const ValueId a, node.input(0));
  TRY(const ValueId b, node.input(1));
  TRY(ValueId y, node.add(op, {a, b}));
  if (kFused) {
    TRY(y, fused_tail(node, y, 2));
  }
  node.set_output(0, y);
  return {};
}

Result<ValueId> last_two_turned(NodeScope& node, size_t i) {
  TRY(const ValueId x, node.input(i));
  TRY(const int rank, node.rank(i));
  if (rank < 2) return Error::invalid_model("input {} has rank {}", i, rank);
  std::vector<int64_t> perm;
  for (int axis = 0; axis < rank; ++axis) perm.push_back(axis);
  std::swap(perm[static_cast<size_t>(rank - 1)], perm[static_cast<size_t>(rank - 2)]);
  return node.transpose(x, std::move(perm));
}

Status batch_matmul(NodeScope& node) {
  TRY(const bool turn_a, node.flag("adj_x", false));
  TRY(const bool turn_b, node.flag("adj_y", false));
  for (const std::string_view name : {"Ta", "Tb", "grad_x", "grad_y"}) node.ignore(name);
  TRY(ValueId a, node.input(0));
  TRY(ValueId b, node.input(1));
  if (turn_a) {
    TRY(a, last_two_turned(node, 0));
  }
  if (turn_b) {
    TRY(b, last_two_turned(node, 1));
  }
  if (node.has("Tout")) {
    TRY(const DType to, node.dtype("Tout"));
    if (to != *node.fact_of(a).dtype)
      return Error::not_supported("its result is {}, its input {}", to, *node.fact_of(a).dtype);
  }
  return node.emit(MatMul{}, {a, b});
}

Status einsum(NodeScope& node) {
  node.ignore("N");
  Einsum op;
  TRY(const std::string_view equation, node.text("equation"));
  op.equation = equation;
  return node.emit(std::move(op));
}

constexpr Row kMatrixRows[] = {
    {"BatchMatMul", batch_matmul},   {"BatchMatMulV2", batch_matmul},
    {"BatchMatMulV3", batch_matmul}, {"Einsum", einsum},
    {"MatMul", matmul<false>},       {"_FusedMatMul", matmul<true>},
};

}  // namespace

std::span<const Row> matrix_rows() {
  return kMatrixRows;
}

}  // namespace pochade::tensorflow
