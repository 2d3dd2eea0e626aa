#include "ops/quant/quantize_rows.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

Tensors run(bool symmetric, const Tensor& x) {
  QuantizeRows op;
  op.symmetric = symmetric;
  const Tensor in[] = {x};
  auto out = op.eval(in);
  EXPECT_TRUE(out) << out.error().text();
  return *std::move(out);
}

TEST(QuantizeRows, SymmetricReachesTheLargestMagnitude) {
  const Tensors out = run(true, Tensor::of<float>({3, 2}, {-2, 1, 0.5f, 0.25f, 0, 0}));
  EXPECT_EQ(to_floats(out[0]), (std::vector<float>{-127, 64, 127, 64, 0, 0}));
  EXPECT_EQ(to_floats(out[1]), (std::vector<float>{2.0f / 127, 0.5f / 127, 1}));
  EXPECT_EQ(out[1].shape(), (Shape{3, 1}));
}

TEST(QuantizeRows, AsymmetricUsesTheWholeRange) {
  const Tensors out = run(false, Tensor::of<float>({2, 3}, {0, 127.5f, 255, -51, 0, 204}));
  // Scale 1: 0 is at -128; 127.5 is in the middle of two levels, and goes away from zero before the shift.
  EXPECT_EQ(to_floats(out[0]), (std::vector<float>{0, 127, 255, -51, 0, 204}));
  EXPECT_EQ(to_floats(out[1]), (std::vector<float>{1, 1}));
}

TEST(QuantizeRows, EachPictureHasItsOwnScale) {
  const Tensors out = run(true, Tensor::of<float>({2, 1, 1, 2}, {1, -1, 100, 50}));
  EXPECT_EQ(out[1].shape(), (Shape{2, 1, 1, 1}));
  EXPECT_EQ(to_floats(out[0]), (std::vector<float>{127, -127, 127, 64}));
}

}  // namespace
}  // namespace pochade
