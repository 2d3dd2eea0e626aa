#pragma once
// Windows that slide over the spatial axes: what convolutions and pools share.

#include <array>
#include <string_view>
#include <vector>

#include "graph/op.h"
#include "kernels/common.h"

namespace pochade {

enum class AutoPad {
  kExplicit,   ///< pads_begin and pads_end hold
  kSameUpper,  ///< as much as gives ceil(size / stride) outputs; an odd one goes to the end
  kSameLower,  ///< the same; an odd one goes to the beginning
};
std::string_view to_string(AutoPad auto_pad);

std::string_view to_string(PadMode mode);

/// One spatial axis with everything decided.
struct WindowAxis {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;
  int64_t in = 1;
  int64_t out = 1;
  /// Input elements from the first tap to the last one.
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
  /// Where tap `k` of output `o` reads; outside [0, in) in the padding.
  int64_t at(int64_t o, int64_t k) const { return o * stride + k * dilation - pad_begin; }
  /// at() of an output and tap is inside the input.
  bool inside(int64_t i) const { return i >= 0 && i < in; }
};

/// Steps and pads along each spatial axis, outermost first. An empty list means 1 (strides, dilations) or 0
/// (pads).
struct Window {
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads_begin;
  std::vector<int64_t> pads_end;
  AutoPad auto_pad = AutoPad::kExplicit;
  bool ceil_mode = false;  ///< pools: a last window that is cut by the border counts

  static void fields(auto& self, auto&& f) {
    if (!self.strides.empty()) f("strides", self.strides);
    if (!self.dilations.empty()) f("dilations", self.dilations);
    if (!self.pads_begin.empty()) f("pads_begin", self.pads_begin);
    if (!self.pads_end.empty()) f("pads_end", self.pads_end);
    if (self.auto_pad != AutoPad::kExplicit) f("auto_pad", self.auto_pad);
    if (self.ceil_mode) f("ceil_mode", self.ceil_mode);
  }
  bool operator==(const Window&) const = default;

  int64_t stride(size_t axis) const { return strides.empty() ? 1 : strides[axis]; }
  int64_t dilation(size_t axis) const { return dilations.empty() ? 1 : dilations[axis]; }
  int64_t pad_begin(size_t axis) const { return pads_begin.empty() ? 0 : pads_begin[axis]; }
  int64_t pad_end(size_t axis) const { return pads_end.empty() ? 0 : pads_end[axis]; }

  /// Lengths of the lists fit `spatial_rank`; strides, dilations and kernel are at least 1; nothing is
  /// absurdly large.
  Status check(std::span<const int64_t> kernel, int spatial_rank) const;
  /// The axis over `in` elements. Error: the window is larger than the padded input.
  Result<WindowAxis> resolve(size_t axis, int64_t kernel, int64_t in) const;
  /// The size of the output; unknown if that of the input is, unless the window keeps any size.
  Result<Dim> out_dim(size_t axis, int64_t kernel, const Dim& in) const;
};

/// A window resolved over three spatial axes (depth, height, width): missing outer ones have size 1.
using WindowAxes = std::array<WindowAxis, 3>;
/// `spatial` are the input's spatial sizes; the window has passed check().
Result<WindowAxes> resolve_axes(const Window& window, std::span<const int64_t> kernel,
                                std::span<const int64_t> spatial);

/// The sizes between the first and the last axis of an N, spatial..., C shape.
inline std::span<const int64_t> spatial_dims(const Shape& shape) {
  return shape.dims().subspan(1, static_cast<size_t>(shape.rank()) - 2);
}

}  // namespace pochade
