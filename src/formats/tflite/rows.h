#pragma once
// Which operators of TFLite we read, one file a family.

#include <span>

#include "formats/tflite/scope.h"

namespace pochade::tflite {

std::span<const Row> elementwise_rows();
std::span<const Row> reduce_rows();
std::span<const Row> shape_rows();
std::span<const Row> slice_rows();
std::span<const Row> index_rows();
std::span<const Row> matrix_rows();
std::span<const Row> conv_rows();
std::span<const Row> pool_rows();
std::span<const Row> resize_rows();
std::span<const Row> quant_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> variable_rows();
std::span<const Row> detect_rows();
std::span<const Row> refused_rows();

/// All of them.
const std::vector<Row>& all_rows();
/// The row for an operator; null if there is none.
const Row* find_row(std::string_view name, bool is_custom);

}  // namespace pochade::tflite
