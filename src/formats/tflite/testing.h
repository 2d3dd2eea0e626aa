#pragma once
// Reads and runs small TFLite models, for tests.

#include <gtest/gtest.h>

#include "engine/session.h"
#include "formats/tflite/import.h"
#include "formats/tflite/model_builder.h"

namespace pochade::tflite {

inline std::string error_of(const Bytes& file) {
  const auto graph = import_tflite(file);
  return graph ? "no error" : graph.error().text();
}

inline Graph read(const Bytes& file) {
  auto graph = import_tflite(file);
  EXPECT_TRUE(graph) << graph.error().text();
  if (!graph) return {};
  const auto valid = graph->verify();
  EXPECT_TRUE(valid) << valid.error().text();
  return *std::move(graph);
}

inline Tensors run(Graph graph, const Tensors& inputs) {
  auto session = Session::create(std::move(graph));
  EXPECT_TRUE(session) << session.error().text();
  if (!session) return {};
  auto out = session->run(inputs);
  EXPECT_TRUE(out) << out.error().text();
  return out ? *std::move(out) : Tensors();
}

inline std::vector<float> floats(const Tensors& tensors, size_t i = 0) {
  return i < tensors.size() ? to_floats(tensors[i]) : std::vector<float>();
}

/// A constant of this type, dequantized or cast to float.
inline std::vector<float> constant_values(ModelBuilder& m, int constant, const std::vector<int>& dims) {
  const int x = m.tensor("x", TensorType::FLOAT32, dims),
            dense = m.tensor("dense", TensorType::FLOAT32, dims),
            y = m.tensor("y", TensorType::FLOAT32, dims);
  m.op(BuiltinOperator::DEQUANTIZE, {constant}, {dense});
  m.op(BuiltinOperator::ADD, {x, dense}, {y}, BuiltinOptions::AddOptions,
       schema::CreateAddOptions(m.fbb).Union());
  m.end_subgraph({x}, {y});
  Tensor zeros = Tensor::make(DType::kF32, Shape(std::vector<int64_t>(dims.begin(), dims.end()))).value();
  return floats(run(read(m.bytes()), {zeros}));
}

}  // namespace pochade::tflite
