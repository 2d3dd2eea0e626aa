#include "ops/signal/dft.h"

#include "ops/signal/fft.h"

namespace pochade {
namespace {

constexpr int64_t kMaxLength = int64_t{1} << 26;

/// A scalar integer input: its value if it is constant; empty if it is not known yet; `otherwise` if absent.
Result<std::optional<int64_t>> scalar_input(std::span<const Fact> in, size_t i, std::string_view what,
                                            std::optional<int64_t> otherwise) {
  if (i >= in.size() || !in[i].present()) return otherwise;
  TRY(expect_dtype(in[i], what, {DType::kI64, DType::kI32}));
  const auto shape = in[i].shape();
  if (shape && shape->elements() != 1)
    return Error::invalid_model("{} has {} elements, expected 1", what, shape->elements());
  const auto values = constant_ints(in[i]);
  return values ? std::optional<int64_t>((*values)[0]) : std::nullopt;
}

Result<std::optional<int64_t>> length_input(std::span<const Fact> in, size_t i, std::string_view what) {
  TRY(const std::optional<int64_t> length, scalar_input(in, i, what, std::nullopt));
  if (length && (*length < 1 || *length > kMaxLength))
    return Error::invalid_model("{} is {}, expected 1 to {}", what, *length, kMaxLength);
  return length;
}

bool given(std::span<const Fact> in, size_t i) {
  return i < in.size() && in[i].present();
}
bool given(std::span<const Tensor> in, size_t i) {
  return i < in.size() && in[i].defined();
}

int64_t bins(int64_t length, bool onesided) {
  return onesided ? length / 2 + 1 : length;
}

Facts facts_of_tensors(std::span<const Tensor> in) {
  Facts out;
  for (const Tensor& tensor : in) out.push_back(tensor.defined() ? Fact(tensor) : Fact());
  return out;
}

/// Real signals have one number an element, complex ones two.
Status expect_complex(const Fact& x, std::string_view what) {
  TRY(expect_dtype(x, what, {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  if (x.dims && !x.dims->empty() && x.dims->back().is_number() && !x.dims->back().is(1) &&
      !x.dims->back().is(2))
    return Error::invalid_model("the last axis of {} has size {}, expected 1 (real) or 2 (complex)", what,
                                x.dims->back().number());
  return {};
}

}  // namespace

Result<Facts> Dft::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 3));
  const Fact& x = in[0];
  TRY(expect_complex(x, "x"));
  TRY(expect_rank(x, "x", 2, kMaxRank));
  if (onesided && inverse) return Error::not_supported("an inverse transform of one side");
  TRY(const auto length, length_input(in, 1, "dft_length"));
  TRY(const auto along, scalar_input(in, 2, "axis", axis));
  if (!x.dims) return Facts{Fact(*x.dtype, std::nullopt)};
  if (onesided && x.dims->back().is(2))
    return Error::invalid_model("a transform of one side needs a real signal, not a complex one");
  Dims dims = *x.dims;
  dims.back() = 2;
  if (!along) {
    for (size_t i = 0; i + 1 < dims.size(); ++i) dims[i] = Dim();
    return Facts{Fact(*x.dtype, std::move(dims))};
  }
  const auto normal = normal_axis(*along, x.rank());
  if (!normal || *normal == x.rank() - 1)
    return Error::invalid_model("axis {} is no axis of a signal of rank {}", *along, x.rank());
  Dim& size = dims[static_cast<size_t>(*normal)];
  if (given(in, 1)) {
    size = length ? Dim(bins(*length, onesided)) : Dim();
  } else {
    if (size.is_number() && (size.number() < 1 || size.number() > kMaxLength))
      return Error::invalid_model("cannot transform {} elements, expected 1 to {}", size.number(),
                                  kMaxLength);
    if (onesided) size = derive(size, [](int64_t n) { return bins(n, true); });
  }
  return Facts{Fact(*x.dtype, std::move(dims))};
}

Result<Tensors> Dft::eval(std::span<const Tensor> in) const {
  TRY(const Facts facts, infer(facts_of_tensors(in)));
  const Shape ys = *facts[0].shape(), xs = in[0].shape();
  const int along = *normal_axis(given(in, 2) ? to_int64s(in[2])[0] : axis, xs.rank());
  const int64_t length = given(in, 1) ? to_int64s(in[1])[0] : xs[along];
  TRY(const Tensor wide, in[0].cast(DType::kF64));
  TRY(Tensor out, Tensor::make(DType::kF64, ys));
  const double* x = wide.data<double>().data();
  double* y = out.mutable_data<double>().data();
  const int64_t parts = xs.back(), outer = xs.product(0, along), inner = xs.product(along + 1, xs.rank() - 1);
  std::vector<std::complex<double>> signal(static_cast<size_t>(length));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      for (int64_t t = 0; t < length; ++t) {
        const double* from = x + ((o * xs[along] + t) * inner + i) * parts;
        signal[static_cast<size_t>(t)] = t >= xs[along] ? 0
                                         : parts == 2   ? std::complex<double>(from[0], from[1])
                                                        : from[0];
      }
      const auto spectrum = fourier(signal, inverse);
      for (int64_t k = 0; k < ys[along]; ++k) {
        double* to = y + ((o * ys[along] + k) * inner + i) * 2;
        to[0] = spectrum[static_cast<size_t>(k)].real();
        to[1] = spectrum[static_cast<size_t>(k)].imag();
      }
    }
  TRY(Tensor narrow, out.cast(in[0].dtype()));
  return Tensors{narrow};
}

Result<Facts> Stft::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 4));
  const Fact& x = in[0];
  TRY(expect_complex(x, "signal"));
  TRY(expect_rank(x, "signal", 3, 3));
  if (onesided && x.dims && x.dim(2).is(2))
    return Error::invalid_model("a transform of one side needs a real signal, not a complex one");
  TRY(const auto step, length_input(in, 1, "frame_step"));
  TRY(auto frame, length_input(in, 3, "frame_length"));
  if (given(in, 2)) {
    TRY(expect_dtype(in[2], "window", {*x.dtype}));
    TRY(expect_rank(in[2], "window", 1, 1));
    if (const auto window = in[2].shape()) {
      if (frame && *frame != window->elements())
        return Error::invalid_model("the window has {} values, but frame_length is {}", window->elements(),
                                    *frame);
      if (!given(in, 3)) frame = window->elements();
    }
  } else if (!given(in, 3)) {
    return Error::invalid_model("needs a window or a frame_length");
  }
  Dims dims(4);
  dims[3] = 2;
  if (x.dims) dims[0] = x.dim(0);
  if (frame) {
    if (*frame < 1) return Error::invalid_model("the window is empty");
    dims[2] = bins(*frame, onesided);
  }
  if (frame && step && x.dims && x.dim(1).is_number()) {
    if (x.dim(1).number() < *frame)
      return Error::invalid_model("a signal of {} is shorter than a frame of {}", x.dim(1).number(), *frame);
    dims[1] = (x.dim(1).number() - *frame) / *step + 1;
  }
  return Facts{Fact(*x.dtype, std::move(dims))};
}

Result<Tensors> Stft::eval(std::span<const Tensor> in) const {
  TRY(const Facts facts, infer(facts_of_tensors(in)));
  const Shape ys = *facts[0].shape(), xs = in[0].shape();
  const int64_t step = to_int64s(in[1])[0];
  const int64_t frame = given(in, 3) ? to_int64s(in[3])[0] : in[2].elements();
  TRY(const Tensor wide, in[0].cast(DType::kF64));
  std::vector<double> window(static_cast<size_t>(frame), 1.0);
  if (given(in, 2)) {
    TRY(const Tensor values, in[2].cast(DType::kF64));
    window.assign(values.data<double>().begin(), values.data<double>().end());
  }
  TRY(Tensor out, Tensor::make(DType::kF64, ys));
  const int64_t parts = xs[2];
  double* y = out.mutable_data<double>().data();
  std::vector<std::complex<double>> signal(static_cast<size_t>(frame));
  for (int64_t n = 0; n < ys[0]; ++n)
    for (int64_t f = 0; f < ys[1]; ++f) {
      for (int64_t t = 0; t < frame; ++t) {
        const double* from = wide.data<double>().data() + (n * xs[1] + f * step + t) * parts;
        signal[static_cast<size_t>(t)] =
            std::complex<double>(from[0], parts == 2 ? from[1] : 0) * window[static_cast<size_t>(t)];
      }
      const auto spectrum = fourier(signal, false);
      for (int64_t k = 0; k < ys[2]; ++k) {
        *y++ = spectrum[static_cast<size_t>(k)].real();
        *y++ = spectrum[static_cast<size_t>(k)].imag();
      }
    }
  TRY(Tensor narrow, out.cast(in[0].dtype()));
  return Tensors{narrow};
}

}  // namespace pochade
