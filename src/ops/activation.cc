#include "ops/activation.h"

#include <algorithm>
#include <cmath>

namespace pochade {

float activate(float x, const Activation& activation) {
  using Kind = Activation::Kind;
  const float alpha = activation.alpha, beta = activation.beta;
  switch (activation.kind) {
    case Kind::kNone: return x;
    case Kind::kRelu: return x < 0 ? 0 : x;  // NaN stays NaN
    case Kind::kClip: return x < alpha ? alpha : x > beta ? beta : x;
    case Kind::kLeakyRelu: return x < 0 ? alpha * x : x;
    case Kind::kSigmoid: return 1 / (1 + std::exp(-x));
    case Kind::kTanh: return std::tanh(x);
    case Kind::kHardSigmoid: return std::max(0.0f, std::min(1.0f, alpha * x + beta));
    case Kind::kHardSwish: return x * std::max(0.0f, std::min(1.0f, x / 6 + 0.5f));
    case Kind::kSilu: return x / (1 + std::exp(-x));
  }
  return x;
}

}  // namespace pochade
