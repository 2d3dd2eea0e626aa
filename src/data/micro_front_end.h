#pragma once
// The fixed-point audio front end of TFLite Micro: what its keyword networks were trained with.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace pochade {

/// 16-bit samples to 16-bit logarithms of mel bands, in integers all the way, bit for bit as TFLite's
/// experimental/microfrontend gives them: Hann window in Q12, FFT in Q15, triangular bands in Q12, square
/// root, noise reduction, per-channel amplitude normalization (PCAN, Wang et al. 2017, arXiv:1607.05666),
/// logarithm. It remembers the noise: frames follow each other.
class MicroFrontEnd {
 public:
  MicroFrontEnd(int64_t rate, int64_t window, int64_t mel_bins, double low_hz, double high_hz);
  /// One frame of `window` samples: mel_bins values.
  std::vector<uint16_t> frame(std::span<const int16_t> samples);

 private:
  using Complex = std::array<int16_t, 2>;  ///< real, imaginary; Q15
  std::vector<Complex> spectrum(std::span<const int16_t> samples) const;
  void transform(const int16_t* from, size_t stride, size_t size, Complex* to) const;
  std::vector<uint32_t> bands(const std::vector<Complex>& spectrum, int shift) const;
  uint32_t without_noise(size_t band, uint32_t signal);
  uint32_t with_gain(size_t band, uint32_t signal) const;
  uint16_t logarithm(uint32_t signal) const;

  struct Bin {
    size_t band = 0;  ///< rises to the peak of band - 1; of `bands`, the first one counts as its slope only
    int16_t falling = 0, rising = 0;  ///< Q12
  };
  size_t fft_size_ = 0;
  std::vector<int16_t> window_;  ///< Q12
  std::vector<Complex> twiddles_,
      real_twiddles_;  ///< of the complex transform of half the size, and to the real one
  size_t first_bin_ = 0;
  std::vector<Bin> bins_;  ///< from first_bin_ on
  size_t mel_bins_ = 0;
  int correction_bits_ = 0;
  std::vector<uint32_t> noise_;               ///< Q10
  std::vector<std::array<int16_t, 3>> gain_;  ///< of each power of two: value, slope, curvature
  std::array<int16_t, 2> small_gain_{};       ///< of 0 and 1
};

}  // namespace pochade
