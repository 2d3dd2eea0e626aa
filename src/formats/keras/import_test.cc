#include "formats/keras/import.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/keras/rows.h"
#include "formats/keras/stream.h"
#include "graph/evaluate.h"

namespace pochade::keras {
namespace {

/// A legacy file without the file: its configuration and its weights.
class Model {
 public:
  explicit Model(std::string version = "2.9.0") {
    contents_.attributes["@keras_version"] = {std::move(version)};
  }

  /// Layers as JSON, one behind the other.
  Model& sequential(const std::string& layers) {
    return config(R"({"class_name": "Sequential", "config": {"name": "m", "layers": [)" + layers + "]}}");
  }
  Model& functional(const std::string& layers, const std::string& inputs, const std::string& outputs) {
    return config(R"({"class_name": "Functional", "config": {"name": "m", "layers": [)" + layers +
                  R"(], "input_layers": )" + inputs + R"(, "output_layers": )" + outputs + "}}");
  }
  Model& config(std::string json) {
    contents_.attributes["@model_config"] = {std::move(json)};
    return *this;
  }
  Model& backend(std::string name) {
    contents_.attributes["@backend"] = {std::move(name)};
    return *this;
  }
  Model& weight(const std::string& layer, const std::string& name, const Shape& shape,
                std::vector<float> values) {
    contents_.attributes["model_weights/" + layer + "@weight_names"].push_back(name);
    contents_.datasets["model_weights/" + layer + "/" + name] = Tensor::of<float>(shape, values);
    return *this;
  }
  Result<Graph> import() const { return import_contents(contents_); }
  std::string error() const {
    const auto graph = import();
    return graph ? "no error" : graph.error().text();
  }
  /// The first output for one input.
  std::vector<float> run(const Shape& shape, const std::vector<float>& values) const {
    const auto graph = import();
    if (!graph) {
      ADD_FAILURE() << graph.error().text();
      return {};
    }
    const auto outputs = evaluate(*graph, {Tensor::of<float>(shape, values)});
    if (!outputs) {
      ADD_FAILURE() << outputs.error().text();
      return {};
    }
    return to_floats(outputs->at(0));
  }

 private:
  Contents contents_;
};

std::string input(const std::string& shape) {
  return R"({"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": )" + shape + "}}";
}
std::string layer(const std::string& class_name, const std::string& name, const std::string& config) {
  return R"({"class_name": ")" + class_name + R"(", "config": {"name": ")" + name + "\"" +
         (config.empty() ? "" : ", " + config) + "}}";
}

#define EXPECT_ERROR(model, part) EXPECT_NE((model).error().find(part), std::string::npos) << (model).error()

TEST(KerasImport, InputsAndOutputsHaveTheFilesNamesAndSizes) {
  const Graph graph =
      Model().sequential(input("[null, null, null, 3]") + "," + layer("ReLU", "last", "")).import().value();
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "x");
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "float32 NxHxWx3");
  EXPECT_EQ(graph.outputs()[0].name, "last");
  EXPECT_EQ(graph.metadata().at("producer"), "Keras 2.9.0");
}

TEST(KerasImport, UnknownLayersAreNamedWithTheirConfiguration) {
  const Model model =
      Model().sequential(input("[null, 4]") + "," + layer("MyLayer", "mine", R"("power": 3)") + "," +
                         layer("Lambda", "f", R"("function": "4wEAAA")"));
  EXPECT_ERROR(model, R"(MyLayer (layer "mine"; its configuration is {"name": "mine", "power": 3}))");
  EXPECT_ERROR(model, R"(Lambda (layer "f": its meaning is a program)");
}

TEST(KerasImport, KeysThatNobodyReadAreRefused) {
  EXPECT_ERROR(Model().sequential(input("[null, 4]") + "," + layer("ReLU", "r", R"("wobble": 2)")),
               R"(layer "r" (ReLU): "wobble" = 2 is not known for this layer)");
  EXPECT_ERROR(Model().sequential(input("[null, 4]") + "," + layer("Softmax", "s", R"("axis": "left")")),
               R"("axis" is "left", expected integers)");
}

TEST(KerasImport, WeightsAreCounted) {
  const std::string dense =
      input("[null, 2]") + "," + layer("Dense", "d", R"("units": 1, "activation": "linear")");
  EXPECT_ERROR(Model().sequential(dense),
               R"(layer "d" (Dense): the file has 0 weights for it, expected 2 (kernel, bias))");
  EXPECT_ERROR(Model()
                   .sequential(dense)
                   .weight("d", "d/kernel:0", {2, 3}, {1, 2, 3, 4, 5, 6})
                   .weight("d", "d/bias:0", {1}, {0}),
               "kernel is 2x3, and units 1");
  EXPECT_EQ(Model()
                .sequential(dense)
                .weight("d", "d/kernel:0", {2, 1}, {2, 3})
                .weight("d", "d/bias:0", {1}, {1})
                .run({1, 2}, {10, 100}),
            (std::vector<float>{321}));
}

TEST(KerasImport, FilesWithoutAnArchitectureSaySo) {
  Contents weights;
  weights.attributes["@layer_names"] = {"conv"};
  EXPECT_NE(import_contents(weights).error().text().find("it holds weights only"), std::string::npos);
  EXPECT_NE(import_contents({}).error().text().find("no attribute model_config"), std::string::npos);
}

TEST(KerasImport, BrokenGraphsAreErrors) {
  const std::string x =
      R"({"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": {"name": "x", "batch_input_shape": [null, 2]}})";
  const auto relu = [](const std::string& name, const std::string& from) {
    return R"({"class_name": "ReLU", "name": ")" + name + R"(", "config": {"name": ")" + name +
           R"("}, "inbound_nodes": [[[")" + from + R"(", 0, 0, {}]]]})";
  };
  const std::string in = R"([["x", 0, 0]])";
  EXPECT_EQ(Model().functional(x + "," + relu("a", "x"), in, R"([["a", 0, 0]])").run({1, 2}, {-1, 1}),
            (std::vector<float>{0, 1}));
  EXPECT_ERROR(Model().functional(x + "," + relu("a", "b") + "," + relu("b", "a"), in, R"([["a", 0, 0]])"),
               "waits for its own output");
  EXPECT_ERROR(Model().functional(x + "," + relu("a", "q"), in, R"([["a", 0, 0]])"),
               "\"q\", which is no layer of the model");
  EXPECT_ERROR(Model().functional(x + "," + relu("a", "x"), in, R"([["a", 0, 1]])"),
               "output 1 of layer \"a\" is used, which has 1");
  EXPECT_ERROR(Model().functional(x + "," + relu("a", "x"), in, R"([["a", 3, 0]])"),
               "call 3 of layer \"a\" is used");
  EXPECT_ERROR(Model().functional(x + "," + relu("a", "x") + "," + relu("a", "x"), in, R"([["a", 0, 0]])"),
               "two layers have the name");
  EXPECT_ERROR(Model().functional(x, in, "[]"), "output_layers is empty");
  EXPECT_ERROR(Model().config("{\"class_name\": \"MyModel\", \"config\": {\"size\": 3}}"),
               "the model is a class of its own");
}

/// A functional model of Keras 3 whose only operator has these arguments behind the input.
std::string error_of_operator(const std::string& class_name, const std::string& config,
                              const std::string& arguments) {
  return Model("3.0.0")
      .functional(
          R"({"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": {"name": "x", "batch_input_shape": [null, 6, 2]}},)"
          R"({"class_name": ")" +
              class_name + R"(", "name": "a", "config": {"name": "a")" + config +
              R"(}, "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}})" +
              arguments + R"(], "kwargs": {}}]})",
          R"([["x", 0, 0]])", R"([["a", 0, 0]])")
      .error();
}

TEST(KerasImport, PlacesBeyondAllSizesAreErrors) {
  const auto cut_at = [](const std::string& places) {
    return error_of_operator("Split", R"(, "indices_or_sections": )" + places + R"(, "axis": 1)", "");
  };
  EXPECT_EQ(cut_at("[2, 4]"), "no error");
  for (const char* places : {"[4, 2]", "[-1]", "[7]", "[-9223372036854775808, 9223372036854775807]"})
    EXPECT_NE(cut_at(places).find("not in order between 0 and 6"), std::string::npos)
        << places << ": " << cut_at(places);
  EXPECT_EQ(error_of_operator("GetItem", "", ", [0, 1]"), "no error");
  EXPECT_NE(error_of_operator("GetItem", "", ", [0, 9223372036854775807]"), "no error");
}

TEST(KerasImport, ModelsThatMultiplyAreBounded) {
  // Each level calls the one inside it eight times: 8^7 activations in a few kB.
  std::string inner = R"({"class_name": "Sequential", "name": "l0", "config": {"name": "l0", "layers": [)" +
                      input("[null, 2]") + "," + layer("ReLU", "r", "") + "]}";
  for (int level = 1; level <= 7; ++level) {
    const std::string below = "l" + std::to_string(level - 1);
    std::string calls = R"([[["x", 0, 0, {}]])";
    for (int i = 0; i < 7; ++i) calls += R"(, [[")" + below + "\", " + std::to_string(i + 1) + ", 0, {}]]";
    const std::string name = "l" + std::to_string(level);
    inner =
        R"({"class_name": "Functional", "name": ")" + name + R"(", "config": {"name": ")" + name +
        R"(", "layers": [)" +
        R"({"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": {"name": "x", "batch_input_shape": [null, 2]}}, )" +
        inner + ", \"inbound_nodes\": " + calls +
        R"(]}], "input_layers": [["x", 0, 0]], "output_layers": [[")" + below + R"(", 8, 0]]})";
  }
  EXPECT_ERROR(Model().config(inner + "}"), "the model has more than 200000 operators");
}

TEST(KerasImport, ActivationsChangedTheirMeaning) {
  const std::string layers =
      input("[null, 1]") + "," + layer("Activation", "a", R"("activation": "hard_sigmoid")");
  EXPECT_FLOAT_EQ(Model("2.4.0").sequential(layers).run({1, 1}, {1})[0], 0.7f);
  EXPECT_FLOAT_EQ(Model("3.1.0").sequential(layers).run({1, 1}, {1})[0], 4.0f / 6);
}

TEST(KerasImport, CustomLayersOfStyleNetworks) {
  const std::string norm =
      input("[null, 2, 1, 1]") + "," + layer("InstanceNormalization", "n", R"("axis": -1, "epsilon": 0.001)");
  const std::vector<float> y = Model()
                                   .sequential(norm)
                                   .weight("n", "n/gamma:0", {1}, {2})
                                   .weight("n", "n/beta:0", {1}, {5})
                                   .run({1, 2, 1, 1}, {1, 3});
  // mean 2, deviation 1: the epsilon stands beside the deviation, not under the root
  EXPECT_FLOAT_EQ(y[0], -1 / 1.001f * 2 + 5);
  EXPECT_FLOAT_EQ(y[1], 1 / 1.001f * 2 + 5);
  EXPECT_EQ(Model()
                .sequential(input("[null, 2]") + "," + layer("DeprocessStylizedImage", "p", ""))
                .run({1, 2}, {-1, 0.5f}),
            (std::vector<float>{0, 191.25f}));
  const std::string pad = input("[null, 3, 2, 1]") + ",";
  EXPECT_EQ(Model()
                .sequential(pad + layer("ReflectionPadding2D", "p", R"("padding": [1, 1])"))
                .run({1, 3, 2, 1}, {1, 2, 3, 4, 5, 6}),
            (std::vector<float>{4, 3, 4, 3, 2, 1, 2, 1, 4, 3, 4, 3, 6, 5, 6, 5, 4, 3, 4, 3}));
  EXPECT_ERROR(Model().sequential(pad + layer("ReflectionPadding2D", "p", R"("padding": [1, 0])")),
               "which of its paddings is the height's");
}

TEST(KerasImport, WhatWouldChangeTheResultIsRefused) {
  const std::string x = input("[null, 3, 2]") + ",";
  EXPECT_ERROR(Model().sequential(x + layer("Masking", "m", "")),
               "Masking (layer \"m\": the steps that it masks");
  EXPECT_ERROR(Model().sequential(x + layer("LSTM", "l", R"("units": 1, "stateful": true)")),
               "layer \"l\" (LSTM): stateful");
  EXPECT_ERROR(
      Model().sequential(x + layer("Conv1D", "c", R"("filters": 1, "kernel_size": 1, "padding": "odd")")),
      "padding \"odd\"");
  EXPECT_ERROR(Model().sequential(x + layer("Activation", "a", R"("activation": "my_function")")),
               "the activation \"my_function\"");
  EXPECT_ERROR(
      Model().sequential(input("[null, 4, 4, 1]") + "," +
                         layer("Resizing", "r", R"("height": 2, "width": 2, "crop_to_aspect_ratio": true)")),
      "crop_to_aspect_ratio");
}

/// A network of convolutions in Keras 2's words, channels last.
Model keras2_convolution() {
  return Model()
      .sequential(input("[null, 3, 3, 2]") + "," +
                  layer("Conv2D", "c", R"("filters": 1, "kernel_size": [2, 2], "activation": "relu")"))
      .weight("c", "c/kernel:0", {2, 2, 2, 1}, {1, 2, 3, 4, 5, 6, 7, 8})
      .weight("c", "c/bias:0", {1}, {-0.5f});
}
/// 1x3x3x2, and the same numbers as 1x2x3x3.
std::vector<float> picture(bool channels_first) {
  std::vector<float> out;
  for (int i = 0; i < 18; ++i) {
    const int channel = channels_first ? i / 9 : i % 2, at = channels_first ? i % 9 : i / 2;
    out.push_back(static_cast<float>(at + 100 * channel));
  }
  return out;
}

TEST(KerasImport, ChannelsFirstComputesTheSame) {
  const std::string config =
      R"("filters": 1, "kernel_size": [2, 2], "activation": "relu", "data_format": "channels_first")";
  Model model;
  model.sequential(input("[null, 2, 3, 3]") + "," + layer("Conv2D", "c", config))
      .weight("c", "c/kernel:0", {2, 2, 2, 1}, {1, 2, 3, 4, 5, 6, 7, 8})
      .weight("c", "c/bias:0", {1}, {-0.5f});
  EXPECT_EQ(model.run({1, 2, 3, 3}, picture(true)), keras2_convolution().run({1, 3, 3, 2}, picture(false)));
}

TEST(KerasImport, Keras1IsTranslated) {
  const std::string config =
      R"("nb_filter": 1, "nb_row": 2, "nb_col": 2, "border_mode": "valid", "subsample": [1, 1],)"
      R"("bias": true, "init": "glorot_uniform", "activation": "relu", "dim_ordering": ")";
  Model last("1.2.2");
  last.sequential(input("[null, 3, 3, 2]") + "," + layer("Convolution2D", "c", config + "tf\""))
      .weight("c", "c_W", {2, 2, 2, 1}, {1, 2, 3, 4, 5, 6, 7, 8})
      .weight("c", "c_b", {1}, {-0.5f});
  const std::vector<float> expected = keras2_convolution().run({1, 3, 3, 2}, picture(false));
  EXPECT_EQ(last.run({1, 3, 3, 2}, picture(false)), expected);
  // Channels first: the kernel is out, in, rows, columns.
  Model first("1.2.2");
  first.sequential(input("[null, 2, 3, 3]") + "," + layer("Convolution2D", "c", config + "th\""))
      .weight("c", "c_W", {1, 2, 2, 2}, {1, 3, 5, 7, 2, 4, 6, 8})
      .weight("c", "c_b", {1}, {-0.5f});
  EXPECT_EQ(first.run({1, 2, 3, 3}, picture(true)), expected);
  // Theano turned kernels around.
  Model theano("1.2.2");
  theano.backend("theano")
      .sequential(input("[null, 3, 3, 2]") + "," + layer("Convolution2D", "c", config + "tf\""))
      .weight("c", "c_W", {2, 2, 2, 1}, {7, 8, 5, 6, 3, 4, 1, 2})
      .weight("c", "c_b", {1}, {-0.5f});
  EXPECT_EQ(theano.run({1, 3, 3, 2}, picture(false)), expected);
}

TEST(KerasImport, Keras1Merges) {
  const std::string x =
      R"({"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": {"name": "x", "batch_input_shape": [null, 2]}})";
  const auto merge = [&](const std::string& mode) {
    return Model("1.1.0").functional(
        x + R"(, {"class_name": "Merge", "name": "m", "config": {"name": "m", "mode": ")" + mode +
            R"(", "concat_axis": -1, "dot_axes": -1}, "inbound_nodes": [[["x", 0, 0], ["x", 0, 0]]]})",
        R"([["x", 0, 0]])", R"([["m", 0, 0]])");
  };
  EXPECT_EQ(merge("sum").run({1, 2}, {1, 3}), (std::vector<float>{2, 6}));
  EXPECT_EQ(merge("mul").run({1, 2}, {1, 3}), (std::vector<float>{1, 9}));
  EXPECT_EQ(merge("concat").run({1, 2}, {1, 3}), (std::vector<float>{1, 3, 1, 3}));
  EXPECT_EQ(merge("dot").run({1, 2}, {1, 3}), (std::vector<float>{10}));
  EXPECT_ERROR(merge("gather"), "the mode \"gather\" of Merge");
}

TEST(KerasImport, Keras1KeepsGatesApart) {
  const auto gates = [](Model& model, std::initializer_list<std::string> names) -> Model& {
    float value = 0.1f;
    for (const std::string& gate : names) {
      model.weight("l", "l_W_" + gate, {1, 1}, {value})
          .weight("l", "l_U_" + gate, {1, 1}, {value * 2})
          .weight("l", "l_b_" + gate, {1}, {value * 3});
      value += 0.2f;
    }
    return model;
  };
  const std::string x = input("[null, 2, 1]") + ",";
  Model old("1.2.0"), now("2.3.0");
  gates(old.sequential(x + layer("LSTM", "l",
                                 R"("output_dim": 1, "inner_activation": "sigmoid", "activation": "tanh")")),
        {"i", "c", "f", "o"});
  now.sequential(x +
                 layer("LSTM", "l", R"("units": 1, "recurrent_activation": "sigmoid", "activation": "tanh")"))
      .weight("l", "l/kernel:0", {1, 4}, {0.1f, 0.5f, 0.3f, 0.7f})
      .weight("l", "l/recurrent_kernel:0", {1, 4}, {0.2f, 1.0f, 0.6f, 1.4f})
      .weight("l", "l/bias:0", {4}, {0.3f, 1.5f, 0.9f, 2.1f});
  const float expected = now.run({1, 2, 1}, {1, -2})[0];
  EXPECT_NEAR(old.run({1, 2, 1}, {1, -2})[0], expected, 1e-6);
  EXPECT_GT(std::abs(expected), 0.01f);
}

TEST(KerasImport, CudnnLayersHaveTwoBiases) {
  const std::string x = input("[null, 2, 1]") + ",";
  const auto model = [&](const std::string& name, const std::string& config, const Shape& bias) {
    Model out;
    out.sequential(x + layer(name, "g", config))
        .weight("g", "g/kernel:0", {1, 3}, {0.5f, -0.25f, 1})
        .weight("g", "g/recurrent_kernel:0", {1, 3}, {0.3f, 0.6f, -0.9f})
        .weight("g", "g/bias:0", bias, {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f});
    return out.run({1, 2, 1}, {1, -2});
  };
  EXPECT_EQ(model("CuDNNGRU", R"("units": 1)", {6}),
            model("GRU", R"("units": 1, "reset_after": true, "recurrent_activation": "sigmoid")", {2, 3}));
}

TEST(KerasImport, WeightsOfNestedModelsAreFoundByName) {
  const std::string inner = R"({"class_name": "Sequential", "config": {"name": "inner", "layers": [)" +
                            input("[null, 1]") + "," +
                            layer("Dense", "d", R"("units": 1, "use_bias": false)") + "," +
                            layer("Dense", "d_1", R"("units": 1, "use_bias": false)") + "]}}";
  Model model;
  model.sequential(input("[null, 1]") + "," + inner)
      .weight("inner", "scope/d_1/kernel:0", {1, 1}, {10})
      .weight("inner", "scope/d/kernel:0", {1, 1}, {3});
  EXPECT_EQ(model.run({1, 1}, {1}), (std::vector<float>{30}));
}

TEST(KerasImport, SnakeCaseIsThatOfArchives) {
  for (const auto& [name, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Conv2D", "conv2d"},
           {"Conv2DTranspose", "conv2d_transpose"},
           {"DepthwiseConv2D", "depthwise_conv2d"},
           {"BatchNormalization", "batch_normalization"},
           {"GlobalAveragePooling2D", "global_average_pooling2d"},
           {"LSTM", "lstm"},
           {"SimpleRNN", "simple_rnn"},
           {"PReLU", "p_re_lu"},
           {"ReLU", "re_lu"},
           {"LeakyReLU", "leaky_re_lu"},
           {"TFOpLambda", "tf_op_lambda"},
           {"TimeDistributed", "time_distributed"}})
    EXPECT_EQ(snake_case(name), expected);
}

TEST(KerasImport, FilesAreKnownByTheirFirstBytes) {
  EXPECT_TRUE(looks_like_keras(Bytes::copy_of(std::string_view("\x89HDF\r\n\x1a\n...."))));
  EXPECT_TRUE(looks_like_keras(Bytes::copy_of(std::string(512, ' ') + "\x89HDF\r\n\x1a\n....")));
  EXPECT_TRUE(looks_like_keras(Bytes::copy_of(std::string_view("PK\3\4...."))));
  EXPECT_FALSE(looks_like_keras(Bytes::copy_of(std::string_view("\x08\x07model"))));
  EXPECT_FALSE(looks_like_keras(Bytes::copy_of(std::string_view(""))));
}

}  // namespace
}  // namespace pochade::keras
