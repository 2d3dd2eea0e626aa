#include <cmath>

#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/index/scatter.h"
#include "ops/testing.h"

namespace pochade {
namespace {

using F = std::vector<float>;
using I = std::vector<int64_t>;

Tensor matrix(int64_t rows, int64_t columns, const I& list) {
  return Tensor::of<int64_t>({rows, columns}, list);
}

TEST(Gather, RowsAndColumns) {
  const Tensor x = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  Gather op;
  EXPECT_EQ(to_floats(run_op_1(op, {x, int64s({2, 0, -1})})), (F{5, 6, 1, 2, 5, 6}));
  op.axis = 1;
  const Tensor y = run_op_1(op, {x, matrix(1, 2, {1, 0})});
  EXPECT_EQ(y.shape(), (Shape{3, 1, 2}));
  EXPECT_EQ(to_floats(y), (F{2, 1, 4, 3, 6, 5}));
  EXPECT_EQ(run_op_1(op, {x, Tensor::scalar<int32_t>(0)}).shape(), Shape{3});
  EXPECT_EQ(error_of(op, {x, int64s({2})}), "index 2 is outside [-2, 2)");
  EXPECT_EQ(error_of(op, {x, int64s({INT64_MIN})}), "index -9223372036854775808 is outside [-2, 2)");
}

TEST(GatherElements, TakesOneElementEach) {
  GatherElements op;
  op.axis = 1;
  const Tensor x = floats({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(to_floats(run_op_1(op, {x, matrix(2, 2, {0, 0, -1, 0})})), (F{1, 1, 4, 3}));
  EXPECT_NE(error_of(op, {x, matrix(3, 1, {0, 0, 0})}).find("3 along axis 0"), std::string::npos);
}

TEST(GatherND, IndexesSeveralAxesInBatches) {
  const Tensor x = floats({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(to_floats(run_op_1(GatherND{}, {x, matrix(2, 2, {0, 1, 1, 0})})), (F{2, 3, 4, 5}));
  GatherND batched;
  batched.batch_dims = 1;
  EXPECT_EQ(to_floats(run_op_1(batched, {x, matrix(2, 1, {1, 0})})), (F{2, 3, 4, 5}));
  EXPECT_EQ(error_of(GatherND{}, {x, matrix(1, 2, {0, 2})}), "index 2 is outside [-2, 2)");
  EXPECT_NE(error_of(GatherND{}, {x, matrix(1, 4, {0, 0, 0, 0})}).find("4 columns"), std::string::npos);
}

TEST(Compress, KeepsWhatIsTrue) {
  const Tensor x = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  Compress op;
  EXPECT_EQ(to_floats(run_op_1(op, {x, Tensor::of<bool>({4}, {false, true, false, true})})), (F{2, 4}));
  op.axis = 0;
  EXPECT_EQ(to_floats(run_op_1(op, {x, Tensor::of<bool>({2}, {false, true})})), (F{3, 4}));
  EXPECT_NE(error_of(op, {x, Tensor::of<bool>({4}, {false, true, false, true})}).find("chooses 3 of 3"),
            std::string::npos);
}

TEST(ScatterElements, ReplacesOrCombines) {
  const Tensor x = floats({1, 5}, {1, 2, 3, 4, 5}), updates = floats({1, 2}, {1.5f, 2.5f});
  ScatterElements op;
  op.axis = 1;
  EXPECT_EQ(to_floats(run_op_1(op, {x, matrix(1, 2, {1, -1}), updates})), (F{1, 1.5f, 3, 4, 2.5f}));
  op.reduction = ScatterReduction::kAdd;
  EXPECT_EQ(to_floats(run_op_1(op, {x, matrix(1, 2, {1, 1}), updates})), (F{1, 6, 3, 4, 5}));
  op.reduction = ScatterReduction::kMax;
  EXPECT_EQ(to_floats(run_op_1(op, {x, matrix(1, 2, {0, 1}), updates})), (F{1.5f, 2.5f, 3, 4, 5}));
  op.reduction = ScatterReduction::kMin;
  EXPECT_EQ(to_floats(run_op_1(op, {x, matrix(1, 2, {0, 1}), updates})), (F{1, 2, 3, 4, 5}));
  EXPECT_EQ(error_of(op, {x, matrix(1, 2, {0, 5}), updates}), "index 5 is outside [-5, 5)");
  EXPECT_NE(error_of(op, {x, matrix(1, 1, {0}), updates}).find("the updates 1x2"), std::string::npos);
}

TEST(ScatterND, WritesRows) {
  const Tensor x = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(to_floats(run_op_1(ScatterND{}, {x, matrix(2, 1, {2, 0}), floats({2, 2}, {7, 8, 9, 10})})),
            (F{9, 10, 3, 4, 7, 8}));
  ScatterND op;
  op.reduction = ScatterReduction::kMul;
  EXPECT_EQ(to_floats(run_op_1(op, {x, matrix(2, 2, {2, 0, 2, 0}), floats({2}, {2, 3})})),
            (F{1, 2, 3, 4, 30, 6}));
  EXPECT_EQ(error_of(op, {x, matrix(1, 1, {-4}), floats({1, 2}, {1, 1})}), "index -4 is outside [-3, 3)");
  EXPECT_NE(error_of(op, {x, matrix(1, 1, {0}), floats({1, 1}, {1})}).find("expected 1x2"),
            std::string::npos);
}

TEST(TopK, IsStableAndPutsNanFirst) {
  const Tensor x = floats({2, 4}, {1, 4, 4, 2, std::nanf(""), 1, 3, 0});
  const auto out = run_op(TopK{}, {x, int64s({2})});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(values<int64_t>((*out)[1]), (I{1, 2, 0, 2}));
  EXPECT_EQ((*out)[0].data<float>()[3], 3);
  TopK smallest;
  smallest.largest = false;
  smallest.axis = 0;
  const auto columns = run_op(smallest, {x, int64s({1})});
  ASSERT_TRUE(columns);
  EXPECT_EQ(values<int64_t>((*columns)[1]), (I{0, 1, 1, 1}));
  EXPECT_NE(error_of(TopK{}, {x, int64s({5})}).find("k is 5 of 4"), std::string::npos);
  EXPECT_NE(error_of(TopK{}, {x, int64s({-1})}).find("k is -1"), std::string::npos);
}

TEST(NonZero, ListsCoordinates) {
  const Tensor y = run_op_1(NonZero{}, {floats({2, 2}, {0, 3, -1, 0})});
  EXPECT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_EQ(values<int64_t>(y), (I{0, 1, 1, 0}));
  EXPECT_EQ(to_string(NonZero{}.infer(Facts{Fact(DType::kF32, Shape{2, 2})}).value()[0]), "int64 2x<=4");
}

TEST(Unique, SortedOrByFirstPlace) {
  const Tensor x = floats({6}, {2, 1, 1, 3, 4, 3});
  auto out = run_op(Unique{}, {x});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_floats((*out)[0]), (F{1, 2, 3, 4}));
  EXPECT_EQ(values<int64_t>((*out)[1]), (I{1, 0, 3, 4}));
  EXPECT_EQ(values<int64_t>((*out)[2]), (I{1, 0, 0, 2, 3, 2}));
  EXPECT_EQ(values<int64_t>((*out)[3]), (I{2, 1, 2, 1}));
  Unique by_place;
  by_place.sorted = false;
  out = run_op(by_place, {x});
  EXPECT_EQ(to_floats((*out)[0]), (F{2, 1, 3, 4}));
  EXPECT_EQ(values<int64_t>((*out)[2]), (I{0, 1, 1, 2, 3, 2}));
  Unique rows;
  rows.axis = 0;
  out = run_op(rows, {floats({3, 2}, {1, 0, 0, 5, 1, 0})});
  EXPECT_EQ(to_floats((*out)[0]), (F{0, 5, 1, 0}));
  EXPECT_EQ(values<int64_t>((*out)[2]), (I{1, 0, 1}));
}

TEST(Hardmax, MarksTheFirstLargest) {
  EXPECT_EQ(to_floats(run_op_1(Hardmax{}, {floats({2, 3}, {3, 3, 1, 0, 1, 5})})), (F{1, 0, 0, 0, 0, 1}));
}

TEST(OneHot, LeavesOutWhatIsOutside) {
  const Tensor choice = floats({2}, {0, 9});
  const Tensor y = run_op_1(OneHot{}, {int64s({1, -1, 7}), Tensor::scalar<int64_t>(3), choice});
  EXPECT_EQ(y.shape(), (Shape{3, 3}));
  EXPECT_EQ(to_floats(y), (F{0, 9, 0, 0, 0, 9, 0, 0, 0}));
  OneHot first;
  first.axis = 0;
  EXPECT_EQ(to_floats(run_op_1(first, {int64s({1, 0}), Tensor::scalar(2.0f), choice})), (F{0, 9, 9, 0}));
  EXPECT_NE(error_of(first, {int64s({1}), Tensor::scalar<int64_t>(-1), choice}).find("depth is -1"),
            std::string::npos);
}

}  // namespace
}  // namespace pochade
