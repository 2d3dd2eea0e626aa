// Quantized operators whose kernels need no vectors of an instruction set: what they do beside reading and
// writing memory is little.

#include <cmath>
#include <cstring>

#include "ops/norm/local_normalization.h"
#include "ops/phases.h"
#include "ops/quant/fixed_point_functions.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/resize/resize.h"

namespace pochade {
namespace {

/// One after the other, `count` pieces of `bytes` each, from the places that `index` names.
void gather(const std::byte* x, const std::vector<int32_t>& index, size_t bytes, std::byte* y) {
  if (bytes == 1) {
    for (const int32_t i : index) *y++ = x[i];
    return;
  }
  for (const int32_t i : index) {
    std::memcpy(y, x + static_cast<size_t>(i) * bytes, bytes);
    y += bytes;
  }
}

/// The places along each axis that y reads; those of an axis that stays are 0, 1, 2, ...
std::vector<std::vector<int32_t>> places_of(const Shape& xs, const std::vector<ResizeAxis>& axes) {
  std::vector<std::vector<int32_t>> out;
  for (int axis = 0; axis < xs.rank(); ++axis) {
    std::vector<int32_t> all;
    for (int64_t i = 0; i < xs[axis]; ++i) all.push_back(static_cast<int32_t>(i));
    for (const ResizeAxis& resized : axes)
      if (resized.axis == axis) all = resized.index;
    out.push_back(std::move(all));
  }
  return out;
}

}  // namespace

Result<Step> lower_quantized_nearest(const Quantized& quantized, const Lowering& at) {
  const auto& resize = static_cast<const Resize&>(*quantized.op);
  // Old files write absent inputs as empty ones.
  const auto constant = [&](size_t i) {
    return at.has(i) && at.in(i).constant.elements() > 0 ? at.in(i).constant : Tensor();
  };
  for (size_t i = 1; i < at.inputs.size(); ++i)
    if (at.has(i) && !at.in(i).is_constant()) return Lowering::reference();
  const Shape xs = at.in_shape(0), ys = at.out_shape(0);
  const bool moves = quantized.rounding == Rounding::kTflite || quantized.in[0] == quantized.out[0];
  if (!moves || !is_none(quantized.act) || xs.elements() == 0 || ys.elements() == 0)
    return Lowering::reference();
  TRY(const std::vector<ResizeAxis> axes, resize_axes(resize, xs, constant(1), constant(2), constant(3)));
  int last = 0;  // the last axis that changes: what follows is copied as it is
  for (const ResizeAxis& axis : axes) {
    if (axis.taps != 1 || !axis.outside.empty()) return Lowering::reference();
    if (!axis.is_identity()) last = std::max(last, axis.axis);
  }
  const size_t bytes = static_cast<size_t>(xs.product(last + 1, xs.rank())) * size_of(*at.in(0).dtype);
  Step step;
  step.kernel = "resize_nearest";
  step.why = format("pieces of {} bytes", bytes);
  step.phases.push_back(
      divided(ys.product(0, last), ys[last] * (4 + static_cast<int64_t>(bytes) / 32),
              [xs, ys, last, bytes, places = places_of(xs, axes)](const StepBuffers& b, Range rows) {
                for (size_t row = rows.begin; row < rows.end; ++row) {
                  int64_t rest = static_cast<int64_t>(row), from = 0, step_of = 1;
                  for (int axis = last - 1; axis >= 0; --axis) {
                    from += places[static_cast<size_t>(axis)][static_cast<size_t>(rest % ys[axis])] * step_of;
                    step_of *= xs[axis];
                    rest /= ys[axis];
                  }
                  const auto x_row = static_cast<size_t>(xs[last]) * bytes,
                             y_row = static_cast<size_t>(ys[last]) * bytes;
                  gather(b.inputs[0] + static_cast<size_t>(from) * x_row, places[static_cast<size_t>(last)],
                         bytes, b.outputs[0] + row * y_row);
                }
              }));
  return step;
}

Result<Step> lower_quantized_l2_normalization(const Quantized& quantized, const Lowering& at) {
  const Shape xs = at.in_shape(0);
  const bool is_signed = quantized.in[0].dtype == DType::kI8;
  const bool bytes = is_signed || quantized.in[0].dtype == DType::kU8;
  if (!bytes || quantized.rounding != Rounding::kTflite || xs.elements() == 0) return Lowering::reference();
  const auto depth = static_cast<size_t>(xs.back());
  const int32_t zero = quantized.in[0].zero_point(), y_zero = quantized.out[0].zero_point();
  Step step;
  step.kernel = "l2_normalization_8";
  step.why = "row by row";
  step.phases.push_back(divided(
      xs.elements() / xs.back(), 8 * xs.back() + 64,
      [=, bounds = output_bounds(quantized)](const StepBuffers& b, Range rows) {
        const auto value = [=](std::byte q) {
          return (is_signed ? static_cast<int32_t>(static_cast<int8_t>(q)) : static_cast<int32_t>(q)) - zero;
        };
        for (size_t row = rows.begin; row < rows.end; ++row) {
          const std::byte* x = b.inputs[0] + row * depth;
          int64_t squares = 0;
          for (size_t i = 0; i < depth; ++i) squares += value(x[i]) * value(x[i]);
          FixedPoint inverse = inverse_sqrt(saturate_int32(squares));
          if (is_signed) inverse.exponent += 7;  // as the oracle: steps of 1/128
          for (size_t i = 0; i < depth; ++i) {
            const int32_t scaled = multiply(value(x[i]) * (is_signed ? 1 : 128), inverse);
            b.outputs[0][row * depth + i] =
                static_cast<std::byte>(bounds.clamp(wrap_int32(int64_t{scaled} + y_zero)));
          }
        }
      }));
  return step;
}

}  // namespace pochade
