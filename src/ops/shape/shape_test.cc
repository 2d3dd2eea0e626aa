#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"
#include "ops/shape/trilu.h"
#include "ops/testing.h"

namespace pochade {
namespace {

using F = std::vector<float>;
using I = std::vector<int64_t>;

/// 0, 1, 2, ..
Tensor iota(const Shape& shape) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  for (int64_t i = 0; i < out.elements(); ++i)
    out.mutable_data<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
  return out;
}

Fact named_input() {
  return Fact(DType::kF32, Dims{Dim::named("N"), Dim(3), Dim(4)});
}

std::string inferred(const Op& op, const Facts& in) {
  const auto out = op.infer(in);
  return out ? to_string((*out)[0]) : out.error().text();
}

TEST(Reshape, CopiesInfersAndRefuses) {
  const Tensor x = iota({2, 3, 4});
  EXPECT_EQ(run_op_1(Reshape{}, {x, int64s({0, -1})}).shape(), (Shape{2, 12}));
  EXPECT_EQ(run_op_1(Reshape{}, {x, int64s({-1, 0, 2})}).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(run_op_1(Reshape{}, {iota({1}), int64s({})}).shape(), Shape{});
  EXPECT_NE(error_of(Reshape{}, {x, int64s({5, 5})}).find("2x3x4 to 5x5"), std::string::npos);
  EXPECT_NE(error_of(Reshape{}, {x, int64s({-1, -1})}).find("two sizes"), std::string::npos);
  EXPECT_NE(error_of(Reshape{}, {x, int64s({-1, 5})}).find("divided by 5"), std::string::npos);
  EXPECT_NE(error_of(Reshape{}, {x, int64s({-2})}).find("-2"), std::string::npos);
  EXPECT_NE(error_of(Reshape{}, {x, int64s({2, 12, 1, 0})}).find("copies axis 3"), std::string::npos);
  EXPECT_NE(error_of(Reshape{}, {x, int64s(I(9, 1))}).find("9 dimensions"), std::string::npos);
  EXPECT_NE(error_of(Reshape{}, {x, int64s({INT64_MAX, INT64_MAX, -1})}).find("too large"),
            std::string::npos);
}

TEST(Reshape, ZeroMayMeanZero) {
  Reshape op;
  op.allow_zero = true;
  EXPECT_EQ(run_op_1(op, {iota({0, 3}), int64s({3, 0})}).shape(), (Shape{3, 0}));
  EXPECT_NE(error_of(op, {iota({0, 3}), int64s({0, -1})}).find("beside a size of 0"), std::string::npos);
}

TEST(Reshape, KeepsWhatItKnowsOfNamedSizes) {
  EXPECT_EQ(inferred(Reshape{}, {named_input(), Fact(int64s({0, -1}))}), "float32 Nx12");
  EXPECT_EQ(inferred(Reshape{}, {named_input(), Fact(int64s({-1, 12}))}), "float32 Nx12");
  EXPECT_EQ(inferred(Reshape{}, {named_input(), Fact(int64s({-1, 6}))}), "float32 ?x6");
  EXPECT_EQ(inferred(Reshape{}, {named_input(), Fact(DType::kI64, Shape{2})}), "float32 ?x?");
}

TEST(Flatten, SplitsTheAxesInTwo) {
  Flatten op;
  EXPECT_EQ(run_op_1(op, {iota({2, 3, 4})}).shape(), (Shape{2, 12}));
  op.axis = 0;
  EXPECT_EQ(run_op_1(op, {iota({2, 3, 4})}).shape(), (Shape{1, 24}));
  op.axis = -1;
  EXPECT_EQ(run_op_1(op, {iota({2, 3, 4})}).shape(), (Shape{6, 4}));
  op.axis = 4;
  EXPECT_NE(error_of(op, {iota({2, 3, 4})}).find("axis 4"), std::string::npos);
  EXPECT_EQ(inferred(Flatten{}, {named_input()}), "float32 Nx12");
}

TEST(Squeeze, DropsOnlyAxesOfOne) {
  EXPECT_EQ(run_op_1(Squeeze{}, {iota({1, 3, 1}), int64s({-1})}).shape(), (Shape{1, 3}));
  EXPECT_EQ(run_op_1(Squeeze{}, {iota({1, 3, 1})}).shape(), Shape{3});
  EXPECT_NE(error_of(Squeeze{}, {iota({1, 3}), int64s({1})}).find("cannot be dropped"), std::string::npos);
  EXPECT_NE(error_of(Squeeze{}, {iota({1, 3}), int64s({0, -2})}).find("twice"), std::string::npos);
}

TEST(Unsqueeze, CountsAxesInTheOutput) {
  EXPECT_EQ(run_op_1(Unsqueeze{}, {iota({3, 4}), int64s({-1, 0})}).shape(), (Shape{1, 3, 4, 1}));
  EXPECT_NE(error_of(Unsqueeze{}, {iota({3}), int64s({5})}).find("axis 5"), std::string::npos);
}

TEST(Transpose, MovesAxes) {
  Transpose op;
  op.perm = {2, 0, 1};
  const Tensor y = run_op_1(op, {iota({2, 1, 3})});
  EXPECT_EQ(y.shape(), (Shape{3, 2, 1}));
  EXPECT_EQ(to_floats(y), (F{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(run_op_1(Transpose{}, {iota({2, 1, 3})}).shape(), (Shape{3, 1, 2}));
  op.perm = {0, 0, 1};
  EXPECT_NE(error_of(op, {iota({2, 1, 3})}).find("twice"), std::string::npos);
  op.perm = {0, 1};
  EXPECT_NE(error_of(op, {iota({2, 1, 3})}).find("perm has 2"), std::string::npos);
}

TEST(Concat, JoinsAlongAnyAxis) {
  Concat op;
  op.axis = -1;
  EXPECT_EQ(to_floats(run_op_1(op, {floats({2, 1}, {1, 2}), floats({2, 2}, {3, 4, 5, 6})})),
            (F{1, 3, 4, 2, 5, 6}));
  EXPECT_NE(error_of(op, {iota({2, 1}), iota({3, 1})}).find("do not fit"), std::string::npos);
  EXPECT_NE(error_of(op, {iota({2, 1}), iota({2})}).find("ranks"), std::string::npos);
  EXPECT_EQ(inferred(op, {named_input(), named_input()}), "float32 Nx3x8");
}

TEST(Split, CutsBySizesOrEvenly) {
  Split op;
  op.outputs = 2;
  auto out = run_op(op, {iota({5}), int64s({1, 4})});
  ASSERT_TRUE(out);
  EXPECT_EQ(to_floats((*out)[1]), (F{1, 2, 3, 4}));
  op.outputs = 3;
  op.axis = 1;
  out = run_op(op, {iota({1, 7})});  // rounded up; the last is smaller
  ASSERT_TRUE(out);
  EXPECT_EQ(to_floats((*out)[0]), (F{0, 1, 2}));
  EXPECT_EQ(to_floats((*out)[2]), (F{6}));
  EXPECT_NE(error_of(op, {iota({1, 7}), int64s({1, 2, 3})}).find("add up to 6, expected 7"),
            std::string::npos);
  EXPECT_NE(error_of(op, {iota({1, 7}), int64s({1, 6})}).find("2 sizes for 3"), std::string::npos);
  EXPECT_NE(error_of(op, {iota({1, 7}), int64s({-1, 7, 1})}).find("-1"), std::string::npos);
}

TEST(Slice, ClampsAndCountsFromTheEnd) {
  const Tensor x = iota({6});
  const auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return to_floats(run_op_1(Slice{}, {x, int64s({start}), int64s({end}), int64s({0}), int64s({step})}));
  };
  EXPECT_EQ(slice(1, 5, 2), (F{1, 3}));
  EXPECT_EQ(slice(-2, INT64_MAX, 1), (F{4, 5}));
  EXPECT_EQ(slice(0, -4, 1), (F{0, 1}));
  EXPECT_EQ(slice(-1, INT64_MIN, -1), (F{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(slice(100, 0, -2), (F{5, 3, 1}));
  EXPECT_EQ(slice(4, -100, -3), (F{4, 1}));
  EXPECT_EQ(slice(3, 3, 1), F{});
  EXPECT_EQ(slice(5, 2, 1), F{});
  EXPECT_EQ(slice(0, 6, INT64_MAX), F{0});
  EXPECT_EQ(slice(5, 0, INT64_MIN), F{5});
  EXPECT_NE(error_of(Slice{}, {x, int64s({0}), int64s({1}), int64s({0}), int64s({0})}).find("step is 0"),
            std::string::npos);
  EXPECT_NE(error_of(Slice{}, {x, int64s({0}), int64s({1, 2})}).find("1, 2, 1"), std::string::npos);
}

TEST(Slice, OfTwoAxesKeepsNamesItDoesNotCut) {
  const Tensor y = run_op_1(Slice{}, {iota({3, 4}), int64s({1, -1}), int64s({3, -4})});
  EXPECT_EQ(y.shape(), (Shape{2, 0}));
  const Tensor z =
      run_op_1(Slice{}, {iota({3, 4}), int64s({3, 0}), int64s({-9, 9}), int64s({1, 0}), int64s({-2, 2})});
  EXPECT_EQ(to_floats(z), (F{3, 1, 11, 9}));
  EXPECT_EQ(inferred(Slice{}, {named_input(), Fact(int64s({1})), Fact(int64s({3})), Fact(int64s({2}))}),
            "float32 Nx3x2");
  EXPECT_EQ(
      inferred(Slice{}, {named_input(), Fact(int64s({0})), Fact(int64s({INT64_MAX})), Fact(int64s({0}))}),
      "float32 Nx3x4");
  EXPECT_EQ(inferred(Slice{}, {named_input(), Fact(DType::kI64, Shape{1}), Fact(DType::kI64, Shape{1}),
                               Fact(int64s({1}))}),
            "float32 Nx?x4");
}

TEST(CenterCropPad, CentresBothWays) {
  EXPECT_EQ(to_floats(run_op_1(CenterCropPad{}, {iota({5}), int64s({2})})), (F{1, 2}));
  EXPECT_EQ(to_floats(run_op_1(CenterCropPad{}, {floats({2}, {1, 2}), int64s({5})})), (F{0, 1, 2, 0, 0}));
}

TEST(Expand, BroadcastsBothWays) {
  EXPECT_EQ(to_floats(run_op_1(Expand{}, {floats({2, 1}, {1, 2}), int64s({3, 1, 2})})),
            (F{1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_EQ(run_op_1(Expand{}, {iota({3, 1}), int64s({1})}).shape(), (Shape{3, 1}));
  EXPECT_NE(error_of(Expand{}, {iota({3}), int64s({2})}).find("broadcast"), std::string::npos);
  EXPECT_NE(error_of(Expand{}, {iota({3}), int64s({-1, 3})}).find("impossible"), std::string::npos);
}

TEST(Tile, RepeatsEachAxis) {
  EXPECT_EQ(to_floats(run_op_1(Tile{}, {floats({1, 2}, {1, 2}), int64s({2, 2})})),
            (F{1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(run_op_1(Tile{}, {iota({2, 2}), int64s({0, 1})}).shape(), (Shape{0, 2}));
  EXPECT_NE(error_of(Tile{}, {iota({2}), int64s({INT64_MAX})}).find("too large"), std::string::npos);
  EXPECT_NE(error_of(Tile{}, {iota({2}), int64s({1, 1})}).find("2 values, expected 1"), std::string::npos);
}

TEST(Pad, FillsInFourWays) {
  const auto pad = [](PadFill mode, int64_t begin, int64_t end) {
    Pad op;
    op.mode = mode;
    return to_floats(run_op_1(op, {floats({3}, {1, 2, 3}), int64s({begin, end})}));
  };
  EXPECT_EQ(pad(PadFill::kConstant, 1, 2), (F{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(pad(PadFill::kReflect, 2, 2), (F{3, 2, 1, 2, 3, 2, 1}));
  EXPECT_EQ(pad(PadFill::kReflect, 5, 0), (F{2, 1, 2, 3, 2, 1, 2, 3}));  // as numpy: back and forth
  EXPECT_EQ(pad(PadFill::kEdge, 2, 1), (F{1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(pad(PadFill::kWrap, 2, 4), (F{2, 3, 1, 2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(pad(PadFill::kConstant, -1, 1), (F{2, 3, 0}));
  EXPECT_EQ(pad(PadFill::kEdge, -1, 2), (F{2, 3, 3, 3}));
  EXPECT_EQ(pad(PadFill::kConstant, -3, 2), (F{0, 0}));
}

TEST(Pad, TakesAValueAndAxes) {
  const Tensor y = run_op_1(Pad{}, {iota({2, 2}), int64s({1, 0}), Tensor::scalar(9.0f), int64s({-1})});
  EXPECT_EQ(to_floats(y), (F{9, 0, 1, 9, 2, 3}));
  EXPECT_NE(error_of(Pad{}, {iota({2, 2}), int64s({1, 0, 0})}).find("3 values, expected 4"),
            std::string::npos);
  EXPECT_NE(error_of(Pad{}, {iota({2}), int64s({-2, -1})}).find("-2 and -1"), std::string::npos);
  EXPECT_NE(error_of(Pad{}, {iota({2}), int64s({INT64_MAX, 1})}).find("pads of"), std::string::npos);
  Pad edge;
  edge.mode = PadFill::kEdge;
  EXPECT_NE(error_of(edge, {iota({0}), int64s({1, 1})}).find("nothing to fill"), std::string::npos);
}

TEST(DepthToSpace, HasTwoOrders) {
  // One pixel of 8 channels: block row, block column, channel.
  DepthToSpace op;
  op.block = 2;
  EXPECT_EQ(to_floats(run_op_1(op, {iota({1, 1, 1, 8})})), (F{0, 1, 2, 3, 4, 5, 6, 7}));
  op.channel_first = true;
  EXPECT_EQ(to_floats(run_op_1(op, {iota({1, 1, 1, 8})})), (F{0, 4, 1, 5, 2, 6, 3, 7}));
  op.block = 3;
  EXPECT_NE(error_of(op, {iota({1, 1, 1, 8})}).find("divided by 9"), std::string::npos);
}

TEST(SpaceToDepth, IsTheReverse) {
  SpaceToDepth op;
  op.block = 2;
  const Tensor x = iota({2, 4, 6, 3});
  const Tensor y = run_op_1(op, {x});
  EXPECT_EQ(y.shape(), (Shape{2, 2, 3, 12}));
  EXPECT_EQ(y.data<float>()[3], 3);   // the pixel to the right
  EXPECT_EQ(y.data<float>()[6], 18);  // the pixel below
  DepthToSpace back;
  back.block = 2;
  EXPECT_TRUE(run_op_1(back, {y}).identical(x));
}

TEST(Shape, IsConstantOnceSizesAreNumbers) {
  EXPECT_EQ(values<int64_t>(run_op_1(ShapeOp{}, {iota({2, 3, 4})})), (I{2, 3, 4}));
  ShapeOp part;
  part.start = -1;
  EXPECT_EQ(values<int64_t>(run_op_1(part, {iota({2, 3, 4})})), I{4});
  EXPECT_EQ(inferred(part, {named_input()}), "int64 1 constant");
  EXPECT_EQ(inferred(ShapeOp{}, {named_input()}), "int64 3");
  part.start = 2;
  part.end = 1;
  EXPECT_EQ(values<int64_t>(run_op_1(part, {iota({2, 3, 4})})), I{});
  EXPECT_EQ(values<int64_t>(run_op_1(SizeOp{}, {iota({2, 3, 4})})), I{24});
}

TEST(Range, CountsUpDownAndNotAtAll) {
  const auto range = [](int64_t start, int64_t limit, int64_t delta) {
    return values<int64_t>(
        run_op_1(RangeOp{}, {Tensor::scalar(start), Tensor::scalar(limit), Tensor::scalar(delta)}));
  };
  EXPECT_EQ(range(1, 6, 2), (I{1, 3, 5}));
  EXPECT_EQ(range(10, 6, -3), (I{10, 7}));
  EXPECT_EQ(range(1, 6, -1), I{});
  EXPECT_EQ(range(INT64_MIN, INT64_MAX, INT64_MAX), (I{INT64_MIN, -1, INT64_MAX - 1}));
  EXPECT_EQ(
      to_floats(run_op_1(RangeOp{}, {Tensor::scalar(0.0f), Tensor::scalar(1.0f), Tensor::scalar(0.25f)})),
      (F{0, 0.25f, 0.5f, 0.75f}));
  EXPECT_NE(
      error_of(RangeOp{}, {Tensor::scalar(0.0f), Tensor::scalar(1.0f), Tensor::scalar(0.0f)}).find("delta"),
      std::string::npos);
}

TEST(ConstantOfShape, FillsWithItsValue) {
  ConstantOfShape op;
  op.value = int64s({7});
  EXPECT_EQ(values<int64_t>(run_op_1(op, {int64s({2, 1})})), (I{7, 7}));
  EXPECT_EQ(run_op_1(op, {int64s({})}).shape(), Shape{});
  EXPECT_NE(error_of(op, {int64s({-1})}).find("impossible"), std::string::npos);
  EXPECT_NE(error_of(op, {int64s({INT64_MAX, INT64_MAX})}).find("impossible"), std::string::npos);
}

TEST(EyeLike, ShiftsItsDiagonal) {
  EyeLike op;
  op.k = 1;
  op.dtype = DType::kI32;
  EXPECT_EQ(to_int64s(run_op_1(op, {iota({2, 3})})), (I{0, 1, 0, 0, 0, 1}));
}

TEST(Trilu, KeepsOneSideOfTheDiagonal) {
  const Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(to_floats(run_op_1(Trilu{}, {x})), (F{1, 2, 3, 0, 5, 6}));
  Trilu lower;
  lower.upper = false;
  EXPECT_EQ(to_floats(run_op_1(lower, {x, Tensor::scalar<int64_t>(-1)})), (F{0, 0, 0, 4, 0, 0}));
}

TEST(ReverseSequence, ReversesEachByItsLength) {
  const Tensor x = floats({3, 2}, {1, 2, 3, 4, 5, 6});  // time, batch
  EXPECT_EQ(to_floats(run_op_1(ReverseSequence{}, {x, int64s({3, 2})})), (F{5, 4, 3, 2, 1, 6}));
  ReverseSequence op;
  op.batch_axis = 0;
  op.time_axis = 1;
  EXPECT_EQ(to_floats(run_op_1(op, {x, int64s({1, 2, 0})})), (F{1, 2, 4, 3, 5, 6}));
  EXPECT_NE(error_of(op, {x, int64s({3, 2, 1})}).find("length of 3"), std::string::npos);
}

}  // namespace
}  // namespace pochade
