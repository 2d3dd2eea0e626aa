// The Keras models of ../shared/data: facts, and what they compute beside the same network in another format.

#include <cmath>

#include "data/random_input.h"
#include "engine/session.h"
#include "tests/models/models.h"

namespace pochade {
namespace {

struct Known {
  const char* file;
  const char* input;
  Shape shape;
  const char* output;
  int64_t parameters;
};

class KerasModels : public testing::TestWithParam<Known> {};

Tensor run(Graph graph, const Tensor& input) {
  auto session = Session::create(std::move(graph), SessionOptions());
  EXPECT_TRUE(session) << session.error().text();
  if (!session) return {};
  auto outputs = session->run(Tensors{input});
  EXPECT_TRUE(outputs) << outputs.error().text();
  return outputs ? outputs->at(0) : Tensor();
}

TEST_P(KerasModels, AreReadAndRun) {
  NEED_SHARED_DATA();
  const Known& known = GetParam();
  const Graph graph = read_model(known.file);
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, known.input);
  ASSERT_EQ(graph.outputs().size(), 1u);
  EXPECT_EQ(graph.outputs()[0].name, known.output);
  EXPECT_EQ(graph.parameter_count(), known.parameters);
  const Tensor input = random_tensor(DType::kF32, known.shape, 1, -1, 1).value();
  const Tensor output = run(graph, input);
  for (const float value : to_floats(output)) ASSERT_TRUE(std::isfinite(value));
}

INSTANTIATE_TEST_SUITE_P(
    Shared, KerasModels,
    testing::Values(
        Known{"audio/mlperf_ad01.h5", "input_1", {1, 640}, "dense_9", 269992},
        Known{"classify/mbnet128_0.25.h5", "input_3", {1, 128, 128, 3}, "predictions", 475598},
        Known{"classify/mlperf_resnet8_cifar10.h5", "input_1", {1, 32, 32, 3}, "dense", 78666},
        Known{"classify/mlperf_vww_96.h5", "input_1", {1, 96, 96, 3}, "dense", 221794},
        Known{
            "classify/fer2013_mini_XCEPTION.102-0.66.hdf5", "input_1", {1, 64, 64, 1}, "predictions", 58423},
        Known{"paint/starry_night_256x256_025.h5",
              "input_1",
              {1, 256, 256, 3},
              "deprocess_stylized_image_1",
              108396}));

double psnr(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = to_floats(a), y = to_floats(b);
  EXPECT_EQ(x.size(), y.size());
  double error = 0, peak = 0;
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    error += (x[i] - y[i]) * (x[i] - y[i]);
    peak = std::max(peak, std::abs(static_cast<double>(y[i])));
  }
  return 10 * std::log10(peak * peak * static_cast<double>(x.size()) / std::max(error, 1e-30));
}

/// The .tflite of the same network, whose batch is 1.
TEST(KerasModels, ComputeWhatTheirTfliteDoes) {
  NEED_SHARED_DATA();
  const std::pair<const char*, int64_t> models[] = {{"classify/mbnet128_0.25", 128},
                                                    {"classify/mlperf_resnet8_cifar10", 32},
                                                    {"classify/mlperf_vww_96", 96}};
  for (const auto& [name, size] : models) {
    const Tensor input = random_tensor(DType::kF32, {1, size, size, 3}, 1, -1, 1).value();
    const Tensor expected = run(read_model(std::string(name) + "_f.tflite"), input);
    EXPECT_GT(psnr(run(read_model(std::string(name) + ".h5"), input), expected), 90) << name;
  }
}

}  // namespace
}  // namespace pochade
