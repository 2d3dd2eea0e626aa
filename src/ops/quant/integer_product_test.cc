// Which forms of MatMulInteger, ConvInteger and the operators on integers around them have kernels: a step
// that only falls back on the oracle would pass every case.

#include <gtest/gtest.h>

#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "ops/cases.h"
#include "ops/list.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {

Cases integer_product_cases();
Cases quantized_cases();

namespace {

/// The kernel's name; empty if the oracle runs.
std::string kernel_of(const Case& test) {
  const Tensors inputs = make_inputs(test, 1);
  const Facts facts = facts_of_inputs(test, inputs);
  PackedWeights weights;
  const auto out = test.op->infer(facts);
  EXPECT_TRUE(out) << out.error().text();
  const auto step = lower_op(*test.op, Lowering{*kernels(supported_isas().front()), facts, *out, weights});
  EXPECT_TRUE(step) << step.error().text();
  return step->kernel;
}

TEST(IntegerProducts, EveryCaseHasAKernel) {
  const Cases cases = integer_product_cases();
  for (const Case& test : cases.list()) EXPECT_NE(kernel_of(test), "") << test.name;
}

TEST(IntegerProducts, EveryQuantizedCaseHasAKernel) {
  const Cases cases = quantized_cases();
  for (const Case& test : cases.list()) EXPECT_NE(kernel_of(test), "") << test.name;
}

/// Of each row of a, and of each column of b.
TEST(IntegerProducts, ZeroPointsOfRowsAndColumnsRunTheOracle) {
  Cases cases;
  Case& rows = cases.add("rows", MatMulInteger{});
  rows.input(ints(DType::kU8, {2, 3}, 0, 255)).weight(ints(DType::kI8, {3, 2}, -128, 127));
  rows.weight(Tensor::of<uint8_t>({2}, {1, 2}));
  EXPECT_EQ(kernel_of(rows), "");
  Case& columns = cases.add("columns", MatMulInteger{});
  columns.input(ints(DType::kU8, {2, 3}, 0, 255)).weight(ints(DType::kI8, {3, 2}, -128, 127)).no_input();
  columns.weight(Tensor::of<int8_t>({2}, {0, 0}));
  EXPECT_EQ(kernel_of(columns), "matmul_integer");  // all the same
  columns.inputs.back().given = Tensor::of<int8_t>({2}, {0, 1});
  EXPECT_EQ(kernel_of(columns), "");
}

TEST(IntegerProducts, DynamicRangeContainsZero) {
  EXPECT_EQ(dynamic_range(0, 0).scale, 1);
  EXPECT_EQ(dynamic_range(-255, 0).zero_point, 255);
  EXPECT_EQ(dynamic_range(-255, 0).scale, 1);
  EXPECT_EQ(dynamic_range(-2.5f, 252.5f).zero_point, 2);  // halves go to the even number
}

}  // namespace
}  // namespace pochade
