#pragma once
// Which operators of TensorFlow we read, one file a family. Functions, branches and loops are import.cc's.

#include <span>

#include "formats/tensorflow/scope.h"

namespace pochade::tensorflow {

std::span<const Row> basic_rows();
std::span<const Row> elementwise_rows();
std::span<const Row> reduce_rows();
std::span<const Row> shape_rows();
std::span<const Row> slice_rows();
std::span<const Row> index_rows();
std::span<const Row> matrix_rows();
std::span<const Row> conv_rows();
std::span<const Row> pool_rows();
std::span<const Row> norm_rows();
std::span<const Row> resize_rows();
std::span<const Row> quant_rows();
std::span<const Row> list_rows();
std::span<const Row> audio_rows();

/// All of them.
const std::vector<Row>& all_rows();
/// The row for an operator; null if there is none.
const Row* find_row(std::string_view op);
/// Where the output that functions call `name` begins among an operator's outputs.
size_t output_offset(std::string_view op, std::string_view name);

}  // namespace pochade::tensorflow
