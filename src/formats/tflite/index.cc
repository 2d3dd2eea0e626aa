// Elements by index.

#include <limits>

#include "formats/tflite/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/index/scatter.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/transpose.h"

namespace pochade::tflite {
namespace {

/// With batch_dims the first axes of x and of the indices go together.
Status gather(NodeScope& node) {
  TRY(int64_t axis, node.integer("axis", 0));
  TRY(int64_t batch_dims, node.integer("batch_dims", 0));
  TRY(ValueId x, node.required(0));
  TRY(const ValueId indices, node.required(1));
  TRY(const int rank, node.rank(0));
  TRY(const int index_rank, node.rank(1));
  if (batch_dims < 0) batch_dims += index_rank;
  if (axis < 0) axis += rank;
  if (batch_dims == 0) {
    Gather op;
    op.axis = axis;
    return node.emit(op, {x, indices});
  }
  if (batch_dims < 0 || batch_dims > axis || axis >= rank || batch_dims > index_rank)
    return Error::invalid_model("batch_dims is {} and axis {}, the ranks are {} and {}", batch_dims, axis,
                                rank, index_rank);
  // GatherND reads along the axis behind the batch, so that axis is brought there; what stood before it comes
  // back behind the batch afterwards.
  const int64_t between = axis - batch_dims, picked = index_rank - batch_dims;
  std::vector<int64_t> there, back;
  for (int64_t i = 0; i < batch_dims; ++i) there.push_back(i);
  there.push_back(axis);
  for (int64_t i = batch_dims; i < rank; ++i)
    if (i != axis) there.push_back(i);
  const int64_t result_rank = rank - 1 + picked;
  for (int64_t i = 0; i < batch_dims; ++i) back.push_back(i);
  for (int64_t i = 0; i < between; ++i) back.push_back(batch_dims + picked + i);
  for (int64_t i = 0; i < picked; ++i) back.push_back(batch_dims + i);
  for (int64_t i = batch_dims + picked + between; i < result_rank; ++i) back.push_back(i);
  GatherND op;
  op.batch_dims = batch_dims;
  TRY(x, node.transpose(x, std::move(there)));
  TRY(const ValueId places, node.unsqueeze(indices, {index_rank}));
  TRY(ValueId y, node.add_as(node.type(x), op, {x, places}));
  TRY(y, node.transpose(y, std::move(back)));
  return node.set_output(0, y);
}

Status gather_nd(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId indices, node.required(1));
  return node.emit(GatherND{}, {x, indices});
}

/// Zeros of the shape in input 2, with the updates added.
Status scatter_nd(NodeScope& node) {
  TRY(const ValueId indices, node.required(0));
  TRY(const ValueId updates, node.required(1));
  TRY(const ValueId given, node.required(2));
  TRY(const ValueId shape, node.to_int64(given));
  if (node.is_quantized(updates)) return Error::not_supported("it adds quantized values");
  ConstantOfShape zeros;
  TRY(zeros.value, Tensor::scalar(0.0f).cast(*node.fact(updates).dtype));
  TRY(const ValueId empty, node.add(std::move(zeros), {shape}));
  ScatterND op;
  op.reduction = ScatterReduction::kAdd;
  return node.emit(op, {empty, indices, updates});
}

/// Inputs: indices (scalar, n, or n,rank), the output's shape, values (n or one), the value of all others.
Status sparse_to_dense(NodeScope& node) {
  node.ignore("validate_indices");
  TRY(ValueId indices, node.required(0));
  TRY(const ValueId given, node.required(1));
  TRY(ValueId values, node.required(2));
  TRY(const ValueId otherwise, node.required(3));
  TRY(const int index_rank, node.rank(0));
  TRY(const ValueId shape, node.to_int64(given));
  if (index_rank == 0) {
    TRY(indices, node.reshape_to(indices, {1, 1}));
  }
  if (index_rank == 1) {
    TRY(indices, node.unsqueeze(indices, {1}));
  }
  TRY(const ValueId count, node.size(indices, 0));
  TRY(values, node.add(Expand{}, {values, count}));
  TRY(const ValueId filled, node.add(Expand{}, {otherwise, shape}));
  return node.emit(ScatterND{}, {filled, indices, values});
}

Status topk_v2(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId given, node.required(1));
  TRY(const ValueId wide, node.to_int64(given));
  TRY(const ValueId k, node.reshape_to(wide, {1}));
  TRY(const Quantized::Type type, node.output_type(0));
  if (type.dtype) return Error::not_supported("it sorts quantized values");
  TRY(const std::vector<ValueId> outputs, node.add_all(make_op(TopK{}), {x, k}));
  TRY(node.set_output(0, outputs[0]));
  TRY(const ValueId places, node.cast(outputs[1], DType::kI32));
  return node.set_output(1, places);
}

/// Coordinates of what is true, one row each.
Status where(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId columns, node.add(NonZero{}, {x}));
  TRY(const ValueId y, node.transpose(columns, {1, 0}));
  TRY(const DType to, element_type(node.output_record(0).type));
  TRY(const ValueId result, node.cast(y, to));
  return node.set_output(0, result);
}

/// Inputs: indices, depth, on, off. An index outside 0..depth-1 gives off only.
Status one_hot(NodeScope& node) {
  TRY(int64_t axis, node.integer("axis", 0));
  TRY(const ValueId given, node.required(0));
  TRY(const ValueId given_depth, node.required(1));
  TRY(const ValueId on, node.required(2));
  TRY(const ValueId off, node.required(3));
  TRY(const int rank, node.rank(0));
  if (axis == -1) axis = rank;
  if (axis < 0 || axis > rank) return Error::invalid_model("axis is {}, the rank {}", axis, rank);
  TRY(const ValueId wide, node.to_int64(given));
  TRY(const ValueId indices, node.unsqueeze(wide, {axis}));
  TRY(const ValueId depth, node.to_int64(given_depth));
  TRY(ValueId places, node.add(RangeOp{}, {node.scalar<int64_t>(0), depth, node.scalar<int64_t>(1)}));
  std::vector<int64_t> behind;
  for (int64_t i = axis; i < rank; ++i) behind.push_back(i - axis + 1);
  if (!behind.empty()) {
    TRY(places, node.unsqueeze(places, behind));
  }
  TRY(const ValueId is_on, node.add(Equal{}, {indices, places}));
  return node.emit(Where{}, {is_on, on, off});
}

/// The different values in the order of their first places, and for each element which one it is.
Status unique(NodeScope& node) {
  TRY(const DType to, node.dtype_option("idx_out_type", ElementType::kInt32));
  TRY(const ValueId x, node.required(0));
  Unique op;
  op.sorted = false;
  TRY(const std::vector<ValueId> outputs, node.add_all(make_op(op), {x}));
  TRY(node.set_output(0, outputs[0]));
  TRY(const ValueId places, node.cast(outputs[2], to));
  return node.set_output(1, places);
}

/// bool n,n: whether row and column are the same.
Result<ValueId> diagonal(NodeScope& node, ValueId size) {
  TRY(const ValueId count, node.squeeze(size, {0}));
  TRY(const ValueId places, node.add(RangeOp{}, {node.scalar<int64_t>(0), count, node.scalar<int64_t>(1)}));
  TRY(const ValueId rows, node.unsqueeze(places, {1}));
  return node.add(Equal{}, {rows, places});
}

/// x: ..,n -> ..,n,n with x on the diagonal and zeros elsewhere.
Status matrix_diag(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const int rank, node.rank(0));
  if (rank < 1) return Error::invalid_model("x has rank 0");
  TRY(const ValueId size, node.size(x, rank - 1));
  TRY(const ValueId on, diagonal(node, size));
  TRY(const ValueId column, node.unsqueeze(x, {rank}));
  TRY(const ValueId zero, node.scalar_of(*node.fact(x).dtype, 0));
  return node.emit(Where{}, {on, column, zero});
}

/// x: ..,n,n   diagonal: ..,n
Status matrix_set_diag(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId values, node.required(1));
  TRY(const int rank, node.rank(0));
  if (rank < 2) return Error::invalid_model("x has rank {}, expected 2 or more", rank);
  const Dim &rows = node.fact(x).dim(rank - 2), &columns = node.fact(x).dim(rank - 1);
  if (!(rows == columns) || !rows.is_number())
    return Error::not_supported("the matrices are {}x{}, only squares are supported", rows, columns);
  TRY(const ValueId size, node.size(x, rank - 1));
  TRY(const ValueId on, diagonal(node, size));
  TRY(const ValueId column, node.unsqueeze(values, {rank - 1}));
  return node.emit(Where{}, {on, column, x});
}

/// Slices of x that have the same id, put together; segments without any hold the value that changes nothing.
Status segments(NodeScope& node, int64_t count, ScatterReduction reduction) {
  TRY(const ValueId x, node.required(0));
  TRY(ValueId ids, node.required(1));
  const auto shape = node.fact(x).shape(), id_shape = node.fact(ids).shape();
  if (!shape || !id_shape || id_shape->rank() > shape->rank())
    return Error::not_supported("the sizes are not fixed: x is {}, ids are {}", node.fact(x), node.fact(ids));
  if (count < 0 || count > INT32_MAX) return Error::invalid_model("there are {} segments", count);
  std::vector<int64_t> sizes{count};
  for (int axis = id_shape->rank(); axis < shape->rank(); ++axis) sizes.push_back((*shape)[axis]);
  const DType dtype = *node.fact(x).dtype;
  if (node.is_quantized(x)) return Error::not_supported("it computes on integers, only floats are supported");
  ConstantOfShape first;
  const double lowest = visit(dtype, [&]<typename T>() {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, int32_t>)
      return reduction == ScatterReduction::kMax   ? static_cast<double>(std::numeric_limits<T>::lowest())
             : reduction == ScatterReduction::kMin ? static_cast<double>(std::numeric_limits<T>::max())
             : reduction == ScatterReduction::kMul ? 1.0
                                                   : 0.0;
    return std::numeric_limits<double>::quiet_NaN();
  });
  if (lowest != lowest) return Error::not_supported("elements of type {}", to_string(dtype));
  TRY(first.value, Tensor::scalar(lowest).cast(dtype));
  TRY(const ValueId empty, node.add(std::move(first), {node.integers_value(sizes)}));
  ScatterND op;
  op.reduction = reduction;
  TRY(ids, node.unsqueeze(ids, {id_shape->rank()}));
  return node.emit(op, {empty, ids, x});
}

/// The ids rise from 0; the last one says how many there are.
Status segment_sum(NodeScope& node) {
  TRY(const std::vector<int64_t> ids, node.constant_integers(1, "segment_ids"));
  return segments(node, ids.empty() ? 0 : ids.back() + 1, ScatterReduction::kAdd);
}

template <ScatterReduction reduction>
Status unsorted_segments(NodeScope& node) {
  TRY(const int64_t count, node.constant_integer(2, "num_segments"));
  return segments(node, count, reduction);
}

constexpr Row kIndexRows[] = {
    {"GATHER", gather},
    {"GATHER_ND", gather_nd},
    {"MATRIX_DIAG", matrix_diag},
    {"MATRIX_SET_DIAG", matrix_set_diag},
    {"ONE_HOT", one_hot},
    {"SCATTER_ND", scatter_nd},
    {"SEGMENT_SUM", segment_sum},
    {"SPARSE_TO_DENSE", sparse_to_dense},
    {"TOPK_V2", topk_v2},
    {"UNIQUE", unique},
    {"UNSORTED_SEGMENT_MAX", unsorted_segments<ScatterReduction::kMax>},
    {"UNSORTED_SEGMENT_MIN", unsorted_segments<ScatterReduction::kMin>},
    {"UNSORTED_SEGMENT_PROD", unsorted_segments<ScatterReduction::kMul>},
    {"UNSORTED_SEGMENT_SUM", unsorted_segments<ScatterReduction::kAdd>},
    {"WHERE", where},
};

}  // namespace

std::span<const Row> index_rows() {
  return kIndexRows;
}

}  // namespace pochade::tflite
