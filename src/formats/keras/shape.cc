#include "formats/keras/rows.h"
#include "ops/resize/resize.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"

namespace pochade::keras {
namespace {

struct Sides {
  std::vector<int64_t> before, after;  ///< one a spatial axis
};

/// "padding" or "cropping": one number, one an axis, or a pair an axis. Keras 1 also had objects with the
/// names of the sides.
Result<Sides> read_sides(LayerScope& layer, std::string_view key, size_t axes) {
  Sides out;
  const Json* value = layer.get(key);
  const auto bad = [&] {
    return Error::invalid_model("\"{}\" is {}, expected sizes of {} axes", key,
                                value != nullptr ? value->dump(60) : "missing", axes);
  };
  const auto push = [&](const Json* before, const Json* after) {
    if (before == nullptr || after == nullptr || before->integer() == nullptr || after->integer() == nullptr)
      return false;
    const int64_t most = int64_t{1} << 24;
    if (*before->integer() < 0 || *after->integer() < 0 || *before->integer() > most ||
        *after->integer() > most)
      return false;
    out.before.push_back(*before->integer());
    out.after.push_back(*after->integer());
    return true;
  };
  if (value == nullptr) return bad();
  if (value->integer() != nullptr) {
    for (size_t axis = 0; axis < axes; ++axis)
      if (!push(value, value)) return bad();
    return out;
  }
  if (value->object() != nullptr && axes == 2) {
    if (!push(value->find("top_pad"), value->find("bottom_pad")) ||
        !push(value->find("left_pad"), value->find("right_pad")))
      return bad();
    return out;
  }
  const Json::List* items = value->list();
  if (items == nullptr) return bad();
  const bool numbers = !items->empty() && (*items)[0].integer() != nullptr;
  if (numbers && items->size() == 2 * axes) {  // begin and end of each axis in turn
    for (size_t axis = 0; axis < axes; ++axis)
      if (!push(&(*items)[2 * axis], &(*items)[2 * axis + 1])) return bad();
    return out;
  }
  if (items->size() != axes) return bad();
  for (const Json& item : *items) {
    const Json::List* pair = item.list();
    if (pair != nullptr && pair->size() != 2) return bad();
    if (!(pair != nullptr ? push(pair->data(), pair->data() + 1) : push(&item, &item))) return bad();
  }
  return out;
}

/// The axis in the layer's own layout of spatial axis 0.
Result<int> first_spatial_axis(LayerScope& layer, ValueId x, size_t axes) {
  TRY(const bool first, layer.channels_first());
  TRY(const int rank, layer.rank(x));
  if (rank != static_cast<int>(axes) + 2)
    return Error::invalid_model("its input has {} dimensions, expected {}", rank, axes + 2);
  return first ? 2 : 1;
}

template <size_t kAxes>
Result<Values> pad(LayerScope& layer, const Sides& sides, PadFill fill) {
  TRY(const ValueId x, layer.input());
  TRY(const int first, first_spatial_axis(layer, x, kAxes));
  std::vector<int64_t> pads(2 * (kAxes + 2), 0);
  for (size_t axis = 0; axis < kAxes; ++axis) {
    pads[static_cast<size_t>(first) + axis] = sides.before[axis];
    pads[kAxes + 2 + static_cast<size_t>(first) + axis] = sides.after[axis];
  }
  Pad op;
  op.mode = fill;
  return layer.one(op, {x, layer.integers_constant(pads)});
}

template <size_t kAxes>
Result<Values> zero_padding(LayerScope& layer) {
  TRY(const Sides sides, read_sides(layer, "padding", kAxes));
  return pad<kAxes>(layer, sides, PadFill::kConstant);
}

/// Mirrors what lies inside the border: a layer that many style networks define for themselves. Some take two
/// numbers as height and width, others as width and height, so only equal ones are clear.
Result<Values> reflection_padding(LayerScope& layer) {
  const std::string config = layer.record().config.dump();
  if (!layer.has("padding")) return Error::not_supported("its configuration says no padding: {}", config);
  TRY(const Sides sides, read_sides(layer, "padding", 2));
  const Json::List* items = layer.get("padding")->list();
  const bool two_numbers = items != nullptr && items->size() == 2 && (*items)[0].integer() != nullptr;
  if (two_numbers && sides.before[0] != sides.before[1])
    return Error::not_supported("which of its paddings is the height's is not said: {}", config);
  return pad<2>(layer, sides, PadFill::kReflect);
}

template <size_t kAxes>
Result<Values> cropping(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int first, first_spatial_axis(layer, x, kAxes));
  TRY(const Sides sides, read_sides(layer, "cropping", kAxes));
  std::vector<int64_t> starts, ends, axes;
  for (size_t axis = 0; axis < kAxes; ++axis) {
    const int own = first + static_cast<int>(axis);
    const Dim& size = layer.fact(x).dim(own);
    if (size.is_number() && sides.before[axis] + sides.after[axis] >= size.number())
      return Error::invalid_model("cropping {} and {} of {} elements leaves nothing", sides.before[axis],
                                  sides.after[axis], size.number());
    starts.push_back(sides.before[axis]);
    ends.push_back(sides.after[axis] == 0 ? INT64_MAX : -sides.after[axis]);
    axes.push_back(own);
  }
  return layer.one(Slice{}, {x, layer.integers_constant(starts), layer.integers_constant(ends),
                             layer.integers_constant(axes)});
}

/// TensorFlow's ways to look between pixels: their middles count, and the border repeats.
Status set_interpolation(Resize& op, const std::string& name) {
  op.coordinates = Resize::Coordinates::kHalfPixel;
  if (name == "nearest") {
    op.mode = Resize::Mode::kNearest;
    op.coordinates = Resize::Coordinates::kTfHalfPixelForNn;
    op.nearest = Resize::Nearest::kFloor;
  } else if (name == "bilinear") {
    op.mode = Resize::Mode::kLinear;
  } else if (name == "bicubic") {
    op.mode = Resize::Mode::kCubic;
    op.cubic_coefficient = -0.5f;
    op.exclude_outside = true;
  } else {
    return Error::not_supported("interpolation \"{}\"", name);
  }
  return {};
}

template <size_t kAxes>
Result<Values> up_sampling(LayerScope& layer) {
  TRY(const ValueId in, layer.input());
  TRY(const bool first, layer.channels_first());
  TRY(first_spatial_axis(layer, in, kAxes));
  TRY(const std::vector<int64_t> size, layer.integers("size", kAxes, std::vector<int64_t>(kAxes, 2)));
  TRY(const std::string interpolation, layer.text("interpolation", "nearest"));
  Resize op;
  TRY(set_interpolation(op, interpolation));
  if (interpolation == "nearest") op.coordinates = Resize::Coordinates::kAsymmetric;
  std::vector<float> scales;
  for (size_t axis = 0; axis < kAxes; ++axis) {
    if (size[axis] < 1 || size[axis] > (1 << 16)) return Error::invalid_model("size holds {}", size[axis]);
    scales.push_back(static_cast<float>(size[axis]));
    op.axes.push_back(static_cast<int64_t>(axis) + 1);
  }
  TRY(const ValueId x, layer.to_last(in, first));
  const ValueId factors = layer.constant("scales", Tensor::of<float>({static_cast<int64_t>(kAxes)}, scales));
  TRY(const ValueId y, layer.add(op, {x, kNone, factors}));
  TRY(const ValueId out, layer.to_first(y, first));
  return Values{out};
}

Result<Values> resizing(LayerScope& layer) {
  TRY(const ValueId in, layer.input());
  TRY(const bool first, layer.channels_first());
  TRY(first_spatial_axis(layer, in, 2));
  TRY(const int64_t height, layer.integer("height"));
  TRY(const int64_t width, layer.integer("width"));
  TRY(const std::string interpolation, layer.text("interpolation", "bilinear"));
  for (const char* key : {"crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"}) {
    TRY(const bool asked, layer.flag(key, false));
    if (asked) return Error::not_supported("{}", key);
  }
  for (const char* key : {"fill_mode", "fill_value", "interpolations"}) layer.ignore(key);
  Resize op;
  TRY(set_interpolation(op, interpolation));
  op.axes = {1, 2};
  TRY(const ValueId x, layer.to_last(in, first));
  TRY(const ValueId y, layer.add(op, {x, kNone, kNone, layer.integers_constant({height, width})}));
  TRY(const ValueId out, layer.to_first(y, first));
  return Values{out};
}

constexpr Row kShapeRows[] = {
    {"ZeroPadding1D", zero_padding<1>},
    {"ZeroPadding2D", zero_padding<2>},
    {"ZeroPadding3D", zero_padding<3>},
    {"ReflectionPadding2D", reflection_padding},
    {"Cropping1D", cropping<1>},
    {"Cropping2D", cropping<2>},
    {"Cropping3D", cropping<3>},
    {"UpSampling1D", up_sampling<1>},
    {"UpSampling2D", up_sampling<2>},
    {"UpSampling3D", up_sampling<3>},
    {"Resizing", resizing},
};

}  // namespace

std::span<const Row> shape_rows() {
  return kShapeRows;
}

}  // namespace pochade::keras
