#pragma once
// Attributes of convolutions and pools.

#include "formats/tensorflow/scope.h"
#include "ops/window.h"

namespace pochade::tensorflow {

/// One value for each spatial axis from the attribute `name`, which has one for each axis of a tensor; those
/// of the batch and the channels must be 1. Empty if it is absent.
Result<std::vector<int64_t>> spatial_values(NodeScope& node, std::string_view name, bool channels_first,
                                            size_t spatial_rank);
/// The same of a list that stands elsewhere.
Result<std::vector<int64_t>> spatial_values(std::string_view name, const std::vector<int64_t>& values,
                                            bool channels_first, size_t spatial_rank);
/// strides, dilations, padding and explicit_paddings.
Result<Window> read_window(NodeScope& node, bool channels_first, size_t spatial_rank);
/// SAME, VALID or EXPLICIT.
Status read_padding(NodeScope& node, bool channels_first, size_t spatial_rank, Window& window);

}  // namespace pochade::tensorflow
