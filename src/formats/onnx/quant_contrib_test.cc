// ONNX Runtime's own operators, against what ONNX Runtime computed (tools/record_onnxruntime.py).

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "engine/session.h"
#include "formats/onnx/import.h"
#include "ops/quant/base64_testing.h"

namespace pochade::onnx {
namespace {

struct RecordedOperator {
  std::string name, file;
  std::vector<std::string> inputs, outputs;
};

std::vector<RecordedOperator> read_recorded_operators() {
  std::ifstream file(std::string(POCHADE_SOURCE_DIR) + "/tests/references/onnxruntime_ops.txt");
  std::vector<RecordedOperator> out;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word, first, second;
    words >> word >> first >> second;
    if (word == "case") out.push_back({first, decode_base64(second), {}, {}});
    if (word == "in") out.back().inputs.push_back(decode_base64(first));
    if (word == "out") out.back().outputs.push_back(decode_base64(first));
  }
  return out;
}

Tensor tensor_of(const Fact& fact, const std::string& bytes) {
  Tensor out = Tensor::make(*fact.dtype, *fact.shape()).value();
  EXPECT_EQ(out.byte_size(), bytes.size());
  if (out.byte_size() == bytes.size()) std::memcpy(out.mutable_bytes(), bytes.data(), bytes.size());
  return out;
}

/// Integers at most `steps` apart; real numbers, which are summed in another order, to float32's precision.
void expect_near(const Tensor& got, const Tensor& want, int64_t steps) {
  ASSERT_EQ(got.dtype(), want.dtype());
  ASSERT_EQ(got.shape(), want.shape());
  if (is_integer(got.dtype())) {
    const std::vector<int64_t> g = to_int64s(got), w = to_int64s(want);
    for (size_t i = 0; i < w.size(); ++i) ASSERT_LE(std::abs(g[i] - w[i]), steps) << "element " << i;
    return;
  }
  const std::vector<float> g = to_floats(got), w = to_floats(want);
  float largest = 0;
  for (const float v : w) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(g[i], w[i], 2e-6f * largest) << "element " << i;
}

TEST(OnnxRuntimeOperators, GiveTheSameIntegers) {
  const std::vector<RecordedOperator> cases = read_recorded_operators();
  ASSERT_GT(cases.size(), 110u);
  for (const RecordedOperator& test : cases) {
    // As a file is read: real numbers between integers. A tie may go to the other side there.
    for (const bool optimise : {true, false}) {
      SCOPED_TRACE(test.name + (optimise ? "" : ", as it was read"));
      auto graph = import_onnx(Bytes::copy_of(std::string_view(test.file)), "");
      ASSERT_TRUE(graph) << graph.error().text();
      SessionOptions options;
      options.optimise = optimise;
      auto session = Session::create(*std::move(graph), options);
      ASSERT_TRUE(session) << session.error().text();
      const Graph& built = session->graph();
      ASSERT_EQ(built.inputs().size(), test.inputs.size());
      Tensors inputs;
      for (size_t i = 0; i < test.inputs.size(); ++i)
        inputs.push_back(tensor_of(built.fact(built.inputs()[i]), test.inputs[i]));
      const auto results = session->run(inputs);
      ASSERT_TRUE(results) << results.error().text();
      ASSERT_EQ(results->size(), test.outputs.size());
      for (size_t i = 0; i < results->size(); ++i) {
        const Fact& fact = built.fact(built.outputs()[i].value);
        expect_near((*results)[i], tensor_of(fact, test.outputs[i]), optimise ? 0 : 1);
      }
    }
  }
}

}  // namespace
}  // namespace pochade::onnx
