#include <limits>

#include "ops/cases.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/chain.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"

namespace pochade {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// Ordinary values in [low, high] at sizes around a vector's, one size that several tasks share, and values
/// at the edges of floating point.
template <typename D>
void add_unary(Cases& cases, double low, double high, double tolerance = 2e-6, D op = {}) {
  for (const int64_t size : {0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64})
    cases.add("n{}", op, size).input(f32({size}, low, high)).tolerance(tolerance, tolerance);
  cases.add("tasks", op).input(f32({3, 127, 401}, low, high)).tolerance(tolerance, tolerance);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  cases.add("edges", op)
      .weight(Tensor::of<float>({9}, {nan, 0.0f, -0.0f, kInf, -kInf, 1.0f, -1.0f, 0.5f, -0.5f}))
      .tolerance(tolerance, tolerance);
}

void add_unaries(Cases& cases) {
  add_unary<Abs>(cases, -5, 5, 0);
  add_unary<Ceil>(cases, -5, 5, 0);
  add_unary<Floor>(cases, -5, 5, 0);
  add_unary<Neg>(cases, -5, 5, 0);
  add_unary<Relu>(cases, -5, 5, 0);
  add_unary<Round>(cases, -5, 5, 0);
  add_unary<Sign>(cases, -5, 5, 0);
  add_unary<LeakyRelu>(cases, -5, 5);
  add_unary<Reciprocal>(cases, 0.01, 50);
  add_unary<Sqrt>(cases, 0, 50);
  add_unary<Exp>(cases, -20, 20);
  add_unary<Log>(cases, 1e-6, 50);
  add_unary<Erf>(cases, -5, 5);
  add_unary<Sigmoid>(cases, -30, 30);
  add_unary<Tanh>(cases, -12, 12);
  add_unary<Silu>(cases, -20, 20, 5e-6);
  add_unary<Mish>(cases, -20, 20, 5e-6);
  add_unary<Softplus>(cases, -30, 30, 5e-6);
  add_unary<Softsign>(cases, -30, 30);
  add_unary<HardSwish>(cases, -6, 6);
  add_unary<HardSigmoid>(cases, -6, 6);
  add_unary<Elu>(cases, -10, 10, 5e-6);
  add_unary<Selu>(cases, -10, 10, 5e-6);
  add_unary<Celu>(cases, -10, 10, 5e-6);
  add_unary<Gelu>(cases, -8, 8, 5e-6);
  add_unary<Sin>(cases, -8, 8);
  add_unary<Cos>(cases, -8, 8);
  add_unary<Tan>(cases, -1, 1);
  add_unary<Asin>(cases, -1, 1);
  add_unary<Acos>(cases, -1, 1);
  add_unary<Atan>(cases, -8, 8);
  add_unary<Sinh>(cases, -8, 8);
  add_unary<Cosh>(cases, -8, 8);
  add_unary<Asinh>(cases, -8, 8);
  add_unary<Acosh>(cases, 1, 8);
  add_unary<Atanh>(cases, -0.99, 0.99);
  Gelu tanh;
  tanh.tanh_approximation = true;
  cases.add("tanh", tanh).input(f32({77}, -8, 8)).tolerance(5e-6, 5e-6);
}

struct Broadcast {
  std::string_view name;
  Shape a, b;
};
const Broadcast kBroadcasts[] = {
    {"same", {3, 5, 7}, {3, 5, 7}},
    {"same_tasks", {5, 100, 203}, {5, 100, 203}},
    {"scalar", {3, 5, 7}, {}},
    {"scalar_left", {1}, {3, 5, 17}},
    {"channels", {2, 9, 5}, {5}},
    {"channels_wide", {2, 40, 130}, {130}},
    {"channels_left", {3}, {33, 3}},
    {"rows", {4, 6, 9}, {4, 6, 1}},
    {"rows_and_channels", {7, 1}, {1, 19}},
    {"images", {3, 1, 5}, {3, 8, 5}},
    {"middle", {2, 3, 4, 5}, {3, 1, 5}},
    {"crossed", {2, 1, 3, 1}, {1, 4, 1, 5}},
    {"outer", {2, 3, 1, 1}, {4, 5}},
    {"five_axes", {2, 1, 3, 1, 4}, {2, 5, 1, 6, 4}},
    {"one", {1, 1}, {1}},
    {"nothing", {0, 5}, {5}},
};

template <typename D>
void add_binary(Cases& cases, DType dtype, double low, double high, double tolerance = 0) {
  for (const Broadcast& shapes : kBroadcasts)
    cases.add("{}_{}", D{}, to_string(dtype), shapes.name)
        .input({dtype, shapes.a, low, high, false, {}})
        .input({dtype, shapes.b, low, high, false, {}})
        .tolerance(tolerance, tolerance);
}

/// One broadcast is enough where the others share the same walk.
template <typename D>
void add_binary_type(Cases& cases, DType dtype, double low, double high) {
  cases.add("{}", D{}, to_string(dtype))
      .input(ints(dtype, {5, 1, 9}, low, high))
      .input(ints(dtype, {4, 9}, low, high));
}

void add_binaries(Cases& cases) {
  add_binary<Add>(cases, DType::kF32, -5, 5);
  add_binary<Sub>(cases, DType::kF32, -5, 5);
  add_binary<Mul>(cases, DType::kF32, -5, 5);
  add_binary<Div>(cases, DType::kF32, 0.5, 5);
  add_binary<PRelu>(cases, DType::kF32, -5, 5);
  add_binary<Pow>(cases, DType::kF32, 0.5, 3, 2e-6);
  add_binary<Min>(cases, DType::kF32, -5, 5);
  add_binary<Max>(cases, DType::kF32, -5, 5);
  add_binary<Less>(cases, DType::kF32, -5, 5);
  add_binary<Add>(cases, DType::kI64, -5, 5);
  for (const DType dtype : {DType::kI32, DType::kI64}) {
    add_binary_type<Sub>(cases, dtype, -1e9, 1e9);
    add_binary_type<Mul>(cases, dtype, -1e9, 1e9);
    add_binary_type<Div>(cases, dtype, -3, 3);
    add_binary_type<Mod>(cases, dtype, -3, 3);
    add_binary_type<Equal>(cases, dtype, -1, 1);
    add_binary_type<Greater>(cases, dtype, -3, 3);
    add_binary_type<GreaterOrEqual>(cases, dtype, -3, 3);
    add_binary_type<LessOrEqual>(cases, dtype, -3, 3);
  }
  add_binary_type<Equal>(cases, DType::kF32, -1, 1);
  add_binary_type<Greater>(cases, DType::kF32, -1, 1);
  add_binary_type<GreaterOrEqual>(cases, DType::kF32, -1, 1);
  add_binary_type<LessOrEqual>(cases, DType::kF32, -1, 1);
  add_binary_type<And>(cases, DType::kBool, 0, 1);
  add_binary_type<Or>(cases, DType::kBool, 0, 1);
  add_binary_type<Xor>(cases, DType::kBool, 0, 1);
  add_binary_type<Equal>(cases, DType::kBool, 0, 1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor a = Tensor::of<float>({6}, {nan, 1, kInf, -kInf, 0, nan}),
               b = Tensor::of<float>({6}, {1, nan, -kInf, 0, -0.0f, nan});
  cases.add("edges", Min{}).weight(a).weight(b);
  cases.add("edges", Max{}).weight(a).weight(b);
  cases.add("edges", Add{}).weight(a).weight(b);
  cases.add("edges", Less{}).weight(a).weight(b);
}

template <typename D>
void add_variadic(Cases& cases) {
  cases.add("one", D{}).input(f32({2, 9}));
  cases.add("three", D{})
      .input(f32({3, 1, 9}))
      .input(f32({5, 1}))
      .input(f32({3, 5, 9}))
      .tolerance(1e-6, 1e-6);
  cases.add("first_is_whole", D{})
      .input(f32({33, 9}))
      .input(f32({9}))
      .input(f32({33, 1}))
      .tolerance(1e-6, 1e-6);
}

void add_selections(Cases& cases) {
  cases.add("both", Clip{}).input(f32({3, 35})).weight(Tensor::scalar(-0.5f)).weight(Tensor::scalar(0.25f));
  cases.add("high", Clip{}).input(f32({35})).no_input().weight(Tensor::scalar(0.25f));
  cases.add("low", Clip{}).input(f32({35})).weight(Tensor::scalar(-0.5f));
  cases.add("nan", Clip{})
      .weight(Tensor::of<float>({3}, {std::numeric_limits<float>::quiet_NaN(), kInf, -kInf}))
      .weight(Tensor::scalar(-0.5f))
      .weight(Tensor::scalar(0.25f));
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kF16, DType::kU8}) {
    const auto values = [&](const Shape& shape) { return InputSpec{dtype, shape, 0, 100, false, {}}; };
    cases.add("{}", Where{}, to_string(dtype))
        .input(ints(DType::kBool, {3, 1, 9}, 0, 1))
        .input(values({4, 9}))
        .input(values({3, 4, 1}));
    cases.add("same_{}", Where{}, to_string(dtype))
        .input(ints(DType::kBool, {77}, 0, 1))
        .input(values({77}))
        .input(values({77}));
  }
  cases.add("tasks", Where{}).input(ints(DType::kBool, {100, 1}, 0, 1)).input(f32({100, 900})).input(f32({}));
  for (const DType from :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64, DType::kU8, DType::kBool})
    for (const DType to :
         {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64, DType::kU8, DType::kBool}) {
      if (from == to) continue;
      Cast op;
      op.to = to;
      cases.add("{}_{}", op, to_string(from), to_string(to))
          .input({from, {5, 37}, 0, from == DType::kBool ? 1.0 : 100.0, false, {}});
    }
  cases.add("like", CastLike{}).input(f32({300, 200}, -100, 100)).input(ints(DType::kI32, {1}, 0, 1));
}

/// x -> relu(x * scale + bias) * sigmoid(x) - other, with every way of repeating an operand.
void add_chains(Cases& cases) {
  Chain gated;
  gated.links = {{make_op(Mul{}), {0, 1}},
                 {make_op(Add{}), {2, Chain::kRunning}},
                 {make_op(Relu{}), {Chain::kRunning}},
                 {make_op(Tanh{}), {Chain::kRunning}},
                 {make_op(Sub{}), {Chain::kRunning, 0}},
                 {make_op(Mul{}), {Chain::kRunning, Chain::kRunning}}};
  const Shape shapes[] = {{1, 1}, {3, 5}, {7, 16}, {65, 33}, {2, 30, 70}, {300, 401}};
  for (const Shape& shape : shapes)
    cases.add("gated_{}", gated, to_string(shape))
        .input(f32(shape))
        .weight(f32({shape.back()}, 0.5, 1.5))
        .input(f32({shape[shape.rank() - 2], 1}))
        .tolerance(5e-6, 5e-6);
  Chain clipped;
  clipped.links = {{make_op(Add{}), {0, 1}},
                   {make_op(Clip{}), {Chain::kRunning, Chain::kMissing, 2}},
                   {make_op(Exp{}), {Chain::kRunning}}};
  cases.add("clipped", clipped)
      .input(f32({9, 1, 40}))
      .input(f32({5, 40}))
      .weight(Tensor::scalar(0.5f))
      .tolerance(2e-6, 2e-6);
  cases.add("clipped_in_place", clipped)
      .input(f32({40}))
      .input(f32({40}))
      .weight(Tensor::scalar(0.5f))
      .tolerance(2e-6, 2e-6);
}

}  // namespace

Cases elementwise_cases() {
  Cases cases;
  add_unaries(cases);
  add_binaries(cases);
  add_variadic<Sum>(cases);
  add_variadic<Mean>(cases);
  add_variadic<Min>(cases);
  add_variadic<Max>(cases);
  add_selections(cases);
  add_chains(cases);
  return cases;
}

}  // namespace pochade
