#include "ops/matrix/det.h"
#include "ops/matrix/einsum.h"
#include "ops/matrix/gemm.h"
#include "ops/op_testing.h"

namespace pochade {
namespace {

Tensor floats(const Shape& shape, std::vector<float> values) {
  return Tensor::of<float>(shape, std::move(values));
}

TEST(Gemm, AllAttributes) {
  const Tensor a = floats({2, 3}, {1, 2, 3, 4, 5, 6}), b = floats({3, 2}, {1, 0, 0, 1, 1, 1});
  expect_floats(oracle_floats(Gemm{}, {a, b}), {4, 5, 10, 11});
  Gemm op;
  op.alpha = 2;
  op.beta = 0.5f;
  expect_floats(oracle_floats(op, {a, b, floats({2, 1}, {2, 4})}), {9, 11, 22, 24});
  op.transpose_a = op.transpose_b = true;
  expect_floats(oracle_floats(op, {floats({3, 2}, {1, 4, 2, 5, 3, 6}), floats({2, 3}, {1, 0, 1, 0, 1, 1}),
                                   floats({2}, {2, 4})}),
                {9, 12, 21, 24});
}

TEST(Gemm, IntegersWrap) {
  const auto y =
      run_oracle(Gemm{}, {Tensor::of<int32_t>({1, 2}, {1 << 30, -7}), Tensor::of<int32_t>({2, 1}, {4, 3})});
  ASSERT_TRUE(y) << y.error().text();
  EXPECT_EQ(to_int64s((*y)[0]), (std::vector<int64_t>{-21}));
}

TEST(MatMul, VectorsAndBatches) {
  const Tensor v = floats({2}, {1, 10}), m = floats({2, 2}, {1, 2, 3, 4});
  expect_floats(oracle_floats(MatMul{}, {v, m}), {31, 42});
  expect_floats(oracle_floats(MatMul{}, {m, v}), {21, 43});
  expect_floats(oracle_floats(MatMul{}, {v, v}), {101});
  const Tensor batch = floats({2, 1, 1, 2}, {1, 0, 0, 1}), other = floats({1, 2, 2, 1}, {1, 2, 3, 4});
  expect_floats(oracle_floats(MatMul{}, {batch, other}), {1, 3, 2, 4});
}

TEST(MatMul, UnknownSizes) {
  const Fact a(DType::kF32, Dims{Dim::named("N"), Dim(4), Dim(5)}), b(DType::kF32, Shape{5, 6});
  EXPECT_EQ(to_string((*MatMul{}.infer(Facts{a, b}))[0]), "float32 Nx4x6");
}

TEST(Products, RefuseWhatDoesNotFit) {
  const auto fact = [](const Shape& shape) { return Fact(DType::kF32, shape); };
  expect_refused(MatMul{}, {fact({2, 3}), fact({2, 3})}, "K = 3");
  expect_refused(MatMul{}, {fact({2, 2, 3}), fact({3, 3, 3})}, "broadcast");
  expect_refused(MatMul{}, {fact({}), fact({2, 3})}, "rank");
  expect_refused(Gemm{}, {fact({2, 3}), fact({2, 3})}, "K = 3");
  expect_refused(Gemm{}, {fact({2, 3}), fact({3, 2}), fact({2, 2, 2})}, "c is");
  expect_refused(Gemm{}, {fact({1, 3}), fact({3, 2}), fact({2, 2})}, "c is");
  expect_refused(Gemm{}, {fact({2, 3}), fact({3, 2}), fact({3})}, "c");
}

Tensor eins(const std::string& equation, const Tensors& in) {
  Einsum op;
  op.equation = equation;
  const auto y = run_oracle(op, in);
  if (!y) {
    ADD_FAILURE() << y.error().text();
    return {};
  }
  return (*y)[0];
}

TEST(Einsum, Notation) {
  const Tensor m = floats({2, 2}, {1, 2, 3, 4}), v = floats({2}, {1, 10});
  expect_floats(to_floats(eins("ij->ji", {m})), {1, 3, 2, 4});
  expect_floats(to_floats(eins("ij->i", {m})), {3, 7});
  expect_floats(to_floats(eins("ii", {m})), {5});
  expect_floats(to_floats(eins("ii->i", {m})), {1, 4});
  expect_floats(to_floats(eins("i,i", {v, v})), {101});
  expect_floats(to_floats(eins("i,j->ij", {v, v})), {1, 10, 10, 100});
  expect_floats(to_floats(eins(" ij , jk ", {m, m})), {7, 10, 15, 22});
  expect_floats(to_floats(eins("ba", {m})), {1, 3, 2, 4});  // the output is in the order of the alphabet
  const Tensor batch = floats({2, 1, 2}, {1, 0, 0, 1});
  expect_floats(to_floats(eins("...ij,jk->...ik", {batch, m})), {1, 2, 3, 4});
  EXPECT_EQ(to_string(eins("...ij,...jk", {batch, m}).shape()), "2x1x2");
  expect_floats(to_floats(eins("ij,j,i->", {m, v, v})), {1 * 1 + 2 * 10 + 3 * 10 + 4 * 100});
}

TEST(Einsum, RefusesWhatMakesNoSense) {
  const Fact m(DType::kF32, Shape{2, 3});
  const auto refused = [&](const std::string& equation, const Facts& facts, std::string_view part) {
    Einsum op;
    op.equation = equation;
    expect_refused(op, facts, part);
  };
  refused("ij,jk->ik", {m}, "terms");
  refused("ij", {m, m}, "terms");
  refused("ijk", {m}, "rank 2");
  refused("i", {m}, "rank 2");
  refused("ij->k", {m}, "no input");
  refused("ij->ii", {m}, "twice");
  refused("i1", {m}, "'1'");
  refused("......", {m}, "two ellipses");
  refused("ij,ij,jj", {m, m, Fact(DType::kF32, Shape{3, 2})}, "sizes");
}

TEST(Det, EliminationWithPivots) {
  expect_floats(oracle_floats(Det{}, {floats({2, 2}, {0, 1, 2, 3})}), {-2});
  expect_floats(oracle_floats(Det{}, {floats({3, 2, 2}, {1, 2, 3, 4, 1, 2, 2, 1, 1, 3, 3, 1})}),
                {-2, -3, -8});
  expect_floats(oracle_floats(Det{}, {floats({2, 2}, {1, 2, 2, 4})}), {0});
  expect_floats(oracle_floats(Det{}, {Tensor::make(DType::kF32, Shape{0, 0}).value()}), {1});
  expect_refused(Det{}, {Fact(DType::kF32, Shape{2, 3})}, "square");
}

}  // namespace
}  // namespace pochade
