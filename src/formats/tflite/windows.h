#pragma once
// What convolutions and pools have in common.

#include "formats/tflite/rows.h"
#include "ops/window.h"

namespace pochade::tflite {

/// padding, stride_A and dilation_A_factor of each axis A.
Result<Window> read_window(NodeScope& node, std::initializer_list<std::string_view> axes);

}  // namespace pochade::tflite
