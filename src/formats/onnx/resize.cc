#include "ops/resize/resize.h"
#include "formats/onnx/rows.h"
#include "ops/resize/grid_sample.h"

namespace pochade::onnx {
namespace {

template <typename E>
struct Choice {
  std::string_view name;
  E value;
};

template <typename E, size_t N>
Result<E> choose(NodeScope& node, std::string_view attribute, std::string_view otherwise,
                 const Choice<E> (&choices)[N]) {
  TRY(const std::string text, node.text(attribute, otherwise));
  for (const Choice<E>& choice : choices)
    if (choice.name == text) return choice.value;
  return Error::not_supported("attribute \"{}\" is \"{}\"", attribute, text);
}

/// The one of `choices` that we call as the attribute does.
template <typename E, size_t N>
Result<E> choose_ours(NodeScope& node, std::string_view attribute, std::string_view otherwise,
                      const E (&choices)[N]) {
  TRY(const std::string text, node.text(attribute, otherwise));
  for (const E choice : choices)
    if (to_string(choice) == text) return choice;
  return Error::not_supported("attribute \"{}\" is \"{}\"", attribute, text);
}

using Mode = Resize::Mode;
using Coordinates = Resize::Coordinates;
using Nearest = Resize::Nearest;
using AspectRatio = Resize::AspectRatio;
constexpr Mode kModes[] = {Mode::kNearest, Mode::kLinear, Mode::kCubic};
constexpr Coordinates kCoordinates[] = {Coordinates::kHalfPixel,        Coordinates::kHalfPixelSymmetric,
                                        Coordinates::kPytorchHalfPixel, Coordinates::kAlignCorners,
                                        Coordinates::kAsymmetric,       Coordinates::kTfHalfPixelForNn,
                                        Coordinates::kTfCropAndResize};
constexpr Nearest kNearest[] = {Nearest::kRoundPreferFloor, Nearest::kRoundPreferCeil, Nearest::kFloor,
                                Nearest::kCeil};
constexpr AspectRatio kAspectRatios[] = {AspectRatio::kStretch, AspectRatio::kNotLarger,
                                         AspectRatio::kNotSmaller};

/// Pictures are resized in the Graph's own layout: the axes that the operator speaks of are renamed.
Status emit_resize(NodeScope& node, Resize op, ValueId roi, ValueId scales, ValueId sizes) {
  TRY(const ValueId in, node.required_input(0));
  const Fact& fact = node.fact_of(in);
  const int rank = fact.rank_known() ? fact.rank() : 0;
  std::vector<ValueId> others{roi, scales, sizes};
  while (!others.empty() && others.back() == kNone) others.pop_back();
  if (rank < 3 || rank > 5) {
    others.insert(others.begin(), in);
    return node.emit(std::move(op), std::move(others));
  }
  if (op.axes.empty())
    for (int i = 0; i < rank; ++i) op.axes.push_back(i);
  for (int64_t& axis : op.axes) {
    const auto normal = normal_axis(axis, rank);
    if (!normal) return Error::invalid_model("axis {} is outside the {} axes of x", axis, rank);
    axis = *normal == 0 ? 0 : *normal == 1 ? rank - 1 : *normal - 1;
  }
  TRY(const ValueId x, node.to_channels_last(in));
  others.insert(others.begin(), x);
  TRY(const ValueId y, node.add(std::move(op), std::move(others)));
  return node.set_output_channels_first(0, y);
}

/// Upsample, and Resize of opset 10: scales alone, and no choice of coordinates.
Status upsample(NodeScope& node) {
  Resize op;
  TRY(op.mode, choose_ours(node, "mode", "nearest", kModes));
  if (op.mode == Resize::Mode::kCubic) return Error::invalid_model("attribute \"mode\" is \"cubic\"");
  op.coordinates = Resize::Coordinates::kAsymmetric;
  op.nearest = Resize::Nearest::kCeilIfShrinking;
  TRY(const ValueId scales, node.option_value("scales", 1, DType::kF32));
  if (scales == kNone) return Error::invalid_model("scales are missing");
  return emit_resize(node, std::move(op), kNone, scales, kNone);
}

Status resize(NodeScope& node) {
  Resize op;
  TRY(op.mode, choose_ours(node, "mode", "nearest", kModes));
  TRY(op.coordinates, choose_ours(node, "coordinate_transformation_mode", "half_pixel", kCoordinates));
  TRY(op.nearest, choose_ours(node, "nearest_mode", "round_prefer_floor", kNearest));
  TRY(op.cubic_coefficient, node.number("cubic_coeff_a", -0.75f));
  TRY(op.exclude_outside, node.flag("exclude_outside", false));
  TRY(op.extrapolation_value, node.number("extrapolation_value", 0.0f));
  if (node.opset() >= 18) {
    TRY(op.antialias, node.flag("antialias", false));
    TRY(op.axes, node.integers("axes"));
    TRY(op.aspect_ratio, choose_ours(node, "keep_aspect_ratio_policy", "stretch", kAspectRatios));
  }
  const ValueId roi = node.input(1), scales = node.input(2), sizes = node.input(3);
  return emit_resize(node, std::move(op),
                     op.coordinates == Resize::Coordinates::kTfCropAndResize ? roi : kNone, scales, sizes);
}

constexpr Choice<GridSample::Mode> kSampleModes[] = {{"linear", GridSample::Mode::kLinear},
                                                     {"bilinear", GridSample::Mode::kLinear},
                                                     {"nearest", GridSample::Mode::kNearest},
                                                     {"cubic", GridSample::Mode::kCubic},
                                                     {"bicubic", GridSample::Mode::kCubic}};
constexpr Choice<GridSample::Padding> kSamplePaddings[] = {{"zeros", GridSample::Padding::kZeros},
                                                           {"border", GridSample::Padding::kBorder},
                                                           {"reflection", GridSample::Padding::kReflection}};

Status grid_sample(NodeScope& node) {
  GridSample op;
  TRY(op.mode, choose(node, "mode", "linear", kSampleModes));
  TRY(op.padding, choose(node, "padding_mode", "zeros", kSamplePaddings));
  TRY(op.align_corners, node.flag("align_corners", false));
  TRY(const ValueId in, node.required_input(0));
  TRY(const ValueId grid, node.required_input(1));
  TRY(const ValueId x, node.to_channels_last(in));
  TRY(const ValueId y, node.add(op, {x, grid}));
  return node.set_output_channels_first(0, y);
}

Status affine_grid(NodeScope& node) {
  AffineGrid op;
  TRY(op.align_corners, node.flag("align_corners", false));
  return node.emit(op);
}

constexpr Choice<bool> kRoiModes[] = {{"avg", false}, {"max", true}};
constexpr Choice<bool> kRoiCoordinates[] = {{"half_pixel", true}, {"output_half_pixel", false}};

Status roi_align(NodeScope& node) {
  RoiAlign op;
  TRY(op.out_h, node.integer("output_height", 1));
  TRY(op.out_w, node.integer("output_width", 1));
  TRY(op.sampling_ratio, node.integer("sampling_ratio", 0));
  TRY(op.spatial_scale, node.number("spatial_scale", 1.0f));
  TRY(op.take_max, choose(node, "mode", "avg", kRoiModes));
  TRY(op.half_pixel, choose(node, "coordinate_transformation_mode",
                            node.opset() >= 16 ? "half_pixel" : "output_half_pixel", kRoiCoordinates));
  TRY(const ValueId in, node.required_input(0));
  std::vector<ValueId> inputs = node.inputs();
  TRY(inputs[0], node.to_channels_last(in));
  TRY(const ValueId y, node.add(op, std::move(inputs)));
  return node.set_output_channels_first(0, y);
}

constexpr Row kResizeRows[] = {
    {"", "AffineGrid", 20, kLatest, affine_grid},
    {"", "GridSample", 16, kLatest, grid_sample},
    {"", "RoiAlign", 10, kLatest, roi_align},
    {"", "Upsample", 7, 9, upsample},
    {"", "Resize", 10, 10, upsample},
    {"", "Resize", 11, kLatest, resize},
};

}  // namespace

std::span<const Row> resize_rows() {
  return kResizeRows;
}

}  // namespace pochade::onnx
