#include "ops/matrix/einsum.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

Einsum einsum(std::string equation) {
  Einsum op;
  op.equation = std::move(equation);
  return op;
}

std::vector<float> run(const std::string& equation, const Tensors& in, const Shape& shape) {
  const auto out = einsum(equation).eval(in);
  EXPECT_TRUE(out) << out.error().text();
  if (!out) return {};
  EXPECT_EQ((*out)[0].shape(), shape);
  return to_floats((*out)[0]);
}

std::string error(const std::string& equation, const std::vector<Shape>& shapes) {
  Facts facts;
  for (const Shape& shape : shapes) facts.emplace_back(DType::kF32, shape);
  const auto out = einsum(equation).infer(facts);
  return out ? "" : out.error().text();
}

TEST(Einsum, ProductsTracesSumsAndBroadcasts) {
  const Tensor a = Tensor::of<float>({2, 2}, {1, 2, 3, 4}), b = Tensor::of<float>({2, 2}, {5, 6, 7, 8});
  const Tensor v = Tensor::of<float>({2}, {10, 100});
  EXPECT_EQ(run("ij, jk -> ik", {a, b}, {2, 2}), (std::vector<float>{19, 22, 43, 50}));
  EXPECT_EQ(run("ij,jk", {a, b}, {2, 2}), (std::vector<float>{19, 22, 43, 50}));
  EXPECT_EQ(run("ii", {a}, {}), (std::vector<float>{5}));
  EXPECT_EQ(run("ii->i", {a}, {2}), (std::vector<float>{1, 4}));
  EXPECT_EQ(run("ba", {a}, {2, 2}), (std::vector<float>{1, 3, 2, 4}));  // without "->": alphabetical
  EXPECT_EQ(run("ij->", {a}, {}), (std::vector<float>{10}));
  EXPECT_EQ(run("...i,i->...", {a, v}, {2}), (std::vector<float>{210, 430}));
  EXPECT_EQ(run("...,...", {a, v}, {2, 2}), (std::vector<float>{10, 200, 30, 400}));
  EXPECT_EQ(run("i,j,k->kij", {v, v, Tensor::of<float>({1}, {2})}, {1, 2, 2}),
            (std::vector<float>{200, 2000, 2000, 20000}));
}

TEST(Einsum, IntegersWrapAndEmptySumsAreZero) {
  const Tensor a = Tensor::of<int8_t>({2}, {-100, 3});
  const Tensors out = einsum("i,i->").eval(std::array{a, a}).value();
  EXPECT_EQ(to_int64s(out[0])[0], static_cast<int8_t>(10000 + 9));
  EXPECT_EQ(run("ij->j", {Tensor::make(DType::kF32, {0, 3}).value()}, {3}), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(run("ij->i", {Tensor::make(DType::kF32, {0, 3}).value()}, {0}), (std::vector<float>{}));
}

TEST(Einsum, NamedSizesGoThrough) {
  const Facts in{Fact(DType::kF32, Dims{Dim::named("N"), Dim(3)}), Fact(DType::kF32, Shape{3, 4})};
  EXPECT_EQ(to_string(einsum("nk,km->nm").infer(in).value()[0]), "float32 Nx4");
}

TEST(Einsum, WrongEquationsAreRefused) {
  EXPECT_NE(error("ij,jk->ik", {{2, 2}}), "");
  EXPECT_NE(error("ij,jk->ik", {{2, 3}, {4, 5}}), "");
  EXPECT_NE(error("ij->ik", {{2, 3}}), "");
  EXPECT_NE(error("ij->ii", {{2, 3}}), "");
  EXPECT_NE(error("i", {{2, 3}}), "");
  EXPECT_NE(error("ijk", {{2, 3}}), "");
  EXPECT_NE(error("i$", {{2, 3}}), "");
  EXPECT_NE(error("abcde,fghij->abcdefghij", {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}), "");
  EXPECT_EQ(error("ij->ji", {{2, 3}}), "");
}

}  // namespace
}  // namespace pochade
