#pragma once
// Quantized: an ordinary operator, computed on integers.

#include "ops/activation.h"
#include "ops/quant/fixed_point.h"
#include "ops/quant/rounding.h"
#include "plan/step.h"

namespace pochade {

/// `op` computed on integers: real = (q - zero_point) * scale.
///   kTflite: the integer arithmetic of TFLite's reference kernels, bit for bit (docs/quantization.md).
///   kOnnx: DequantizeLinear of the inputs, op, act, QuantizeLinear of the outputs.
/// Inputs are those of `op`, in op's order (Conv: x, w, b with b int32 of scale x * w; Gemm: x, w as N,K with
/// transpose_b, b). A bias may come without a quantization: its scale is known.
///
/// What the Facts say, and what this says, agree: an integer value that a Quantized gives carries its
/// quantization in its Fact; an input's Fact carries the same one or none (a constant's need not), and
/// infer() refuses another. So values stay true along a chain of Quantized, and `in` and `out` alone suffice
/// to compute.
///
/// Operators that only move elements (Reshape, Transpose, Slice, Concat, Gather, Pad, DepthToSpace, ...) are
/// wrapped like all others: `in` and `out` then say what the values mean. As in TFLite, Concat requantizes
/// inputs of another scale; all others move the integers as they are, whatever the scales say. Pad without a
/// value fills with the zero point. Quantize, Dequantize and Requantize are `op` = Identity with types on one
/// side or on both; RELU, RELU6, ... are Relu and Clip, RSQRT and SQUARED_DIFFERENCE stand in
/// tflite_functions.h.
struct Quantized final : Op {
  static constexpr std::string_view kName = "Quantized";

  /// Of one input or output. No dtype: the value is what `op` says (floats, indices, bool).
  struct Type {
    std::optional<DType> dtype;  ///< int8, uint8, int16; int32 or int64 for a bias or an exact integer
    std::shared_ptr<const Quantization> quantization;
    /// Of an integer type with one scale for the whole tensor.
    float scale() const { return quantization->scale[0]; }
    int32_t zero_point() const { return quantization->zero_point.empty() ? 0 : quantization->zero_point[0]; }
    bool operator==(const Type& other) const;
  };

  OpPtr op;               ///< its own `act` is none
  std::vector<Type> in;   ///< one for each input of op, those left out at the end excepted
  std::vector<Type> out;  ///< one for each output of op
  Activation act;         ///< of output 0. TFLite's are bounds: relu, or clip to [0, 6], [-1, 1] or others
  Rounding rounding = Rounding::kTflite;

  /// "QuantizedConv", "Quantize", "Dequantize", "Requantize", or "Quantized".
  std::string_view name() const override;
  void visit_fields(FieldVisitor& visitor) const override;
  /// Error kNotSupported, naming op and types, for what has no integer arithmetic here.
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
  bool deterministic() const override { return op->deterministic(); }
  bool only_reshapes() const override;
};

Result<Step> lower(const Quantized& quantized, const Lowering& at);

/// Quantized::Type of one scale for the whole tensor.
Quantized::Type quantized_type(DType dtype, float scale, int32_t zero_point);
/// Of one scale for each index along `axis`; the zero points are 0.
Quantized::Type quantized_type(DType dtype, std::vector<float> scales, int axis);

/// Where output 0 is clamped: the range of its dtype, narrowed by `act`, which is a bound. ONNX clamps real
/// numbers before it rounds them: rounding does not change their order, so this is the same.
IntegerBounds output_bounds(const Quantized& quantized);

// What kernels need of it, as the oracles have it. All for kTflite.
// ------------------------------------------------------------------------------------------------------

/// For each output channel of Conv, ConvTranspose, Gemm or MatMul: x scale * w scale / y scale, in the
/// precision that TFLite gives it. One element if w has one scale.
/// The sums s of Conv, ConvTranspose and MatMul become round(round(s * m / 2^31 * 2^left) / 2^right) as
/// multiply() and multiply_wide() (16-bit activations) do it.
std::vector<FixedPoint> channel_multipliers(const Quantized& quantized);

/// The same as real numbers. TFLite's FullyConnected (Gemm here) requantizes by them, whatever the types: the
/// result is round(double(s) * m), halves away from zero.
std::vector<double> real_multipliers(const Quantized& quantized);
bool requantizes_by_real(const Quantized& quantized);

}  // namespace pochade
