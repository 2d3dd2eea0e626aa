#include "formats/onnx/window_attributes.h"

#include <algorithm>

namespace pochade::onnx {

Result<Window> read_window(NodeScope& node, size_t spatial_rank) {
  Window window;
  TRY(window.strides, node.integers("strides"));
  TRY(window.dilations, node.integers("dilations"));
  TRY(const std::vector<int64_t> pads, node.integers("pads"));
  TRY(const std::string auto_pad, node.text("auto_pad", "NOTSET"));
  for (const auto* list : {&window.strides, &window.dilations})
    if (!list->empty() && list->size() != spatial_rank)
      return Error::invalid_model("{} has {} values, expected {}",
                                  list == &window.strides ? "strides" : "dilations", list->size(),
                                  spatial_rank);
  if (!pads.empty() && pads.size() != 2 * spatial_rank)
    return Error::invalid_model("pads has {} values, expected {}", pads.size(), 2 * spatial_rank);
  // What says nothing is left out, so that equal windows compare equal.
  const auto all_are = [](const std::vector<int64_t>& values, int64_t n) {
    return std::all_of(values.begin(), values.end(), [n](int64_t v) { return v == n; });
  };
  if (all_are(window.strides, 1)) window.strides.clear();
  if (all_are(window.dilations, 1)) window.dilations.clear();
  if (auto_pad == "SAME_UPPER") {
    window.auto_pad = AutoPad::kSameUpper;
  } else if (auto_pad == "SAME_LOWER") {
    window.auto_pad = AutoPad::kSameLower;
  } else if (auto_pad == "NOTSET" || auto_pad.empty()) {
    const auto half = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
    if (!all_are(pads, 0)) {
      window.pads_begin.assign(pads.begin(), half);
      window.pads_end.assign(half, pads.end());
    }
  } else if (auto_pad != "VALID") {
    return Error::invalid_model("auto_pad is \"{}\", expected NOTSET, VALID, SAME_UPPER or SAME_LOWER",
                                auto_pad);
  }
  return window;
}

Result<size_t> read_spatial_rank(NodeScope& node, size_t i) {
  TRY(const std::vector<int64_t> kernel, node.integers("kernel_shape"));
  TRY(const int rank, node.rank(i));
  if (rank < 3) return Error::invalid_model("the weights have rank {}, expected at least 3", rank);
  if (rank > 5) return Error::not_supported("a window over {} axes, at most 3 are", rank - 2);
  const Fact weights = node.fact(i);
  const auto spatial_rank = static_cast<size_t>(rank - 2);
  if (!kernel.empty() && kernel.size() != spatial_rank)
    return Error::invalid_model("kernel_shape has {} values, expected {}", kernel.size(), spatial_rank);
  for (size_t axis = 0; axis < kernel.size(); ++axis) {
    const Dim& dim = weights.dim(static_cast<int>(axis) + 2);
    if (dim.is_number() && !dim.is(kernel[axis]))
      return Error::invalid_model("kernel_shape is {}, but the weights are {}", join(kernel, "x"),
                                  join(*weights.dims, "x"));
  }
  return spatial_rank;
}

}  // namespace pochade::onnx
