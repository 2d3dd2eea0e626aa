#include "ops/window.h"

#include <algorithm>

namespace pochade {
namespace {

/// Keeps every product of two such numbers far from overflow.
constexpr int64_t kMost = int64_t{1} << 30;

Status check_list(std::span<const int64_t> values, std::string_view what, int spatial_rank, int64_t least) {
  if (!values.empty() && static_cast<int>(values.size()) != spatial_rank)
    return Error::invalid_model("{} has {} values, expected {}", what, values.size(), spatial_rank);
  for (const int64_t v : values)
    if (v < least || v > kMost)
      return Error::invalid_model("{} holds {}, expected {} to {}", what, v, least, kMost);
  return {};
}

}  // namespace

std::string_view to_string(AutoPad auto_pad) {
  switch (auto_pad) {
    case AutoPad::kExplicit:
      return "explicit";
    case AutoPad::kSameUpper:
      return "same_upper";
    case AutoPad::kSameLower:
      return "same_lower";
  }
  return "";
}

std::string_view to_string(PadMode mode) {
  switch (mode) {
    case PadMode::kZero:
      return "zero";
    case PadMode::kReflect:
      return "reflect";
    case PadMode::kEdge:
      return "edge";
  }
  return "";
}

Status Window::check(std::span<const int64_t> kernel, int spatial_rank) const {
  if (static_cast<int>(kernel.size()) != spatial_rank)
    return Error::invalid_model("kernel has {} values, expected {}", kernel.size(), spatial_rank);
  TRY(check_list(kernel, "kernel", spatial_rank, 1));
  TRY(check_list(strides, "strides", spatial_rank, 1));
  TRY(check_list(dilations, "dilations", spatial_rank, 1));
  TRY(check_list(pads_begin, "pads", spatial_rank, -kMost));
  return check_list(pads_end, "pads", spatial_rank, -kMost);
}

Result<WindowAxis> Window::resolve(size_t axis, int64_t kernel, int64_t in) const {
  WindowAxis out{kernel, stride(axis), dilation(axis), pad_begin(axis), pad_end(axis), in, 0};
  if (in > (int64_t{1} << 48)) return Error::invalid_model("spatial size {} is too large", in);
  if (auto_pad != AutoPad::kExplicit) {
    out.out = (in + out.stride - 1) / out.stride;
    const int64_t total = std::max<int64_t>(0, (out.out - 1) * out.stride + out.extent() - in);
    out.pad_begin = auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
    out.pad_end = total - out.pad_begin;
    return out;
  }
  const int64_t room = in + out.pad_begin + out.pad_end - out.extent();
  if (room < 0)
    return Error::invalid_model("a window of {} does not fit into {} elements with pads {} and {}",
                                out.extent(), in, out.pad_begin, out.pad_end);
  out.out = (ceil_mode ? (room + out.stride - 1) / out.stride : room / out.stride) + 1;
  // A last window that would see nothing but the padding at the end does not count.
  if (ceil_mode && (out.out - 1) * out.stride >= in + out.pad_begin) --out.out;
  return out;
}

Result<Dim> Window::out_dim(size_t axis, int64_t kernel, const Dim& in) const {
  if (in.is_number()) {
    TRY(const WindowAxis resolved, resolve(axis, kernel, in.number()));
    return Dim(resolved.out);
  }
  const int64_t extent = (kernel - 1) * dilation(axis) + 1;
  const bool keeps =
      stride(axis) == 1 && (auto_pad != AutoPad::kExplicit || pad_begin(axis) + pad_end(axis) == extent - 1);
  return keeps ? in : Dim();
}

Result<WindowAxes> resolve_axes(const Window& window, std::span<const int64_t> kernel,
                                std::span<const int64_t> spatial) {
  CHECK(spatial.size() <= 3 && kernel.size() == spatial.size());
  WindowAxes axes;
  for (size_t i = 0; i < spatial.size(); ++i) {
    TRY(axes[3 - spatial.size() + i], window.resolve(i, kernel[i], spatial[i]));
  }
  return axes;
}

}  // namespace pochade
