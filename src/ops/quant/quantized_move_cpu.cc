// Quantized operators that move elements: by the steps of the operators that they wrap.

#include <array>
#include <cstring>

#include "kernels/quantized_args.h"
#include "ops/list.h"
#include "ops/phases.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"
#include "ops/shape/shape_cpu.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

/// The integers that go in come out as they are: in TFLite's arithmetic, or with equal scales.
bool moves_integers(const Quantized& quantized) {
  if (!is_none(quantized.act)) return false;
  if (quantized.rounding == Rounding::kTflite) return true;
  for (const auto* types : {&quantized.in, &quantized.out})
    for (const Type& type : *types)
      if (type.dtype && !(type == quantized.in[0])) return false;
  return true;
}

}  // namespace

Result<Step> lower_quantized_move(const Quantized& quantized, const Lowering& at) {
  if (!moves_integers(quantized) || !quantized.op->infer(at.inputs)) return Lowering::reference();
  return lower_op(*quantized.op, at);
}

Result<Step> lower_quantized_pad(const Quantized& quantized, const Lowering& at) {
  if (!moves_integers(quantized)) return Lowering::reference();
  const auto& pad = static_cast<const Pad&>(*quantized.op);
  if (pad.mode != PadFill::kConstant || at.has(2)) return lower_quantized_move(quantized, at);
  TRY(Tensor zero, Tensor::make(DType::kI32, Shape{}));
  zero.mutable_data<int32_t>()[0] = quantized.out[0].zero_point();
  TRY(zero, zero.cast(*at.in(0).dtype));
  Facts facts(at.inputs.begin(), at.inputs.end());
  facts.resize(std::max<size_t>(facts.size(), 3));
  facts[2] = Fact(zero);
  return lower(pad, Lowering{at.kernels, facts, at.outputs, at.weights});
}

Result<Step> lower_quantized_concat(const Quantized& quantized, const Lowering& at) {
  const Type& y = quantized.out[0];
  bool same = true, bytes = true;
  for (size_t i = 0; i < at.inputs.size(); ++i) {
    same = same && quantized.in[i] == y;
    bytes = bytes && (quantized.in[i].dtype == DType::kI8 || quantized.in[i].dtype == DType::kU8);
  }
  if (same) return lower_quantized_move(quantized, at);
  if (!bytes || !is_none(quantized.act)) return Lowering::reference();

  const Shape out = at.out_shape(0);
  const auto axis = normal_axis(static_cast<const Concat&>(*quantized.op).axis, out.rank());
  if (!axis || out.elements() == 0) return Lowering::reference();
  struct Part {
    std::array<uint8_t, 256> table;
    size_t offset, length;
  };
  std::vector<Part> parts;
  size_t offset = 0;
  for (size_t i = 0; i < at.inputs.size(); ++i) {
    Quantized one = quantized;  // of this input alone, for every value
    one.op = make_op<Concat>([](Concat& concat) { concat.axis = 0; });
    one.in = {quantized.in[i]};
    TRY(Tensor every, Tensor::make(*at.in(i).dtype, Shape{256}));
    for (int k = 0; k < 256; ++k) every.mutable_bytes()[k] = static_cast<std::byte>(k);
    TRY(const Tensors moved, one.eval(Tensors{every}));
    Part part{{}, offset, static_cast<size_t>(at.in_shape(i).product(*axis, out.rank()))};
    std::memcpy(part.table.data(), moved[0].bytes(), part.table.size());
    offset += part.length;
    parts.push_back(part);
  }
  Step step;
  step.kernel = "concat_8";
  step.why = "each input by a table";
  step.phases.push_back(
      divided(out.product(0, *axis), static_cast<int64_t>(2 * offset),
              [parts, offset, kernels = at.kernels.quantized](const StepBuffers& b, Range rows) {
                for (size_t row = rows.begin; row < rows.end; ++row)
                  for (size_t i = 0; i < parts.size(); ++i)
                    kernels->look_up(parts[i].table.data(), b.in<uint8_t>(i) + row * parts[i].length,
                                     b.out<uint8_t>(0) + row * offset + parts[i].offset, parts[i].length);
              }));
  return step;
}

}  // namespace pochade
