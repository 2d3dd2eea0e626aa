// Whole ONNX models of ../shared/data: imported, verified, run by the oracles where they are small, sizes
// freed.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "formats/formats.h"
#include "graph/evaluate.h"
#include "passes/free_sizes.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

class Models : public testing::Test {
 protected:
  void SetUp() override {
    if (fs::is_directory(root_)) return;
    const char* ci = std::getenv("CI");
    if (ci != nullptr && std::string_view(ci) == "true") FAIL() << root_ << " is absent";
    GTEST_SKIP() << root_ << " is absent";
  }
  Graph load(const std::string& name) {
    auto graph = import_model(root_ / name);
    EXPECT_TRUE(graph) << graph.error().text();
    if (!graph) return {};
    const Status status = graph->verify();
    EXPECT_TRUE(status) << status.error().text();
    return *std::move(graph);
  }
  static std::string input(const Graph& graph) { return to_string(graph.fact(graph.inputs().at(0))); }
  static std::string output(const Graph& graph, size_t i = 0) {
    return to_string(graph.fact(graph.outputs().at(i).value));
  }
  static std::string output_at(const Graph& graph, const std::string& name, const Shape& shape) {
    const auto special = specialise(graph, {{name, shape}});
    return special ? output(*special) : special.error().text();
  }
  const fs::path root_ = fs::path(POCHADE_SOURCE_DIR) / "../shared/data/models";
};

/// `count` numbers (i * step) % modulus * scale + shift: the same for whoever recorded the expected values.
Tensor ramp(const Shape& shape, int64_t step, int64_t modulus, float scale, float shift) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  for (int64_t i = 0; i < out.elements(); ++i)
    out.mutable_data<float>()[static_cast<size_t>(i)] =
        static_cast<float>(i * step % modulus) * scale + shift;
  return out;
}

TEST_F(Models, CandyAndMosaicTakeAnyPictureOnceTheirSizeIsFreed) {
  for (const std::string name : {"candy", "mosaic"}) {
    const Graph graph = load("paint/" + name + ".onnx");
    EXPECT_EQ(input(graph), "float32 ?x3x720x720");
    EXPECT_EQ(output(graph), "float32 ?x3x720x720");
    EXPECT_NE(graph.metadata().at("doc:inputImage").find("BGR"), std::string::npos);
    EXPECT_EQ(graph.metadata().contains("Image.BitmapPixelFormat"), name == "mosaic");

    const auto free = free_sizes(graph);
    ASSERT_TRUE(free) << free.error().text();
    EXPECT_EQ(input(*free), "float32 ?x3xHxW");
    EXPECT_EQ(free->outputs()[0].name, "outputImage");
    // What the network did at 720x720 it does elsewhere: sizes that are multiples of 4 stay.
    EXPECT_EQ(output_at(*free, "inputImage", {1, 3, 720, 720}), "float32 1x3x720x720");
    EXPECT_EQ(output_at(*free, "inputImage", {1, 3, 512, 768}), "float32 1x3x512x768");
    EXPECT_EQ(output_at(*free, "inputImage", {2, 3, 44, 100}), "float32 2x3x44x100");
  }
}

TEST_F(Models, FirstStyleHasFreeSizes) {
  const Graph graph = load("paint/first_style.onnx");
  EXPECT_EQ(input(graph), "float32 1x3xHxW");
  EXPECT_EQ(output_at(graph, "photo", {1, 3, 64, 96}), "float32 1x3x64x96");
  EXPECT_EQ(graph.metadata().at("title"), "first_style");
  const auto out = evaluate(graph, {ramp({1, 3, 16, 20}, 7, 256, 1.0f / 255, 0)});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ((*out)[0].shape(), (Shape{1, 3, 16, 20}));
  for (const float v : to_floats((*out)[0])) ASSERT_TRUE(v >= 0 && v <= 1) << v;  // a sigmoid's
}

TEST_F(Models, MnistGivesTheRecordedNumbers) {
  const Graph graph = load("classify/mnist.onnx");
  EXPECT_EQ(graph.metadata().at("Image.BitmapPixelFormat"), "Gray8");
  const auto out = evaluate(graph, {ramp({1, 1, 28, 28}, 7, 256, 1, 0)});
  ASSERT_TRUE(out) << out.error().text();
  // Recorded from ONNX Runtime 1.31.
  const std::vector<float> expected{-534.90503f, -79.359413f, 91.740715f, 318.28494f, -192.42001f,
                                    195.21657f,  -4.8587146f, 46.624100f, 42.119682f, -81.831116f};
  const std::vector<float> got = to_floats((*out)[0]);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], 1e-3 * std::abs(expected[i]) + 1e-3);

  const auto free = free_sizes(graph);
  ASSERT_FALSE(free);
  EXPECT_EQ(free.error().code(), ErrorCode::kNotSupported);
  EXPECT_NE(free.error().text().find("Times212"), std::string::npos) << free.error().text();
}

TEST_F(Models, RfbFindsItsShapes) {
  const Graph graph = load("detect/version-RFB-320.onnx");
  EXPECT_EQ(input(graph), "float32 1x3x240x320");
  EXPECT_EQ(graph.outputs()[0].name, "scores");
  EXPECT_EQ(output(graph), "float32 1x4420x2");
  EXPECT_EQ(output(graph, 1), "float32 1x4420x4");
}

TEST_F(Models, SqueezenetIsHalfPrecision) {
  const Graph graph = load("classify/squeezenet_v1.1_fp16.onnx");
  EXPECT_EQ(input(graph), "float16 1x3x224x224");
  EXPECT_EQ(output(graph), "float16 1x1000x1x1");
  EXPECT_EQ(graph.parameter_count(), 1235496);
}

}  // namespace
}  // namespace pochade
