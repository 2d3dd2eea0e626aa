// Layers that are not part of Keras, whose meaning is published.

#include "formats/keras/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/unary.h"
#include "ops/norm/instance_normalization.h"
#include "ops/reduce/reduce.h"

namespace pochade::keras {
namespace {

/// keras-contrib's: (x - mean) / (deviation + epsilon) * gamma + beta, with the statistics of each channel of
/// each picture; axis null: of each picture. (Not the square root of variance + epsilon that others have.)
Result<Values> instance_normalization(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  TRY(const float epsilon, layer.number("epsilon", 1e-3f));
  TRY(const bool scale, layer.flag("scale", true));
  TRY(const bool center, layer.flag("center", true));
  const bool of_channels = layer.has("axis");
  TRY(const int64_t named, layer.integer("axis", -1));
  const auto axis = normal_axis(named, rank);
  if (!axis || *axis == 0)
    return Error::invalid_model("axis is {}, and the input has {} dimensions", named, rank);
  TRY(const std::vector<Weight> weights, layer.variables());
  if (weights.size() != static_cast<size_t>(scale) + static_cast<size_t>(center))
    return Error::invalid_model("the file has {} weights for it, expected {}", weights.size(),
                                scale + center);
  const auto parameter = [&](const Tensor& tensor, std::string_view role) -> Result<ValueId> {
    TRY(Tensor floats, tensor.cast(DType::kF32));
    if (of_channels) {
      Shape shape;
      for (int i = *axis; i < rank; ++i) shape.push_back(i == *axis ? floats.elements() : 1);
      floats = floats.reshaped(shape);
    }
    return layer.constant(role, floats);
  };

  if (layer.has("groups")) {  // TensorFlow Addons': variance + epsilon under the root
    layer.ignore("groups");
    if (weights.size() != 2 || *axis != rank - 1)
      return Error::not_supported("TensorFlow Addons' with scale, center or axis: {}",
                                  layer.record().config.dump());
    InstanceNormalization op;
    op.epsilon = epsilon;
    TRY(const ValueId gamma, parameter(weights[0].tensor, "gamma"));
    TRY(const ValueId beta, parameter(weights[1].tensor, "beta"));
    return layer.one(op, {x, gamma, beta});
  }

  std::vector<int64_t> axes;
  for (int i = 1; i < rank; ++i)
    if (!of_channels || i != *axis) axes.push_back(i);
  const ValueId over = layer.integers_constant(axes);
  TRY(const ValueId mean, layer.add(ReduceMean{}, {x, over}));
  TRY(const ValueId centered, layer.add(Sub{}, {x, mean}));
  TRY(const ValueId squared, layer.add(Mul{}, {centered, centered}));
  TRY(const ValueId variance, layer.add(ReduceMean{}, {squared, over}));
  TRY(const ValueId deviation, layer.add(Sqrt{}, {variance}));
  TRY(const ValueId divisor, layer.add(Add{}, {deviation, layer.number_constant(epsilon)}));
  TRY(ValueId y, layer.add(Div{}, {centered, divisor}));
  size_t at = 0;
  if (scale) {
    TRY(const ValueId gamma, parameter(weights[at++].tensor, "gamma"));
    TRY(y, layer.add(Mul{}, {y, gamma}));
  }
  if (center) {
    TRY(const ValueId beta, parameter(weights[at++].tensor, "beta"));
    TRY(y, layer.add(Add{}, {y, beta}));
  }
  return Values{y};
}

/// Of the fast style networks of Fritz: what comes out of them becomes a picture, (tanh(x) + 1) * 127.5. The
/// tanh is the layer before it where the network has one.
Result<Values> deprocess_stylized_image(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const ValueId above, layer.add(Add{}, {x, layer.number_constant(1)}));
  return layer.one(Mul{}, {above, layer.number_constant(127.5f)});
}

/// Of ConvNeXt: x * gamma, by channel.
Result<Values> layer_scale(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  layer.ignore("init_values");
  layer.ignore("projection_dim");
  TRY(const std::vector<Tensor> weights, layer.weights({"gamma"}));
  TRY(const Tensor gamma, weights[0].cast(DType::kF32));
  return layer.one(Mul{}, {x, layer.constant("gamma", gamma)});
}

/// Of ConvNeXt: leaves out a branch at times, in training only.
Result<Values> stochastic_depth(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  layer.ignore_all();
  return Values{x};
}

constexpr Row kCustomRows[] = {
    {"LayerScale", layer_scale},
    {"StochasticDepth", stochastic_depth},
    {"InstanceNormalization", instance_normalization},
    {"DeprocessStylizedImage", deprocess_stylized_image},
};

}  // namespace

std::span<const Row> custom_rows() {
  return kCustomRows;
}

}  // namespace pochade::keras
