#pragma once
// Pieces of TFLite's arithmetic that oracles and kernels share.

#include "ops/quant/quantized.h"
#include "ops/resize/resize.h"

namespace pochade {

/// The multiplier of a sum of `count` elements: x scale / y scale, for ReduceMean divided by the count.
FixedPoint mean_multiplier(const Quantized& quantized, int64_t count);

/// Add, Sub and SquaredDifference first bring both inputs to twice the larger scale, shifted left.
struct CommonScale {
  FixedPoint a, b, out;
  int left = 0;
};
CommonScale common_scale(const Quantized& quantized, int left, bool squared);

/// What a comparison sees of the integer q of input i: its value in 1/256, rounded.
int32_t comparable(const Quantized& quantized, size_t i, int32_t q);

/// Where an output of bilinear resizing reads along one axis: between two elements.
template <typename Number>
struct Between {
  int64_t first, second;
  Number place;  ///< of the output along the input
};
/// int8 and int16, in 1/1024 of an element.
using BetweenIntegers = Between<int64_t>;
BetweenIntegers between_integers(int64_t i, const ResizeAxis& axis, Resize::Coordinates coordinates);
/// uint8, in elements.
using BetweenFloats = Between<float>;
BetweenFloats between_floats(int64_t i, const ResizeAxis& axis, Resize::Coordinates coordinates);

/// Differences of 8-bit values to the maximum of their row, as Q5.26, and the least that is not negligible.
struct SoftmaxDifference {
  explicit SoftmaxDifference(float scale);
  int32_t operator()(int64_t difference) const {
    return multiply(static_cast<int32_t>(difference), multiplier);
  }
  FixedPoint multiplier;
  int64_t least = 0;
};

/// From Q5.26 back to steps of x.
FixedPoint log_softmax_back(const SoftmaxDifference& scaled);

/// Softmax of a row of int16: exponentials and their sum's reciprocal come from tables of 512 straight lines.
/// y may be x.
void softmax_row_16(std::span<const int16_t> x, std::span<int16_t> y, FixedPoint multiplier);
/// What brings differences to the steps of the table of exponentials.
FixedPoint softmax_multiplier_16(const Quantized& quantized);

}  // namespace pochade
