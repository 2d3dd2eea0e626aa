#include "formats/onnx/rows.h"

namespace pochade::onnx {

std::span<const Row> index_rows() {
  return {};
}

}  // namespace pochade::onnx
