// Importing a channel-first file puts transposes around every channels-last operator: what must be left of
// them is those at the graph's own inputs and outputs, and those that the file has in its own layout.

#include "passes/pipeline.h"
#include "passes/sink_transposes.h"
#include "tests/models/models.h"

namespace pochade {
namespace {

struct Expected {
  const char* model;
  int transposes;
};

class ModelTransposes : public testing::TestWithParam<Expected> {};

TEST_P(ModelTransposes, OnlyThoseAtTheBordersAreLeft) {
  NEED_SHARED_DATA();
  const auto graph = optimise(read_model(GetParam().model));
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(count_activation_transposes(*graph), GetParam().transposes) << graph->dump();
}

INSTANTIATE_TEST_SUITE_P(
    Models, ModelTransposes,
    testing::Values(Expected{"paint/candy.onnx", 2}, Expected{"paint/mosaic.onnx", 2},
                    Expected{"paint/first_style.onnx", 2},
                    Expected{"classify/squeezenet_v1.1_fp16.onnx", 1},  // at the output only sizes of 1 move
                    Expected{"classify/mnist.onnx", 0},           // one channel in, a product at the end
                    Expected{"detect/version-RFB-320.onnx", 1}),  // its heads end channels-last
    [](const auto& test) {
      std::string name = std::filesystem::path(test.param.model).stem();
      for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      return name;
    });

}  // namespace
}  // namespace pochade
