#pragma once
// For the unit tests of operators: infer, then eval, in one line.

#include <gtest/gtest.h>

#include "graph/op.h"

namespace pochade {

/// The outputs of `op`, whose facts agree with what infer() says of these inputs; the error of either.
inline Result<Tensors> run_oracle(const Op& op, const Tensors& inputs) {
  Facts facts;
  for (const Tensor& input : inputs) facts.push_back(input.defined() ? Fact(input) : Fact());
  TRY(const Facts inferred, op.infer(facts));
  TRY(Tensors outputs, op.eval(inputs));
  EXPECT_EQ(inferred.size(), outputs.size());
  for (size_t i = 0; i < std::min(inferred.size(), outputs.size()); ++i) {
    EXPECT_EQ(*inferred[i].dtype, outputs[i].dtype());
    EXPECT_TRUE(inferred[i].shape().has_value()) << to_string(inferred[i]);
    if (!inferred[i].shape()) continue;
    EXPECT_EQ(to_string(*inferred[i].shape()), to_string(outputs[i].shape()));
  }
  return outputs;
}

/// The first output's elements as floats; a failure gives none.
inline std::vector<float> oracle_floats(const Op& op, const Tensors& inputs) {
  const auto outputs = run_oracle(op, inputs);
  if (!outputs) {
    ADD_FAILURE() << outputs.error().text();
    return {};
  }
  return to_floats((*outputs)[0]);
}

/// 0, 1, 2, ...
inline Tensor counting(const Shape& shape, float first = 0) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i);
  return Tensor::of<float>(shape, values);
}
inline Tensor filled(const Shape& shape, float value) {
  return Tensor::of<float>(shape, std::vector<float>(static_cast<size_t>(shape.elements()), value));
}

/// infer() refuses these facts, and says why.
inline void expect_refused(const Op& op, const Facts& facts, std::string_view part_of_message) {
  const auto result = op.infer(facts);
  ASSERT_FALSE(result) << "accepted";
  EXPECT_NE(result.error().text().find(part_of_message), std::string::npos) << result.error().text();
}

inline void expect_floats(const std::vector<float>& got, const std::vector<float>& want,
                          float tolerance = 1e-5f) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << "element " << i;
}

}  // namespace pochade
