#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "api/pochade.h"
#include "formats/wire.h"

namespace pochade {
namespace {

/// An ONNX file: y = Relu(x), x: float32 [N, 3].
std::string relu_model() {
  const auto value = [](const char* name) {
    WireWriter batch, columns, shape, tensor, type, info;
    batch.text(2, "N");
    columns.integer(1, 3);
    shape.message(1, batch);
    shape.message(1, columns);
    tensor.integer(1, 1);
    tensor.message(2, shape);
    type.message(1, tensor);
    info.text(1, name);
    info.message(2, type);
    return info;
  };
  WireWriter node, graph, opset, model;
  node.text(1, "x");
  node.text(2, "y");
  node.text(3, "relu");
  node.text(4, "Relu");
  graph.message(1, node);
  graph.text(2, "g");
  graph.message(11, value("x"));
  graph.message(12, value("y"));
  opset.text(1, "");
  opset.integer(2, 13);
  model.integer(1, 8);
  model.message(7, graph);
  model.message(8, opset);
  return model.str();
}

struct Owned {
  pochade_session* session = nullptr;
  ~Owned() { pochade_free(session); }
};

TEST(CApi, LoadsSetsAShapeAndRuns) {
  const std::string model = relu_model();
  Owned s;
  ASSERT_EQ(pochade_load_memory(model.data(), model.size(), nullptr, &s.session), POCHADE_OK)
      << pochade_last_error();
  pochade_tensor_info info;
  ASSERT_EQ(pochade_input_info(s.session, 0, &info), POCHADE_OK);
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_EQ(info.dims[1], 3);
  const int64_t dims[] = {2, 3};
  const float x[] = {-1, 2, -3, 4, -5, 6};
  ASSERT_EQ(pochade_set_shape(s.session, 0, dims, 2), POCHADE_OK);
  ASSERT_EQ(pochade_set_input(s.session, 0, x, sizeof(x)), POCHADE_OK) << pochade_last_error();
  ASSERT_EQ(pochade_run(s.session), POCHADE_OK) << pochade_last_error();
  const void* data = nullptr;
  size_t bytes = 0;
  ASSERT_EQ(pochade_output(s.session, 0, &data, &bytes), POCHADE_OK);
  ASSERT_EQ(bytes, sizeof(x));
  const float* y = static_cast<const float*>(data);
  EXPECT_EQ(std::vector<float>(y, y + 6), (std::vector<float>{0, 2, 0, 4, 0, 6}));
  ASSERT_EQ(pochade_output_info(s.session, 0, &info), POCHADE_OK);
  EXPECT_EQ(info.dims[0], 2);
}

TEST(CApi, EveryMisuseIsAStatusAndASentence) {
  EXPECT_EQ(pochade_load_file(nullptr, nullptr, nullptr), POCHADE_INVALID_ARGUMENT);
  Owned s;
  EXPECT_EQ(pochade_load_file("/nowhere/x.onnx", nullptr, &s.session), POCHADE_IO);
  EXPECT_EQ(s.session, nullptr);
  EXPECT_NE(std::string(pochade_last_error()).find("/nowhere/x.onnx"), std::string::npos);
  EXPECT_NE(pochade_load_memory("garbage", 7, nullptr, &s.session), POCHADE_OK);
  EXPECT_EQ(pochade_run(nullptr), POCHADE_INVALID_ARGUMENT);
  EXPECT_EQ(pochade_input_count(nullptr), 0u);
  pochade_free(nullptr);

  const std::string model = relu_model();
  const pochade_options wrong_isa = {1, "sse9", 0};
  EXPECT_EQ(pochade_load_memory(model.data(), model.size(), &wrong_isa, &s.session),
            POCHADE_INVALID_ARGUMENT);
  ASSERT_EQ(pochade_load_memory(model.data(), model.size(), nullptr, &s.session), POCHADE_OK);
  const float x[] = {1, 2, 3};
  EXPECT_EQ(pochade_set_input(s.session, 0, x, sizeof(x)), POCHADE_INVALID_ARGUMENT);  // N is open
  EXPECT_EQ(pochade_run(s.session), POCHADE_INVALID_ARGUMENT);
  const int64_t wrong[] = {1, 4}, right[] = {1, 3}, negative[] = {-1, 3};
  EXPECT_EQ(pochade_set_shape(s.session, 0, negative, 2), POCHADE_INVALID_ARGUMENT);
  EXPECT_EQ(pochade_set_shape(s.session, 1, right, 2), POCHADE_INVALID_ARGUMENT);
  EXPECT_EQ(pochade_set_shape(s.session, 0, right, 9), POCHADE_INVALID_ARGUMENT);
  ASSERT_EQ(pochade_set_shape(s.session, 0, wrong, 2), POCHADE_OK);
  EXPECT_EQ(pochade_prepare(s.session), POCHADE_INVALID_ARGUMENT);
  ASSERT_EQ(pochade_set_shape(s.session, 0, right, 2), POCHADE_OK);
  EXPECT_EQ(pochade_set_input(s.session, 0, x, 4), POCHADE_INVALID_ARGUMENT);
  EXPECT_EQ(pochade_run(s.session), POCHADE_INVALID_ARGUMENT);  // no input yet
  const void* data = nullptr;
  size_t bytes = 0;
  EXPECT_EQ(pochade_output(s.session, 5, &data, &bytes), POCHADE_INVALID_ARGUMENT);
  ASSERT_EQ(pochade_set_input(s.session, 0, x, sizeof(x)), POCHADE_OK);
  EXPECT_EQ(pochade_run(s.session), POCHADE_OK) << pochade_last_error();
}

TEST(CApi, SessionsAreIndependentAcrossThreads) {
  const std::string model = relu_model();
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      Owned s;
      const pochade_options options = {2, nullptr, 0};
      if (pochade_load_memory(model.data(), model.size(), &options, &s.session) != POCHADE_OK) ++failures;
      const int64_t dims[] = {t, 3};
      std::vector<float> x(static_cast<size_t>(t) * 3, static_cast<float>(t));
      if (pochade_set_shape(s.session, 0, dims, 2) != POCHADE_OK) ++failures;
      if (pochade_set_input(s.session, 0, x.data(), x.size() * sizeof(float)) != POCHADE_OK) ++failures;
      for (int i = 0; i < 50; ++i) failures += pochade_run(s.session) != POCHADE_OK;
      const void* data = nullptr;
      size_t bytes = 0;
      if (pochade_output(s.session, 0, &data, &bytes) != POCHADE_OK ||
          *static_cast<const float*>(data) != static_cast<float>(t))
        ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace pochade
