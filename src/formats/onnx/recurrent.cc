#include "formats/onnx/rows.h"

namespace pochade::onnx {

std::span<const Row> recurrent_rows() {
  return {};
}

}  // namespace pochade::onnx
