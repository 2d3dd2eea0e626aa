#include "ops/reduce/reduce.h"

#include "formats/onnx/rows.h"
#include "ops/reduce/scan.h"

namespace pochade::onnx {
namespace {

/// The axes: an attribute before opset 18 (ReduceSum: 13), input 1 since.
template <typename D>
Status reduce(NodeScope& node) {
  D op;
  TRY(op.keep_dims, node.flag("keepdims", true));
  TRY(op.noop_with_empty_axes, node.flag("noop_with_empty_axes", false));
  TRY(const ValueId x, node.required_input(0));
  TRY(const ValueId axes, node.option_value("axes", 1));
  return node.emit(op, {x, axes});
}

template <typename D>
Status arg(NodeScope& node) {
  D op;
  TRY(op.axis, node.integer("axis", 0));
  TRY(op.keep_dims, node.flag("keepdims", true));
  TRY(op.select_last_index, node.flag("select_last_index", false));
  return node.emit(op);
}

Status cum_sum(NodeScope& node) {
  CumSum op;
  TRY(op.exclusive, node.flag("exclusive", false));
  TRY(op.reverse, node.flag("reverse", false));
  return node.emit(op);
}

constexpr Row kReduceRows[] = {
    {"", "ArgMax", 1, kLatest, arg<ArgMax>},
    {"", "ArgMin", 1, kLatest, arg<ArgMin>},
    {"", "CumSum", 11, kLatest, cum_sum},
    {"", "ReduceL1", 1, kLatest, reduce<ReduceL1>},
    {"", "ReduceL2", 1, kLatest, reduce<ReduceL2>},
    {"", "ReduceLogSum", 1, kLatest, reduce<ReduceLogSum>},
    {"", "ReduceLogSumExp", 1, kLatest, reduce<ReduceLogSumExp>},
    {"", "ReduceMax", 1, kLatest, reduce<ReduceMax>},
    {"", "ReduceMean", 1, kLatest, reduce<ReduceMean>},
    {"", "ReduceMin", 1, kLatest, reduce<ReduceMin>},
    {"", "ReduceProd", 1, kLatest, reduce<ReduceProd>},
    {"", "ReduceSum", 1, kLatest, reduce<ReduceSum>},
    {"", "ReduceSumSquare", 1, kLatest, reduce<ReduceSumSquare>},
};

}  // namespace

std::span<const Row> reduce_rows() {
  return kReduceRows;
}

}  // namespace pochade::onnx
