#pragma once
// Unary operators that networks use between layers.

#include "ops/elementwise/unary.h"

namespace pochade {

struct ReluFunction {
  static constexpr std::string_view kName = "Relu";
  static constexpr unsigned kTypes = kSignedNumberTypes;
  template <typename T>
  T operator()(T x) const {
    return x < T(0) ? T(0) : x;  // NaN stays NaN
  }
};
using Relu = UnaryOp<ReluFunction>;

struct SigmoidFunction : FloatFunction {
  static constexpr std::string_view kName = "Sigmoid";
  template <typename T>
  T operator()(T x) const {
    return T(1) / (T(1) + std::exp(-x));
  }
};
using Sigmoid = UnaryOp<SigmoidFunction>;

struct TanhFunction : FloatFunction {
  static constexpr std::string_view kName = "Tanh";
  auto operator()(auto x) const { return std::tanh(x); }
};
using Tanh = UnaryOp<TanhFunction>;

struct SoftplusFunction : FloatFunction {
  static constexpr std::string_view kName = "Softplus";
  template <typename T>
  T operator()(T x) const {
    return std::fmax(x, T(0)) + std::log1p(std::exp(-std::fabs(x))) + (x != x ? x : T(0));
  }
};
using Softplus = UnaryOp<SoftplusFunction>;

struct SoftsignFunction : FloatFunction {
  static constexpr std::string_view kName = "Softsign";
  template <typename T>
  T operator()(T x) const {
    return x / (T(1) + std::fabs(x));
  }
};
using Softsign = UnaryOp<SoftsignFunction>;

/// x * tanh(softplus(x))  (Misra 2019)
struct MishFunction : FloatFunction {
  static constexpr std::string_view kName = "Mish";
  template <typename T>
  T operator()(T x) const {
    return x * std::tanh(SoftplusFunction()(x));
  }
};
using Mish = UnaryOp<MishFunction>;

/// x * min(max(x / 6 + 1 / 2, 0), 1)
struct HardSwishFunction : FloatFunction {
  static constexpr std::string_view kName = "HardSwish";
  template <typename T>
  T operator()(T x) const {
    const T gate = x / T(6) + T(0.5);
    return x * (gate < T(0) ? T(0) : gate > T(1) ? T(1) : gate);
  }
};
using HardSwish = UnaryOp<HardSwishFunction>;

/// x * sigmoid(x): ours, made by passes from Mul(x, Sigmoid(x)).
struct SiluFunction : FloatFunction {
  static constexpr std::string_view kName = "Silu";
  template <typename T>
  T operator()(T x) const {
    return x / (T(1) + std::exp(-x));
  }
};
using Silu = UnaryOp<SiluFunction>;

// With one parameter, alpha.
// -----------------------------------------------------------------------------------------

struct LeakyReluFunction : FloatFunction {
  static constexpr std::string_view kName = "LeakyRelu";
  float alpha = 0.01f;
  static void fields(auto& self, auto&& f) { f("alpha", self.alpha); }
  template <typename T>
  T operator()(T x) const {
    return x < T(0) ? T(alpha) * x : x;
  }
};
using LeakyRelu = UnaryOp<LeakyReluFunction>;

struct EluFunction : FloatFunction {
  static constexpr std::string_view kName = "Elu";
  float alpha = 1;
  static void fields(auto& self, auto&& f) { f("alpha", self.alpha); }
  template <typename T>
  T operator()(T x) const {
    return x < T(0) ? T(alpha) * std::expm1(x) : x;
  }
};
using Elu = UnaryOp<EluFunction>;

/// max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
struct CeluFunction : FloatFunction {
  static constexpr std::string_view kName = "Celu";
  float alpha = 1;
  static void fields(auto& self, auto&& f) { f("alpha", self.alpha); }
  template <typename T>
  T operator()(T x) const {
    const T curve = T(alpha) * std::expm1(x / T(alpha));
    return (x < T(0) ? T(0) : x) + (curve > T(0) ? T(0) : curve);
  }
};
using Celu = UnaryOp<CeluFunction>;

struct ThresholdedReluFunction : FloatFunction {
  static constexpr std::string_view kName = "ThresholdedRelu";
  float alpha = 1;
  static void fields(auto& self, auto&& f) { f("alpha", self.alpha); }
  template <typename T>
  T operator()(T x) const {
    return x <= T(alpha) ? T(0) : x;
  }
};
using ThresholdedRelu = UnaryOp<ThresholdedReluFunction>;

// With more.
// ---------------------------------------------------------------------------------------------------------

struct SeluFunction : FloatFunction {
  static constexpr std::string_view kName = "Selu";
  float alpha = 1.67326319217681884765625f;
  float gamma = 1.05070102214813232421875f;
  static void fields(auto& self, auto&& f) {
    f("alpha", self.alpha);
    f("gamma", self.gamma);
  }
  template <typename T>
  T operator()(T x) const {
    return T(gamma) * (x <= T(0) ? T(alpha) * std::expm1(x) : x);
  }
};
using Selu = UnaryOp<SeluFunction>;

/// max(0, min(1, alpha * x + beta))
struct HardSigmoidFunction : FloatFunction {
  static constexpr std::string_view kName = "HardSigmoid";
  float alpha = 0.2f;
  float beta = 0.5f;
  static void fields(auto& self, auto&& f) {
    f("alpha", self.alpha);
    f("beta", self.beta);
  }
  template <typename T>
  T operator()(T x) const {
    const T line = T(alpha) * x + T(beta);
    return line < T(0) ? T(0) : line > T(1) ? T(1) : line;
  }
};
using HardSigmoid = UnaryOp<HardSigmoidFunction>;

/// x < -lambda: x + bias;  x > lambda: x - bias;  else 0
struct ShrinkFunction {
  static constexpr std::string_view kName = "Shrink";
  static constexpr unsigned kTypes = kNumberTypes;
  float bias = 0;
  float lambda = 0.5f;
  static void fields(auto& self, auto&& f) {
    f("bias", self.bias);
    f("lambda", self.lambda);
  }
  template <typename T>
  T operator()(T x) const {
    const double value = static_cast<double>(x);
    if (value < -static_cast<double>(lambda)) return saturate<T>(value + static_cast<double>(bias));
    if (value > static_cast<double>(lambda)) return saturate<T>(value - static_cast<double>(bias));
    return T(0);
  }
};
using Shrink = UnaryOp<ShrinkFunction>;

/// x * (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh  (Hendrycks and Gimpel 2016)
struct GeluFunction : FloatFunction {
  static constexpr std::string_view kName = "Gelu";
  bool tanh_approximation = false;
  static void fields(auto& self, auto&& f) { f("tanh_approximation", self.tanh_approximation); }
  template <typename T>
  T operator()(T x) const {
    if (!tanh_approximation) return x * T(0.5) * (T(1) + std::erf(x * T(0.7071067811865475244)));
    const T inner = T(0.7978845608028653559) * (x + T(0.044715) * x * x * x);
    return x * T(0.5) * (T(1) + std::tanh(inner));
  }
};
using Gelu = UnaryOp<GeluFunction>;

}  // namespace pochade
