#include "formats/onnx/rows.h"
#include "formats/onnx/window_attributes.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"

namespace pochade::onnx {
namespace {

/// Reads kernel_shape and the window; `D` has kernel and window.
template <typename D>
Result<D> read_pool(NodeScope& node) {
  D op;
  TRY(op.kernel, node.integers("kernel_shape"));
  if (op.kernel.empty()) return Error::invalid_model("attribute \"kernel_shape\" is missing");
  TRY(op.window, read_window(node, op.kernel.size()));
  TRY(op.window.ceil_mode, node.flag("ceil_mode", false));
  TRY(const int rank, node.rank(0));
  if (static_cast<size_t>(rank) != op.kernel.size() + 2)
    return Error::invalid_model("kernel_shape has {} values, but x has rank {}", op.kernel.size(), rank);
  return op;
}

Status max_pool(NodeScope& node) {
  TRY(MaxPool op, read_pool<MaxPool>(node));
  TRY(op.column_major, node.flag("storage_order", false));
  op.with_indices = node.wants_output(1);
  if (!op.with_indices) op.column_major = false;
  const bool with_indices = op.with_indices;
  TRY(const ValueId in, node.required_input(0));
  TRY(const ValueId x, node.to_channels_last(in));
  TRY(const std::vector<ValueId> outputs, node.add_all(std::move(op), {x}));
  TRY(node.set_output_channels_first(0, outputs[0]));
  if (with_indices) TRY(node.set_output_channels_first(1, outputs[1]));
  return {};
}

Status average_pool(NodeScope& node) {
  TRY(AveragePool op, read_pool<AveragePool>(node));
  TRY(op.count_include_pad, node.flag("count_include_pad", false));
  return node.emit_channels_last(std::move(op));
}

Status lp_pool(NodeScope& node) {
  TRY(LpPool op, read_pool<LpPool>(node));
  TRY(op.p, node.integer("p", 2));
  return node.emit_channels_last(std::move(op));
}

Status global_average_pool(NodeScope& node) {
  return node.emit_channels_last(GlobalAveragePool{});
}
Status global_max_pool(NodeScope& node) {
  return node.emit_channels_last(GlobalMaxPool{});
}

Status global_lp_pool(NodeScope& node) {
  GlobalLpPool op;
  TRY(op.p, node.integer("p", 2));
  return node.emit_channels_last(op);
}

Status max_unpool(NodeScope& node) {
  TRY(MaxUnpool op, read_pool<MaxUnpool>(node));
  TRY(const ValueId x, node.to_channels_last(node.input(0)));
  TRY(const ValueId raw_indices, node.required_input(1));
  TRY(const ValueId indices, node.to_channels_last(raw_indices));
  std::vector<ValueId> inputs{x, indices};
  if (node.has_input(2)) inputs.push_back(node.input(2));
  TRY(const ValueId y, node.add(std::move(op), std::move(inputs)));
  return node.set_output_channels_first(0, y);
}

Status max_roi_pool(NodeScope& node) {
  MaxRoiPool op;
  TRY(const std::vector<int64_t> pooled, node.integers("pooled_shape"));
  if (pooled.size() != 2)
    return Error::invalid_model("pooled_shape has {} values, expected 2", pooled.size());
  op.pooled_h = pooled[0];
  op.pooled_w = pooled[1];
  TRY(op.spatial_scale, node.number("spatial_scale", 1.0f));
  TRY(const ValueId in, node.required_input(0));
  TRY(const ValueId rois, node.required_input(1));
  TRY(const ValueId x, node.to_channels_last(in));
  TRY(const ValueId y, node.add(op, {x, rois}));
  return node.set_output_channels_first(0, y);
}

constexpr Row kPoolRows[] = {
    {"", "MaxPool", 1, kLatest, max_pool},
    {"", "AveragePool", 1, kLatest, average_pool},
    {"", "LpPool", 2, kLatest, lp_pool},
    {"", "GlobalAveragePool", 1, kLatest, global_average_pool},
    {"", "GlobalMaxPool", 1, kLatest, global_max_pool},
    {"", "GlobalLpPool", 2, kLatest, global_lp_pool},
    {"", "MaxUnpool", 9, kLatest, max_unpool},
    {"", "MaxRoiPool", 1, kLatest, max_roi_pool},
};

}  // namespace

std::span<const Row> pool_rows() {
  return kPoolRows;
}

}  // namespace pochade::onnx
