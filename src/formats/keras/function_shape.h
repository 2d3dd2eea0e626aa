#pragma once
// Functions that stand where a layer does (function.cc), and move elements or change a shape.

#include "formats/keras/rows.h"

namespace pochade::keras::call {

Result<Values> concat(LayerScope& layer);
Result<Values> stack(LayerScope& layer);
Result<Values> reshape(LayerScope& layer);
Result<Values> transpose(LayerScope& layer);
Result<Values> expand_dims(LayerScope& layer);
Result<Values> squeeze(LayerScope& layer);
Result<Values> split(LayerScope& layer);
Result<Values> pad(LayerScope& layer);
Result<Values> resize(LayerScope& layer);
Result<Values> depth_to_space(LayerScope& layer);
Result<Values> space_to_depth(LayerScope& layer);
Result<Values> tile(LayerScope& layer);
Result<Values> shape(LayerScope& layer);
Result<Values> get_item(LayerScope& layer);

}  // namespace pochade::keras::call
