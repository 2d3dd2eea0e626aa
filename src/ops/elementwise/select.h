#pragma once
// Elementwise operators that are not arithmetic of one dtype: bounds, choices, conversions, copies.

#include "ops/elementwise/wide.h"

namespace pochade {

/// min(max(x, low), high).  x, low (scalar, may be absent), high (scalar, may be absent). NaN stays NaN; high
/// wins over low.
struct Clip final : OpOf<Clip> {
  static constexpr std::string_view kName = "Clip";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

/// condition (bool) ? a : b, broadcast; a and b of any one dtype.
struct Where final : OpOf<Where> {
  static constexpr std::string_view kName = "Where";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

/// bool: whether x is NaN.
struct IsNaN final : OpOf<IsNaN> {
  static constexpr std::string_view kName = "IsNaN";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

/// bool: whether x is an infinity of a sign that is looked for.
struct IsInf final : OpOf<IsInf> {
  static constexpr std::string_view kName = "IsInf";
  bool detect_negative = true;
  bool detect_positive = true;
  static void fields(auto& self, auto&& f) {
    f("detect_negative", self.detect_negative);
    f("detect_positive", self.detect_positive);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

/// Converts each element as Tensor::cast does.
struct Cast final : OpOf<Cast> {
  static constexpr std::string_view kName = "Cast";
  DType to = DType::kF32;
  static void fields(auto& self, auto&& f) { f("to", self.to); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

/// Converts x to the dtype of the second input, whose elements do not matter.
struct CastLike final : OpOf<CastLike> {
  static constexpr std::string_view kName = "CastLike";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// y = x.
struct Identity final : OpOf<Identity> {
  static constexpr std::string_view kName = "Identity";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
  bool only_reshapes() const override { return true; }
};

/// x, ratio (optional: 0.5), training_mode (bool, optional: false) -> y and, if asked for, a mask of what was
/// kept. When a network is not trained, y = x. A training_mode that is true drops elements at random and
/// divides the others by 1 - ratio.
struct Dropout final : OpOf<Dropout> {
  static constexpr std::string_view kName = "Dropout";
  bool gives_mask = false;  ///< a second output, bool
  bool may_drop = false;    ///< training_mode is, or may turn out to be, true
  int64_t seed = 0;         ///< of what is dropped: see random.h
  static void fields(auto& self, auto&& f) {
    f("gives_mask", self.gives_mask);
    f("may_drop", self.may_drop);
    if (self.may_drop) f("seed", self.seed);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return !may_drop; }
  bool only_reshapes() const override { return !gives_mask && !may_drop; }
};

}  // namespace pochade
