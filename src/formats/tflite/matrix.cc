// Matrix products.

#include "formats/tflite/hybrid.h"
#include "formats/tflite/rows.h"
#include "ops/index/gather.h"
#include "ops/matrix/gemm.h"
#include "ops/shape/concat.h"

namespace pochade::tflite {
namespace {

/// x: ..., read as rows of I   w: O,I   b: O   ->   rows of O; with keep_num_dims the axes before stay.
Status fully_connected(NodeScope& node) {
  TRY(const Activation act, node.activation());
  TRY(const int64_t format, node.integer("weights_format", 0));
  if (format != 0) return Error::not_supported("weights_format SHUFFLED4x16INT8 is not supported");
  TRY(const bool keep_dims, node.flag("keep_num_dims", false));
  TRY(const bool asymmetric, node.flag("asymmetric_quantize_inputs", false));
  node.ignore("quantized_bias_type");
  TRY(ValueId x, node.required(0));
  TRY(ValueId w, node.required(1));
  TRY(const ValueId b, node.input(2));
  TRY(const int rank, node.rank(0));
  const auto weights = node.fact(w).shape();
  if (!weights || weights->rank() != 2)
    return Error::not_supported("the weights are {}, expected a known size O,I", node.fact(w));
  const ValueId given = x;
  const bool is_rows = rank == 2 && node.fact(x).dim(1).is((*weights)[1]);
  if (!is_rows) {
    TRY(x, node.reshape_to(x, {-1, (*weights)[1]}));
  }
  Gemm op;
  op.transpose_b = true;
  ValueId y = kNone;
  if (is_hybrid(node, x, w)) {
    TRY(const Hybrid hybrid, quantized_rows(node, x, w, !asymmetric));
    TRY(const ValueId sums, node.add(op, {hybrid.x, hybrid.w}));
    TRY(y, scaled_sums(node, hybrid, sums, b, act));
  } else {
    if (!node.is_quantized(x)) {
      TRY(w, node.dequantized(w));
    } else if (b != kNone) {
      node.set_type(b, Quantized::Type{node.fact(b).dtype, nullptr});
    }
    std::vector<ValueId> inputs{x, w};
    if (b != kNone) inputs.push_back(b);
    TRY(const Quantized::Type type, node.output_type(0));
    TRY(y, node.add_as(type, op, std::move(inputs), act));
  }
  if (keep_dims && !(is_rows && rank == 2)) {
    TRY(const ValueId sizes, node.sizes(given));
    TRY(const ValueId outer, node.slice(sizes, 0, 0, rank - 1));
    TRY(const ValueId shape, node.concat({outer, node.integers_value({(*weights)[0]})}, 0));
    TRY(y, node.reshape(y, shape));
  }
  return node.set_output(0, y);
}

/// The last two axes exchanged.
Result<ValueId> adjoint(NodeScope& node, ValueId value) {
  if (!node.fact(value).rank_known() || node.fact(value).rank() < 2)
    return Error::invalid_model("a factor is {}, expected rank 2 or more", node.fact(value));
  const int rank = node.fact(value).rank();
  std::vector<int64_t> perm;
  for (int axis = 0; axis < rank; ++axis) perm.push_back(axis);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return node.transpose(value, std::move(perm));
}

Status batch_matmul(NodeScope& node) {
  TRY(const bool adj_x, node.flag("adj_x", false));
  TRY(const bool adj_y, node.flag("adj_y", false));
  node.ignore("asymmetric_quantize_inputs");
  TRY(ValueId x, node.required(0));
  TRY(ValueId y, node.required(1));
  if (!node.is_quantized(x)) {
    TRY(y, node.dequantized(y));
  }
  if (adj_x) {
    TRY(x, adjoint(node, x));
  }
  if (adj_y) {
    TRY(y, adjoint(node, y));
  }
  return node.emit(MatMul{}, {x, y});
}

/// Rows of a table.
Status embedding_lookup(NodeScope& node) {
  TRY(const ValueId ids, node.required(0));
  TRY(ValueId table, node.required(1));
  TRY(const Quantized::Type type, node.output_type(0));
  if (!type.dtype) {
    TRY(table, node.dequantized(table));
  }
  return node.emit(Gather{}, {table, ids});
}

constexpr Row kMatrixRows[] = {
    {"BATCH_MATMUL", batch_matmul},
    {"EMBEDDING_LOOKUP", embedding_lookup},
    {"FULLY_CONNECTED", fully_connected},
};

}  // namespace

std::span<const Row> matrix_rows() {
  return kMatrixRows;
}

}  // namespace pochade::tflite
