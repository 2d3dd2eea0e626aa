#include "ops/reduce/reduce.h"

#include <cmath>
#include <limits>

#include "ops/reduce/scan.h"
#include "ops/testing.h"

namespace pochade {
namespace {

using F = std::vector<float>;
using I = std::vector<int64_t>;

const Tensor kX = floats({2, 3}, {1, -2, 3, 4, 5, -6});

template <typename D>
float all(const Tensor& x) {
  return run_op_1(D{}, {x}).template data<float>()[0];
}

TEST(Reduce, EveryKindOverAllAxes) {
  EXPECT_EQ(run_op_1(ReduceSum{}, {kX}).shape(), (Shape{1, 1}));
  EXPECT_FLOAT_EQ(all<ReduceSum>(kX), 5);
  EXPECT_FLOAT_EQ(all<ReduceMean>(kX), 5.0f / 6);
  EXPECT_FLOAT_EQ(all<ReduceMax>(kX), 5);
  EXPECT_FLOAT_EQ(all<ReduceMin>(kX), -6);
  EXPECT_FLOAT_EQ(all<ReduceProd>(kX), 720);
  EXPECT_FLOAT_EQ(all<ReduceL1>(kX), 21);
  EXPECT_FLOAT_EQ(all<ReduceL2>(kX), std::sqrt(91.0f));
  EXPECT_FLOAT_EQ(all<ReduceSumSquare>(kX), 91);
  EXPECT_FLOAT_EQ(all<ReduceLogSum>(kX), std::log(5.0f));
  EXPECT_FLOAT_EQ(all<ReduceLogSumExp>(floats({2}, {1000, 1000})), 1000 + std::log(2.0f));
}

TEST(Reduce, AxesFromEitherEnd) {
  ReduceSum op;
  EXPECT_EQ(to_floats(run_op_1(op, {kX, int64s({0})})), (F{5, 3, -3}));
  op.keep_dims = false;
  const Tensor y = run_op_1(op, {kX, int64s({-1})});
  EXPECT_EQ(y.shape(), Shape{2});
  EXPECT_EQ(to_floats(y), (F{2, 3}));
  EXPECT_EQ(to_floats(run_op_1(op, {floats({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), int64s({2, 0})})),
            (F{14, 22}));
  EXPECT_NE(error_of(op, {kX, int64s({2})}).find("axis 2"), std::string::npos);
  EXPECT_NE(error_of(op, {kX, int64s({1, -1})}).find("twice"), std::string::npos);
}

TEST(Reduce, NoAxesMayMeanNothingToDo) {
  ReduceSum op;
  EXPECT_EQ(run_op_1(op, {kX, int64s({})}).elements(), 1);
  op.noop_with_empty_axes = true;
  EXPECT_TRUE(run_op_1(op, {kX, int64s({})}).identical(kX));
  EXPECT_TRUE(run_op_1(op, {kX}).identical(kX));
}

TEST(Reduce, OfNothingIsTheNeutralElement) {
  const Tensor nothing = floats({0, 2}, {});
  const auto of = [&](const Op& op) { return to_floats(run_op_1(op, {nothing, int64s({0})})); };
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(of(ReduceSum{}), (F{0, 0}));
  EXPECT_EQ(of(ReduceProd{}), (F{1, 1}));
  EXPECT_EQ(of(ReduceMax{}), (F{-kInf, -kInf}));
  EXPECT_EQ(of(ReduceMin{}), (F{kInf, kInf}));
  EXPECT_EQ(of(ReduceLogSum{}), (F{-kInf, -kInf}));
  EXPECT_EQ(of(ReduceLogSumExp{}), (F{-kInf, -kInf}));
  EXPECT_TRUE(std::isnan(of(ReduceMean{})[0]));
  const Tensor bytes = Tensor::make(DType::kI8, {0, 1}).value();
  EXPECT_EQ(to_int64s(run_op_1(ReduceMax{}, {bytes, int64s({0})})), I{-128});
  EXPECT_EQ(to_int64s(run_op_1(ReduceMin{}, {bytes, int64s({0})})), I{127});
}

TEST(Reduce, IntegersAndNan) {
  EXPECT_EQ(values<int64_t>(run_op_1(ReduceProd{}, {int64s({3, -4, 5})})), I{-60});
  EXPECT_EQ(values<int64_t>(run_op_1(ReduceMean{}, {int64s({1, 2})})), I{1});
  EXPECT_EQ(values<uint8_t>(run_op_1(ReduceMax{}, {Tensor::of<uint8_t>({2}, {3, 200})})),
            std::vector<uint8_t>{200});
  EXPECT_EQ(values<bool>(run_op_1(ReduceMin{}, {Tensor::of<bool>({2}, {true, false})})),
            std::vector<bool>{false});
  EXPECT_TRUE(std::isnan(all<ReduceMax>(floats({3}, {1, std::nanf(""), 2}))));
  EXPECT_TRUE(std::isnan(all<ReduceMin>(floats({3}, {std::nanf(""), 1, 2}))));
}

TEST(ArgMax, FirstOrLastOfEqualOnes) {
  const Tensor x = floats({2, 3}, {3, 1, 3, 2, 2, 0});
  ArgMax op;
  op.axis = 1;
  EXPECT_EQ(values<int64_t>(run_op_1(op, {x})), (I{0, 0}));
  op.select_last_index = true;
  EXPECT_EQ(values<int64_t>(run_op_1(op, {x})), (I{2, 1}));
  op.keep_dims = false;
  EXPECT_EQ(run_op_1(op, {x}).shape(), Shape{2});
  EXPECT_EQ(values<int64_t>(run_op_1(ArgMin{}, {x})), (I{1, 0, 1}));
  EXPECT_NE(error_of(ArgMax{}, {floats({0, 1}, {})}).find("no elements"), std::string::npos);
}

TEST(CumSum, FourWays) {
  const Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor axis = Tensor::scalar<int32_t>(1);
  CumSum op;
  EXPECT_EQ(to_floats(run_op_1(op, {x, axis})), (F{1, 3, 6, 4, 9, 15}));
  op.exclusive = true;
  EXPECT_EQ(to_floats(run_op_1(op, {x, axis})), (F{0, 1, 3, 0, 4, 9}));
  op.reverse = true;
  EXPECT_EQ(to_floats(run_op_1(op, {x, axis})), (F{5, 3, 0, 11, 6, 0}));
  op.exclusive = false;
  EXPECT_EQ(to_floats(run_op_1(op, {x, Tensor::scalar<int32_t>(-2)})), (F{5, 7, 9, 4, 5, 6}));
  EXPECT_NE(error_of(op, {x, Tensor::scalar<int32_t>(2)}).find("axis 2"), std::string::npos);
}

}  // namespace
}  // namespace pochade
