// One value from many: reductions, positions of extremes, running sums.

#include "ops/reduce/reduce.h"
#include "formats/tflite/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/reduce/scan.h"

namespace pochade::tflite {
namespace {

/// The axes of input 1 as a constant; none of them means none, not all.
template <typename D>
Result<std::pair<D, ValueId>> reduction(NodeScope& node) {
  D op;
  TRY(op.keep_dims, node.flag("keep_dims", false));
  op.noop_with_empty_axes = true;
  TRY(const std::vector<int64_t> axes, node.constant_integers(1, "axes"));
  TRY(const int rank, node.rank(0));
  std::vector<int64_t> once;
  for (const int64_t axis : axes) {
    const auto normal = normal_axis(axis, rank);
    if (!normal) return Error::invalid_model("axis {} does not exist in rank {}", axis, rank);
    if (std::find(once.begin(), once.end(), *normal) == once.end()) once.push_back(*normal);
  }
  return std::pair(op, node.integers_value(once));
}

template <typename D>
Status reduce(NodeScope& node) {
  TRY(const auto parts, reduction<D>(node));
  TRY(const ValueId x, node.required(0));
  return node.emit(parts.first, {x, parts.second});
}

/// Of bools: the largest or the smallest of 0 and 1.
template <typename D>
Status reduce_bool(NodeScope& node) {
  TRY(const auto parts, reduction<D>(node));
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId numbers, node.cast(x, DType::kI32));
  TRY(const ValueId result, node.add(parts.first, {numbers, parts.second}));
  TRY(const ValueId y, node.cast(result, DType::kBool));
  return node.set_output(0, y);
}

template <typename D>
Status arg(NodeScope& node) {
  D op;
  node.ignore("output_type");  // the output says the same
  TRY(const DType to, element_type(node.output_record(0).type));
  TRY(op.axis, node.constant_integer(1, "axis"));
  op.keep_dims = false;
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId index, node.add(op, {x}));  // the order of integers is that of what they mean
  TRY(const ValueId y, node.cast(index, to));
  return node.set_output(0, y);
}

Status cumsum(NodeScope& node) {
  CumSum op;
  TRY(op.exclusive, node.flag("exclusive", false));
  TRY(op.reverse, node.flag("reverse", false));
  TRY(const std::vector<ValueId> inputs, node.inputs());
  return node.emit(op, inputs);
}

/// How many of the boundaries are not above each element.
Status bucketize(NodeScope& node) {
  TRY(const std::vector<float> boundaries, node.numbers("boundaries"));
  TRY(const int rank, node.rank(0));
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId numbers, node.cast(x, DType::kF32));
  TRY(const ValueId column, node.unsqueeze(numbers, {rank}));
  const ValueId row = node.constant(Tensor::of<float>({static_cast<int64_t>(boundaries.size())}, boundaries));
  TRY(const ValueId above, node.add(GreaterOrEqual{}, {column, row}));
  TRY(const ValueId ones, node.cast(above, DType::kI32));
  ReduceSum sum;
  sum.keep_dims = false;
  TRY(const ValueId y, node.add(sum, {ones, node.integers_value({rank})}));
  return node.set_output(0, y);
}

constexpr Row kReduceRows[] = {
    {"ARG_MAX", arg<ArgMax>},
    {"ARG_MIN", arg<ArgMin>},
    {"BUCKETIZE", bucketize},
    {"CUMSUM", cumsum},
    {"MEAN", reduce<ReduceMean>},
    {"REDUCE_ALL", reduce_bool<ReduceMin>},
    {"REDUCE_ANY", reduce_bool<ReduceMax>},
    {"REDUCE_MAX", reduce<ReduceMax>},
    {"REDUCE_MIN", reduce<ReduceMin>},
    {"REDUCE_PROD", reduce<ReduceProd>},
    {"SUM", reduce<ReduceSum>},
};

}  // namespace

std::span<const Row> reduce_rows() {
  return kReduceRows;
}

}  // namespace pochade::tflite
