#pragma once

#include "graph/op.h"

namespace pochade {

/// Discrete Fourier transform along one axis.
///   x: ..., 1 (real) or 2 (real, imaginary)   dft_length: int64 scalar (optional: the axis as it is; else
///   cut or padded by zeros) axis: int64 scalar (optional: the field)   ->   ..., 2
/// onesided: only the floor(length / 2) + 1 first bins, which tell all of a real signal.
struct Dft final : OpOf<Dft> {
  static constexpr std::string_view kName = "DFT";
  int64_t axis = -2;
  bool inverse = false;  ///< divided by the length
  bool onesided = false;
  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("inverse", self.inverse);
    f("onesided", self.onesided);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

/// Short-time Fourier transform: the DFT of windows of the signal, frame_step apart.
///   signal: N, L, 1 or 2   frame_step: int64 scalar   window: W (optional: ones)   frame_length: int64
///   scalar (optional: W)
///   ->   N, frames, bins, 2   with frames = (L - frame_length) / frame_step + 1
struct Stft final : OpOf<Stft> {
  static constexpr std::string_view kName = "STFT";
  bool onesided = true;
  static void fields(auto& self, auto&& f) { f("onesided", self.onesided); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade
