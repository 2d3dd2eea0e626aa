#include "ops/conv/conv.h"

#include "ops/conv/conv_transpose.h"
#include "ops/conv/deform_conv.h"
#include "ops/op_testing.h"

namespace pochade {
namespace {

Window pads(int64_t begin, int64_t end, int64_t stride = 1) {
  Window window;
  window.strides = {stride, stride};
  window.pads_begin = {begin, begin};
  window.pads_end = {end, end};
  return window;
}

// The examples of ONNX's Conv: a 5x5 picture 0..24 and a 3x3 filter of ones.
TEST(Conv, ExamplesOfTheSpecification) {
  const Tensor x = counting({1, 5, 5, 1}), w = filled({1, 3, 3, 1}, 1);
  expect_floats(oracle_floats(Conv{}, {x, w}), {54, 63, 72, 99, 108, 117, 144, 153, 162});
  Conv padded;
  padded.window = pads(1, 1);
  expect_floats(oracle_floats(padded, {x, w}), {12,  21, 27, 33,  24,  33,  54,  63, 72,  51,  63,  99, 108,
                                                117, 81, 93, 144, 153, 162, 111, 72, 111, 117, 123, 84});
  Conv same = padded;
  same.window = {};
  same.window.strides = {2, 2};
  same.window.auto_pad = AutoPad::kSameLower;
  expect_floats(oracle_floats(same, {x, w}), {12, 27, 24, 63, 108, 81, 72, 117, 84});
}

TEST(Conv, StridesWithUnevenPads) {
  const Tensor x = counting({1, 7, 5, 1}), w = filled({1, 3, 3, 1}, 1);
  Conv op;
  op.window = pads(1, 1, 2);
  expect_floats(oracle_floats(op, {x, w}), {12, 27, 24, 63, 108, 81, 123, 198, 141, 112, 177, 124});
  op.window.pads_begin = {1, 0};
  op.window.pads_end = {1, 0};
  expect_floats(oracle_floats(op, {x, w}), {21, 33, 99, 117, 189, 207, 171, 183});
}

TEST(Conv, GroupsSeeTheirOwnChannels) {
  const Tensor x = Tensor::of<float>({1, 1, 1, 4}, {1, 2, 3, 4});
  const Tensor w = Tensor::of<float>({2, 1, 1, 2}, {1, 10, 100, 1000});
  Conv op;
  op.groups = 2;
  expect_floats(oracle_floats(op, {x, w, Tensor::of<float>({2}, {0.5f, -1})}), {21.5f, 4299});
}

TEST(Conv, BordersMirrorOrRepeat) {
  const Tensor x = Tensor::of<float>({1, 3, 1}, {1, 2, 4}), w = Tensor::of<float>({1, 3, 1}, {1, 10, 100});
  Conv op;
  op.window.pads_begin = op.window.pads_end = {1};
  expect_floats(oracle_floats(op, {x, w}), {210, 421, 42});
  op.pad_mode = PadMode::kReflect;  // 2 1 2 4 2
  expect_floats(oracle_floats(op, {x, w}), {212, 421, 242});
  op.pad_mode = PadMode::kEdge;  // 1 1 2 4 4
  expect_floats(oracle_floats(op, {x, w}), {211, 421, 442});
}

TEST(Conv, HalfAndActivation) {
  const Tensor x = counting({1, 2, 2, 1}, -2).cast(DType::kF16).value(),
               w = filled({1, 1, 1, 1}, 3).cast(DType::kF16).value();
  Conv op;
  op.act = {Activation::Kind::kRelu, 0, 0};
  const auto y = run_oracle(op, {x, w});
  ASSERT_TRUE(y) << y.error().text();
  EXPECT_EQ((*y)[0].dtype(), DType::kF16);
  EXPECT_EQ(to_floats((*y)[0]), (std::vector<float>{0, 0, 0, 3}));
}

TEST(Conv, NamedSizesAndCost) {
  Conv op;
  op.window = pads(1, 1);
  const Fact x(DType::kF32, Dims{Dim::named("N"), Dim::named("H"), Dim(8), Dim(3)});
  const Fact w(DType::kF32, Shape{16, 3, 3, 3});
  EXPECT_EQ(to_string((*op.infer(Facts{x, w}))[0]), "float32 NxHx8x16");
  const Facts concrete{Fact(DType::kF32, Shape{1, 8, 8, 3}), w};
  EXPECT_EQ(op.cost(concrete, *op.infer(concrete)).macs, 8 * 8 * 16 * 27);
}

TEST(Conv, RefusesWhatDoesNotFit) {
  const auto f32_fact = [](const Shape& shape) { return Fact(DType::kF32, shape); };
  expect_refused(Conv{}, {f32_fact({1, 5, 5}), f32_fact({1, 3, 3, 1})}, "rank");
  expect_refused(Conv{}, {f32_fact({1, 5}), f32_fact({1, 3})}, "rank");
  expect_refused(Conv{}, {f32_fact({1, 5, 5, 3}), f32_fact({1, 3, 3, 2})}, "channels");
  expect_refused(Conv{}, {f32_fact({1, 2, 5, 3}), f32_fact({1, 3, 3, 3})}, "does not fit");
  expect_refused(Conv{}, {f32_fact({1, 5, 5, 3}), f32_fact({2, 3, 3, 3}), f32_fact({3})}, "bias");
  expect_refused(Conv{}, {Fact(DType::kI32, Shape{1, 5, 5, 3}), f32_fact({2, 3, 3, 3})}, "int32");
  expect_refused(Conv{}, {f32_fact({1, 5, 5, 3}), Fact(DType::kF64, Shape{2, 3, 3, 3})}, "float64");
  expect_refused(Conv{}, {f32_fact({1, 5, 5, 3})}, "inputs");
  Conv groups;
  groups.groups = 2;
  expect_refused(groups, {f32_fact({1, 5, 5, 4}), f32_fact({3, 3, 3, 2})}, "groups");
  groups.groups = 0;
  expect_refused(groups, {f32_fact({1, 5, 5, 4}), f32_fact({3, 3, 3, 2})}, "groups");
  Conv reflect;
  reflect.window = pads(5, 5);
  reflect.pad_mode = PadMode::kReflect;
  expect_refused(reflect, {f32_fact({1, 5, 5, 1}), f32_fact({1, 3, 3, 1})}, "reflect");
  Conv strides;
  strides.window.strides = {1, -1};
  expect_refused(strides, {f32_fact({1, 5, 5, 1}), f32_fact({1, 3, 3, 1})}, "strides");
}

// The example of ONNX's ConvTranspose: 0..8 under a 3x3 filter of ones.
TEST(ConvTranspose, ExampleOfTheSpecification) {
  const Tensor x = counting({1, 3, 3, 1}), w = filled({1, 3, 3, 1}, 1);
  expect_floats(oracle_floats(ConvTranspose{}, {x, w}),
                {0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8});
}

TEST(ConvTranspose, FilterIsNotFlipped) {
  const Tensor x = Tensor::of<float>({1, 2, 1}, {1, 2}), w = Tensor::of<float>({1, 2, 1}, {10, 100});
  ConvTranspose op;
  op.window.strides = {2};
  expect_floats(oracle_floats(op, {x, w}), {10, 100, 20, 200});
  op.window.strides = {3};
  op.output_padding = {1};
  expect_floats(oracle_floats(op, {x, w}), {10, 100, 0, 20, 200, 0});
  op.window.pads_begin = {1};
  expect_floats(oracle_floats(op, {x, w}), {100, 0, 20, 200, 0});
}

TEST(ConvTranspose, OutputShapeDecidesThePads) {
  const Tensor x = Tensor::of<float>({1, 2, 1}, {1, 2}), w = Tensor::of<float>({1, 3, 1}, {1, 10, 100});
  ConvTranspose op;
  op.window.strides = {2};  // 1 10 102 20 200
  op.output_shape = {4};    // one too many: cut at the beginning
  expect_floats(oracle_floats(op, {x, w}), {10, 102, 20, 200});
  op.window.auto_pad = AutoPad::kSameUpper;  // or at the end
  expect_floats(oracle_floats(op, {x, w}), {1, 10, 102, 20});
  op.output_shape = {7};  // more than there is: the bias
  expect_floats(oracle_floats(op, {x, w, filled({1}, 0.5f)}),
                {1.5f, 10.5f, 102.5f, 20.5f, 200.5f, 0.5f, 0.5f});
  op.output_shape = {};  // stride * size
  expect_floats(oracle_floats(op, {x, w}), {1, 10, 102, 20});
}

TEST(ConvTranspose, RefusesWhatDoesNotFit) {
  const auto f32_fact = [](const Shape& shape) { return Fact(DType::kF32, shape); };
  ConvTranspose op;
  expect_refused(op, {f32_fact({1, 5, 5, 3}), f32_fact({1, 3, 3, 2})}, "channels");
  expect_refused(op, {f32_fact({1, 5, 5, 3}), f32_fact({1, 3, 3})}, "rank");
  op.output_shape = {4};
  expect_refused(op, {f32_fact({1, 5, 5, 3}), f32_fact({1, 3, 3, 3})}, "output_shape");
  op.output_shape = {4, -4};
  expect_refused(op, {f32_fact({1, 5, 5, 3}), f32_fact({1, 3, 3, 3})}, "-4");
  op.output_shape = {};
  op.window = pads(9, 9);
  expect_refused(op, {f32_fact({1, 2, 2, 3}), f32_fact({1, 3, 3, 3})}, "cut");
  ConvTranspose groups;
  groups.groups = 2;
  expect_refused(groups, {f32_fact({1, 5, 5, 4}), f32_fact({3, 3, 3, 2})}, "groups");
}

// The example of ONNX's DeformConv: an offset of half a pixel at one tap.
TEST(DeformConv, OffsetsMoveTheTaps) {
  const Tensor x = counting({1, 3, 3, 1}), w = filled({1, 2, 2, 1}, 1);
  std::vector<float> offsets(2 * 2 * 8, 0);
  DeformConv op;
  expect_floats(oracle_floats(op, {x, w, Tensor::of<float>({1, 2, 2, 8}, offsets)}), {8, 12, 20, 24});
  offsets[0] = 0.5f;           // of output (0,0) the first tap goes half a pixel down: (0 + 3) / 2
  offsets[3 * 8 + 7] = -0.1f;  // of output (1,1) the last tap goes left: 8 -> 7.9
  expect_floats(oracle_floats(op, {x, w, Tensor::of<float>({1, 2, 2, 8}, offsets)}), {9.5f, 12, 20, 23.9f});
  std::vector<float> mask(2 * 2 * 4, 1);
  mask[4] = 0;  // of output (0,1) the first tap, which sees 1
  expect_floats(oracle_floats(op, {x, w, Tensor::of<float>({1, 2, 2, 8}, offsets), filled({1}, 1),
                                   Tensor::of<float>({1, 2, 2, 4}, mask)}),
                {10.5f, 12, 21, 24.9f});
  expect_refused(op, {Fact(x), Fact(w), Fact(DType::kF32, Shape{1, 2, 2, 7})}, "offset");
}

}  // namespace
}  // namespace pochade
