#include "ops/reduce/reduce.h"
#include "formats/tensorflow/rows.h"
#include "ops/elementwise/select.h"
#include "ops/reduce/scan.h"

namespace pochade::tensorflow {
namespace {

/// No axes at all reduce nothing.
template <typename D>
Status reduce(NodeScope& node) {
  D op;
  TRY(op.keep_dims, node.flag("keep_dims", false));
  op.noop_with_empty_axes = true;
  return node.emit(op);
}

/// The axis as a constant; TensorFlow has it as an input.
template <typename D>
Status arg(NodeScope& node) {
  D op;
  TRY(op.axis, node.constant_integer(1, "dimension"));
  op.keep_dims = false;
  TRY(const DType dtype, node.dtype("output_type", DType::kI64));
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId index, node.add(op, {x}));
  TRY(const ValueId y, node.cast(index, dtype));
  node.set_output(0, y);
  return {};
}

Status cumsum(NodeScope& node) {
  CumSum op;
  TRY(op.exclusive, node.flag("exclusive", false));
  TRY(op.reverse, node.flag("reverse", false));
  return node.emit(op);
}

constexpr Row kReduceRows[] = {
    {"All", reduce<ReduceMin>},   {"Any", reduce<ReduceMax>},   {"ArgMax", arg<ArgMax>},
    {"ArgMin", arg<ArgMin>},      {"Cumsum", cumsum},           {"EuclideanNorm", reduce<ReduceL2>},
    {"Max", reduce<ReduceMax>},   {"Mean", reduce<ReduceMean>}, {"Min", reduce<ReduceMin>},
    {"Prod", reduce<ReduceProd>}, {"Sum", reduce<ReduceSum>},
};

}  // namespace

std::span<const Row> reduce_rows() {
  return kReduceRows;
}

}  // namespace pochade::tensorflow
