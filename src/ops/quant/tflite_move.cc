// Operators that move or choose elements without arithmetic.

#include <cmath>

#include "ops/quant/tflite_loops.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

/// `op` on the integers themselves; types that it does not take go through float, exactly.
Result<Tensors> eval_on_integers(const Op& op, std::span<const Tensor> in, std::span<const Type> types) {
  if (op.infer(facts_of(in))) return op.eval(in);
  Tensors wide;
  for (size_t i = 0; i < in.size(); ++i) {
    wide.push_back(in[i]);
    if (!in[i].defined() || !types[i].dtype) continue;
    TRY(wide.back(), in[i].cast(DType::kF32));
  }
  return op.eval(wide);
}

}  // namespace

Status check_quantized_move(const Quantized& quantized, std::span<const Fact>) {
  for (const auto* types : {&quantized.in, &quantized.out})
    for (const Type& type : *types)
      if (type.dtype && size_of(*type.dtype) > 2)
        return Error::not_supported("{} of {} is not wrapped, but used as it is", quantized.op->name(),
                                    to_string(*type.dtype));
  return expect_bounds(quantized);
}

Result<Tensors> eval_quantized_move(const Quantized& quantized, std::span<const Tensor> in) {
  TRY(Tensors out, eval_on_integers(*quantized.op, in, quantized.in));
  for (size_t i = 0; i < out.size(); ++i) {
    if (!quantized.out[i].dtype) continue;
    TRY(out[i], out[i].cast(*quantized.out[i].dtype));
  }
  if (is_none(quantized.act)) return out;
  const IntegerBounds bounds = output_bounds(quantized);
  TRY(const Tensors clamped, map_integers(quantized, out[0], [&](int32_t q) { return bounds.clamp(q); }));
  out[0] = clamped[0];
  return out;
}

Result<Tensors> eval_quantized_pad(const Quantized& quantized, std::span<const Tensor> in) {
  const auto& pad = static_cast<const Pad&>(*quantized.op);
  Tensors filled(in.begin(), in.end());
  if (pad.mode == PadFill::kConstant && (in.size() < 3 || !in[2].defined())) {
    filled.resize(std::max<size_t>(in.size(), 3));
    const int64_t zero[] = {quantized.out[0].zero_point()};
    TRY(filled[2], integer_tensor(in[0].dtype(), Shape{}, zero));
  }
  Quantized with_value = quantized;
  if (with_value.in.size() < 3) with_value.in.resize(3);
  with_value.in[2] = quantized.out[0];
  return eval_quantized_move(with_value, filled);
}

Status check_quantized_concat(const Quantized& quantized, std::span<const Fact> in) {
  for (size_t i = 0; i < in.size(); ++i)
    if (quantized.in[i].dtype != quantized.out[0].dtype || !quantized.in[i].quantization ||
        quantized.in[i].quantization->axis >= 0)
      return Error::not_supported("input {} of Concat is not quantized as its output is", i);
  return expect_same_type(quantized, {DType::kI8, DType::kU8, DType::kI16});
}

Result<Tensors> eval_quantized_concat(const Quantized& quantized, std::span<const Tensor> in) {
  const Type& y = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  Tensors same(in.begin(), in.end());
  for (size_t i = 0; i < in.size(); ++i) {
    const Type& x = quantized.in[i];
    if (x.scale() == y.scale() && x.zero_point() == y.zero_point()) continue;
    const float scale = x.scale() * (1.0f / y.scale());
    const float bias = -static_cast<float>(x.zero_point()) * scale;
    TRY(const Tensors moved, map_integers(quantized, in[i], [&](int32_t q) {
          const float rounded = std::round(static_cast<float>(q) * scale + bias);
          return bounds.clamp(static_cast<int32_t>(std::clamp(rounded, -1e9f, 1e9f)) + y.zero_point());
        }));
    same[i] = moved[0];
  }
  return eval_quantized_move(quantized, same);
}

}  // namespace pochade
