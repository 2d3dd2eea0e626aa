#pragma once
// Random values. Element i depends on the seed and i alone (a counter through splitmix64: Steele, Lea and
// Flood 2014), so that any division among threads gives the same values. They are never folded: whoever
// retrains or fixes a size draws again.

#include "graph/op.h"

namespace pochade {

/// Uniform in [0, 1), a multiple of 2^-53.
double random_uniform(int64_t seed, uint64_t counter);

/// What the four generators have; the first two parameters mean low and high, or mean and standard deviation.
struct RandomFields {
  float first = 0;
  float second = 1;
  int64_t seed = 0;
};

/// Uniform in [low, high), of the given shape.
struct RandomUniform final : OpOf<RandomUniform>, RandomFields {
  static constexpr std::string_view kName = "RandomUniform";
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  static void fields(auto& self, auto&& f) {
    f("low", self.first);
    f("high", self.second);
    f("seed", self.seed);
    f("dtype", self.dtype);
    f("shape", self.shape);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return false; }
};

/// Normal, of the given shape.
struct RandomNormal final : OpOf<RandomNormal>, RandomFields {
  static constexpr std::string_view kName = "RandomNormal";
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  static void fields(auto& self, auto&& f) {
    f("mean", self.first);
    f("scale", self.second);
    f("seed", self.seed);
    f("dtype", self.dtype);
    f("shape", self.shape);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return false; }
};

/// Uniform in [low, high), of x's shape.
struct RandomUniformLike final : OpOf<RandomUniformLike>, RandomFields {
  static constexpr std::string_view kName = "RandomUniformLike";
  std::optional<DType> dtype;  ///< x's without it
  static void fields(auto& self, auto&& f) {
    f("low", self.first);
    f("high", self.second);
    f("seed", self.seed);
    f("dtype", self.dtype ? to_string(*self.dtype) : std::string_view("like"));
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return false; }
};

/// Normal, of x's shape.
struct RandomNormalLike final : OpOf<RandomNormalLike>, RandomFields {
  static constexpr std::string_view kName = "RandomNormalLike";
  std::optional<DType> dtype;  ///< x's without it
  static void fields(auto& self, auto&& f) {
    f("mean", self.first);
    f("scale", self.second);
    f("seed", self.seed);
    f("dtype", self.dtype ? to_string(*self.dtype) : std::string_view("like"));
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return false; }
};

/// 1 with the probability that x says, else 0.
struct Bernoulli final : OpOf<Bernoulli> {
  static constexpr std::string_view kName = "Bernoulli";
  int64_t seed = 0;
  std::optional<DType> dtype;  ///< x's without it
  static void fields(auto& self, auto&& f) {
    f("seed", self.seed);
    f("dtype", self.dtype ? to_string(*self.dtype) : std::string_view("like"));
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return false; }
};

/// x: N,classes of log-probabilities (not normalised) -> N,samples: classes drawn from them.
struct Multinomial final : OpOf<Multinomial> {
  static constexpr std::string_view kName = "Multinomial";
  int64_t seed = 0;
  int64_t samples = 1;
  DType dtype = DType::kI32;
  static void fields(auto& self, auto&& f) {
    f("seed", self.seed);
    f("samples", self.samples);
    f("dtype", self.dtype);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool deterministic() const override { return false; }
};

}  // namespace pochade
