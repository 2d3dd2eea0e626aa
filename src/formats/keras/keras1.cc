// Keras 1 (2015 to 2017) in the words of Keras 2: names of classes and keys, and the forms of their values.

#include "formats/keras/records.h"

namespace pochade::keras {
namespace {

struct Rename {
  std::string_view from;
  std::string_view to;
};

constexpr Rename kClasses[] = {
    {"Convolution1D", "Conv1D"},
    {"Convolution2D", "Conv2D"},
    {"Convolution3D", "Conv3D"},
    {"AtrousConvolution1D", "Conv1D"},
    {"AtrousConvolution2D", "Conv2D"},
    {"SeparableConvolution2D", "SeparableConv2D"},
    {"Deconvolution2D", "Conv2DTranspose"},
};

/// Keys that only were renamed.
constexpr Rename kKeys[] = {
    {"nb_filter", "filters"},
    {"border_mode", "padding"},
    {"subsample", "strides"},
    {"subsample_length", "strides"},
    {"filter_length", "kernel_size"},
    {"atrous_rate", "dilation_rate"},
    {"bias", "use_bias"},
    {"output_dim", "units"},
    {"p", "rate"},
    {"pool_length", "pool_size"},
    {"stride", "strides"},
    {"length", "size"},
    {"inner_activation", "recurrent_activation"},
    {"output_shape", "output_shape_1"},
};

/// What only training, or the shape that is written elsewhere too, needs.
constexpr std::string_view kUnneeded[] = {"init",
                                          "inner_init",
                                          "forget_bias_init",
                                          "W_regularizer",
                                          "b_regularizer",
                                          "U_regularizer",
                                          "W_constraint",
                                          "b_constraint",
                                          "U_constraint",
                                          "W_learning_rate_multiplier",
                                          "b_learning_rate_multiplier",
                                          "input_dim",
                                          "input_length",
                                          "dropout_W",
                                          "dropout_U",
                                          "consume_less",
                                          "weights",
                                          "beta_init",
                                          "gamma_init",
                                          "depthwise_init",
                                          "pointwise_init",
                                          "cache_enabled",
                                          "custom_input_dim"};

void rename(Json& config, std::string_view from, std::string_view to) {
  const Json* value = config.find(from);
  if (value == nullptr) return;
  Json copy = *value;
  config.erase(from);
  config.set(to, std::move(copy));
}

/// Merge(mode=...) became a layer for each mode.
Status modernise_merge(LayerRecord& layer) {
  constexpr Rename kModes[] = {{"sum", "Add"},     {"mul", "Multiply"}, {"concat", "Concatenate"},
                               {"ave", "Average"}, {"max", "Maximum"},  {"dot", "Dot"},
                               {"cos", "Dot"}};
  const std::string mode(layer.config.find_text("mode"));
  for (const Rename& known : kModes) {
    if (known.from != mode) continue;
    layer.class_name = known.to;
    Json config{Json::Object{}};
    config.set("name", Json(layer.name));
    if (mode == "concat") {
      const Json* axis = layer.config.find("concat_axis");
      config.set("axis", axis != nullptr ? *axis : Json(int64_t{-1}));
    }
    if (mode == "dot" || mode == "cos") {
      const Json* axes = layer.config.find("dot_axes");
      config.set("axes", axes != nullptr ? *axes : Json(int64_t{-1}));
      config.set("normalize", Json(mode == "cos"));
    }
    layer.config = std::move(config);
    return {};
  }
  return Error::not_supported("the mode \"{}\" of Merge; {}", mode, layer.config.dump());
}

}  // namespace

Status modernise(LayerRecord& layer) {
  if (layer.class_name == "Merge") return modernise_merge(layer);
  for (const Rename& known : kClasses)
    if (layer.class_name == known.from) layer.class_name = known.to;
  Json& config = layer.config;
  if (layer.class_name == "Embedding") {  // here output_dim stayed
    config.erase("dropout");
    config.erase("weights");
    return {};
  }
  for (const std::string_view key : kUnneeded) config.erase(key);
  if (const Json *rows = config.find("nb_row"), *columns = config.find("nb_col"); rows && columns) {
    Json size(Json::List{*rows, *columns});
    config.erase("nb_row");
    config.erase("nb_col");
    config.set("kernel_size", std::move(size));
  }
  for (const Rename& key : kKeys) rename(config, key.from, key.to);
  if (const std::string_view order = config.find_text("dim_ordering"); !order.empty()) {
    config.set("data_format", Json(std::string(order == "th" ? "channels_first" : "channels_last")));
    config.erase("dim_ordering");
  }
  if (layer.class_name == "BatchNormalization") {
    const Json* mode = config.find("mode");
    if (mode != nullptr && mode->number() != 0)
      return Error::not_supported("mode {} of BatchNormalization, which takes its statistics from the batch",
                                  mode->dump());
    config.erase("mode");
  }
  if (layer.class_name == "Conv2DTranspose") config.erase("output_shape_1");
  if (layer.class_name == "TimeDistributedDense") layer.class_name = "Dense";
  if (layer.class_name == "ParametricSoftplus" || layer.class_name == "MaxoutDense" ||
      layer.class_name == "Highway")
    return Error::not_supported("a layer that Keras gave up; {}", config.dump());
  return {};
}

}  // namespace pochade::keras
