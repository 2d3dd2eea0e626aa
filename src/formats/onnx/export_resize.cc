#include <algorithm>

#include "formats/onnx/export_scope.h"
#include "ops/resize/grid_sample.h"
#include "ops/resize/resize.h"

namespace pochade::onnx {
namespace {

/// Opset 10 rounded up where an axis shrinks and down elsewhere: one of the two if all axes agree.
Result<std::string_view> rounding_of_opset_10(ExportScope& node) {
  const Fact scales = node.fact(2);
  if (!scales.is_constant())
    return Error::not_supported("it rounds as opset 10 did, by scales that are not known");
  bool grows = false, shrinks = false;
  for (const float scale : to_floats(scales.constant)) {
    grows |= scale > 1;
    shrinks |= scale < 1;
  }
  if (grows && shrinks)
    return Error::not_supported(
        "it rounds as opset 10 did, and grows along one axis while it shrinks along "
        "another");
  return std::string_view(shrinks ? "ceil" : "floor");
}

Result<std::string_view> nearest_name(ExportScope& node, Resize::Nearest nearest) {
  if (nearest == Resize::Nearest::kCeilIfShrinking) return rounding_of_opset_10(node);
  return to_string(nearest);
}

/// The axes that roi, scales and sizes speak of, as ONNX numbers them; empty: all, in order.
std::vector<int64_t> onnx_axes(ExportScope& node, const Resize& op) {
  std::vector<int64_t> axes = op.axes;
  const Fact x = node.fact(0);
  if (!x.rank_known()) return axes;
  const int64_t rank = x.rank();
  if (axes.empty() && node.channels_first())
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  for (int64_t& axis : axes) {
    if (axis < 0) axis += rank;
    if (node.channels_first() && rank >= 3 && rank <= 5)
      axis = axis == 0 ? 0 : axis == rank - 1 ? 1 : axis + 1;
  }
  bool all_in_order = static_cast<int64_t>(axes.size()) == rank;
  for (size_t i = 0; i < axes.size() && all_in_order; ++i) all_in_order = axes[i] == static_cast<int64_t>(i);
  if (all_in_order) axes.clear();
  return axes;
}

/// One element of a list.
std::string piece(ExportScope& node, const std::string& list, int64_t at) {
  return node.add(
      "Slice", {list, node.constant(std::vector<int64_t>{at}), node.constant(std::vector<int64_t>{at + 1})});
}

/// A list over `axes` as a list over all axes, with the elements of `rest` where it says nothing.
std::string over_all_axes(ExportScope& node, const std::vector<int64_t>& axes, int rank,
                          const std::string& list, const std::string& rest) {
  std::vector<std::string> pieces;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const auto found = std::find(axes.begin(), axes.end(), axis);
    pieces.push_back(found != axes.end() ? piece(node, list, found - axes.begin()) : piece(node, rest, axis));
  }
  return node.add("Concat", pieces, Attributes().integer("axis", 0));
}

/// Starts, then ends: the whole axis where `roi` says nothing.
std::string region_over_all_axes(ExportScope& node, const Tensor& roi, const std::vector<int64_t>& axes,
                                 int rank) {
  const auto count = static_cast<size_t>(rank);
  std::vector<float> all(2 * count, 0.0f);
  std::fill(all.begin() + rank, all.end(), 1.0f);
  const std::vector<float> values = to_floats(roi);
  for (size_t i = 0; i < axes.size() && values.size() == 2 * axes.size(); ++i) {
    all[static_cast<size_t>(axes[i])] = values[i];
    all[count + static_cast<size_t>(axes[i])] = values[axes.size() + i];
  }
  return node.constant(Tensor::of<float>({2 * rank}, all));
}

/// roi, scales and sizes of all axes in ONNX's order: opsets before 18 know no axes.
Status spread_over_axes(ExportScope& node, const Resize& op, const std::vector<int64_t>& axes,
                        std::vector<std::string>& inputs) {
  const Fact x = node.fact(0);
  if (!x.rank_known()) TRY(node.needs_opset(18, "a Resize of named axes"));
  const int rank = x.rank();
  if (node.has_input(1) && op.coordinates == Resize::Coordinates::kTfCropAndResize) {
    if (!node.fact(1).is_constant())
      TRY(node.needs_opset(18, "a Resize of named axes with a region that is computed"));
    inputs[1] = region_over_all_axes(node, node.fact(1).constant, axes, rank);
  }
  if (node.has_input(2)) {
    const Fact scales = node.fact(2);
    if (scales.is_constant()) {
      std::vector<float> all(static_cast<size_t>(rank), 1.0f);
      const std::vector<float> values = to_floats(scales.constant);
      for (size_t i = 0; i < axes.size() && i < values.size(); ++i)
        all[static_cast<size_t>(axes[i])] = values[i];
      inputs[2] = node.constant(Tensor::of<float>({rank}, all));
      return {};
    }
    const std::string ones =
        node.constant(Tensor::of<float>({rank}, std::vector<float>(static_cast<size_t>(rank), 1.0f)));
    inputs[2] = over_all_axes(node, axes, rank, inputs[2], ones);
    return {};
  }
  const auto sizes = node.known_integers(3);
  std::vector<int64_t> all;
  for (int64_t axis = 0; axis < rank && sizes; ++axis) {
    const auto found = std::find(axes.begin(), axes.end(), axis);
    if (found != axes.end())
      all.push_back((*sizes)[static_cast<size_t>(found - axes.begin())]);
    else if (x.dim(static_cast<int>(axis)).is_number())
      all.push_back(x.dim(static_cast<int>(axis)).number());
  }
  if (static_cast<int>(all.size()) == rank) {
    inputs[3] = node.constant(all);
    return {};
  }
  inputs[3] = over_all_axes(node, axes, rank, inputs[3], node.add("Shape", {inputs[0]}));
  return {};
}

Status resize(ExportScope& node) {
  const auto& op = node.op<Resize>();
  std::vector<std::string> inputs{node.input(0), node.input(1), node.input(2), node.int64_input(3)};
  const std::vector<int64_t> axes = onnx_axes(node, op);
  Attributes attributes;
  const Fact x = node.fact(0);
  const bool all_axes = x.rank_known() && axes.size() == static_cast<size_t>(x.rank());
  // Runtimes want named axes in ascending order, and lists over all axes in ONNX's.
  const bool ascending = std::is_sorted(axes.begin(), axes.end());
  if (!axes.empty() && !all_axes && ascending && node.opset() >= 18)
    attributes.integers("axes", axes);
  else if (!axes.empty())
    TRY(spread_over_axes(node, op, axes, inputs));
  attributes.text("mode", to_string(op.mode));
  if (op.coordinates == Resize::Coordinates::kHalfPixelSymmetric)
    TRY(node.needs_opset(19, "half_pixel_symmetric"));
  attributes.text("coordinate_transformation_mode", to_string(op.coordinates));
  if (op.mode == Resize::Mode::kNearest) {
    TRY(const std::string_view nearest, nearest_name(node, op.nearest));
    attributes.text("nearest_mode", nearest);
  }
  if (op.mode == Resize::Mode::kCubic) attributes.number("cubic_coeff_a", op.cubic_coefficient);
  if (op.exclude_outside) attributes.integer("exclude_outside", 1);
  if (op.coordinates == Resize::Coordinates::kTfCropAndResize)
    attributes.number("extrapolation_value", op.extrapolation_value);
  if (op.antialias) {
    TRY(node.needs_opset(18, "Resize with antialiasing"));
    attributes.integer("antialias", 1);
  }
  if (op.aspect_ratio != Resize::AspectRatio::kStretch) {
    TRY(node.needs_opset(18, "a Resize that keeps the aspect ratio"));
    attributes.text("keep_aspect_ratio_policy",
                    op.aspect_ratio == Resize::AspectRatio::kNotLarger ? "not_larger" : "not_smaller");
  }
  return node.emit("Resize", inputs, attributes);
}

/// Other names, and volumes, since opset 20.
Status grid_sample(ExportScope& node) {
  const auto& op = node.op<GridSample>();
  const bool is_new = node.opset() >= 20;
  if (const Fact x = node.fact(0); x.rank_known() && x.rank() > 4)
    TRY(node.needs_opset(20, "GridSample of volumes"));
  std::string_view mode = "nearest";
  if (op.mode == GridSample::Mode::kLinear) mode = is_new ? "linear" : "bilinear";
  if (op.mode == GridSample::Mode::kCubic) mode = is_new ? "cubic" : "bicubic";
  std::string_view padding = "zeros";
  if (op.padding == GridSample::Padding::kBorder) padding = "border";
  if (op.padding == GridSample::Padding::kReflection) padding = "reflection";
  return node.emit("GridSample", node.inputs(),
                   Attributes()
                       .text("mode", mode)
                       .text("padding_mode", padding)
                       .integer("align_corners", op.align_corners ? 1 : 0));
}

Status affine_grid(ExportScope& node) {
  return node.emit("AffineGrid", {node.input(0), node.int64_input(1)},
                   Attributes().integer("align_corners", node.op<AffineGrid>().align_corners ? 1 : 0));
}

/// Before opset 16 regions are never moved by half a pixel.
Status roi_align(ExportScope& node) {
  const auto& op = node.op<RoiAlign>();
  Attributes attributes;
  attributes.integer("output_height", op.out_h)
      .integer("output_width", op.out_w)
      .integer("sampling_ratio", op.sampling_ratio)
      .number("spatial_scale", op.spatial_scale)
      .text("mode", op.take_max ? "max" : "avg");
  if (op.half_pixel) TRY(node.needs_opset(16, "RoiAlign by half pixels"));
  if (node.opset() >= 16)
    attributes.text("coordinate_transformation_mode", op.half_pixel ? "half_pixel" : "output_half_pixel");
  return node.emit("RoiAlign", {node.input(0), node.input(1), node.int64_input(2)}, attributes);
}

constexpr ExportRow kExportResizeRows[] = {
    {"AffineGrid", 20, affine_grid},
    {"GridSample", 16, grid_sample},
    {"Resize", 1, resize},
    {"RoiAlign", 10, roi_align},
};

}  // namespace

std::span<const ExportRow> resize_export_rows() {
  return kExportResizeRows;
}

}  // namespace pochade::onnx
