#include "formats/onnx/rows.h"

namespace pochade::onnx {

std::span<const Row> signal_rows() {
  return {};
}

}  // namespace pochade::onnx
