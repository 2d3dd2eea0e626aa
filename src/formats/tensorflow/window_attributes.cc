#include "formats/tensorflow/window_attributes.h"

#include <algorithm>

namespace pochade::tensorflow {

Result<std::vector<int64_t>> spatial_values(std::string_view name, const std::vector<int64_t>& values,
                                            bool channels_first, size_t spatial_rank) {
  if (values.size() != spatial_rank + 2)
    return Error::invalid_model("{} has {} values, expected {}", name, values.size(), spatial_rank + 2);
  const size_t channel = channels_first ? 1 : spatial_rank + 1;
  if (values[0] != 1 || values[channel] != 1)
    return Error::not_supported("{} is {}: over the batch or the channels only 1 is supported", name,
                                join(values));
  const auto first = values.begin() + (channels_first ? 2 : 1);
  return std::vector<int64_t>(first, first + static_cast<std::ptrdiff_t>(spatial_rank));
}

Result<std::vector<int64_t>> spatial_values(NodeScope& node, std::string_view name, bool channels_first,
                                            size_t spatial_rank) {
  TRY(const std::vector<int64_t> values, node.integers(name));
  if (values.empty()) return values;
  return spatial_values(name, values, channels_first, spatial_rank);
}

Status read_padding(NodeScope& node, bool channels_first, size_t spatial_rank, Window& window) {
  TRY(const std::string_view padding, node.text("padding"));
  TRY(const std::vector<int64_t> pads, node.integers("explicit_paddings"));
  if (padding == "SAME") {
    window.auto_pad = AutoPad::kSameUpper;
  } else if (padding == "EXPLICIT") {
    if (pads.size() != 2 * (spatial_rank + 2))
      return Error::invalid_model("explicit_paddings has {} values, expected {}", pads.size(),
                                  2 * (spatial_rank + 2));
    const size_t first = channels_first ? 2 : 1;
    for (size_t axis = 0; axis < spatial_rank; ++axis) {
      window.pads_begin.push_back(pads[2 * (first + axis)]);
      window.pads_end.push_back(pads[2 * (first + axis) + 1]);
    }
    for (const auto* list : {&window.pads_begin, &window.pads_end})
      if (std::any_of(list->begin(), list->end(), [](int64_t pad) { return pad < 0; }))
        return Error::invalid_model("explicit_paddings is {}", join(pads));
  } else if (padding != "VALID") {
    return Error::invalid_model("padding is \"{}\", expected SAME, VALID or EXPLICIT", padding);
  }
  return {};
}

Result<Window> read_window(NodeScope& node, bool channels_first, size_t spatial_rank) {
  Window window;
  TRY(window.strides, spatial_values(node, "strides", channels_first, spatial_rank));
  TRY(window.dilations, spatial_values(node, "dilations", channels_first, spatial_rank));
  TRY(read_padding(node, channels_first, spatial_rank, window));
  // What says nothing is left out, so that equal windows compare equal.
  for (auto* list : {&window.strides, &window.dilations})
    if (std::all_of(list->begin(), list->end(), [](int64_t n) { return n == 1; })) list->clear();
  return window;
}

}  // namespace pochade::tensorflow
