// LSTM and SVDF of integers, against what TFLite's reference kernels gave in three runs in a row.

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "formats/tflite/export.h"
#include "formats/tflite/testing.h"
#include "ops/quant/base64_testing.h"

namespace pochade::tflite {
namespace {

struct Recorded {
  std::string name, file;
  std::vector<std::pair<std::string, std::string>> runs;  // inputs and outputs
};

std::vector<Recorded> read_recorded() {
  std::ifstream file(std::string(POCHADE_SOURCE_DIR) + "/tests/references/integer_recurrence.txt");
  std::vector<Recorded> out;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word, first, second;
    words >> word >> first >> second;
    if (word == "case") out.push_back({first, decode_base64(second), {}});
    if (word == "run") out.back().runs.emplace_back(decode_base64(first), decode_base64(second));
  }
  return out;
}

/// Three runs in a row, and again from the beginning.
void expect_runs(Graph graph, const Recorded& test) {
  auto session = Session::create(std::move(graph));
  ASSERT_TRUE(session) << session.error().text();
  const Fact& x_fact = session->graph().fact(session->graph().inputs()[0]);
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto& [in, want] : test.runs) {
      Tensor x = Tensor::make(DType::kI8, *x_fact.shape()).value();
      ASSERT_EQ(x.byte_size(), in.size());
      std::memcpy(x.mutable_bytes(), in.data(), in.size());
      const auto out = session->run(Tensors{x});
      ASSERT_TRUE(out) << out.error().text();
      const auto got = (*out)[0].data<int8_t>();
      EXPECT_EQ(std::vector<int>(got.begin(), got.end()), std::vector<int>(want.begin(), want.end()));
    }
    session->reset_state();  // begins anew, with the same outputs
  }
}

TEST(IntegerRecurrence, EqualsTfliteBitForBitRunAfterRun) {
  const std::vector<Recorded> cases = read_recorded();
  ASSERT_GT(cases.size(), 18u);
  for (const Recorded& test : cases) {
    SCOPED_TRACE(test.name);
    expect_runs(read(Bytes::copy_of(std::string_view(test.file))), test);
  }
}

TEST(IntegerRecurrence, IsWrittenAgain) {
  for (const Recorded& test : read_recorded()) {
    SCOPED_TRACE(test.name);
    const auto bytes = export_tflite_bytes(read(Bytes::copy_of(std::string_view(test.file))));
    ASSERT_TRUE(bytes) << bytes.error().text();
    const Graph again = read(Bytes::copy_of(*bytes));
    const Fact& y = again.fact(again.outputs()[0].value);
    EXPECT_TRUE(y.quantization) << to_string(y);
    expect_runs(again, test);
  }
}

TEST(IntegerRecurrence, AStateThatIsGivenOutIsRefused) {
  Graph graph = read(Bytes::copy_of(std::string_view(read_recorded().at(0).file)));
  graph.add_output("state", graph.states()[0].next);
  const auto refused = export_tflite_bytes(graph);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotSupported);
  EXPECT_NE(refused.error().text().find("keeps its state"), std::string::npos) << refused.error().text();
}

}  // namespace
}  // namespace pochade::tflite
