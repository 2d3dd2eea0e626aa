#include "ops/signal/mfcc.h"

#include <cmath>
#include <numbers>

#include "ops/eval.h"

namespace pochade {
namespace {

constexpr int64_t kMostBands = 4096;
/// Silence has no logarithm.
constexpr double kLeastBand = 1e-12;

double mel(double hertz) {
  return 1127.0 * std::log1p(hertz / 700.0);
}

/// Which share of a bin's magnitude the two bands beside it get.
struct Bin {
  int64_t band = 0;    ///< the lower one; -1: there is none, only band 0 above it
  double share = 0;    ///< of the lower one; the rest goes to the next one
  bool heard = false;  ///< inside the limits
};

struct Filters {
  std::vector<Bin> bins;
};

Result<Filters> make_filters(const Mfcc& op, int64_t bins, double sample_rate) {
  if (bins < 2) return Error::invalid_argument("a spectrum of {} bins", bins);
  if (!(sample_rate > 0)) return Error::invalid_argument("the sample rate is {}", sample_rate);
  const double low = mel(static_cast<double>(op.lower_hertz)),
               high = mel(static_cast<double>(op.upper_hertz));
  const double spacing = (high - low) / static_cast<double>(op.bands + 1);
  const double hertz_a_bin = 0.5 * sample_rate / static_cast<double>(bins - 1);
  const auto first = static_cast<int64_t>(1.5 + static_cast<double>(op.lower_hertz) / hertz_a_bin);
  const auto last = static_cast<int64_t>(static_cast<double>(op.upper_hertz) / hertz_a_bin);
  // Band b has its peak at middle(b) and ends at the peaks of its neighbours.
  const auto middle = [&](int64_t band) { return low + spacing * static_cast<double>(band + 1); };
  Filters out;
  int64_t above = 0;  // the first band whose peak is not below the bin
  for (int64_t i = 0; i < bins; ++i) {
    Bin bin;
    bin.heard = i >= first && i <= last;
    const double m = mel(static_cast<double>(i) * hertz_a_bin);
    if (bin.heard) {
      while (above < op.bands && middle(above) < m) ++above;
      bin.band = above - 1;
      bin.share = (middle(above) - m) / (middle(above) - middle(above - 1));
    }
    out.bins.push_back(bin);
  }
  return out;
}

void gather_bands(const Filters& filters, const float* spectrum, std::vector<double>& bands) {
  std::fill(bands.begin(), bands.end(), 0.0);
  for (size_t i = 0; i < filters.bins.size(); ++i) {
    const Bin& bin = filters.bins[i];
    if (!bin.heard) continue;
    const double magnitude = std::sqrt(static_cast<double>(spectrum[i]));
    const double lower = magnitude * bin.share;
    if (bin.band >= 0) bands[static_cast<size_t>(bin.band)] += lower;
    if (bin.band + 1 < static_cast<int64_t>(bands.size()))
      bands[static_cast<size_t>(bin.band + 1)] += magnitude - lower;
  }
}

}  // namespace

Result<Facts> Mfcc::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[0], "spectrogram", {DType::kF32}));
  TRY(expect_rank(in[0], "spectrogram", 3, 3));
  TRY(expect_dtype(in[1], "sample_rate", {DType::kI32}));
  TRY(expect_rank(in[1], "sample_rate", 0, 1));
  if (in[1].shape() && in[1].shape()->elements() != 1)
    return Error::invalid_model("sample_rate has the shape {}", *in[1].shape());
  if (bands < 1 || bands > kMostBands || coefficients < 1 || coefficients > bands)
    return Error::invalid_model("{} coefficients of {} bands", coefficients, bands);
  if (!(lower_hertz >= 0 && lower_hertz < upper_hertz && upper_hertz <= 1e9f))
    return Error::invalid_model("frequencies from {} to {}", lower_hertz, upper_hertz);
  Dims dims = in[0].dims.value_or(Dims(3));
  dims[2] = coefficients;
  return Facts{Fact(DType::kF32, std::move(dims))};
}

Result<Tensors> Mfcc::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const int64_t rows = in[0].shape()[0] * in[0].shape()[1], bins = in[0].shape()[2];
  TRY(const Filters filters, make_filters(*this, bins, static_cast<double>(to_int64s(in[1])[0])));
  const double n = static_cast<double>(bands), scale = std::sqrt(2.0 / n);
  std::vector<double> cosines;
  for (int64_t k = 0; k < coefficients; ++k)
    for (int64_t b = 0; b < bands; ++b)
      cosines.push_back(
          scale * std::cos(static_cast<double>(k) * std::numbers::pi / n * (static_cast<double>(b) + 0.5)));
  const float* x = in[0].data<float>().data();
  float* y = out[0].mutable_data<float>().data();
  std::vector<double> heard(static_cast<size_t>(bands));
  for (int64_t row = 0; row < rows; ++row) {
    gather_bands(filters, x + row * bins, heard);
    for (double& band : heard) band = std::log(std::max(band, kLeastBand));
    for (int64_t k = 0; k < coefficients; ++k) {
      double sum = 0;
      for (size_t b = 0; b < heard.size(); ++b) sum += cosines[static_cast<size_t>(k * bands) + b] * heard[b];
      *y++ = static_cast<float>(sum);
    }
  }
  return out;
}

}  // namespace pochade
