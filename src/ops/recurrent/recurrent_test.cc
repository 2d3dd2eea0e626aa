#include <gtest/gtest.h>

#include <cmath>

#include "ops/recurrent/cells.h"

namespace pochade {
namespace {

Tensors run(const Op& op, const Tensors& in) {
  Facts facts;
  for (const Tensor& t : in) facts.push_back(t.defined() ? Fact(t) : Fact());
  const auto inferred = op.infer(facts);
  EXPECT_TRUE(inferred) << inferred.error().text();
  auto out = op.eval(in);
  EXPECT_TRUE(out) << out.error().text();
  if (!inferred || !out) return {};
  EXPECT_EQ(inferred->size(), out->size());
  for (size_t i = 0; i < out->size(); ++i) EXPECT_EQ((*out)[i].shape(), *(*inferred)[i].shape()) << i;
  return *std::move(out);
}

void expect_near(const Tensor& tensor, const std::vector<double>& expected) {
  const auto got = to_floats(tensor);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << i;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// One unit that adds: h = relu(x + h).
Rnn adder(Direction direction) {
  Rnn op;
  op.recurrence.hidden_size = 1;
  op.recurrence.direction = direction;
  set_functions(op.recurrence, {GateFunction::kRelu});
  return op;
}

Tensor ones(const Shape& shape) {
  return Tensor::of<float>(shape, std::vector<float>(static_cast<size_t>(shape.elements()), 1.0f));
}

TEST(Rnn, RunsForwardsBackwardsAndBoth) {
  const Tensor x = Tensor::of<float>({3, 1, 1}, {1, 10, 100});
  auto out = run(adder(Direction::kForward), {x, ones({1, 1, 1}), ones({1, 1, 1})});
  expect_near(out[0], {1, 11, 111});
  expect_near(out[1], {111});
  out = run(adder(Direction::kReverse), {x, ones({1, 1, 1}), ones({1, 1, 1})});
  expect_near(out[0], {111, 110, 100});
  expect_near(out[1], {111});
  out = run(adder(Direction::kBidirectional), {x, ones({2, 1, 1}), ones({2, 1, 1})});
  EXPECT_EQ(out[0].shape(), (Shape{3, 2, 1, 1}));
  expect_near(out[0], {1, 111, 11, 110, 111, 100});
  expect_near(out[1], {111, 111});
}

TEST(Rnn, SequencesEndEarlyAndStartFromAState) {
  const Tensor x = Tensor::of<float>({3, 2, 1}, {1, 2, 10, 20, 100, 200});
  const Tensor lengths = Tensor::of<int32_t>({2}, {2, 3}), start = Tensor::of<float>({1, 2, 1}, {1000, 0});
  auto out = run(adder(Direction::kForward), {x, ones({1, 1, 1}), ones({1, 1, 1}), {}, lengths, start});
  expect_near(out[0], {1001, 2, 1011, 22, 0, 222});
  expect_near(out[1], {1011, 222});
  out = run(adder(Direction::kReverse), {x, ones({1, 1, 1}), ones({1, 1, 1}), {}, lengths});
  expect_near(out[0], {11, 222, 10, 220, 0, 200});
  expect_near(out[1], {11, 222});
}

TEST(Rnn, BatchFirstIsTheSameTransposed) {
  Rnn op = adder(Direction::kBidirectional);
  op.recurrence.batch_first = true;
  const Tensor x = Tensor::of<float>({2, 3, 1}, {1, 10, 100, 2, 20, 200});  // N,T,I
  const Tensor start = Tensor::of<float>({2, 2, 1}, {1000, 0, 0, 5000});    // N,D,H
  const auto out = run(op, {x, ones({2, 1, 1}), ones({2, 1, 1}), {}, {}, start});
  EXPECT_EQ(out[0].shape(), (Shape{2, 3, 2, 1}));
  expect_near(out[0], {1001, 111, 1011, 110, 1111, 100, 2, 5222, 22, 5220, 222, 5200});
  expect_near(out[1], {1111, 111, 222, 5222});
}

TEST(Rnn, BothBiasesCountAndInputsAreClipped) {
  Rnn op = adder(Direction::kForward);
  op.recurrence.clip = 5;
  const Tensor b = Tensor::of<float>({1, 2}, {0.5f, 0.25f});
  expect_near(run(op, {Tensor::of<float>({2, 1, 1}, {1, 100}), ones({1, 1, 1}), ones({1, 1, 1}), b})[0],
              {1.75, 5});
}

TEST(Gru, LinearBeforeResetMovesTheResetGate) {
  // Gates z, r, h with input weights 1, 2, 3, recurrent weights 0.5, 0.25, 2 and one recurrent bias of 0.1
  // for h.
  const Tensor x = Tensor::of<float>({1, 1, 1}, {0.5f}), start = Tensor::of<float>({1, 1, 1}, {0.8f});
  const Tensor w = Tensor::of<float>({1, 3, 1}, {1, 2, 3}),
               r = Tensor::of<float>({1, 3, 1}, {0.5f, 0.25f, 2});
  const Tensor b = Tensor::of<float>({1, 6}, {0, 0, 0, 0, 0, 0.1f});
  Gru op;
  op.recurrence.hidden_size = 1;
  set_functions(op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh});
  const double z = sigmoid(0.5 + 0.4), reset = sigmoid(1 + 0.2);
  expect_near(run(op, {x, w, r, b, {}, start})[0],
              {(1 - z) * std::tanh(1.5 + 2 * reset * 0.8 + 0.1) + z * 0.8});
  op.linear_before_reset = true;
  expect_near(run(op, {x, w, r, b, {}, start})[0],
              {(1 - z) * std::tanh(1.5 + reset * (2 * 0.8 + 0.1)) + z * 0.8});
}

TEST(Lstm, GatesStandAsInputOutputForgetCellAndPeepholesSeeTheCell) {
  const Tensor x = Tensor::of<float>({1, 1, 1}, {1});
  const Tensor w = Tensor::of<float>({1, 4, 1}, {0.1f, 0.2f, 0.3f, 0.4f}),
               r = Tensor::of<float>({1, 4, 1}, {1, 2, 3, 4});
  const Tensor h = Tensor::of<float>({1, 1, 1}, {0.5f}), c = Tensor::of<float>({1, 1, 1}, {0.25f});
  const Tensor p = Tensor::of<float>({1, 3}, {1, 2, 4});  // i, o, f
  Lstm op;
  op.recurrence.hidden_size = 1;
  set_functions(op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh, GateFunction::kTanh});
  const double i = sigmoid(0.1 + 0.5 + 0.25), f = sigmoid(0.3 + 1.5 + 1), g = std::tanh(0.4 + 2);
  const double cell = f * 0.25 + i * g, o = sigmoid(0.2 + 1 + 2 * cell);
  auto out = run(op, {x, w, r, {}, {}, h, c, p});
  expect_near(out[0], {o * std::tanh(cell)});
  expect_near(out[1], {o * std::tanh(cell)});
  expect_near(out[2], {cell});
  op.input_forget = true;
  expect_near(run(op, {x, w, r, {}, {}, h, c, p})[2], {(1 - i) * 0.25 + i * g});
}

TEST(Lstm, ClipLimitsTheGatesButNotTheCell) {
  const Tensor x = Tensor::of<float>({1, 1, 1}, {100}), w = ones({1, 4, 1}), r = ones({1, 4, 1});
  const Tensor h = Tensor::of<float>({1, 1, 1}, {0}), c = Tensor::of<float>({1, 1, 1}, {5});
  Lstm op;
  op.recurrence.hidden_size = 1;
  op.recurrence.clip = 0.5f;
  set_functions(op.recurrence, {GateFunction::kSigmoid, GateFunction::kTanh, GateFunction::kTanh});
  const double gate = sigmoid(0.5), cell = gate * 5 + gate * std::tanh(0.5);
  const auto out = run(op, {x, w, r, {}, {}, h, c});
  expect_near(out[0], {gate * std::tanh(cell)});
  expect_near(out[2], {cell});
}

TEST(Recurrent, EveryFunction) {
  const auto apply = [](GateFunction function, double x) {
    Recurrence r;
    set_functions(r, {function});
    return r.apply(0, 0, 1, x);
  };
  EXPECT_DOUBLE_EQ(apply(GateFunction::kRelu, -1), 0);
  EXPECT_DOUBLE_EQ(apply(GateFunction::kAffine, 3), 3);
  EXPECT_NEAR(apply(GateFunction::kLeakyRelu, -1), -0.01, 1e-9);
  EXPECT_DOUBLE_EQ(apply(GateFunction::kThresholdedRelu, 0.5), 0);
  EXPECT_DOUBLE_EQ(apply(GateFunction::kScaledTanh, 1), std::tanh(1));
  EXPECT_NEAR(apply(GateFunction::kHardSigmoid, 1), 0.7, 1e-7);
  EXPECT_NEAR(apply(GateFunction::kElu, -1), std::exp(-1) - 1, 1e-12);
  EXPECT_DOUBLE_EQ(apply(GateFunction::kSoftsign, -3), -0.75);
  EXPECT_NEAR(apply(GateFunction::kSoftplus, 0), std::log(2), 1e-12);
  EXPECT_EQ(gate_function("sigMOID"), GateFunction::kSigmoid);
  EXPECT_FALSE(gate_function("Swish"));
}

TEST(Recurrent, ErrorsNameWhatDoesNotFit) {
  const auto error = [](const Op& op, const Tensors& in) {
    Facts facts;
    for (const Tensor& t : in) facts.push_back(t.defined() ? Fact(t) : Fact());
    const auto out = op.infer(facts);
    return out ? std::string("none") : out.error().text();
  };
  const Tensor x = ones({3, 1, 1});
  EXPECT_EQ(error(adder(Direction::kForward), {x, ones({1, 1, 2}), ones({1, 1, 1})}),
            "w is 1x1x2, expected 1 along axis 2");
  EXPECT_EQ(error(adder(Direction::kForward), {x, ones({1, 1, 1}), ones({1, 2, 1})}),
            "r is 1x2x1, expected 1 along axis 1");
  Rnn bare;
  bare.recurrence.hidden_size = 1;
  EXPECT_EQ(error(bare, {x, ones({1, 1, 1}), ones({1, 1, 1})}), "has 0 activations, expected 1");
  const auto late =
      adder(Direction::kForward)
          .eval(Tensors{x, ones({1, 1, 1}), ones({1, 1, 1}), {}, Tensor::of<int32_t>({1}, {4})});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().text(), "a sequence length is 4, expected 0 to 3");
}

}  // namespace
}  // namespace pochade
