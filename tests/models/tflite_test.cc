// Whole TFLite models against what TensorFlow Lite's reference kernels compute, recorded by
// tools/record_tflite_references.py.

#include <cmath>
#include <fstream>
#include <sstream>

#include "data/random_input.h"
#include "engine/session.h"
#include "tests/models/models.h"

namespace pochade {
namespace {

/// One output as the recorder wrote it: "exact DTYPE SHAPE HASH", or "near DTYPE SHAPE DECIBEL LARGEST
/// VALUES...".
struct Wanted {
  bool is_exact = false;
  std::string dtype, shape;
  uint64_t hash = 0;
  double least_decibel = 0, largest = 0;
  std::vector<double> samples;
};
struct Recorded {
  std::string model;
  uint64_t seed = 0;
  std::vector<Wanted> outputs;
};

std::vector<Recorded> recorded_models() {
  std::ifstream file(std::filesystem::path(POCHADE_SOURCE_FOLDER) / "tests" / "references" /
                     "tflite_models.txt");
  std::vector<Recorded> out;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "model") {
      out.emplace_back();
      words >> out.back().model >> out.back().seed;
    } else if (kind == "exact" || kind == "near") {
      Wanted& wanted = out.back().outputs.emplace_back();
      wanted.is_exact = kind == "exact";
      words >> wanted.dtype >> wanted.shape;
      if (wanted.is_exact) {
        words >> std::hex >> wanted.hash;
      } else {
        words >> wanted.least_decibel >> wanted.largest;
        for (double value = 0; words >> value;) wanted.samples.push_back(value);
      }
    }
  }
  return out;
}

uint64_t fnv1a(std::span<const std::byte> bytes) {
  uint64_t hash = 1469598103934665603u;
  for (const std::byte b : bytes) hash = (hash ^ static_cast<uint64_t>(b)) * 1099511628211u;
  return hash;
}

void expect_as_recorded(const Tensor& got, const Wanted& wanted) {
  EXPECT_EQ(to_string(got.dtype()), wanted.dtype);
  EXPECT_EQ(to_string(got.shape()), wanted.shape);
  if (wanted.is_exact) {
    EXPECT_EQ(fnv1a({got.bytes(), got.byte_size()}), wanted.hash);
    return;
  }
  const auto values = to_floats(got);
  double squares = 0;
  for (size_t k = 0; k < wanted.samples.size(); ++k) {
    const double difference = double{values[k * 1'000'003 % values.size()]} - wanted.samples[k];
    squares += difference * difference;
  }
  const double mean = squares / static_cast<double>(wanted.samples.size());
  EXPECT_GT(20 * std::log10(wanted.largest) - 10 * std::log10(mean + 1e-40), wanted.least_decibel);
}

class TfliteModels : public testing::TestWithParam<Recorded> {};

TEST_P(TfliteModels, ComputeAsTheReferenceKernelsDo) {
  NEED_SHARED_DATA();
  const Recorded& recorded = GetParam();
  Graph graph = read_model(recorded.model);
  ASSERT_FALSE(graph.outputs().empty());
  const auto valid = graph.verify();
  ASSERT_TRUE(valid) << valid.error().text();
  const auto shapes = input_shapes(graph, {});
  ASSERT_TRUE(shapes) << shapes.error().text();
  const auto inputs = random_inputs(graph, *shapes, recorded.seed);
  ASSERT_TRUE(inputs) << inputs.error().text();
  auto session = Session::create(std::move(graph));
  ASSERT_TRUE(session) << session.error().text();
  const auto outputs = session->run(*inputs);
  ASSERT_TRUE(outputs) << outputs.error().text();
  ASSERT_EQ(outputs->size(), recorded.outputs.size());
  for (size_t i = 0; i < outputs->size(); ++i) {
    SCOPED_TRACE(i);
    expect_as_recorded((*outputs)[i], recorded.outputs[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, TfliteModels, testing::ValuesIn(recorded_models()), [](const auto& test) {
  std::string name = std::filesystem::path(test.param.model).stem();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(TfliteMetadata, OfModelsIsRead) {
  NEED_SHARED_DATA();
  const Graph graph = read_model("classify/mobilenet_v1_0.75_192_quant.tflite");
  const auto& metadata = graph.metadata();
  const auto labels = metadata.find("labels:MobilenetV1/Predictions/Reshape_1");
  ASSERT_NE(labels, metadata.end());
  EXPECT_EQ(labels->second.substr(0, 17), "background\ntench,");
  EXPECT_EQ(metadata.at("color:input"), "rgb");
  EXPECT_EQ(metadata.at("normalization:input"), "mean=127.5 std=127.5");
}

}  // namespace
}  // namespace pochade
