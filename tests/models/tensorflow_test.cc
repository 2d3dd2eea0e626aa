// TensorFlow's models against what TensorFlow computes, recorded by tools/record_tensorflow_references.py.

#include <fstream>

#include "engine/session.h"
#include "formats/npy.h"
#include "tests/models/models.h"

namespace pochade {
namespace {

Tensor reference(const std::string& name) {
  auto tensor = read_npy(std::filesystem::path(POCHADE_SOURCE_FOLDER) / "tests" / "references" /
                         ("tensorflow_" + name + ".npy"));
  EXPECT_TRUE(tensor) << tensor.error().text();
  return tensor ? *std::move(tensor) : Tensor::scalar(0.0f);
}

/// The recorder's input: element i is (i * 7919 mod 1009) / 1009 * scale + offset.
Tensor pattern(const Shape& shape, float scale, float offset = 0) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  int64_t i = 0;
  for (float& value : out.mutable_data<float>())
    value = static_cast<float>(i++ * 7919 % 1009) / 1009.0f * scale + offset;
  return out;
}

Tensor contents(const std::filesystem::path& path) {
  const Bytes bytes = map_file(path).value();
  return Tensor::from_bytes(DType::kU8, {static_cast<int64_t>(bytes.size())}, bytes).value();
}

void expect_same(const std::string& model, const Tensor& input, const std::string& recorded,
                 double tolerance) {
  auto session = Session::create(read_model(model));
  ASSERT_TRUE(session) << session.error().text();
  const auto out = session->run(Tensors{input});
  ASSERT_TRUE(out) << out.error().text();
  const Tensor wanted = reference(recorded);
  ASSERT_EQ(to_string(out->at(0).shape()), to_string(wanted.shape()));
  const auto got = to_floats(out->at(0)), want = to_floats(wanted);
  double worst = 0;
  for (size_t i = 0; i < want.size(); ++i) worst = std::max(worst, std::abs(double{got[i]} - want[i]));
  EXPECT_LE(worst, tolerance) << model;
}

TEST(TensorFlowModels, SuperResolution) {
  NEED_SHARED_DATA();
  for (const char* name : {"FSRCNN_x2", "FSRCNN-small_x2"})
    expect_same(std::string("paint/") + name + ".pb", pattern({1, 12, 16, 1}, 1), name, 1e-5);
}

TEST(TensorFlowModels, StarryNight) {
  NEED_SHARED_DATA();
  expect_same("paint/starry_night_640x480_025_optimized.pb", pattern({1, 16, 24, 3}, 255), "starry_night",
              0.05);  // of 0..255
}

TEST(TensorFlowModels, KeywordsFromWavFiles) {
  NEED_SHARED_DATA();
  const auto audio = shared_data() / "models" / "audio";
  std::vector<std::string> labels;
  std::ifstream lines(audio / "arm_kws_pb" / "labels.txt");
  for (std::string line; std::getline(lines, line);) labels.push_back(line);
  ASSERT_EQ(labels.size(), 12u);
  for (const std::string word : {"yes", "no"}) {
    const Tensor wav = contents(audio / (word + "_1000ms.wav"));
    expect_same("audio/arm_kws_pb/DS_CNN_S.pb", wav, "ds_cnn_" + word, 1e-5);
    const auto scores = to_floats(reference("ds_cnn_" + word));
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    EXPECT_EQ(labels[static_cast<size_t>(best)], word);
  }
}

TEST(TensorFlowModels, SavedModelWithItsVariables) {
  NEED_SHARED_DATA();
  expect_same("audio/mlperf_kws_savedmodel", pattern({2, 49, 10, 1}, 4, -2), "mlperf_kws", 1e-5);
  const Graph graph = read_model("audio/mlperf_kws_savedmodel");
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "input_1");
  EXPECT_EQ(graph.outputs()[0].name, "dense");
  EXPECT_EQ(graph.metadata().at("signature"), "serving_default");
}

}  // namespace
}  // namespace pochade
