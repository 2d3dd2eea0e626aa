#include "ops/activation.h"

#include <algorithm>
#include <cmath>

namespace pochade {

std::string_view to_string(Activation::Kind kind) {
  switch (kind) {
    case Activation::Kind::kNone:
      return "none";
    case Activation::Kind::kRelu:
      return "relu";
    case Activation::Kind::kClip:
      return "clip";
    case Activation::Kind::kLeakyRelu:
      return "leaky_relu";
    case Activation::Kind::kSigmoid:
      return "sigmoid";
    case Activation::Kind::kTanh:
      return "tanh";
    case Activation::Kind::kHardSigmoid:
      return "hard_sigmoid";
    case Activation::Kind::kHardSwish:
      return "hard_swish";
    case Activation::Kind::kSilu:
      return "silu";
    case Activation::Kind::kGelu:
      return "gelu";
    case Activation::Kind::kElu:
      return "elu";
  }
  return "";
}

void visit_fields_of(const Activation& activation, FieldVisitor& visitor) {
  if (is_none(activation)) return;
  visitor("activation", activation.kind);
  visitor("activation_a", activation.a);
  visitor("activation_b", activation.b);
}

float activate(float x, const Activation& activation) {
  using Kind = Activation::Kind;
  const float a = activation.a, b = activation.b;
  switch (activation.kind) {
    case Kind::kNone:
      return x;
    case Kind::kRelu:
      return x < 0 ? 0 : x;  // NaN stays NaN
    case Kind::kClip:
      return x < a ? a : x > b ? b : x;
    case Kind::kLeakyRelu:
      return x < 0 ? a * x : x;
    case Kind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Kind::kTanh:
      return std::tanh(x);
    case Kind::kHardSigmoid:
      return std::max(0.0f, std::min(1.0f, a * x + b));
    case Kind::kHardSwish:
      return x * std::max(0.0f, std::min(1.0f, x / 6 + 0.5f));
    case Kind::kSilu:
      return x / (1 + std::exp(-x));
    case Kind::kGelu:
      return x * 0.5f * (1 + std::erf(x * 0.70710678f));
    case Kind::kElu:
      return x < 0 ? a * std::expm1(x) : x;
  }
  return x;
}

}  // namespace pochade
