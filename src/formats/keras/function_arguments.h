#pragma once
// How the functions that stand where a layer does (function.cc) read what they are called with: by position
// or by name. What is computed while running where a number must be known is kNotSupported.

#include "formats/keras/rows.h"

namespace pochade::keras::call {

using ArgumentNames = std::initializer_list<std::string_view>;

/// The argument at a position, or under the first of these names that it has.
const Operand* find(LayerScope& layer, size_t position, ArgumentNames names);
Result<std::vector<int64_t>> integers(const Operand* operand, std::string_view what,
                                      std::vector<int64_t> otherwise);
Result<int64_t> integer(const Operand* operand, std::string_view what, int64_t otherwise);
Result<bool> flag(const Operand* operand, bool otherwise);
/// Whether a switch that we have no use for is on.
bool asked(LayerScope& layer, std::string_view name);
Result<float> number(const Operand* operand, std::string_view what, float otherwise);
/// Two tensors, or a tensor and a number in any order.
Result<Values> pair(LayerScope& layer);
/// The tensors of a list argument; numbers among them are of the type of the first tensor.
Result<Values> tensors(LayerScope& layer);

}  // namespace pochade::keras::call
