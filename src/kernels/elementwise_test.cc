#include <algorithm>

#include "kernels/testing.h"

namespace pochade {
namespace {

class Elementwise : public KernelTest {};
POCHADE_KERNEL_TESTS(Elementwise);
using Floats = GuardedBuffer<float>;

double clamp(double v, double low, double high) {
  return std::isnan(v) ? v : std::min(std::max(v, low), high);
}
double log1pexp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

struct UnaryCase {
  Unary op;
  const char* name;
  double (*oracle)(double x, double a, double b);
  float low, high;
  double relative, absolute;
  float a = 0, b = 0;
};

const UnaryCase kUnary[] = {
    {Unary::kCopy, "copy", [](double x, double, double) { return x; }, -9, 9, 0, 0},
    {Unary::kRelu, "relu", [](double x, double, double) { return x < 0 ? 0 : x; }, -9, 9, 0, 0},
    {Unary::kClip, "clip", [](double x, double a, double b) { return clamp(x, a, b); }, -9, 9, 0, 0, -2, 3},
    {Unary::kLeakyRelu, "leaky relu", [](double x, double a, double) { return x < 0 ? a * x : x; }, -9, 9,
     1e-7, 0, 0.1f},
    {Unary::kSigmoid, "sigmoid", [](double x, double, double) { return 1 / (1 + std::exp(-x)); }, -80, 80,
     1e-6, 1e-38},
    {Unary::kTanh, "tanh", [](double x, double, double) { return std::tanh(x); }, -12, 12, 1e-6, 1e-38},
    {Unary::kTanh, "small tanh", [](double x, double, double) { return std::tanh(x); }, -1e-3f, 1e-3f, 1e-6,
     1e-38},
    {Unary::kHardSigmoid, "hard sigmoid", [](double x, double a, double b) { return clamp(a * x + b, 0, 1); },
     -9, 9, 1e-6, 1e-6, 0.2f, 0.5f},
    {Unary::kHardSwish, "hard swish", [](double x, double, double) { return x * clamp(x / 6 + 0.5, 0, 1); },
     -9, 9, 1e-6, 1e-6},
    {Unary::kSilu, "silu", [](double x, double, double) { return x / (1 + std::exp(-x)); }, -80, 80, 1e-6,
     1e-36},
    {Unary::kGelu, "gelu", [](double x, double, double) { return x / 2 * std::erfc(-x / std::sqrt(2.0)); },
     -9, 9, 1e-6, 1e-6},
    {Unary::kGeluTanh, "gelu by tanh",
     [](double x, double, double) {
       return x / 2 * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
     },
     -9, 9, 1e-6, 1e-6},
    {Unary::kElu, "elu", [](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, -20, 5,
     1e-6, 0, 1.3f},
    {Unary::kElu, "small elu", [](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; },
     -1e-3f, 0, 1e-6, 0, 1.3f},
    {Unary::kSelu, "selu", [](double x, double a, double b) { return b * (x < 0 ? a * std::expm1(x) : x); },
     -20, 5, 1e-6, 0, 1.67f, 1.05f},
    {Unary::kCelu, "celu", [](double x, double a, double) { return x < 0 ? a * std::expm1(x / a) : x; }, -20,
     5, 1e-6, 0, 2.0f},
    {Unary::kSoftplus, "softplus", [](double x, double, double) { return log1pexp(x); }, -80, 80, 1e-6,
     1e-37},
    {Unary::kSoftsign, "softsign", [](double x, double, double) { return x / (1 + std::abs(x)); }, -9, 9,
     1e-6, 0},
    {Unary::kMish, "mish", [](double x, double, double) { return x * std::tanh(log1pexp(x)); }, -20, 20, 2e-6,
     1e-30},
    {Unary::kExp, "exp", [](double x, double, double) { return std::exp(x); }, -87, 88.7f, 2.4e-7, 0},
    {Unary::kExp, "tiny exp", [](double x, double, double) { return std::exp(x); }, -110, -87, 1e-6, 3e-45},
    {Unary::kLog, "log", [](double x, double, double) { return std::log(x); }, 1e-3f, 100, 2.4e-7, 0},
    {Unary::kLog, "log near 1", [](double x, double, double) { return std::log(x); }, 0.9f, 1.1f, 2.4e-7, 0},
    {Unary::kLog, "log of tiny", [](double x, double, double) { return std::log(x); }, 1e-45f, 1e-37f, 2.4e-7,
     0},
    {Unary::kSqrt, "sqrt", [](double x, double, double) { return std::sqrt(x); }, 0, 100, 1e-7, 0},
    {Unary::kAbs, "abs", [](double x, double, double) { return std::abs(x); }, -9, 9, 0, 0},
    {Unary::kNeg, "neg", [](double x, double, double) { return -x; }, -9, 9, 0, 0},
    {Unary::kReciprocal, "reciprocal", [](double x, double, double) { return 1 / x; }, -9, 9, 1e-7, 0},
    {Unary::kFloor, "floor", [](double x, double, double) { return std::floor(x); }, -9, 9, 0, 0},
    {Unary::kCeil, "ceil", [](double x, double, double) { return std::ceil(x); }, -9, 9, 0, 0},
    {Unary::kRound, "round", [](double x, double, double) { return std::nearbyint(x); }, -9, 9, 0, 0},
    {Unary::kSign, "sign", [](double x, double, double) { return x < 0   ? -1.0
                                                                 : x > 0 ? 1.0
                                                                         : x; }, -9, 9, 0,
     0},
    {Unary::kErf, "erf", [](double x, double, double) { return std::erf(x); }, -5, 5, 5e-7, 0},
    {Unary::kErf, "small erf", [](double x, double, double) { return std::erf(x); }, -1e-3f, 1e-3f, 5e-7, 0},
    {Unary::kAffine, "affine", [](double x, double a, double b) { return a * x + b; }, -9, 9, 1e-6, 1e-6, 2,
     -3},
    {Unary::kSin, "sin", [](double x, double, double) { return std::sin(x); }, -50, 50, 1e-6, 1e-7},
    {Unary::kCos, "cos", [](double x, double, double) { return std::cos(x); }, -50, 50, 1e-6, 1e-7},
    {Unary::kTan, "tan", [](double x, double, double) { return std::tan(x); }, -1, 1, 1e-6, 1e-7},
    {Unary::kAsin, "asin", [](double x, double, double) { return std::asin(x); }, -1, 1, 1e-6, 1e-7},
    {Unary::kAcos, "acos", [](double x, double, double) { return std::acos(x); }, -1, 1, 1e-6, 1e-7},
    {Unary::kAtan, "atan", [](double x, double, double) { return std::atan(x); }, -9, 9, 1e-6, 1e-7},
    {Unary::kSinh, "sinh", [](double x, double, double) { return std::sinh(x); }, -9, 9, 1e-6, 1e-7},
    {Unary::kCosh, "cosh", [](double x, double, double) { return std::cosh(x); }, -9, 9, 1e-6, 1e-7},
    {Unary::kAsinh, "asinh", [](double x, double, double) { return std::asinh(x); }, -9, 9, 1e-6, 1e-7},
    {Unary::kAcosh, "acosh", [](double x, double, double) { return std::acosh(x); }, 1, 9, 1e-6, 1e-7},
    {Unary::kAtanh, "atanh", [](double x, double, double) { return std::atanh(x); }, -1, 1, 1e-6, 1e-7},
};

TEST_P(Elementwise, UnaryAgainstTheLibrary) {
  const float infinity = INFINITY;
  for (const UnaryCase& c : kUnary)
    for (size_t n : {1, 3, 8, 15, 17, 4001}) {
      std::vector<float> values = numbers(n, 7, c.low, c.high);
      if (n == 4001) {
        const float special[] = {0.0f,  -0.0f, infinity, -infinity, NAN,    1.0f,
                                 -1.0f, 0.5f,  2.5f,     -0.5f,     1e-40f, 3e38f};
        std::copy(std::begin(special), std::end(special), values.begin());
      }
      Floats x(values), y(n);
      std::vector<double> want(n);
      for (size_t i = 0; i < n; ++i) {
        want[i] = c.oracle(x[i], c.a, c.b);
        if (!std::isinf(want[i]) && !std::isnan(want[i]))
          want[i] = std::abs(want[i]) > 3.4028235e38 ? std::copysign(INFINITY, want[i]) : want[i];
      }
      run_divided(n, y, [&](Range r) { k().unary(c.op, x.data(), y.data(), c.a, c.b, r); });
      expect_near(want, y.data(), c.relative, std::max(c.absolute, 2e-38), c.name);
      k().unary(c.op, x.data(), x.data(), c.a, c.b, {0, n});
      EXPECT_EQ(0, std::memcmp(x.data(), y.data(), n * sizeof(float))) << c.name << " in place";
    }
}

TEST_P(Elementwise, Activations) {
  for (const Activation& activation : all_activations()) {
    Floats x(numbers(77, 3, -5, 5)), y(77);
    std::vector<double> want;
    for (size_t i = 0; i < 77; ++i) want.push_back(activation_oracle(activation, x[i]));
    run_divided(77, y, [&](Range r) { k().activate(activation, x.data(), y.data(), r); });
    expect_near(want, y.data(), 1e-6, 1e-6, "activation");
    k().activate(activation, x.data(), x.data(), {0, 77});
    EXPECT_EQ(x.copy(), y.copy()) << "in place";
  }
}

double binary_oracle(Binary op, double a, double b) {
  switch (op) {
    case Binary::kAdd:
      return a + b;
    case Binary::kSub:
      return a - b;
    case Binary::kMul:
      return a * b;
    case Binary::kDiv:
      return a / b;
    case Binary::kMin:
      return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b);
    case Binary::kMax:
      return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b);
    case Binary::kPow:
      return std::pow(a, b);
    case Binary::kPrelu:
      return a < 0 ? a * b : a;
  }
  return 0;
}

TEST_P(Elementwise, BinaryInEveryForm) {
  const Repeat repeats[] = {Repeat::kNone, Repeat::kScalar, Repeat::kRow, Repeat::kColumn};
  const auto size = [](Repeat r, size_t rows, size_t columns) {
    return r == Repeat::kNone     ? rows * columns
           : r == Repeat::kScalar ? 1
           : r == Repeat::kRow    ? columns
                                  : rows;
  };
  const auto at = [](Repeat r, size_t i, size_t j, size_t columns) {
    return r == Repeat::kNone ? i * columns + j : r == Repeat::kScalar ? 0 : r == Repeat::kRow ? j : i;
  };
  for (Binary op : {Binary::kAdd, Binary::kSub, Binary::kMul, Binary::kDiv, Binary::kMin, Binary::kMax,
                    Binary::kPow, Binary::kPrelu})
    for (Repeat ra : repeats)
      for (Repeat rb : repeats)
        for (size_t columns : {1, 3, 16, 63, 65})
          for (bool relu : {false, true}) {
            const size_t rows = 13;
            SCOPED_TRACE("op " + std::to_string(static_cast<int>(op)) + " repeats " +
                         std::to_string(static_cast<int>(ra)) + " " + std::to_string(static_cast<int>(rb)) +
                         " columns " + std::to_string(columns));
            const float low = op == Binary::kPow ? 0.1f : -2;
            Floats a(numbers(size(ra, rows, columns), 1, low, 2)), b(numbers(size(rb, rows, columns), 2)),
                y(rows * columns);
            if (op == Binary::kMax || op == Binary::kMin) a[0] = b[b.size() - 1] = NAN;
            const Activation activation = relu ? Activation{ActivationKind::kRelu} : Activation{};
            std::vector<double> want;
            for (size_t i = 0; i < rows; ++i)
              for (size_t j = 0; j < columns; ++j)
                want.push_back(activation_oracle(
                    activation, binary_oracle(op, a[at(ra, i, j, columns)], b[at(rb, i, j, columns)])));
            const BinaryArgs args{a.data(), b.data(), y.data(), rows, columns, ra, rb, activation};
            run_divided(rows * columns, y, [&](Range r) { k().binary(op, args, r); });
            expect_near(want, y.data(), 1e-6, 1e-7, "binary");
          }
  // Long enough that runs are cut.
  Floats a(numbers(10000, 1)), b(numbers(5000, 2)), y(10000);
  std::vector<double> want;
  for (size_t i = 0; i < 10000; ++i) want.push_back(static_cast<double>(a[i]) + b[i % 5000]);
  k().binary(Binary::kAdd, {a.data(), b.data(), y.data(), 2, 5000, Repeat::kNone, Repeat::kRow}, {0, 10000});
  expect_near(want, y.data(), 1e-6, 1e-7, "long rows");
}

TEST_P(Elementwise, MultiplyAddAndFill) {
  Floats a(numbers(37, 1)), b(numbers(37, 2)), c(numbers(37, 3)), y(37);
  std::vector<double> want;
  for (size_t i = 0; i < 37; ++i) want.push_back(static_cast<double>(a[i]) * b[i] + c[i]);
  run_divided(37, y, [&](Range r) { k().multiply_add(a.data(), b.data(), c.data(), y.data(), r); });
  expect_near(want, y.data(), 1e-6, 1e-6, "multiply_add");
  run_divided(37, y, [&](Range r) { k().fill(2.5f, y.data(), r); });
  expect_near(std::vector<double>(37, 2.5), y.data(), 0, 0, "fill");
}

TEST_P(Elementwise, EveryHalfThereIsGoesToFloatAndBack) {
  GuardedBuffer<uint16_t> halves(65536), back(65536);
  Floats floats(65536);
  for (size_t i = 0; i < 65536; ++i) halves[i] = static_cast<uint16_t>(i);
  k().f16_to_f32(halves.data(), floats.data(), {0, 65536});
  k().f32_to_f16(floats.data(), back.data(), {0, 65536});
  for (size_t i = 0; i < 65536; ++i) {
    const int exponent = (i >> 10) & 31, mantissa = i & 1023;
    const double sign = i & 0x8000 ? -1 : 1;
    if (exponent == 31 && mantissa != 0) {
      ASSERT_TRUE(std::isnan(floats[i]));
      ASSERT_EQ(0x7c00, back[i] & 0x7c00);
      ASSERT_NE(0, back[i] & 1023);
      continue;
    }
    const double want = exponent == 31  ? INFINITY
                        : exponent == 0 ? std::ldexp(mantissa, -24)
                                        : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(sign * want, floats[i]) << i;
    ASSERT_EQ(i, back[i]);
  }
}

TEST_P(Elementwise, HalvesAreRoundedToEven) {
  // value, f16, bf16
  const struct {
    float value;
    uint16_t half, brain;
  } cases[] = {
      {1.0f, 0x3c00, 0x3f80},           {1.00048828125f, 0x3c00, 0x3f80}, {1.00146484375f, 0x3c02, 0x3f80},
      {65519.9f, 0x7bff, 0x4780},       {65520.0f, 0x7c00, 0x4780},       {-1e-8f, 0x8000, 0xb22c},
      {2.98023224e-8f, 0x0000, 0x3300}, {8.9407e-8f, 0x0002, 0x33c0},     {INFINITY, 0x7c00, 0x7f80},
      {1.00390625f, 0x3c04, 0x3f80},    {1.01171875f, 0x3c0c, 0x3f82},    {3.4e38f, 0x7c00, 0x7f80}};
  const size_t n = std::size(cases);
  Floats x(n);
  GuardedBuffer<uint16_t> half(n), brain(n);
  for (size_t i = 0; i < n; ++i) x[i] = cases[i].value;
  for (size_t i = 0; i < n; ++i) {  // one at a time, then together
    k().f32_to_f16(x.data(), half.data(), {i, i + 1});
    EXPECT_EQ(cases[i].half, half[i]) << cases[i].value;
  }
  k().f32_to_f16(x.data(), half.data(), {0, n});
  k().f32_to_bf16(x.data(), brain.data(), {0, n});
  for (size_t i = 0; i < n; ++i) {
    EXPECT_EQ(cases[i].half, half[i]) << cases[i].value;
    EXPECT_EQ(cases[i].brain, brain[i]) << cases[i].value;
  }
  Floats back(n);
  k().bf16_to_f32(brain.data(), back.data(), {0, n});
  for (size_t i = 0; i < n; ++i) {
    if (std::isinf(back[i])) continue;
    EXPECT_NEAR(cases[i].value, back[i], std::abs(cases[i].value) / 256);
  }
  x[0] = NAN;
  k().f32_to_bf16(x.data(), brain.data(), {0, 1});
  k().bf16_to_f32(brain.data(), back.data(), {0, 1});
  EXPECT_TRUE(std::isnan(back[0]));
}

}  // namespace
}  // namespace pochade
