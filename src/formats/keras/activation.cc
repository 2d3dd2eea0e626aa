#include <algorithm>

#include "formats/keras/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/norm/softmax.h"

namespace pochade::keras {
namespace {

using Apply = Result<ValueId> (*)(LayerScope& layer, ValueId x);

template <typename Op>
Result<ValueId> plain(LayerScope& layer, ValueId x) {
  return layer.add(Op{}, {x});
}

Result<ValueId> clip(LayerScope& layer, ValueId x, float low, float high) {
  return layer.add(Clip{}, {x, layer.number_constant(low), layer.number_constant(high)});
}

Result<ValueId> linear(LayerScope&, ValueId x) {
  return x;
}

Result<ValueId> relu6(LayerScope& layer, ValueId x) {
  return clip(layer, x, 0, 6);
}

Result<ValueId> hard_tanh(LayerScope& layer, ValueId x) {
  return clip(layer, x, -1, 1);
}

/// Keras 1 and 2: clip(0.2 x + 0.5, 0, 1); Keras 3: relu6(x + 3) / 6.
Result<ValueId> hard_sigmoid(LayerScope& layer, ValueId x) {
  HardSigmoid op;
  op.alpha = layer.file().major >= 3 ? 1.0f / 6 : 0.2f;
  return layer.add(op, {x});
}

Result<ValueId> leaky_relu(LayerScope& layer, ValueId x) {
  LeakyRelu op;
  op.alpha = 0.2f;
  return layer.add(op, {x});
}

Result<ValueId> gelu_tanh(LayerScope& layer, ValueId x) {
  Gelu op;
  op.tanh_approximation = true;
  return layer.add(op, {x});
}

Result<ValueId> log_sigmoid(LayerScope& layer, ValueId x) {
  TRY(const ValueId negative, layer.add(Neg{}, {x}));
  TRY(const ValueId softplus, layer.add(Softplus{}, {negative}));
  return layer.add(Neg{}, {softplus});
}

Result<ValueId> tanh_shrink(LayerScope& layer, ValueId x) {
  TRY(const ValueId tanh, layer.add(Tanh{}, {x}));
  return layer.add(Sub{}, {x, tanh});
}

template <bool kSoft>
Result<ValueId> shrink(LayerScope& layer, ValueId x) {
  Shrink op;
  op.bias = kSoft ? 0.5f : 0;
  return layer.add(op, {x});
}

/// Over the last axis; a vector is its own batch.
template <typename Op>
Result<ValueId> softmax(LayerScope& layer, ValueId x) {
  return layer.add(Op{}, {x});
}

struct Named {
  std::string_view name;
  Apply apply;
};

constexpr Named kActivations[] = {
    {"linear", linear},
    {"relu", plain<Relu>},
    {"relu6", relu6},
    {"sigmoid", plain<Sigmoid>},
    {"hard_sigmoid", hard_sigmoid},
    {"tanh", plain<Tanh>},
    {"hard_tanh", hard_tanh},
    {"softmax", softmax<Softmax>},
    {"log_softmax", softmax<LogSoftmax>},
    {"softplus", plain<Softplus>},
    {"softsign", plain<Softsign>},
    {"elu", plain<Elu>},
    {"selu", plain<Selu>},
    {"celu", plain<Celu>},
    {"gelu", plain<Gelu>},
    {"gelu_new", gelu_tanh},
    {"swish", plain<Silu>},
    {"silu", plain<Silu>},
    {"hard_swish", plain<HardSwish>},
    {"hard_silu", plain<HardSwish>},
    {"exponential", plain<Exp>},
    {"mish", plain<Mish>},
    {"leaky_relu", leaky_relu},
    {"log_sigmoid", log_sigmoid},
    {"tanh_shrink", tanh_shrink},
    {"soft_shrink", shrink<true>},
    {"hard_shrink", shrink<false>},
};

/// The name of an activation that stands as an object: {"class_name": "function", "config": "relu"}.
std::string_view function_name(const Json& activation) {
  if (activation.text() != nullptr) return *activation.text();
  const std::string_view kind = activation.find_text("class_name");
  const Json* config = activation.find("config");
  if ((kind == "function" || kind == "Function") && config != nullptr && config->text() != nullptr)
    return *config->text();
  return "";
}

Result<Values> activation(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const ValueId y, layer.activate(x, layer.get("activation")));
  return Values{y};
}

/// max_value: x from there on is it; below the threshold: negative_slope * (x - threshold).
Result<ValueId> relu_with(LayerScope& layer, ValueId x, float slope, float threshold,
                          std::optional<float> most) {
  ValueId y = kNone;
  if (threshold == 0 && slope == 0) {
    if (most) return clip(layer, x, 0, *most);
    return layer.add(Relu{}, {x});
  }
  if (threshold == 0) {
    LeakyRelu leaky;
    leaky.alpha = slope;
    TRY(y, layer.add(leaky, {x}));
    if (most) {
      TRY(y, layer.add(Min{}, {y, layer.number_constant(*most)}));
    }
    return y;
  }
  const ValueId at = layer.number_constant(threshold);
  TRY(const ValueId above, layer.add(Greater{}, {x, at}));
  TRY(y, layer.add(Where{}, {above, x, layer.number_constant(0)}));
  if (most) {
    TRY(y, clip(layer, y, 0, *most));
  }
  if (slope == 0) return y;
  TRY(const ValueId distance, layer.add(Sub{}, {at, x}));
  TRY(const ValueId below, layer.add(Relu{}, {distance}));
  TRY(const ValueId part, layer.add(Mul{}, {below, layer.number_constant(slope)}));
  return layer.add(Sub{}, {y, part});
}

Result<Values> relu(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const float slope, layer.number("negative_slope", 0));
  TRY(const float threshold, layer.number("threshold", 0));
  std::optional<float> most;
  if (layer.has("max_value")) {
    TRY(most, layer.number("max_value", 0));
    if (!(*most >= 0)) return Error::invalid_model("\"max_value\" is {}, expected 0 or more", *most);
  }
  layer.ignore("max_value");
  TRY(const ValueId y, relu_with(layer, x, slope, threshold, most));
  return Values{y};
}

Result<Values> leaky_relu_layer(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  LeakyRelu op;
  TRY(const float alpha, layer.number("alpha", 0.3f));
  TRY(op.alpha, layer.number("negative_slope", alpha));
  return layer.one(op, {x});
}

Result<Values> elu_layer(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  Elu op;
  TRY(op.alpha, layer.number("alpha", 1));
  return layer.one(op, {x});
}

Result<Values> thresholded_relu(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  ThresholdedRelu op;
  TRY(op.alpha, layer.number("theta", 1));
  return layer.one(op, {x});
}

/// alpha has the sizes of the input, or 1 along the shared axes.
Result<Values> prelu(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  layer.ignore("shared_axes");  // the size of alpha says it
  TRY(const std::vector<Tensor> weights, layer.weights({"alpha"}));
  if (weights[0].rank() != rank - 1)
    return Error::invalid_model("alpha has {} dimensions, expected {}", weights[0].rank(), rank - 1);
  TRY(const Tensor alpha, weights[0].cast(DType::kF32));
  return layer.one(PRelu{}, {x, layer.constant("alpha", alpha)});
}

Result<Values> softmax_layer(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  Softmax op;
  TRY(const std::vector<int64_t> axes, layer.integers("axis", 0, {-1}));
  if (axes.size() != 1) return Error::not_supported("a softmax over {} axes together", axes.size());
  op.axis = axes[0];
  return layer.one(op, {x});
}

constexpr Row kActivationRows[] = {
    {"Activation", activation}, {"ReLU", relu},     {"LeakyReLU", leaky_relu_layer},
    {"PReLU", prelu},           {"ELU", elu_layer}, {"ThresholdedReLU", thresholded_relu},
    {"Softmax", softmax_layer},
};

}  // namespace

Result<ValueId> LayerScope::activate(ValueId x, const Json* json) {
  if (json == nullptr) return x;
  if (const std::string_view name = function_name(*json); !name.empty()) {
    for (const Named& known : kActivations)
      if (known.name == name) return known.apply(*this, x);
    return Error::not_supported("the activation \"{}\"", name);
  }
  // A layer stands as the activation of another.
  TRY(LayerRecord inner, parse_layer(*json, file_.major).context("activation"));
  if (inner.name == inner.class_name) inner.name = "activation";
  TRY(const Values results, import_inner_(inner, weights_, {x}));
  return results.at(0);
}

std::span<const Row> activation_rows() {
  return kActivationRows;
}

}  // namespace pochade::keras
