// Convolutions and pools.

#include <algorithm>

#include "formats/onnx/export_scope.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/conv/deform_conv.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/qlinear_conv.h"
#include "passes/move_axes.h"

namespace pochade::onnx {
namespace {

bool is_dilated(const Window& window) {
  return std::any_of(window.dilations.begin(), window.dilations.end(), [](int64_t d) { return d != 1; });
}

void add_window(Attributes& attributes, const Window& window, size_t spatial_rank) {
  if (!window.strides.empty()) attributes.integers("strides", window.strides);
  if (is_dilated(window)) attributes.integers("dilations", window.dilations);
  if (window.auto_pad != AutoPad::kExplicit) {
    attributes.text("auto_pad", window.auto_pad == AutoPad::kSameUpper ? "SAME_UPPER" : "SAME_LOWER");
    return;
  }
  if (window.pads_begin.empty() && window.pads_end.empty()) return;
  std::vector<int64_t> pads;
  for (size_t axis = 0; axis < spatial_rank; ++axis) pads.push_back(window.pad_begin(axis));
  for (size_t axis = 0; axis < spatial_rank; ++axis) pads.push_back(window.pad_end(axis));
  attributes.integers("pads", pads);
}

/// The sizes behind the first two of weights O, I, spatial..., if they are known.
std::vector<int64_t> kernel_of(const Fact& weights) {
  std::vector<int64_t> out;
  for (int axis = 2; weights.rank_known() && axis < weights.rank(); ++axis) {
    if (!weights.dim(axis).is_number()) return {};
    out.push_back(weights.dim(axis).number());
  }
  return out;
}

/// Runtimes refuse dilation beside auto_pad: where the sizes are known, the pads are written instead.
Result<Window> written_window(const Window& window, const std::vector<int64_t>& kernel, const Fact& x) {
  if (window.auto_pad == AutoPad::kExplicit || !is_dilated(window)) return window;
  Window out = window;
  out.auto_pad = AutoPad::kExplicit;
  for (size_t axis = 0; axis < kernel.size(); ++axis) {
    if (!x.rank_known() || !x.dim(static_cast<int>(axis) + 2).is_number()) return window;
    TRY(const WindowAxis resolved,
        window.resolve(axis, kernel[axis], x.dim(static_cast<int>(axis) + 2).number()));
    out.pads_begin.push_back(resolved.pad_begin);
    out.pads_end.push_back(resolved.pad_end);
  }
  return out;
}

/// Convolutions with the weights at `weights`.
template <typename D>
Result<Attributes> conv_attributes(ExportScope& node, size_t weights) {
  const auto& op = node.op<D>();
  const Fact w = node.fact(weights);
  const std::vector<int64_t> kernel = kernel_of(w);
  Attributes attributes;
  if (!kernel.empty()) attributes.integers("kernel_shape", kernel);
  TRY(const Window window, written_window(op.window, kernel, node.fact(0)));
  add_window(attributes, window, w.rank_known() ? static_cast<size_t>(w.rank() - 2) : 0);
  if (op.groups != 1) attributes.integer("group", op.groups);
  return attributes;
}

template <typename D, size_t kWeights>
Status conv(ExportScope& node) {
  TRY(const Attributes attributes, conv_attributes<D>(node, kWeights));
  return node.emit(D::kName, node.inputs(), attributes);
}

/// O, spatial..., C/groups -> C, O/groups, spatial... for several groups.
Result<std::string> grouped_weights(ExportScope& node, int64_t groups) {
  const Fact fact = node.fact(1);
  const auto shape = fact.shape();
  if (!shape) return Error::not_supported("the shape of the weights is not known");
  const int rank = shape->rank();
  const int64_t rows = (*shape)[0] / groups, columns = shape->back();
  // By way of groups, O/groups, spatial..., C/groups -> groups, C/groups, O/groups, spatial...
  std::vector<int64_t> split{groups, rows}, joined{groups * columns, rows}, perm{0, rank, 1};
  for (int i = 1; i < rank - 1; ++i) {
    split.push_back((*shape)[i]);
    joined.push_back((*shape)[i]);
    perm.push_back(i + 1);
  }
  split.push_back(columns);
  if (fact.is_constant()) {
    TRY(const Tensor turned,
        transposed(fact.constant.reshaped(Shape(split)), Permutation(perm.begin(), perm.end())));
    return node.constant(turned.reshaped(Shape(joined)));
  }
  const std::string by_group = node.add("Reshape", {node.input(1), node.constant(split)});
  const std::string turned = node.add("Transpose", {by_group}, Attributes().integers("perm", perm));
  return node.add("Reshape", {turned, node.constant(joined)});
}

Status conv_transpose(ExportScope& node) {
  const auto& op = node.op<ConvTranspose>();
  std::vector<std::string> inputs = node.inputs();
  Fact weights = node.fact(1);
  std::vector<int64_t> kernel = kernel_of(weights);
  if (op.groups != 1 && weights.rank_known()) {  // still O, spatial..., C/groups
    TRY(inputs[1], grouped_weights(node, op.groups));
    kernel.clear();
    for (int axis = 1; axis + 1 < weights.rank(); ++axis) kernel.push_back(weights.dim(axis).number());
  }
  Attributes attributes;
  if (!kernel.empty()) attributes.integers("kernel_shape", kernel);
  add_window(attributes, op.window, kernel.size());
  if (op.groups != 1) attributes.integer("group", op.groups);
  if (!op.output_padding.empty()) attributes.integers("output_padding", op.output_padding);
  if (!op.output_shape.empty()) attributes.integers("output_shape", op.output_shape);
  return node.emit("ConvTranspose", inputs, attributes);
}

Status deform_conv(ExportScope& node) {
  TRY(Attributes attributes, conv_attributes<DeformConv>(node, 1));
  const int64_t offset_groups = node.op<DeformConv>().offset_groups;
  if (offset_groups != 1) attributes.integer("offset_group", offset_groups);
  return node.emit("DeformConv", node.inputs(), attributes);
}

/// A last window that would see only the padding does not count, but versions of ONNX's own shape inference
/// count it. Where every last window is such a one, ceil_mode says nothing and is better left out.
bool is_without_effect(const Window& window, const std::vector<int64_t>& kernel, const Fact& x) {
  Window down = window;
  down.ceil_mode = false;
  bool left_out = false;
  for (size_t axis = 0; axis < kernel.size(); ++axis) {
    if (!x.rank_known() || !x.dim(static_cast<int>(axis) + 2).is_number()) return false;
    const int64_t in = x.dim(static_cast<int>(axis) + 2).number();
    const auto up = window.resolve(axis, kernel[axis], in), floor = down.resolve(axis, kernel[axis], in);
    if (!up || !floor || up->out != floor->out) return false;
    const int64_t room = in + up->pad_begin + up->pad_end - up->extent();
    left_out |= (room + up->stride - 1) / up->stride + 1 != up->out;
  }
  return left_out;
}

/// kernel_shape and the window of a pool.
template <typename D>
Result<Attributes> pool_attributes(ExportScope& node, int dilations_since, int ceil_since) {
  const auto& op = node.op<D>();
  if (is_dilated(op.window)) TRY(node.needs_opset(dilations_since, format("{} with dilations", D::kName)));
  TRY(const Window window, written_window(op.window, op.kernel, node.fact(0)));
  Attributes attributes;
  attributes.integers("kernel_shape", op.kernel);
  add_window(attributes, window, op.kernel.size());
  if (op.window.ceil_mode && !is_without_effect(op.window, op.kernel, node.fact(0))) {
    TRY(node.needs_opset(ceil_since, format("{} with ceil_mode", D::kName)));
    attributes.integer("ceil_mode", 1);
  }
  return attributes;
}

Status max_pool(ExportScope& node) {
  TRY(Attributes attributes, pool_attributes<MaxPool>(node, 10, 10));
  if (node.op<MaxPool>().column_major) attributes.integer("storage_order", 1);
  return node.emit("MaxPool", node.inputs(), attributes);
}

Status average_pool(ExportScope& node) {
  TRY(Attributes attributes, pool_attributes<AveragePool>(node, 19, 10));
  if (node.op<AveragePool>().count_include_pad) attributes.integer("count_include_pad", 1);
  return node.emit("AveragePool", node.inputs(), attributes);
}

Status lp_pool(ExportScope& node) {
  TRY(Attributes attributes, pool_attributes<LpPool>(node, 18, 18));
  return node.emit("LpPool", node.inputs(), attributes.integer("p", node.op<LpPool>().p));
}

/// A matrix has one element a channel.
bool has_no_space(ExportScope& node) {
  return node.fact(0).rank_known() && node.fact(0).rank() == 2;
}

Status global_pool(ExportScope& node) {
  return node.emit(has_no_space(node) ? "Identity" : node.any_op().name(), node.inputs());
}

Status global_lp_pool(ExportScope& node) {
  if (has_no_space(node)) return node.emit("Abs", node.inputs());
  return node.emit("GlobalLpPool", node.inputs(), Attributes().integer("p", node.op<GlobalLpPool>().p));
}

Status max_unpool(ExportScope& node) {
  TRY(const Attributes attributes, pool_attributes<MaxUnpool>(node, INT32_MAX, INT32_MAX));
  return node.emit("MaxUnpool", node.inputs(), attributes);
}

Status max_roi_pool(ExportScope& node) {
  const auto& op = node.op<MaxRoiPool>();
  return node.emit("MaxRoiPool", node.inputs(),
                   Attributes()
                       .integers("pooled_shape", {op.pooled_h, op.pooled_w})
                       .number("spatial_scale", op.spatial_scale));
}

constexpr ExportRow kExportWindowRows[] = {
    {"AveragePool", 1, average_pool},
    {"Conv", 1, conv<Conv, 1>},
    {"ConvInteger", 1, conv<ConvInteger, 1>},
    {"ConvTranspose", 1, conv_transpose},
    {"DeformConv", 19, deform_conv},
    {"GlobalAveragePool", 1, global_pool},
    {"GlobalLpPool", 1, global_lp_pool},
    {"GlobalMaxPool", 1, global_pool},
    {"LpPool", 1, lp_pool},
    {"MaxPool", 1, max_pool},
    {"MaxRoiPool", 1, max_roi_pool},
    {"MaxUnpool", 1, max_unpool},
    {"QLinearConv", 1, conv<QLinearConv, 3>},
};

}  // namespace

std::span<const ExportRow> window_export_rows() {
  return kExportWindowRows;
}

}  // namespace pochade::onnx
