#pragma once
// For the tests of kernels: every ISA of this machine, reproducible numbers, comparison with a
// double-precision oracle.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/guarded_buffer.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"

namespace pochade {

class KernelTest : public testing::TestWithParam<Isa> {
 protected:
  const Kernels& k() const { return *kernels(GetParam()); }
};

inline std::string isa_name(const testing::TestParamInfo<Isa>& info) {
  return std::string(name(info.param));
}

#define POCHADE_KERNEL_TESTS(suite) \
  INSTANTIATE_TEST_SUITE_P(Isas, suite, testing::ValuesIn(supported_isas()), isa_name)

/// Reproducible numbers in [low, high), the same on every machine.
inline std::vector<float> numbers(size_t n, uint32_t seed, float low = -1, float high = 1) {
  std::vector<float> out(n);
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (float& x : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    x = low + (high - low) * static_cast<float>(state >> 40) * 0x1p-24f;
  }
  return out;
}

/// Work in one go, and in uneven pieces from last to first: gives the same bits or the test fails.
/// `run(Range)` writes to `y`, which is poisoned before each time.
inline void run_divided(size_t units, GuardedBuffer<float>& y, const std::function<void(Range)>& run) {
  y.poison();
  for (size_t end = units; end > 0;) {
    const size_t n = std::min<size_t>(end, 1 + end % 3);
    run({end - n, end});
    end -= n;
  }
  const std::vector<float> pieces = y.copy();
  y.poison();
  run({0, units});
  for (size_t i = 0; i < y.size(); ++i)
    ASSERT_TRUE(std::memcmp(&pieces[i], &y[i], sizeof(float)) == 0 ||
                (std::isnan(pieces[i]) && std::isnan(y[i])))
        << "bits depend on the division of the range: element " << i << " is " << pieces[i] << " or " << y[i];
}

/// |got - want| <= absolute + relative * |want|; NaN wants NaN, infinity itself.
inline void expect_near(const std::vector<double>& want, const float* got, double relative, double absolute,
                        const std::string& what) {
  for (size_t i = 0; i < want.size(); ++i) {
    const double g = got[i];
    if (std::isnan(want[i]) && std::isnan(g)) continue;
    if (want[i] == g) continue;
    ASSERT_LE(std::abs(g - want[i]), absolute + relative * std::abs(want[i]))
        << what << ": element " << i << " is " << g << ", expected " << want[i];
  }
}

inline double activation_oracle(const Activation& a, double x) {
  const auto clamp = [](double v, double low, double high) {
    return std::isnan(v) ? v : std::fmin(std::fmax(v, low), high);
  };
  const double p = a.a, q = a.b;
  switch (a.kind) {
    case ActivationKind::kNone:
      return x;
    case ActivationKind::kRelu:
      return x < 0 ? 0 : x;
    case ActivationKind::kClip:
      return clamp(x, p, q);
    case ActivationKind::kLeakyRelu:
      return x < 0 ? p * x : x;
    case ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kHardSigmoid:
      return clamp(p * x + q, 0, 1);
    case ActivationKind::kHardSwish:
      return x * clamp(x / 6 + 0.5, 0, 1);
    case ActivationKind::kSilu:
      return x / (1 + std::exp(-x));
    case ActivationKind::kGelu:
      return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case ActivationKind::kElu:
      return x < 0 ? p * std::expm1(x) : x;
  }
  return x;
}

inline const std::vector<Activation>& all_activations() {
  static const std::vector<Activation> all = {
      {},
      {ActivationKind::kRelu},
      {ActivationKind::kClip, -0.25f, 0.5f},
      {ActivationKind::kLeakyRelu, 0.1f},
      {ActivationKind::kSigmoid},
      {ActivationKind::kTanh},
      {ActivationKind::kHardSigmoid, 0.2f, 0.5f},
      {ActivationKind::kHardSwish},
      {ActivationKind::kSilu},
      {ActivationKind::kGelu},
      {ActivationKind::kElu, 1.5f},
  };
  return all;
}

}  // namespace pochade
