#pragma once
// The operators that have an integer arithmetic of their own: one row each, and the functions of the rows.

#include "ops/quant/quantized.h"

namespace pochade {

/// One row. The functions may rely on what Quantized::infer() has checked for all: numbers of inputs and
/// outputs, scales above 0 and finite, zero points within the dtype, dims as `op` wants them.
struct QuantizedKind {
  std::string_view op;    ///< Op::name() of the inner operator
  std::string_view name;  ///< what the wrapped one is called
  /// Refuses types, activations and attributes that eval() cannot do.
  Status (*check)(const Quantized& quantized, std::span<const Fact> in);
  /// TFLite's arithmetic.
  Result<Tensors> (*eval)(const Quantized& quantized, std::span<const Tensor> in);
  /// Chooses a kernel for either rounding; null: the oracle runs, but for ONNX's functions of one value.
  Result<Step> (*lower)(const Quantized& quantized, const Lowering& at);
};

/// Null if the operator has no row.
const QuantizedKind* quantized_kind(std::string_view op);

// Checks of rows.
/// Input 0 and output 0 are both of one of `allowed`, with one scale each.
Status expect_same_type(const Quantized& quantized, std::initializer_list<DType> allowed);
/// The activation only bounds; `quantized.act` if it need not be there.
Status expect_bounds(const Quantized& quantized);
Status expect_no_activation(const Quantized& quantized);

// Checks of lowering.
bool is_byte(const Quantized::Type& type);
/// Input 0 and output 0 are bytes of one type with one scale each, the activation only bounds, and there is
/// something to compute.
bool is_plain_bytes(const Quantized& quantized, const Lowering& at);

// tflite_conv.cc
Status check_quantized_conv(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_conv_transpose(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_gemm(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_matmul(const Quantized& quantized, std::span<const Fact> in);
Result<Tensors> eval_quantized_conv(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_conv_transpose(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_gemm(const Quantized& quantized, std::span<const Tensor> in);

// tflite_unary.cc
Status check_quantized_identity(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_relu(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_table(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_sigmoid(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_hard_swish(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_neg(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_rsqrt(const Quantized& quantized, std::span<const Fact> in);
Result<Tensors> eval_quantized_identity(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_relu(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_leaky_relu(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_table(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_sigmoid(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_hard_swish(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_abs(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_neg(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_rsqrt(const Quantized& quantized, std::span<const Tensor> in);

// tflite_binary.cc
Status check_quantized_add(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_mul(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_squared_difference(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_prelu(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_comparison(const Quantized& quantized, std::span<const Fact> in);
Result<Tensors> eval_quantized_add(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_mul(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_squared_difference(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_prelu(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_comparison(const Quantized& quantized, std::span<const Tensor> in);

// tflite_pool.cc
Status check_quantized_average_pool(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_mean(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_resize(const Quantized& quantized, std::span<const Fact> in);
Result<Tensors> eval_quantized_average_pool(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_mean(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_resize(const Quantized& quantized, std::span<const Tensor> in);

// tflite_softmax.cc
Status check_quantized_softmax(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_log_softmax(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_l2_normalization(const Quantized& quantized, std::span<const Fact> in);
Result<Tensors> eval_quantized_softmax(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_log_softmax(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_l2_normalization(const Quantized& quantized, std::span<const Tensor> in);

// tflite_move.cc
Status check_quantized_move(const Quantized& quantized, std::span<const Fact> in);
Status check_quantized_concat(const Quantized& quantized, std::span<const Fact> in);
Result<Tensors> eval_quantized_move(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_pad(const Quantized& quantized, std::span<const Tensor> in);
Result<Tensors> eval_quantized_concat(const Quantized& quantized, std::span<const Tensor> in);

// quantized_cpu.cc
Result<Step> lower_quantized_table(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_identity(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_add(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_mul(const Quantized& quantized, const Lowering& at);
/// BatchNormalization with Rounding::kOnnx.
Result<Step> lower_quantized_batch_normalization(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_pairs(const Quantized& quantized, const Lowering& at);

// quantized_pool_cpu.cc
Result<Step> lower_quantized_average_pool(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_max_pool(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_mean(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_resize(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_dense(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_extreme(const Quantized& quantized, const Lowering& at);

// quantized_softmax_cpu.cc
Result<Step> lower_quantized_softmax(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_log_softmax(const Quantized& quantized, const Lowering& at);

// quantized_order_cpu.cc
Result<Step> lower_quantized_comparison(const Quantized& quantized, const Lowering& at);
/// Max and Min.
Result<Step> lower_quantized_either(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_top_k(const Quantized& quantized, const Lowering& at);

// quantized_wide_cpu.cc: of int16
Result<Step> lower_wide_conv(const Quantized& quantized, const Lowering& at);
Result<Step> lower_wide_gemm(const Quantized& quantized, const Lowering& at);
/// Of one 8 or 16-bit value, to either.
Result<Step> lower_wide_table(const Quantized& quantized, const Lowering& at);
/// Between real numbers and int16.
Result<Step> lower_wide_real(const Quantized& quantized, const Lowering& at);
Result<Step> lower_wide_add(const Quantized& quantized, const Lowering& at);
Result<Step> lower_wide_mul(const Quantized& quantized, const Lowering& at);

// quantized_matmul_cpu.cc
Result<Step> lower_quantized_matmul(const Quantized& quantized, const Lowering& at);

// quantized_copy_cpu.cc
Result<Step> lower_quantized_nearest(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_l2_normalization(const Quantized& quantized, const Lowering& at);

// quantized_move_cpu.cc
Result<Step> lower_quantized_move(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_pad(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_concat(const Quantized& quantized, const Lowering& at);

// quantized_conv_cpu.cc: convolutions (depthwise too), Gemm and MatMul by integer kernels.
Result<Step> lower_quantized_conv(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_conv_transpose(const Quantized& quantized, const Lowering& at);
Result<Step> lower_quantized_gemm(const Quantized& quantized, const Lowering& at);
/// Of any matrices by constant ones.
Result<Step> lower_constant_matmul(const Quantized& quantized, const Lowering& at);

}  // namespace pochade
