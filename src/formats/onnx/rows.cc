#include "formats/onnx/rows.h"

namespace pochade::onnx {

const std::vector<Row>& all_rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> out;
    for (const auto rows :
         {elementwise_rows(), reduce_rows(), shape_rows(), index_rows(), matrix_rows(), conv_rows(),
          pool_rows(), norm_rows(), resize_rows(), quant_rows(), quant_contrib_rows(), recurrent_rows(),
          detect_rows(), signal_rows(), loss_rows()})
      out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return all;
}

const Row* find_row(std::string_view domain, std::string_view name, int64_t opset) {
  for (const Row& row : all_rows())
    if (row.name == name && row.domain == domain && opset >= row.since_opset && opset <= row.until_opset)
      return &row;
  return nullptr;
}

}  // namespace pochade::onnx
