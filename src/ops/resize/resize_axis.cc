// Which input elements an output element is made of, along one axis.

#include <algorithm>
#include <cmath>

#include "ops/resize/resize.h"

namespace pochade {
namespace {

using Coordinates = Resize::Coordinates;

/// One axis before its tables are made.
struct AxisPlan {
  int64_t in, out;
  float scale;
  float roi_start, roi_end;
};

/// Position of output `i` in the input. In float, as other runtimes do: whether 1 / 0.33333334 is 3 decides
/// what floor gives.
float input_position(Coordinates coordinates, const AxisPlan& plan, int64_t i) {
  const auto x = static_cast<float>(i), in = static_cast<float>(plan.in), out = static_cast<float>(plan.out);
  switch (coordinates) {
    case Coordinates::kHalfPixel:
      return (x + 0.5f) / plan.scale - 0.5f;
    case Coordinates::kHalfPixelSymmetric: {
      const float adjustment = out / (plan.scale * in);
      return in / 2 * (1 - adjustment) + (x + 0.5f) / plan.scale - 0.5f;
    }
    case Coordinates::kPytorchHalfPixel:
      return plan.out > 1 ? (x + 0.5f) / plan.scale - 0.5f : 0;
    case Coordinates::kAlignCorners:
      return plan.out > 1 ? x * (in - 1) / (out - 1) : 0;
    case Coordinates::kAsymmetric:
      return x / plan.scale;
    case Coordinates::kTfHalfPixelForNn:
      return (x + 0.5f) / plan.scale;
    case Coordinates::kTfCropAndResize:
      return plan.out > 1
                 ? plan.roi_start * (in - 1) + x * (plan.roi_end - plan.roi_start) * (in - 1) / (out - 1)
                 : 0.5f * (plan.roi_start + plan.roi_end) * (in - 1);
  }
  return 0;
}

float nearest_position(Resize::Nearest nearest, float x, bool shrinking) {
  switch (nearest) {
    case Resize::Nearest::kRoundPreferFloor:
      return x == std::floor(x) + 0.5f ? std::floor(x) : std::round(x);
    // Not round(), which sends -0.5 away from zero.
    case Resize::Nearest::kRoundPreferCeil:
      return x == std::floor(x) + 0.5f ? std::ceil(x) : std::round(x);
    case Resize::Nearest::kFloor:
      return std::floor(x);
    case Resize::Nearest::kCeil:
      return std::ceil(x);
    case Resize::Nearest::kCeilIfShrinking:
      return shrinking ? std::ceil(x) : std::floor(x);
  }
  return x;
}

/// Keys' cubic convolution (1981) at distance `d`.
double cubic(double d, double a) {
  d = std::fabs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

ResizeAxis make_tables(const Resize& resize, int axis, const AxisPlan& plan) {
  ResizeAxis out{axis, plan.in, plan.out, 1, {}, {}, {}};
  const bool shrinking = plan.scale < 1;
  const double radius = resize.mode == Resize::Mode::kCubic ? 2 : 1;
  const double stretch =
      resize.antialias && shrinking ? plan.scale : 1;  // the filter is 1 / stretch times as wide
  // Taps from floor(position) + first on; more than the axis has would only repeat the border.
  const auto first = static_cast<int64_t>(std::floor(-radius / stretch)) + 1;
  if (resize.mode != Resize::Mode::kNearest) out.taps = 2 - 2 * first;
  const auto count = static_cast<size_t>(plan.out * out.taps);
  out.index.resize(count);
  out.weight.resize(count, 1);
  std::vector<double> weights(static_cast<size_t>(out.taps));
  for (int64_t i = 0; i < plan.out; ++i) {
    const float position = input_position(resize.coordinates, plan, i);
    if (resize.coordinates == Coordinates::kTfCropAndResize &&
        !(position >= 0 && position <= static_cast<float>(plan.in - 1))) {
      out.outside.resize(static_cast<size_t>(plan.out));
      out.outside[static_cast<size_t>(i)] = true;
    }
    const auto clamped = [&](double at) {
      return static_cast<int32_t>(std::clamp(at, 0.0, static_cast<double>(plan.in - 1)));
    };
    const auto row = static_cast<size_t>(i * out.taps);
    if (resize.mode == Resize::Mode::kNearest) {
      out.index[row] = clamped(nearest_position(resize.nearest, position, shrinking));
      continue;
    }
    const double base = std::floor(static_cast<double>(position));
    const double ratio = position - base;
    double sum = 0;
    for (int64_t t = 0; t < out.taps; ++t) {
      const double distance = (static_cast<double>(first + t) - ratio) * stretch;
      const double at = base + static_cast<double>(first + t);
      double& weight = weights[static_cast<size_t>(t)];
      weight = resize.mode == Resize::Mode::kCubic ? cubic(distance, resize.cubic_coefficient)
                                                   : std::max(0.0, 1 - std::fabs(distance));
      if (resize.exclude_outside && (at < 0 || at > static_cast<double>(plan.in - 1))) weight = 0;
      sum += weight;
      out.index[row + static_cast<size_t>(t)] = clamped(at);
    }
    for (size_t t = 0; t < weights.size(); ++t)
      out.weight[row + t] = static_cast<float>(sum == 0 ? weights[t] : weights[t] / sum);
  }
  return out;
}

/// One scale for all axes, and the sizes that it gives (ONNX keep_aspect_ratio_policy).
void keep_aspect_ratio(const Resize& resize, const Shape& x, const std::vector<int>& axes,
                       std::vector<int64_t>& sizes, std::vector<float>& scales) {
  if (resize.aspect_ratio == Resize::AspectRatio::kStretch || scales.empty()) return;
  const float scale = resize.aspect_ratio == Resize::AspectRatio::kNotLarger
                          ? *std::min_element(scales.begin(), scales.end())
                          : *std::max_element(scales.begin(), scales.end());
  for (size_t i = 0; i < axes.size(); ++i) {
    scales[i] = scale;
    const float size = std::floor(scale * static_cast<float>(x[axes[i]]) + 0.5f);
    sizes[i] = size < 0x1p53f ? static_cast<int64_t>(size) : INT64_MAX;
  }
}

}  // namespace

Result<int64_t> scaled_size(int64_t size, float scale) {
  if (!(scale > 0)) return Error::invalid_model("a scale is {}, expected more than 0", scale);
  if (scale == 1) return size;
  const float scaled = std::floor(static_cast<float>(size) * scale);
  if (!(scaled < 0x1p53f))
    return Error::invalid_model("a size of {} times a scale of {} is too large", size, scale);
  return static_cast<int64_t>(scaled);
}

bool ResizeAxis::is_identity() const {
  if (in != out || !outside.empty()) return false;
  for (int64_t i = 0; i < out; ++i)
    for (int64_t t = 0; t < taps; ++t) {
      const auto at = static_cast<size_t>(i * taps + t);
      if (index[at] != i && weight[at] != 0) return false;
    }
  return true;
}

Result<std::vector<ResizeAxis>> resize_axes(const Resize& resize, const Shape& x, const Tensor& roi,
                                            const Tensor& scales, const Tensor& sizes) {
  std::vector<int> axes;
  for (const int64_t axis : resize.axes) {
    const auto normal = normal_axis(axis, x.rank());
    if (!normal) return Error::invalid_model("axis {} is outside the {} axes of x", axis, x.rank());
    axes.push_back(*normal);
  }
  for (int i = 0; resize.axes.empty() && i < x.rank(); ++i) axes.push_back(i);

  std::vector<float> scale = scales.defined() ? to_floats(scales) : std::vector<float>();
  std::vector<int64_t> size = sizes.defined() ? to_int64s(sizes) : std::vector<int64_t>();
  if (scale.empty() == size.empty() && !axes.empty())
    return Error::invalid_model("exactly one of scales and sizes must be given");
  if (std::max(scale.size(), size.size()) != axes.size())
    return Error::invalid_model("{} scales or sizes for {} axes", std::max(scale.size(), size.size()),
                                axes.size());
  const bool by_scale = !scale.empty();
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t in = x[axes[i]];
    if (by_scale) {
      TRY(const int64_t out, scaled_size(in, scale[i]));
      size.push_back(out);
    } else {
      if (size[i] < 0) return Error::invalid_model("a size is {}", size[i]);
      scale.push_back(in == 0 ? 1 : static_cast<float>(size[i]) / static_cast<float>(in));
    }
  }
  if (!by_scale) keep_aspect_ratio(resize, x, axes, size, scale);

  std::vector<float> region;
  if (resize.coordinates == Coordinates::kTfCropAndResize) {
    if (roi.defined()) region = to_floats(roi);
    if (region.size() != 2 * axes.size())
      return Error::invalid_model("roi has {} values, expected {}", region.size(), 2 * axes.size());
  }
  std::vector<ResizeAxis> out;
  for (size_t i = 0; i < axes.size(); ++i) {
    AxisPlan plan{x[axes[i]], size[i], scale[i], 0, 1};
    constexpr int64_t kLongestAxis = int64_t{1} << 25;  // keeps the tables small
    if (plan.in > kLongestAxis || plan.out > kLongestAxis)
      return Error::not_supported("resizing an axis of {} to {}", plan.in, plan.out);
    if (plan.in == 0 && plan.out > 0)
      return Error::invalid_model("an axis without elements cannot be resized to {}", plan.out);
    if (!region.empty()) {
      plan.roi_start = region[i];
      plan.roi_end = region[i + axes.size()];
    }
    const bool region_is_all = region.empty() || (plan.roi_start == 0 && plan.roi_end == 1);
    // Elements stay where they are: no tables, which a long axis would make large.
    if (plan.in == plan.out && plan.scale == 1 && region_is_all &&
        resize.coordinates != Coordinates::kTfHalfPixelForNn)
      continue;
    // Widest filter: its taps must not be more than the picture justifies.
    if (resize.antialias && plan.scale * static_cast<float>(std::max<int64_t>(plan.in, 1)) < 0.5f)
      return Error::not_supported("antialiasing by a scale of {}", plan.scale);
    out.push_back(make_tables(resize, axes[i], plan));
  }
  std::sort(out.begin(), out.end(), [](const ResizeAxis& a, const ResizeAxis& b) { return a.axis < b.axis; });
  for (size_t i = 1; i < out.size(); ++i)
    if (out[i].axis == out[i - 1].axis) return Error::invalid_model("axis {} is named twice", out[i].axis);
  return out;
}

}  // namespace pochade
