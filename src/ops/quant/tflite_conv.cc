// Convolutions and matrix products as TFLite's reference kernels compute them.

#include <cmath>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/tflite_loops.h"

namespace pochade {

std::vector<FixedPoint> channel_multipliers(const Quantized& quantized) {
  const Quantized::Type &x = quantized.in[0], &w = quantized.in[1], &y = quantized.out[0];
  // What TFLite has had longest multiplies the two scales in single precision.
  const bool single = x.dtype == DType::kU8 || op_as<MatMul>(*quantized.op) != nullptr;
  std::vector<FixedPoint> out;
  for (const float scale : w.quantization->scale) {
    const double product = single ? static_cast<double>(x.scale() * scale)
                                  : static_cast<double>(x.scale()) * static_cast<double>(scale);
    out.push_back(fixed_point(product / static_cast<double>(y.scale())));
  }
  return out;
}

std::vector<double> real_multipliers(const Quantized& quantized) {
  std::vector<double> out;
  for (const float scale : quantized.in[1].quantization->scale)
    out.push_back(static_cast<double>(quantized.in[0].scale()) * static_cast<double>(scale) /
                  static_cast<double>(quantized.out[0].scale()));
  return out;
}

bool requantizes_by_real(const Quantized& quantized) {
  return op_as<Gemm>(*quantized.op) != nullptr;
}

namespace {

/// From an accumulator to the output: multiplier by channel, zero point, bounds.
class Requantizer {
 public:
  explicit Requantizer(const Quantized& quantized)
      : bounds_(output_bounds(quantized)),
        zero_(quantized.out[0].zero_point()),
        fixed_(channel_multipliers(quantized)),
        real_(real_multipliers(quantized)) {}
  int32_t narrow(int32_t sum, size_t channel) const {
    return bounds_.clamp(
        wrap_int32(int64_t{multiply(sum, fixed_[fixed_.size() == 1 ? 0 : channel])} + zero_));
  }
  /// By a real multiplier.
  int32_t real(int64_t sum, size_t channel) const {
    const double product = static_cast<double>(sum) * real_[real_.size() == 1 ? 0 : channel];
    const double rounded = std::clamp(std::round(product), -2147483648.0, 2147483647.0);
    return bounds_.clamp(saturate_int32(static_cast<int64_t>(rounded) + zero_));
  }
  /// Of 16-bit activations, by a multiplier of 15 bits.
  int32_t wide(int64_t sum, size_t channel) const {
    return bounds_.clamp(
        wrap_int32(int64_t{multiply_wide(sum, fixed_[fixed_.size() == 1 ? 0 : channel])} + zero_));
  }

 private:
  IntegerBounds bounds_;
  int32_t zero_;
  std::vector<FixedPoint> fixed_;
  std::vector<double> real_;
};

/// The bias as int64; empty if there is none.
std::vector<int64_t> bias_of(std::span<const Tensor> in) {
  return in.size() > 2 && in[2].defined() ? to_int64s(in[2]) : std::vector<int64_t>();
}

/// The sum of one window: taps outside the picture do not count, since zero_point - zero_point is 0.
template <typename X, typename W>
struct Convolver {
  const Conv& conv;
  const WindowAxes& axes;
  const X* x;
  const W* w;
  int64_t in_channels, group_in, group_out;
  int32_t x_zero, w_zero;

  int64_t sum(int64_t n, int64_t od, int64_t oh, int64_t ow, int64_t o) const {
    const auto& [depth, height, width] = axes;
    const W* taps = w + o * depth.kernel * height.kernel * width.kernel * group_in;
    int64_t sum = 0;
    for (int64_t kd = 0; kd < depth.kernel; ++kd)
      for (int64_t kh = 0; kh < height.kernel; ++kh)
        for (int64_t kw = 0; kw < width.kernel; ++kw, taps += group_in) {
          const int64_t d = padded_source(depth.at(od, kd), depth.in, conv.pad_mode);
          const int64_t h = padded_source(height.at(oh, kh), height.in, conv.pad_mode);
          const int64_t v = padded_source(width.at(ow, kw), width.in, conv.pad_mode);
          if (d < 0 || h < 0 || v < 0) continue;
          const X* pixel = x + (((n * depth.in + d) * height.in + h) * width.in + v) * in_channels +
                           o / group_out * group_in;
          for (int64_t c = 0; c < group_in; ++c) sum += (pixel[c] - x_zero) * (taps[c] - w_zero);
        }
    return sum;
  }
};

template <typename X, typename W>
Result<Tensors> convolve(const Quantized& quantized, std::span<const Tensor> in) {
  const auto& conv = static_cast<const Conv&>(*quantized.op);
  const Shape &xs = in[0].shape(), &ws = in[1].shape();
  TRY(const WindowAxes axes, resolve_axes(conv.window, spatial_dims(ws), spatial_dims(xs)));
  const auto& [depth, height, width] = axes;
  Shape ys = xs;
  for (int i = 1; i + 1 < xs.rank(); ++i) ys[i] = axes[static_cast<size_t>(3 - (xs.rank() - 2) + i - 1)].out;
  ys[xs.rank() - 1] = ws[0];
  TRY(Tensor y, Tensor::make(in[0].dtype(), ys));
  const Convolver<X, W> convolver{conv,
                                  axes,
                                  in[0].data<X>().data(),
                                  in[1].data<W>().data(),
                                  xs.back(),
                                  ws.back(),
                                  std::max<int64_t>(ws[0] / conv.groups, 1),
                                  quantized.in[0].zero_point(),
                                  quantized.in[1].zero_point()};
  const Requantizer requantizer(quantized);
  const std::vector<int64_t> bias = bias_of(in);
  X* to = y.mutable_data<X>().data();
  for (int64_t n = 0; n < xs[0]; ++n)
    for (int64_t od = 0; od < depth.out; ++od)
      for (int64_t oh = 0; oh < height.out; ++oh)
        for (int64_t ow = 0; ow < width.out; ++ow)
          for (int64_t o = 0; o < ws[0]; ++o) {
            const auto channel = static_cast<size_t>(o);
            const int64_t sum = convolver.sum(n, od, oh, ow, o) + (bias.empty() ? 0 : bias[channel]);
            *to++ = static_cast<X>(sizeof(X) == 2 ? requantizer.wide(sum, channel)
                                                  : requantizer.narrow(wrap_int32(sum), channel));
          }
  return Tensors{y};
}

/// q - zero_point as double, which holds all sums of products exactly.
Result<Tensor> centred(const Tensor& x, const Quantized::Type& type) {
  TRY(Tensor out, x.cast(DType::kF64));
  const std::vector<int32_t>& zeros = type.quantization->zero_point;
  if (type.quantization->axis < 0 && !zeros.empty())
    for (double& v : out.mutable_data<double>()) v -= zeros[0];
  return out;
}

/// The sums of the operator itself on centred integers, then the bias and requantization of each channel.
Result<Tensors> eval_linear(const Quantized& quantized, std::span<const Tensor> in) {
  TRY(Tensor x, centred(in[0], quantized.in[0]));
  TRY(Tensor w, centred(in[1], quantized.in[1]));
  TRY(const Tensors sums, quantized.op->eval(Tensors{x, w}));
  const Requantizer requantizer(quantized);
  const std::vector<int64_t> bias = bias_of(in);
  const auto channels = static_cast<size_t>(std::max<int64_t>(sums[0].shape().back(), 1));
  const auto from = sums[0].data<double>();
  const bool by_real = requantizes_by_real(quantized), wide = in[0].dtype() == DType::kI16;
  std::vector<int64_t> y(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const size_t channel = i % channels;
    const int64_t sum = static_cast<int64_t>(from[i]) + (bias.empty() ? 0 : bias[channel]);
    y[i] = by_real ? requantizer.real(wide ? sum : wrap_int32(sum), channel)
           : wide  ? requantizer.wide(sum, channel)
                   : requantizer.narrow(wrap_int32(sum), channel);
  }
  TRY(Tensor out, integer_tensor(in[0].dtype(), sums[0].shape(), y));
  return Tensors{out};
}

/// x and w of types that belong together; the bias as wide as the accumulator.
Status check_weights(const Quantized& quantized, std::span<const Fact> in) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16}));
  TRY(expect_bounds(quantized));
  const std::string_view name = quantized.op->name();
  const Quantized::Type &x = quantized.in[0], &w = quantized.in[1];
  const DType wanted = x.dtype == DType::kU8 ? DType::kU8 : DType::kI8;
  if (w.dtype != wanted || !w.quantization)
    return Error::not_supported("the weights of {} are not quantized {}", name, to_string(wanted));
  if (w.quantization->axis > 0)
    return Error::not_supported("the weights of {} are quantized along axis {}, expected 0", name,
                                w.quantization->axis);
  if (w.quantization->axis == 0 && x.dtype == DType::kU8)
    return Error::not_supported("uint8 weights are quantized by channel, expected one scale");
  for (const int32_t zero : w.quantization->zero_point)
    if (zero != 0 && w.quantization->scale.size() > 1)
      return Error::not_supported("weights quantized by channel have the zero point {}, expected 0", zero);
  if (x.dtype == DType::kI16 && (x.zero_point() != 0 || quantized.out[0].zero_point() != 0))
    return Error::not_supported("int16 activations have a zero point, expected 0");
  if (in.size() > 2 && in[2].present() && in[2].dtype != DType::kI32 && in[2].dtype != DType::kI64)
    return Error::not_supported("the bias of {} is {}, expected int32 or int64", name,
                                to_string(*in[2].dtype));
  return {};
}

}  // namespace

Status check_quantized_conv(const Quantized& quantized, std::span<const Fact> in) {
  if (!is_none(static_cast<const Conv&>(*quantized.op).act))
    return Error::invalid_model("Conv has an activation of its own");
  return check_weights(quantized, in);
}

Result<Tensors> eval_quantized_conv(const Quantized& quantized, std::span<const Tensor> in) {
  switch (in[0].dtype()) {
    case DType::kU8:
      return convolve<uint8_t, uint8_t>(quantized, in);
    case DType::kI8:
      return convolve<int8_t, int8_t>(quantized, in);
    default:
      return convolve<int16_t, int8_t>(quantized, in);
  }
}

Status check_quantized_conv_transpose(const Quantized& quantized, std::span<const Fact> in) {
  if (!is_none(static_cast<const ConvTranspose&>(*quantized.op).act))
    return Error::invalid_model("ConvTranspose has an activation of its own");
  return check_weights(quantized, in);
}

Result<Tensors> eval_quantized_conv_transpose(const Quantized& quantized, std::span<const Tensor> in) {
  return eval_linear(quantized, in);
}

Status check_quantized_gemm(const Quantized& quantized, std::span<const Fact> in) {
  const auto& gemm = static_cast<const Gemm&>(*quantized.op);
  if (!is_none(gemm.act)) return Error::invalid_model("Gemm has an activation of its own");
  if (gemm.alpha != 1 || gemm.beta != 1 || gemm.transpose_a || !gemm.transpose_b)
    return Error::not_supported("Gemm of integers with {}, expected transpose_b only", gemm.fields_text());
  if (in.size() > 2 && in[2].present() && in[2].rank_known() && in[2].rank() != 1)
    return Error::not_supported("the bias of Gemm has rank {}, expected 1", in[2].rank());
  return check_weights(quantized, in);
}

Result<Tensors> eval_quantized_gemm(const Quantized& quantized, std::span<const Tensor> in) {
  return eval_linear(quantized, in);
}

Status check_quantized_matmul(const Quantized& quantized, std::span<const Fact>) {
  TRY(expect_same_type(quantized, {DType::kI8, DType::kI16}));
  const Quantized::Type& b = quantized.in[1];
  if (b.dtype != quantized.in[0].dtype || !b.quantization || b.quantization->axis >= 0)
    return Error::not_supported("input 1 of MatMul is not quantized as input 0 is");
  return expect_bounds(quantized);
}

}  // namespace pochade
