#pragma once

#include "graph/op.h"

namespace pochade {

/// w[n] = a0 - a1 cos(2 pi n / D) + a2 cos(4 pi n / D), n < size; D is size, or size - 1 if the window is
/// symmetric.
///   size: int32 or int64 scalar   ->   size values
struct WindowFields {
  bool periodic = true;
  DType dtype = DType::kF32;
  static void fields(auto& self, auto&& f) {
    f("periodic", self.periodic);
    f("dtype", self.dtype);
  }
};
struct CosineTerms {
  double a0, a1, a2;
};
Result<Facts> infer_window(const WindowFields& window, std::span<const Fact> in);
Result<Tensors> eval_window(const WindowFields& window, const CosineTerms& terms, std::span<const Tensor> in);

template <typename F>
struct WindowOp final : OpOf<WindowOp<F>>, WindowFields {
  static constexpr std::string_view kName = F::kName;
  using WindowFields::fields;
  Result<Facts> infer(std::span<const Fact> in) const override { return infer_window(*this, in); }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    return eval_window(*this, F::kTerms, in);
  }
};

struct HannTerms {
  static constexpr std::string_view kName = "HannWindow";
  static constexpr CosineTerms kTerms{0.5, 0.5, 0};
};
using HannWindow = WindowOp<HannTerms>;

struct HammingTerms {
  static constexpr std::string_view kName = "HammingWindow";
  static constexpr CosineTerms kTerms{25.0 / 46, 21.0 / 46, 0};
};
using HammingWindow = WindowOp<HammingTerms>;

struct BlackmanTerms {
  static constexpr std::string_view kName = "BlackmanWindow";
  static constexpr CosineTerms kTerms{0.42, 0.5, 0.08};
};
using BlackmanWindow = WindowOp<BlackmanTerms>;

/// The matrix that turns the bins of a spectrum into bands of equal width on the mel scale.
///   num_mel_bins, dft_length, sample_rate: integer scalars   lower_edge_hertz, upper_edge_hertz: float
///   scalars
///   ->   floor(dft_length / 2) + 1, num_mel_bins
struct MelWeightMatrix final : OpOf<MelWeightMatrix> {
  static constexpr std::string_view kName = "MelWeightMatrix";
  DType dtype = DType::kF32;
  static void fields(auto& self, auto&& f) { f("dtype", self.dtype); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
