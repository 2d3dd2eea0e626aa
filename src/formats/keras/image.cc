// Layers that put pictures into the form that a network was trained on.

#include <algorithm>
#include <cmath>

#include "formats/keras/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/shape/slice.h"

namespace pochade::keras {
namespace {

Result<ValueId> as_float(LayerScope& layer, ValueId x) {
  if (is_float(layer.fact(x).dtype.value_or(DType::kF32))) return x;
  return layer.add(Cast{}, {x});
}

/// A number, or one for each channel, as a constant that broadcasts over the last axis.
Result<ValueId> numbers(LayerScope& layer, std::string_view key, float otherwise) {
  const Json* value = layer.get(key);
  if (value == nullptr) return layer.number_constant(otherwise);
  std::vector<float> list;
  const std::function<bool(const Json&)> collect = [&](const Json& json) {
    if (json.is_number()) {
      list.push_back(static_cast<float>(json.number()));
      return true;
    }
    return json.list() != nullptr && std::ranges::all_of(*json.list(), collect);
  };
  const bool is_array =
      value->find_text("type") == "ndarray" || value->find_text("class_name") == "__numpy__";
  const Json* inner = is_array ? value->find("value") : value;
  if (inner == nullptr || !collect(*inner) || list.empty())
    return Error::invalid_model("\"{}\" is {}, expected numbers", key, value->dump(60));
  if (list.size() == 1) return layer.number_constant(list[0]);
  return layer.constant(key, Tensor::of<float>({static_cast<int64_t>(list.size())}, list));
}

Result<Values> rescaling(LayerScope& layer) {
  TRY(const ValueId in, layer.input());
  TRY(const ValueId x, as_float(layer, in));
  TRY(const ValueId scale, numbers(layer, "scale", 1));
  TRY(const ValueId offset, numbers(layer, "offset", 0));
  TRY(const ValueId scaled, layer.add(Mul{}, {x, scale}));
  return layer.one(Add{}, {scaled, offset});
}

/// (x - mean) / max(sqrt(variance), 1e-7), of the configuration or of the weights; one an element of the
/// axes.
Result<Values> normalization(LayerScope& layer) {
  TRY(const ValueId in, layer.input());
  TRY(const int rank, layer.rank(in));
  TRY(const bool invert, layer.flag("invert", false));
  const Json* axis_json = layer.get("axis");
  std::vector<int64_t> axes;
  if (axis_json != nullptr) {
    TRY(axes, layer.integers("axis", 0));
  } else if (!layer.record().config.find("axis")) {
    axes = {-1};
  }
  // The statistics have the sizes of the kept axes, and 1 elsewhere.
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) shape.push_back(1);
  for (const int64_t named : axes) {
    const auto axis = normal_axis(named, rank);
    if (!axis || !layer.fact(in).dim(*axis).is_number())
      return Error::not_supported("axis {} of its input has no known size", named);
    shape[*axis] = layer.fact(in).dim(*axis).number();
  }
  Tensor mean, variance;
  if (layer.has("mean") && layer.has("variance")) {
    TRY(const ValueId own_mean, numbers(layer, "mean", 0));
    TRY(const ValueId own_variance, numbers(layer, "variance", 1));
    mean = layer.fact(own_mean).constant;
    variance = layer.fact(own_variance).constant;
  } else {
    TRY(const std::vector<Weight> weights, layer.variables());
    if (weights.size() < 2 || weights.size() > 3)
      return Error::invalid_model("the file has {} weights for it, expected mean, variance and count",
                                  weights.size());
    TRY(mean, weights[0].tensor.cast(DType::kF32));
    TRY(variance, weights[1].tensor.cast(DType::kF32));
  }
  layer.ignore("mean");
  layer.ignore("variance");
  const auto fit = [&](const Tensor& tensor) -> Result<Tensor> {
    if (tensor.elements() == shape.elements()) return tensor.reshaped(shape);
    if (tensor.elements() != 1)
      return Error::invalid_model("its statistics are {}, expected {}", tensor.shape(), shape);
    return tensor.reshaped({});
  };
  TRY(const Tensor means, fit(mean));
  TRY(const Tensor variances, fit(variance));
  TRY(Tensor deviations, Tensor::make(DType::kF32, variances.shape()));
  for (size_t i = 0; i < deviations.data<float>().size(); ++i)
    deviations.mutable_data<float>()[i] = std::max(std::sqrt(variances.data<float>()[i]), 1e-7f);
  TRY(const ValueId x, as_float(layer, in));
  const ValueId center = layer.constant("mean", means), width = layer.constant("deviation", deviations);
  if (invert) {
    TRY(const ValueId wide, layer.add(Mul{}, {x, width}));
    return layer.one(Add{}, {wide, center});
  }
  TRY(const ValueId centered, layer.add(Sub{}, {x, center}));
  return layer.one(Div{}, {centered, width});
}

/// The middle of a picture of known size.
Result<Values> center_crop(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const bool first, layer.channels_first());
  TRY(const int rank, layer.rank(x));
  if (rank != 4) return Error::invalid_model("its input has {} dimensions, expected 4", rank);
  std::vector<int64_t> starts, ends, axes;
  for (const auto& [key, axis] : {std::pair{"height", first ? 2 : 1}, {"width", first ? 3 : 2}}) {
    TRY(const int64_t size, layer.integer(key));
    const Dim& dim = layer.fact(x).dim(axis);
    if (!dim.is_number() || dim.number() < size || size < 1)
      return Error::not_supported("a {} of {} from a picture of {}: only a known and larger one is cut", key,
                                  size, to_string(dim));
    starts.push_back((dim.number() - size) / 2);
    ends.push_back((dim.number() - size) / 2 + size);
    axes.push_back(axis);
  }
  return layer.one(Slice{}, {x, layer.integers_constant(starts), layer.integers_constant(ends),
                             layer.integers_constant(axes)});
}

constexpr Row kImageRows[] = {
    {"Rescaling", rescaling},
    {"Normalization", normalization},
    {"CenterCrop", center_crop},
    {"RandomCrop", nullptr, "it cuts and resizes, by sizes of the picture, also when it is not trained"},
};

}  // namespace

std::span<const Row> image_rows() {
  return kImageRows;
}

}  // namespace pochade::keras
