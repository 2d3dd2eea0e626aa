#include "formats/tensorflow/rows.h"
#include "ops/detect/non_max_suppression.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/index/scatter.h"
#include "ops/shape/concat.h"
#include "ops/shape/generate.h"

namespace pochade::tensorflow {
namespace {

Status gather_along(NodeScope& node, ValueId x, ValueId indices, int64_t axis, int64_t batch_dims) {
  if (batch_dims == 0) {
    Gather op;
    op.axis = axis;
    TRY(const ValueId y, node.add(op, {x, indices}));
    node.set_output(0, y);
    return {};
  }
  const Fact fact = node.fact_of(x);
  if (axis < 0 && fact.rank_known()) axis += fact.rank();
  if (axis != batch_dims)
    return Error::not_supported("batch_dims is {} and the axis {}: only equal ones are supported", batch_dims,
                                axis);
  TRY(const ValueId raised, node.unsqueeze(indices, {-1}));
  GatherND op;
  op.batch_dims = batch_dims;
  return node.emit(op, {x, raised});
}

Status gather(NodeScope& node) {
  node.ignore("validate_indices");
  TRY(const int64_t batch_dims, node.integer("batch_dims", 0));
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId indices, node.input(1));
  int64_t axis = 0;
  if (node.input_count() > 2) {
    TRY(axis, node.constant_integer(2, "axis"));
  }
  return gather_along(node, x, indices, axis, batch_dims);
}

/// Rows of a variable.
Status resource_gather(NodeScope& node) {
  node.ignore("validate_indices");
  node.ignore("dtype");
  TRY(const int64_t batch_dims, node.integer("batch_dims", 0));
  TRY(const Item handle, node.item(0));
  if (handle.kind != Item::Kind::kVariable) return Error::invalid_model("input 0 is no variable's handle");
  TRY(const ValueId x, node.state().read_variable(handle.variable));
  TRY(const ValueId indices, node.input(1));
  return gather_along(node, x, indices, batch_dims, batch_dims);
}

Status gather_nd(NodeScope& node) {
  node.ignore("bad_indices_policy");
  return node.emit(GatherND{});
}

/// An index outside [0, depth) gives `off` only; ours counts negative ones from the end.
Status one_hot(NodeScope& node) {
  OneHot op;
  TRY(op.axis, node.integer("axis", -1));
  TRY(const auto in, node.inputs());
  if (in.size() != 4) return Error::invalid_model("{} inputs, expected 4", in.size());
  TRY(const ValueId indices, node.as_int64(in[0]));
  TRY(const ValueId depth, node.as_int64(in[1]));
  TRY(const ValueId is_negative, node.add(Less{}, {indices, node.scalar(int64_t{0})}));
  TRY(const ValueId places, node.add(Where{}, {is_negative, depth, indices}));
  TRY(const ValueId on, node.reshape(in[2], {1}));
  TRY(const ValueId off, node.reshape(in[3], {1}));
  TRY(const ValueId values, node.add(Concat{}, {off, on}));
  return node.emit(op, {places, depth, values});
}

Status top_k(NodeScope& node) {
  TopK op;
  TRY(op.sorted, node.flag("sorted", true));
  TRY(const DType index_type, node.dtype("index_type", DType::kI32));
  node.ignore("Tk");
  TRY(const ValueId x, node.input(0));
  ValueId k = kNone;
  if (node.input_count() > 1) {
    TRY(const ValueId raw, node.input(1));
    TRY(const ValueId wide, node.as_int64(raw));
    TRY(k, node.reshape(wide, {1}));
  } else {
    TRY(const int64_t count, node.integer("k"));
    k = node.constant(std::vector<int64_t>{count});
  }
  TRY(const auto outputs, node.add_all(make_op(op), {x, k}));
  TRY(const ValueId indices, node.cast(outputs[1], index_type));
  node.set_output(0, outputs[0]);
  node.set_output(1, indices);
  return {};
}

/// Where a tensor is not 0: n, rank.
Status where(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId places, node.add(NonZero{}, {x}));
  TRY(const ValueId y, node.transpose(places, {1, 0}));
  node.set_output(0, y);
  return {};
}

/// Sums of updates on zeroes.
Status scatter_nd(NodeScope& node) {
  node.ignore("bad_indices_policy");
  TRY(const auto in, node.inputs());
  if (in.size() != 3) return Error::invalid_model("{} inputs, expected 3", in.size());
  TRY(const ValueId shape, node.as_int64(in[2]));
  ConstantOfShape zeros;
  TRY(zeros.value, Tensor::of<float>({1}, {0}).cast(*node.fact_of(in[1]).dtype));
  TRY(const ValueId x, node.add(std::move(zeros), {shape}));
  ScatterND op;
  op.reduction = ScatterReduction::kAdd;
  return node.emit(op, {x, in[0], in[1]});
}

template <ScatterReduction kReduction>
Status tensor_scatter(NodeScope& node) {
  node.ignore("bad_indices_policy");
  ScatterND op;
  op.reduction = kReduction;
  return node.emit(op);
}

/// boxes: n,4, scores: n -> the indices of the boxes that are kept, best first.
Status non_max_suppression(NodeScope& node) {
  TRY(const ValueId raw_boxes, node.input(0));
  TRY(const ValueId raw_scores, node.input(1));
  TRY(const ValueId raw_most, node.input(2));
  TRY(const ValueId boxes, node.unsqueeze(raw_boxes, {0}));
  TRY(const ValueId scores, node.unsqueeze(raw_scores, {0, 1}));
  TRY(const ValueId most, node.as_int64(raw_most));
  std::vector<ValueId> inputs{boxes, scores, most};
  if (node.has("iou_threshold")) {  // the first version
    TRY(const float threshold, node.number("iou_threshold"));
    inputs.push_back(node.scalar(threshold));
  }
  for (size_t i = 3; i < node.input_count(); ++i) {
    TRY(inputs.emplace_back(), node.input(i));
  }
  node.ignore("T_threshold");
  TRY(const ValueId chosen, node.add(NonMaxSuppression{}, std::move(inputs)));
  Gather column;
  column.axis = 1;
  TRY(const ValueId index, node.add(column, {chosen, node.scalar(int64_t{2})}));
  TRY(const ValueId y, node.cast(index, DType::kI32));
  node.set_output(0, y);
  return {};
}

constexpr Row kIndexRows[] = {
    {"Gather", gather},
    {"GatherNd", gather_nd},
    {"GatherV2", gather},
    {"NonMaxSuppression", non_max_suppression},
    {"NonMaxSuppressionV2", non_max_suppression},
    {"NonMaxSuppressionV3", non_max_suppression},
    {"OneHot", one_hot},
    {"ResourceGather", resource_gather},
    {"ScatterNd", scatter_nd},
    {"TensorScatterAdd", tensor_scatter<ScatterReduction::kAdd>},
    {"TensorScatterMax", tensor_scatter<ScatterReduction::kMax>},
    {"TensorScatterMin", tensor_scatter<ScatterReduction::kMin>},
    {"TensorScatterUpdate", tensor_scatter<ScatterReduction::kReplace>},
    {"TopK", top_k, "values indices"},
    {"TopKV2", top_k, "values indices"},
    {"Where", where},
};

}  // namespace

std::span<const Row> index_rows() {
  return kIndexRows;
}

}  // namespace pochade::tensorflow
