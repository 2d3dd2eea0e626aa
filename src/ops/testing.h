#pragma once
// For the operators' tests: evaluates an operator and checks its shape inference against what came out.

#include <gtest/gtest.h>

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// eval(), after infer() on everything that may be known of the inputs: all, only dtypes and shapes, only
/// dtypes and ranks, only dtypes. Whatever infer() claims must hold for the results. The first error of
/// infer() on full knowledge or of eval() is returned.
inline Result<Tensors> run_op(const Op& op, const Tensors& in) {
  TRY(const Facts known, op.infer(facts_of(in)));
  TRY(Tensors out, op.eval(in));
  const auto check = [&](const Facts& claimed, std::string_view when) {
    EXPECT_EQ(claimed.size(), out.size()) << op.name();
    for (size_t i = 0; i < std::min(claimed.size(), out.size()); ++i) {
      if (!claimed[i].present() || !out[i].defined()) {
        EXPECT_EQ(claimed[i].present(), out[i].defined()) << op.name() << " output " << i << " with " << when;
        continue;
      }
      EXPECT_TRUE(refines(Fact(out[i]), claimed[i]))
          << op.name() << " output " << i << " with " << when << ": claimed " << to_string(claimed[i])
          << ", got " << to_string(Fact(out[i]));
    }
  };
  check(known, "all known");
  Facts shapes, ranks, dtypes;
  for (const Tensor& tensor : in) {
    if (!tensor.defined()) {
      for (Facts* facts : {&shapes, &ranks, &dtypes}) facts->emplace_back();
      continue;
    }
    shapes.emplace_back(tensor.dtype(), tensor.shape());
    ranks.emplace_back(tensor.dtype(), Dims(static_cast<size_t>(tensor.rank())));
    dtypes.emplace_back(tensor.dtype(), std::nullopt);
  }
  // Some operators need a constant (Dropout's training_mode): an error is no claim.
  if (const auto facts = op.infer(shapes)) check(*facts, "shapes known");
  if (const auto facts = op.infer(ranks)) check(*facts, "ranks known");
  if (const auto facts = op.infer(dtypes)) check(*facts, "dtypes known");
  return out;
}

/// The only output; a failed expectation and a scalar if there is an error.
inline Tensor run_op_1(const Op& op, const Tensors& in) {
  auto out = run_op(op, in);
  if (!out) {
    ADD_FAILURE() << op.name() << ": " << out.error().text();
    return Tensor::scalar(0.0f);
  }
  EXPECT_EQ(out->size(), 1u);
  return (*out)[0];
}

/// The error's text, or "no error".
inline std::string error_of(const Op& op, const Tensors& in) {
  const auto out = run_op(op, in);
  return out ? "no error" : out.error().text();
}

template <typename T>
std::vector<T> values(const Tensor& tensor) {
  const auto data = tensor.data<T>();
  return {data.begin(), data.end()};
}

inline Tensor floats(const Shape& shape, const std::vector<float>& list) {
  return Tensor::of<float>(shape, list);
}
inline Tensor int64s(const std::vector<int64_t>& list) {
  return Tensor::of<int64_t>({static_cast<int64_t>(list.size())}, list);
}

}  // namespace pochade
