#include "formats/tensorflow/rows.h"

#include <unordered_map>

namespace pochade::tensorflow {

const std::vector<Row>& all_rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> out;
    for (const auto rows : {basic_rows(), elementwise_rows(), reduce_rows(), shape_rows(), slice_rows(),
                            index_rows(), matrix_rows(), conv_rows(), pool_rows(), norm_rows(), resize_rows(),
                            quant_rows(), list_rows(), audio_rows()})
      out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return all;
}

const Row* find_row(std::string_view op) {
  static const std::unordered_map<std::string_view, const Row*> by_name = [] {
    std::unordered_map<std::string_view, const Row*> out;
    for (const Row& row : all_rows()) out.emplace(row.op, &row);
    return out;
  }();
  const auto found = by_name.find(op);
  return found == by_name.end() ? nullptr : found->second;
}

size_t output_offset(std::string_view op, std::string_view name) {
  const Row* row = find_row(op);
  std::string_view names = row == nullptr ? std::string_view() : row->outputs;
  for (size_t i = 0; !names.empty(); ++i) {
    const size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == name) return i;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return 0;  // one output, or one list of outputs
}

}  // namespace pochade::tensorflow
