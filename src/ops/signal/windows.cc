#include "ops/signal/windows.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pochade {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 26;

Status expect_scalar(const Fact& fact, std::string_view what, bool integer) {
  if (integer)
    TRY(expect_dtype(fact, what, {DType::kI32, DType::kI64}));
  else
    TRY(expect_dtype(fact, what, {DType::kF32, DType::kF16, DType::kF64, DType::kBF16}));
  const auto shape = fact.shape();
  if (shape && shape->elements() != 1)
    return Error::invalid_model("{} has {} elements, expected 1", what, shape->elements());
  return {};
}

Result<Dim> size_dim(const Fact& fact, std::string_view what) {
  const auto values = constant_ints(fact);
  if (!values) return Dim();
  if ((*values)[0] < 0 || (*values)[0] > kMaxSize)
    return Error::invalid_model("{} is {}, expected 0 to {}", what, (*values)[0], kMaxSize);
  return Dim((*values)[0]);
}

}  // namespace

Result<Facts> infer_window(const WindowFields& window, std::span<const Fact> in) {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_scalar(in[0], "size", true));
  TRY(Dim size, size_dim(in[0], "size"));
  return Facts{Fact(window.dtype, Dims{std::move(size)})};
}

Result<Tensors> eval_window(const WindowFields& window, const CosineTerms& terms,
                            std::span<const Tensor> in) {
  TRY(const Dim size, size_dim(Fact(in[0]), "size"));
  TRY(Tensor wide, Tensor::make(DType::kF64, Shape{size.number()}));
  const auto values = wide.mutable_data<double>();
  const double period =
      static_cast<double>(window.periodic ? size.number() : std::max<int64_t>(size.number() - 1, 1));
  for (size_t n = 0; n < values.size(); ++n) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(n) / period;
    values[n] = terms.a0 - terms.a1 * std::cos(angle) + terms.a2 * std::cos(2 * angle);
  }
  if (!window.periodic && values.size() == 1) values[0] = 1;
  TRY(Tensor out, wide.cast(window.dtype));
  return Tensors{out};
}

Result<Facts> MelWeightMatrix::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 5, 5));
  TRY(expect_scalar(in[0], "num_mel_bins", true));
  TRY(expect_scalar(in[1], "dft_length", true));
  TRY(expect_scalar(in[2], "sample_rate", true));
  TRY(expect_scalar(in[3], "lower_edge_hertz", false));
  TRY(expect_scalar(in[4], "upper_edge_hertz", false));
  TRY(Dim bands, size_dim(in[0], "num_mel_bins"));
  TRY(const Dim length, size_dim(in[1], "dft_length"));
  return Facts{Fact(dtype, Dims{derive(length, [](int64_t n) { return n / 2 + 1; }), std::move(bands)})};
}

Result<Tensors> MelWeightMatrix::eval(std::span<const Tensor> in) const {
  TRY(const Dim bands_dim, size_dim(Fact(in[0]), "num_mel_bins"));
  TRY(const Dim length_dim, size_dim(Fact(in[1]), "dft_length"));
  const int64_t bands = bands_dim.number(), length = length_dim.number(), bins = length / 2 + 1;
  const double sample_rate = static_cast<double>(to_int64s(in[2])[0]);
  const double lower_hertz = static_cast<double>(to_floats(in[3])[0]),
               upper_hertz = static_cast<double>(to_floats(in[4])[0]);
  if (!(sample_rate > 0 && lower_hertz >= 0 && upper_hertz >= lower_hertz && upper_hertz <= 1e9))
    return Error::invalid_argument("a sample rate of {} Hz and edges of {} and {} Hz make no bands",
                                   sample_rate, lower_hertz, upper_hertz);
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double lower = mel(lower_hertz), step = (mel(upper_hertz) - lower) / static_cast<double>(bands + 2);
  // Bin of each band edge; band i rises from edge i to i + 1 and falls to i + 2.
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < bands + 2; ++i) {
    const double hertz = 700 * (std::pow(10.0, (lower + static_cast<double>(i) * step) / 2595) - 1);
    edges.push_back(static_cast<int64_t>(
        std::floor(std::min(static_cast<double>(length + 1) * hertz / sample_rate, 1e15))));
  }
  TRY(Tensor wide, Tensor::make(DType::kF64, Shape{bins, bands}));
  const auto put = [&](int64_t bin, int64_t band, double value) {
    if (bin >= 0 && bin < bins) wide.mutable_data<double>()[static_cast<size_t>(bin * bands + band)] = value;
  };
  for (int64_t band = 0; band < bands; ++band) {
    const int64_t first = edges[static_cast<size_t>(band)], centre = edges[static_cast<size_t>(band) + 1],
                  last = edges[static_cast<size_t>(band) + 2];
    if (centre == first) put(centre, band, 1);
    for (int64_t bin = first; centre > first && bin <= std::min(centre, bins - 1); ++bin)
      put(bin, band, static_cast<double>(bin - first) / static_cast<double>(centre - first));
    for (int64_t bin = centre; last > centre && bin < std::min(last, bins); ++bin)
      put(bin, band, static_cast<double>(last - bin) / static_cast<double>(last - centre));
  }
  TRY(Tensor out, wide.cast(dtype));
  return Tensors{out};
}

}  // namespace pochade
