#include "formats/keras/function_shape.h"

#include <algorithm>

#include "formats/keras/function_arguments.h"
#include "ops/elementwise/select.h"
#include "ops/resize/resize.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"

namespace pochade::keras::call {
namespace {

/// A shape of numbers, or of numbers and tensors with one element: int64.
Result<ValueId> shape_value(LayerScope& layer, const Operand* shape) {
  if (shape == nullptr) return Error::not_supported("it is called without a shape");
  Cast cast;
  cast.to = DType::kI64;
  if (shape->is_tensor()) return layer.add(cast, {shape->value});
  if (!shape->is_list) {
    TRY(const auto sizes, integers(shape, "shape", {}));
    return layer.integers_constant(sizes);
  }
  Values parts;
  for (const Operand& item : shape->items) {
    if (!item.is_tensor()) {
      TRY(const auto sizes, integers(&item, "shape", {}));
      parts.push_back(layer.integers_constant(sizes));
      continue;
    }
    TRY(const ValueId whole, layer.add(cast, {item.value}));
    TRY(parts.emplace_back(), layer.reshape(whole, {1}));
  }
  return layer.add(Concat{}, parts);
}

}  // namespace

Result<Values> concat(LayerScope& layer) {
  TRY(const Values inputs, tensors(layer));
  Concat op;
  TRY(op.axis, integer(find(layer, 1, {"axis"}), "axis", -1));
  return layer.one(op, inputs);
}

Result<Values> stack(LayerScope& layer) {
  TRY(Values inputs, tensors(layer));
  TRY(const int64_t axis, integer(find(layer, 1, {"axis"}), "axis", 0));
  for (ValueId& input : inputs) {
    TRY(input, layer.add(Unsqueeze{}, {input, layer.integers_constant({axis})}));
  }
  Concat op;
  op.axis = axis;
  return layer.one(op, inputs);
}

Result<Values> reshape(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* shape = find(layer, 1, {"shape", "newshape"});
  TRY(const ValueId sizes, shape_value(layer, shape));
  // Where the batch is open and the other sizes are not, -1 is the batch; TensorFlow's shape may say it as
  // null.
  return layer.one(Reshape{}, {x, sizes});
}

Result<Values> transpose(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  std::vector<int64_t> reverse;
  for (int axis = rank - 1; axis >= 0; --axis) reverse.push_back(axis);
  TRY(const auto perm, integers(find(layer, 1, {"perm", "axes"}), "perm", reverse));
  TRY(const ValueId y, layer.transpose(x, perm));
  return Values{y};
}

Result<Values> expand_dims(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const auto axes, integers(find(layer, 1, {"axis"}), "axis", {-1}));
  return layer.one(Unsqueeze{}, {x, layer.integers_constant(axes)});
}

Result<Values> squeeze(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* axis = find(layer, 1, {"axis"});
  if (axis == nullptr) return Error::not_supported("it does not say which axes go");
  TRY(const auto axes, integers(axis, "axis", {}));
  return layer.one(Squeeze{}, {x, layer.integers_constant(axes)});
}

Result<Values> split(LayerScope& layer) {
  const Operand* value = find(layer, 0, {"value", "x"});
  if (value == nullptr || !value->is_tensor()) return Error::not_supported("it is called without a tensor");
  TRY(const int rank, layer.rank(value->value));
  const Operand* indices = layer.argument(1, "indices_or_sections");
  const Operand* parts = indices != nullptr ? indices : layer.argument(1, "num_or_size_splits");
  TRY(const int64_t named, integer(find(layer, 2, {"axis"}), "axis", 0));
  TRY(std::vector<int64_t> sizes, integers(parts, "the number of parts", {}));
  const bool is_count = parts != nullptr && parts->literal.integer() != nullptr;
  const auto axis = normal_axis(named, rank);
  if (!axis) return Error::invalid_model("axis is {}, and the input has {} dimensions", named, rank);
  const Dim& dim = layer.fact(value->value).dim(*axis);
  const bool by_index = layer.record().class_name == "Split" && !is_count;
  Split op;
  op.axis = *axis;
  if (is_count) {
    if (sizes.size() != 1 || sizes[0] < 1 || sizes[0] > 4096)
      return Error::not_supported("{} parts", parts->literal.dump(60));
    if (!dim.is_number() || dim.number() % sizes[0] != 0)
      return Error::not_supported("{} equal parts of {}", sizes[0], to_string(dim));
    op.outputs = sizes[0];
    return layer.add_all(make_op(op), {value->value});
  }
  if (sizes.empty() || sizes.size() > 4096) return Error::not_supported("it does not say how many parts");
  if (by_index) {  // places where it is cut
    if (!dim.is_number()) return Error::not_supported("cuts through an axis of open size");
    sizes.push_back(dim.number());
    if (sizes[0] < 0 || !std::ranges::is_sorted(sizes))
      return Error::not_supported("cuts that are not in order between 0 and {}", dim.number());
    for (size_t i = sizes.size() - 1; i > 0; --i) sizes[i] -= sizes[i - 1];
  }
  op.outputs = static_cast<int64_t>(sizes.size());
  return layer.add_all(make_op(op), {value->value, layer.integers_constant(sizes)});
}

/// [[before, after], ...] of every axis.
Result<Values> pad(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  const Operand* paddings = find(layer, 1, {"paddings", "pad_width"});
  if (paddings == nullptr || paddings->literal.list() == nullptr)
    return Error::not_supported("paddings that are no list");
  std::vector<int64_t> before, after;
  for (const Json& item : *paddings->literal.list()) {
    const Json::List* sides = item.list();
    if (sides == nullptr || sides->size() != 2 || !(*sides)[0].integer() || !(*sides)[1].integer())
      return Error::not_supported("paddings {}", paddings->literal.dump(100));
    before.push_back(*(*sides)[0].integer());
    after.push_back(*(*sides)[1].integer());
  }
  before.insert(before.end(), after.begin(), after.end());
  Pad op;
  std::string mode = "constant";
  if (const Operand* given = find(layer, 2, {"mode"}); given != nullptr && given->literal.text() != nullptr)
    mode = *given->literal.text();
  if (mode == "REFLECT" || mode == "reflect")
    op.mode = PadFill::kReflect;
  else if (mode == "edge")
    op.mode = PadFill::kEdge;
  else if (mode != "CONSTANT" && mode != "constant")
    return Error::not_supported("the mode \"{}\"", mode);
  TRY(const float value, number(find(layer, 3, {"constant_values"}), "constant_values", 0));
  Values inputs{x, layer.integers_constant(before)};
  if (value != 0) inputs.push_back(layer.number_constant(value));
  return layer.one(op, inputs);
}

Result<Values> resize(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const bool first, layer.channels_first());
  if (first) return Error::not_supported("data_format channels_first");
  TRY(const int rank, layer.rank(x));
  if (rank != 4) return Error::not_supported("a resize of {} dimensions", rank);
  TRY(const auto size, integers(find(layer, 1, {"size"}), "size", {}));
  if (size.size() != 2) return Error::not_supported("a size of {} numbers", size.size());
  for (const char* key :
       {"preserve_aspect_ratio", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio"})
    if (asked(layer, key)) return Error::not_supported("{}", key);
  for (const char* key : {"fill_mode", "fill_value"}) layer.ignore(key);
  std::string method = "bilinear";
  if (const Operand* given = find(layer, 2, {"method", "interpolation"});
      given != nullptr && given->literal.text() != nullptr)
    method = *given->literal.text();
  Resize op;
  op.axes = {1, 2};
  if (method == "nearest") {
    op.coordinates = Resize::Coordinates::kTfHalfPixelForNn;
    op.nearest = Resize::Nearest::kFloor;
  } else if (method == "bilinear") {
    op.mode = Resize::Mode::kLinear;
  } else {
    return Error::not_supported("the method \"{}\"", method);
  }
  return layer.one(op, {x, kNone, kNone, layer.integers_constant(size)});
}

Result<Values> depth_to_space(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  DepthToSpace op;
  TRY(op.block, integer(find(layer, 1, {"block_size"}), "block_size", 0));
  return layer.one(op, {x});
}

Result<Values> space_to_depth(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  SpaceToDepth op;
  TRY(op.block, integer(find(layer, 1, {"block_size"}), "block_size", 0));
  return layer.one(op, {x});
}

Result<Values> tile(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const auto repeats, integers(find(layer, 1, {"multiples", "repeats"}), "multiples", {}));
  return layer.one(Tile{}, {x, layer.integers_constant(repeats)});
}

Result<Values> shape(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  layer.ignore_argument("out_type");
  return layer.one(ShapeOp{}, {x});
}

/// x[a:b:c, 3, None, ...]
Result<Values> get_item(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  const Operand* spec = find(layer, 1, {"slice_spec", "key"});
  if (spec == nullptr || spec->is_tensor() || spec->is_list)
    return Error::not_supported("it is cut at places that are computed while running");
  Json::List single{spec->literal};
  const Json::List& items = spec->literal.list() != nullptr ? *spec->literal.list() : single;
  const auto is_ellipsis = [](const Json& item) {
    return item.find_text("class_name") == "__ellipsis__" || item.is_text("Ellipsis") || item.is_text("...");
  };
  const auto named =
      std::ranges::count_if(items, [&](const Json& item) { return !item.is_null() && !is_ellipsis(item); });
  if (named > rank)
    return Error::invalid_model("{} places for {} dimensions", static_cast<int64_t>(named), rank);
  std::vector<int64_t> starts, ends, axes, steps, dropped, added;
  int64_t axis = 0, out_axis = 0;
  for (const Json& item : items) {
    if (item.is_null()) {
      added.push_back(out_axis++);
    } else if (is_ellipsis(item)) {
      axis += rank - static_cast<int64_t>(named);
      out_axis += rank - static_cast<int64_t>(named);
    } else if (item.integer() != nullptr) {
      starts.push_back(*item.integer());
      ends.push_back(*item.integer() == -1 || *item.integer() == INT64_MAX ? INT64_MAX : *item.integer() + 1);
      steps.push_back(1);
      dropped.push_back(axis);
      axes.push_back(axis++);
    } else {
      const Json* range = item.find_text("class_name") == "__slice__" ? item.find("config") : &item;
      if (range == nullptr || range->object() == nullptr)
        return Error::not_supported("it is cut at {}", item.dump(60));
      const auto place = [&](const char* key, int64_t otherwise) -> Result<int64_t> {
        const Json* value = range->find(key);
        if (value == nullptr || value->is_null()) return otherwise;
        if (value->integer() == nullptr) return Error::not_supported("it is cut at {}", value->dump(60));
        return *value->integer();
      };
      TRY(const int64_t step, place("step", 1));
      TRY(const int64_t start, place("start", step < 0 ? INT64_MAX : 0));
      TRY(const int64_t stop, place("stop", step < 0 ? INT64_MIN : INT64_MAX));
      starts.push_back(start);
      ends.push_back(stop);
      steps.push_back(step);
      axes.push_back(axis++);
      ++out_axis;
    }
  }
  ValueId y = x;
  if (!starts.empty()) {
    TRY(y, layer.add(Slice{}, {y, layer.integers_constant(starts), layer.integers_constant(ends),
                               layer.integers_constant(axes), layer.integers_constant(steps)}));
  }
  if (!dropped.empty()) {
    TRY(y, layer.add(Squeeze{}, {y, layer.integers_constant(dropped)}));
  }
  if (!added.empty()) {
    TRY(y, layer.add(Unsqueeze{}, {y, layer.integers_constant(added)}));
  }
  return Values{y};
}

}  // namespace pochade::keras::call
