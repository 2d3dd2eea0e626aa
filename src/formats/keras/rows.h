#pragma once
// Which layers of Keras we read, one file a family.

#include <span>

#include "formats/keras/scope.h"

namespace pochade::keras {

std::span<const Row> core_rows();
std::span<const Row> activation_rows();
std::span<const Row> conv_rows();
std::span<const Row> pool_rows();
std::span<const Row> norm_rows();
std::span<const Row> merge_rows();
std::span<const Row> shape_rows();
std::span<const Row> image_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> custom_rows();
/// TFOpLambda and the operators of keras.ops: classes that are called like functions.
std::span<const Row> function_rows();

/// The row for a layer; null if there is none.
const Row* find_row(const LayerRecord& layer);

}  // namespace pochade::keras
