#pragma once
// Which operators of ONNX we read, one file a family.

#include <span>

#include "formats/onnx/scope.h"

namespace pochade::onnx {

std::span<const Row> elementwise_rows();
std::span<const Row> reduce_rows();
std::span<const Row> shape_rows();
std::span<const Row> index_rows();
std::span<const Row> matrix_rows();
std::span<const Row> conv_rows();
std::span<const Row> pool_rows();
std::span<const Row> norm_rows();
std::span<const Row> resize_rows();
std::span<const Row> quant_rows();
std::span<const Row> quant_contrib_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> detect_rows();
std::span<const Row> signal_rows();
std::span<const Row> loss_rows();

/// An import function for no attributes, and the inputs in the operator's order.
template <typename D>
Status plain(NodeScope& node) {
  return node.emit(D{});
}

/// All of them.
const std::vector<Row>& all_rows();
/// The row for an operator; null if there is none.
const Row* find_row(std::string_view domain, std::string_view name, int64_t opset);

}  // namespace pochade::onnx
