#include <cmath>
#include <limits>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/random.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/testing.h"

namespace pochade {
namespace {

using F = std::vector<float>;
using I = std::vector<int64_t>;
using B = std::vector<bool>;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::nanf("");

template <typename D>
float one(float x, const D& op = D{}) {
  return run_op_1(op, {Tensor::scalar(x)}).template data<float>()[0];
}

template <typename D>
std::vector<bool> bools(const D& op, const Tensors& in) {
  return values<bool>(run_op_1(op, in));
}

TEST(Unary, RoundsHalvesToEven) {
  const Tensor x = floats({8}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 8388609.0f, -2.3f});
  EXPECT_EQ(to_floats(run_op_1(Round{}, {x})), (F{0, 2, 2, 0, -2, 0, 8388609, -2}));
  EXPECT_TRUE(std::signbit(one<Round>(-0.5f)));
}

TEST(Unary, SignsAndMagnitudesOfIntegersWrap) {
  const Tensor x = Tensor::of<int8_t>({3}, {-128, -1, 5});
  EXPECT_EQ(values<int8_t>(run_op_1(Abs{}, {x})), (std::vector<int8_t>{-128, 1, 5}));
  EXPECT_EQ(values<int8_t>(run_op_1(Neg{}, {x})), (std::vector<int8_t>{-128, 1, -5}));
  EXPECT_EQ(values<int8_t>(run_op_1(Sign{}, {x})), (std::vector<int8_t>{-1, -1, 1}));
  EXPECT_EQ(values<uint64_t>(run_op_1(Sign{}, {Tensor::scalar<uint64_t>(~0ull)})), std::vector<uint64_t>{1});
  EXPECT_EQ(values<int64_t>(run_op_1(Abs{}, {Tensor::scalar<int64_t>(INT64_MIN)})), I{INT64_MIN});
}

TEST(Unary, ValuesFromTheirDefinitions) {
  EXPECT_FLOAT_EQ(one<Sigmoid>(0), 0.5f);
  EXPECT_FLOAT_EQ(one<Sigmoid>(-100), 0);
  EXPECT_FLOAT_EQ(one<Softplus>(0), std::log(2.0f));
  EXPECT_FLOAT_EQ(one<Softplus>(100), 100);
  EXPECT_FLOAT_EQ(one<Softsign>(-3), -0.75f);
  EXPECT_FLOAT_EQ(one<HardSwish>(3), 3);
  EXPECT_FLOAT_EQ(one<HardSwish>(-3), 0);
  EXPECT_FLOAT_EQ(one<HardSwish>(1), 1.0f * (1.0f / 6 + 0.5f));
  EXPECT_FLOAT_EQ(one<HardSigmoid>(1), 0.7f);
  EXPECT_FLOAT_EQ(one<Selu>(1), 1.05070102214813232421875f);
  EXPECT_FLOAT_EQ(one<Elu>(-1), std::exp(-1.0f) - 1);
  EXPECT_FLOAT_EQ(one<Mish>(1), std::tanh(std::log1p(std::exp(1.0f))));
  EXPECT_FLOAT_EQ(one<Erf>(0.5f), 0.5204998778f);
  EXPECT_FLOAT_EQ(one<Gelu>(1), 0.8413447461f);
  Gelu approximate;
  approximate.tanh_approximation = true;
  EXPECT_NEAR(one(1.0f, approximate), 0.8411919906f, 1e-6f);
  Celu celu;
  celu.alpha = 2;
  EXPECT_FLOAT_EQ(one(-2.0f, celu), 2 * (std::exp(-1.0f) - 1));
  ThresholdedRelu threshold;
  threshold.alpha = 2;
  EXPECT_EQ(one(2.0f, threshold), 0);
  EXPECT_EQ(one(2.5f, threshold), 2.5f);
  LeakyRelu leaky;
  leaky.alpha = 0.5f;
  EXPECT_EQ(one(-4.0f, leaky), -2);
  Shrink shrink;
  shrink.bias = 1.5f;
  shrink.lambda = 1.5f;
  EXPECT_EQ(to_floats(run_op_1(shrink, {floats({5}, {-2, -1, 0, 1, 2})})), (F{-0.5f, 0, 0, 0, 0.5f}));
}

TEST(Unary, NanStaysNan) {
  EXPECT_TRUE(std::isnan(one<Relu>(kNaN)));
  EXPECT_TRUE(std::isnan(one<Sign>(kNaN)));
  EXPECT_TRUE(std::isnan(one<Softplus>(kNaN)));
  EXPECT_TRUE(std::isnan(one<LeakyRelu>(kNaN)));
  EXPECT_TRUE(std::isnan(one<Sqrt>(-1)));
}

TEST(Unary, HalfComputesInFloatAndRoundsOnce) {
  const Tensor x = Tensor::of<Half>({2}, {Half(1.0f), Half(-0.25f)});
  const auto y = values<Half>(run_op_1(Exp{}, {x}));
  EXPECT_EQ(y[0].bits, Half(std::exp(1.0f)).bits);
  EXPECT_EQ(y[1].bits, Half(std::exp(-0.25f)).bits);
}

TEST(Unary, RefusesTypesThatOnnxDoesNotHave) {
  EXPECT_EQ(error_of(Exp{}, {int64s({1})}), "the input is int64");
  EXPECT_EQ(error_of(Not{}, {int64s({1})}), "the input is int64");
}

TEST(Binary, BroadcastsAsNumpy) {
  const Tensor a = floats({2, 1, 2}, {1, 2, 3, 4}), b = floats({3, 1}, {10, 20, 30});
  const Tensor y = run_op_1(Add{}, {a, b});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(to_floats(y), (F{11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34}));
  EXPECT_NE(error_of(Add{}, {floats({2}, {1, 2}), floats({3}, {1, 2, 3})}).find("broadcast"),
            std::string::npos);
  EXPECT_NE(error_of(Add{}, {floats({1}, {1}), int64s({1})}).find("expected the same"), std::string::npos);
}

TEST(Binary, NothingBroadcastsToNothing) {
  EXPECT_EQ(run_op_1(Add{}, {floats({0, 2}, {}), floats({2}, {1, 2})}).shape(), (Shape{0, 2}));
}

TEST(Binary, IntegerDivisionHasNoUndefinedCorner) {
  EXPECT_EQ(values<int64_t>(run_op_1(Div{}, {int64s({7, -7, 5, INT64_MIN}), int64s({2, 2, 0, -1})})),
            (I{3, -3, 0, INT64_MIN}));
  EXPECT_EQ(values<uint8_t>(run_op_1(Add{}, {Tensor::scalar<uint8_t>(250), Tensor::scalar<uint8_t>(10)})),
            std::vector<uint8_t>{4});
  EXPECT_EQ(values<int64_t>(run_op_1(Mul{}, {int64s({INT64_MAX}), int64s({2})})), I{-2});
}

TEST(Binary, ModTakesTheDivisorsSignAndFmodTheDividends) {
  const Tensor a = int64s({-4, 7, 5, 4, -7, 8, 1, INT64_MIN}), b = int64s({2, -3, 8, -2, 3, 5, 0, -1});
  EXPECT_EQ(values<int64_t>(run_op_1(Mod{}, {a, b})), (I{0, -2, 5, 0, 2, 3, 0, 0}));
  Mod c;
  c.fmod = true;
  EXPECT_EQ(values<int64_t>(run_op_1(c, {a, b})), (I{0, 1, 5, 0, -1, 3, 0, 0}));
  EXPECT_EQ(to_floats(run_op_1(c, {floats({2}, {-4.5f, 5.5f}), floats({2}, {2, -3})})), (F{-0.5f, 2.5f}));
  EXPECT_NE(error_of(Mod{}, {floats({1}, {1}), floats({1}, {1})}).find("fmod"), std::string::npos);
}

TEST(Binary, PowMixesTypes) {
  EXPECT_EQ(values<int64_t>(run_op_1(Pow{}, {int64s({2, -3, 1, -1, 2}), int64s({10, 3, -5, -3, -1})})),
            (I{1024, -27, 1, -1, 0}));
  EXPECT_EQ(to_floats(run_op_1(Pow{}, {floats({3}, {1, 2, 3}), int64s({4, 5, 6})})), (F{1, 32, 729}));
  EXPECT_EQ(values<int64_t>(run_op_1(Pow{}, {int64s({4, 9}), floats({}, {0.5f})})), (I{2, 3}));
}

TEST(Binary, ShiftsByTheWidthGiveZero) {
  const Tensor a = Tensor::of<uint8_t>({3}, {16, 4, 255}), b = Tensor::of<uint8_t>({3}, {1, 200, 4});
  EXPECT_EQ(values<uint8_t>(run_op_1(BitShift{}, {a, b})), (std::vector<uint8_t>{32, 0, 240}));
  BitShift right;
  right.left = false;
  EXPECT_EQ(values<uint8_t>(run_op_1(right, {a, b})), (std::vector<uint8_t>{8, 0, 15}));
  EXPECT_EQ(values<int64_t>(run_op_1(BitwiseXor{}, {int64s({6}), int64s({-1})})), I{-7});
  EXPECT_EQ(values<int64_t>(run_op_1(BitwiseNot{}, {int64s({6})})), I{-7});
}

TEST(Binary, ComparisonsWithNanAreFalse) {
  const Tensor a = floats({3}, {1, kNaN, 2}), b = floats({3}, {1, kNaN, 1});
  EXPECT_EQ(bools(Equal{}, {a, b}), (B{true, false, false}));
  EXPECT_EQ(bools(GreaterOrEqual{}, {a, b}), (B{true, false, true}));
  EXPECT_EQ(bools(Less{}, {int64s({-1}), int64s({1})}), (B{true}));
  EXPECT_EQ(bools(Greater{}, {Tensor::scalar<uint64_t>(~0ull), Tensor::scalar<uint64_t>(1)}), (B{true}));
  EXPECT_EQ(bools(Xor{}, {Tensor::of<bool>({2}, {true, false}), Tensor::scalar(true)}), (B{false, true}));
}

TEST(Binary, PReluRepeatsItsSlope) {
  EXPECT_EQ(to_floats(run_op_1(PRelu{}, {floats({2, 2}, {-1, -2, 3, -4}), floats({2}, {0.5f, 2})})),
            (F{-0.5f, -4, 3, -8}));
}

TEST(Variadic, CombinesAnyNumberOfInputs) {
  const Tensor a = floats({3}, {1, 5, kNaN}), b = floats({1}, {3}), c = floats({3}, {2, 4, 6});
  EXPECT_EQ(to_floats(run_op_1(Sum{}, {floats({2}, {1, 2})})), (F{1, 2}));
  EXPECT_EQ(to_floats(run_op_1(Mean{}, {b, c})), (F{2.5f, 3.5f, 4.5f}));
  const auto largest = to_floats(run_op_1(Max{}, {b, a, c})),
             smallest = to_floats(run_op_1(Min{}, {a, b, c}));
  EXPECT_EQ(largest[0], 3);
  EXPECT_EQ(largest[1], 5);
  EXPECT_TRUE(std::isnan(largest[2]));
  EXPECT_EQ(smallest[0], 1);
  EXPECT_EQ(smallest[1], 3);
  EXPECT_TRUE(std::isnan(smallest[2]));
  EXPECT_NE(error_of(Sum{}, {}).find("no inputs"), std::string::npos);
}

TEST(Clip, BoundsMayBeAbsent) {
  const Tensor x = floats({4}, {-3, 0, 3, kInf});
  EXPECT_EQ(to_floats(run_op_1(Clip{}, {x, Tensor::scalar(-1.0f), Tensor::scalar(1.0f)})), (F{-1, 0, 1, 1}));
  EXPECT_EQ(to_floats(run_op_1(Clip{}, {x, Tensor(), Tensor::scalar(1.0f)})), (F{-3, 0, 1, 1}));
  EXPECT_EQ(to_floats(run_op_1(Clip{}, {x, Tensor::scalar(2.0f)})), (F{2, 2, 3, kInf}));
  EXPECT_EQ(to_floats(run_op_1(Clip{}, {x, Tensor::scalar(2.0f), Tensor::scalar(1.0f)})), (F{1, 1, 1, 1}));
  EXPECT_NE(error_of(Clip{}, {x, floats({2}, {1, 2})}).find("scalar"), std::string::npos);
}

TEST(Where, ChoosesBytesOfAnyType) {
  const Tensor condition = Tensor::of<bool>({2, 1}, {true, false});
  const Tensor y = run_op_1(Where{}, {condition, int64s({1, 2}), int64s({-1})});
  EXPECT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_EQ(values<int64_t>(y), (I{1, 2, -1, -1}));
}

TEST(Predicates, FindWhatTheyLookFor) {
  const Tensor x = floats({4}, {1, kNaN, kInf, -kInf});
  EXPECT_EQ(bools(IsNaN{}, {x}), (B{false, true, false, false}));
  EXPECT_EQ(bools(IsInf{}, {x}), (B{false, false, true, true}));
  IsInf positive;
  positive.detect_negative = false;
  EXPECT_EQ(bools(positive, {x}), (B{false, false, true, false}));
}

TEST(Cast, TruncatesAndSaturates) {
  Cast to_int;
  to_int.to = DType::kI8;
  EXPECT_EQ(values<int8_t>(run_op_1(to_int, {floats({4}, {-1.9f, 1.9f, 300, kNaN})})),
            (std::vector<int8_t>{-1, 1, 127, 0}));
  EXPECT_EQ(run_op_1(CastLike{}, {floats({1}, {2}), int64s({})}).dtype(), DType::kI64);
}

TEST(Dropout, PassesEverythingUnlessItTrains) {
  Dropout with_mask;
  with_mask.gives_mask = true;
  const auto out = run_op(with_mask, {floats({2}, {1, 2})});
  ASSERT_TRUE(out);
  EXPECT_EQ(to_floats((*out)[0]), (F{1, 2}));
  EXPECT_EQ(values<bool>((*out)[1]), (B{true, true}));
  EXPECT_NE(error_of(Dropout{}, {floats({1}, {1}), Tensor(), Tensor::scalar(true)}).find("not false"),
            std::string::npos);
}

TEST(Dropout, KeepsTheMeanWhenItTrains) {
  Dropout op;
  op.may_drop = true;
  op.gives_mask = true;
  const Tensor ones = floats({10000}, F(10000, 1));
  const auto out = run_op(op, {ones, Tensor::scalar(0.75f), Tensor::scalar(true)});
  ASSERT_TRUE(out);
  const auto kept = std::ranges::count((*out)[1].data<bool>(), true);
  EXPECT_NEAR(static_cast<double>(kept), 2500, 200);
  for (size_t i = 0; i < 10000; ++i)
    ASSERT_EQ((*out)[0].data<float>()[i], (*out)[1].data<bool>()[i] ? 4.0f : 0.0f);
  op.gives_mask = false;
  EXPECT_TRUE(run_op_1(op, {ones, Tensor::scalar(0.75f), Tensor::scalar(false)}).identical(ones));
}

TEST(Random, HasTheDistributionThatItSays) {
  RandomNormal op;
  op.shape = {100, 100};
  op.first = 3;
  op.second = 2;
  op.seed = 7;
  const auto y = to_floats(run_op_1(op, {}));
  double sum = 0, squares = 0;
  for (const float v : y) sum += v;
  for (const float v : y) squares += (v - sum / 1e4) * (v - sum / 1e4);
  EXPECT_NEAR(sum / 1e4, 3, 0.1);
  EXPECT_NEAR(std::sqrt(squares / 1e4), 2, 0.1);
  EXPECT_EQ(to_floats(run_op_1(op, {})), y);
  op.seed = 8;
  EXPECT_NE(to_floats(run_op_1(op, {})), y);
}

TEST(Random, UniformStaysInsideItsBounds) {
  RandomUniformLike op;
  op.first = -2;
  op.second = 5;
  const auto y = to_floats(run_op_1(op, {Tensor::make(DType::kF32, {5000}).value()}));
  EXPECT_GE(*std::min_element(y.begin(), y.end()), -2);
  EXPECT_LT(*std::min_element(y.begin(), y.end()), -1.9f);
  EXPECT_LT(*std::max_element(y.begin(), y.end()), 5);
  EXPECT_GT(*std::max_element(y.begin(), y.end()), 4.9f);
}

TEST(Random, DrawsFollowTheProbabilities) {
  const auto drawn = to_floats(run_op_1(Bernoulli{}, {floats({4}, {0, 1, 0, 1})}));
  EXPECT_EQ(drawn, (F{0, 1, 0, 1}));
  Multinomial op;
  op.samples = 4000;
  const Tensor y = run_op_1(op, {floats({1, 3}, {std::log(0.2f), -kInf, std::log(0.8f)})});
  const auto counts = [&](int c) { return std::ranges::count(y.data<int32_t>(), c); };
  EXPECT_NEAR(static_cast<double>(counts(0)), 800, 100);
  EXPECT_EQ(counts(1), 0);
}

}  // namespace
}  // namespace pochade
