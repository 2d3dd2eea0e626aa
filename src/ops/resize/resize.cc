#include "ops/resize/resize.h"

#include <algorithm>
#include <cmath>

namespace pochade {
namespace {

bool given(const Fact& fact) {
  return fact.present() && !(fact.rank_known() && fact.rank() == 1 && fact.dim(0).is(0));
}
const Fact& at_or_absent(std::span<const Fact> in, size_t i) {
  static const Fact absent;
  return i < in.size() ? in[i] : absent;
}

/// y = x resampled along one axis.
Result<Tensor> resample(const Tensor& x, const ResizeAxis& axis, double extrapolation_value) {
  Shape ys = x.shape();
  ys[axis.axis] = axis.out;
  TRY(Tensor y, Tensor::make(DType::kF64, ys));
  const int64_t outer = ys.product(0, axis.axis), inner = ys.product(axis.axis + 1, ys.rank());
  const double* from = x.data<double>().data();
  double* to = y.mutable_data<double>().data();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < axis.out; ++i)
      for (int64_t k = 0; k < inner; ++k) {
        double sum = 0;
        for (int64_t t = 0; t < axis.taps; ++t) {
          const auto tap = static_cast<size_t>(i * axis.taps + t);
          if (axis.weight[tap] != 0)
            sum += axis.weight[tap] * from[(o * axis.in + axis.index[tap]) * inner + k];
        }
        if (!axis.outside.empty() && axis.outside[static_cast<size_t>(i)]) sum = extrapolation_value;
        *to++ = sum;
      }
  return y;
}

}  // namespace

std::string_view to_string(Resize::Mode mode) {
  switch (mode) {
    case Resize::Mode::kNearest:
      return "nearest";
    case Resize::Mode::kLinear:
      return "linear";
    case Resize::Mode::kCubic:
      return "cubic";
  }
  return "";
}

std::string_view to_string(Resize::Coordinates coordinates) {
  switch (coordinates) {
    case Resize::Coordinates::kHalfPixel:
      return "half_pixel";
    case Resize::Coordinates::kHalfPixelSymmetric:
      return "half_pixel_symmetric";
    case Resize::Coordinates::kPytorchHalfPixel:
      return "pytorch_half_pixel";
    case Resize::Coordinates::kAlignCorners:
      return "align_corners";
    case Resize::Coordinates::kAsymmetric:
      return "asymmetric";
    case Resize::Coordinates::kTfHalfPixelForNn:
      return "tf_half_pixel_for_nn";
    case Resize::Coordinates::kTfCropAndResize:
      return "tf_crop_and_resize";
  }
  return "";
}

std::string_view to_string(Resize::Nearest nearest) {
  switch (nearest) {
    case Resize::Nearest::kRoundPreferFloor:
      return "round_prefer_floor";
    case Resize::Nearest::kRoundPreferCeil:
      return "round_prefer_ceil";
    case Resize::Nearest::kFloor:
      return "floor";
    case Resize::Nearest::kCeil:
      return "ceil";
    case Resize::Nearest::kCeilIfShrinking:
      return "ceil_if_shrinking";
  }
  return "";
}

std::string_view to_string(Resize::AspectRatio aspect_ratio) {
  switch (aspect_ratio) {
    case Resize::AspectRatio::kStretch:
      return "stretch";
    case Resize::AspectRatio::kNotLarger:
      return "not_larger";
    case Resize::AspectRatio::kNotSmaller:
      return "not_smaller";
  }
  return "";
}

Result<Facts> Resize::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 4));
  TRY(expect_dtype(in[0], "x",
                   {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI8, DType::kU8, DType::kI16,
                    DType::kU16, DType::kI32, DType::kI64, DType::kU32, DType::kU64}));
  const Fact &x = in[0], &roi = at_or_absent(in, 1), &scales = at_or_absent(in, 2),
             &sizes = at_or_absent(in, 3);
  if (given(scales) == given(sizes))
    return Error::invalid_model("exactly one of scales and sizes must be given");
  if (given(scales)) {
    TRY(expect_dtype(scales, "scales", {DType::kF32, DType::kF64}));
    TRY(expect_rank(scales, "scales", 1, 1));
  } else {
    TRY(expect_dtype(sizes, "sizes", {DType::kI64}));
    TRY(expect_rank(sizes, "sizes", 1, 1));
  }
  if (given(roi)) TRY(expect_dtype(roi, "roi", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  Fact y(*x.dtype, std::optional<Dims>());
  y.quantization = x.quantization;
  if (!x.rank_known()) return Facts{std::move(y)};

  y.dims = x.dims;
  const bool known = given(scales) ? scales.is_constant() : sizes.is_constant();
  const size_t count = axes.empty() ? x.dims->size() : axes.size();
  if (known && to_floats(given(scales) ? scales.constant : sizes.constant).size() != count)
    return Error::invalid_model("scales or sizes are not as many as the {} axes", count);
  for (size_t i = 0; i < count; ++i) {
    const auto axis = normal_axis(axes.empty() ? static_cast<int64_t>(i) : axes[i], x.rank());
    if (!axis) return Error::invalid_model("axis {} is outside the {} axes of x", axes[i], x.rank());
    Dim& dim = (*y.dims)[static_cast<size_t>(*axis)];
    if (!known) {
      dim = Dim();
    } else if (given(scales)) {
      const float scale = to_floats(scales.constant)[i];
      TRY(const int64_t scaled, scaled_size(dim.is_number() ? dim.number() : 1, scale));
      if (dim.is_number()) {
        dim = scaled;
      } else if (scale != 1) {
        dim = Dim();
      }
    } else if (aspect_ratio == AspectRatio::kStretch) {
      const int64_t size = to_int64s(sizes.constant)[i];
      if (size < 0) return Error::invalid_model("a size is {}", size);
      dim = size;
    } else {
      dim = Dim();
    }
  }
  const auto shape = x.shape();
  if (shape && known && given(sizes) && aspect_ratio != AspectRatio::kStretch) {
    TRY(const auto resized, resize_axes(*this, *shape, roi.constant, {}, sizes.constant));
    y.dims = x.dims;
    for (const ResizeAxis& axis : resized) (*y.dims)[static_cast<size_t>(axis.axis)] = axis.out;
  }
  return Facts{std::move(y)};
}

Result<Tensors> Resize::eval(std::span<const Tensor> in) const {
  const auto input = [&](size_t i) { return i < in.size() && in[i].elements() > 0 ? in[i] : Tensor(); };
  TRY(const auto resized, resize_axes(*this, in[0].shape(), input(1), input(2), input(3)));
  TRY(Tensor y, in[0].cast(DType::kF64));
  for (const ResizeAxis& axis : resized) {
    TRY(y, resample(y, axis, extrapolation_value));
  }
  TRY(Tensor out, y.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace pochade
