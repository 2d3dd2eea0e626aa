#pragma once

#include <string>

#include "base/format.h"

namespace pochade {

/// A function of one element that a wider operator applies to its result.
struct Activation {
  enum class Kind {
    kNone,
    kRelu,
    kClip,         ///< min(max(x, alpha), beta)
    kLeakyRelu,    ///< x < 0 ? alpha * x : x
    kSigmoid,
    kTanh,
    kHardSigmoid,  ///< max(0, min(1, alpha * x + beta))
    kHardSwish,    ///< x * max(0, min(1, x / 6 + 1 / 2))
    kSilu,         ///< x * sigmoid(x)
  };
  Kind kind = Kind::kNone;
  float alpha = 0;
  float beta = 0;

  bool is_none() const { return kind == Kind::kNone; }
  bool operator==(const Activation&) const = default;
  static void fields(auto& self, auto&& f) {
    if (self.is_none()) return;
    f("activation", self.kind);
    f("activation_alpha", self.alpha);
    f("activation_beta", self.beta);
  }
};

inline std::string_view to_string(Activation::Kind kind) {
  switch (kind) {
    case Activation::Kind::kNone: return "none";
    case Activation::Kind::kRelu: return "relu";
    case Activation::Kind::kClip: return "clip";
    case Activation::Kind::kLeakyRelu: return "leaky_relu";
    case Activation::Kind::kSigmoid: return "sigmoid";
    case Activation::Kind::kTanh: return "tanh";
    case Activation::Kind::kHardSigmoid: return "hard_sigmoid";
    case Activation::Kind::kHardSwish: return "hard_swish";
    case Activation::Kind::kSilu: return "silu";
  }
  return "";
}

/// The oracle's value.
float activate(float x, const Activation& activation);

}  // namespace pochade
