#include "ops/quant/quantized_kinds.h"

#include <unordered_map>

namespace pochade {
namespace {

// clang-format off
constexpr QuantizedKind kKinds[] = {
    {"Conv", "QuantizedConv", check_quantized_conv, eval_quantized_conv, lower_quantized_conv},
    {"ConvTranspose", "QuantizedConvTranspose", check_quantized_conv_transpose, eval_quantized_conv_transpose, nullptr},
    {"Gemm", "QuantizedGemm", check_quantized_gemm, eval_quantized_gemm, lower_quantized_gemm},
    {"MatMul", "QuantizedMatMul", check_quantized_matmul, eval_quantized_gemm, lower_quantized_gemm},

    {"Identity", "QuantizedIdentity", check_quantized_identity, eval_quantized_identity, nullptr},
    {"Relu", "QuantizedRelu", check_quantized_relu, eval_quantized_relu, nullptr},
    {"Clip", "QuantizedClip", check_quantized_relu, eval_quantized_relu, nullptr},
    {"LeakyRelu", "QuantizedLeakyRelu", check_quantized_relu, eval_quantized_leaky_relu, nullptr},
    {"Elu", "QuantizedElu", check_quantized_table, eval_quantized_table, nullptr},
    {"Exp", "QuantizedExp", check_quantized_table, eval_quantized_table, nullptr},
    {"Log", "QuantizedLog", check_quantized_table, eval_quantized_table, nullptr},
    {"Gelu", "QuantizedGelu", check_quantized_table, eval_quantized_table, nullptr},
    {"Sigmoid", "QuantizedSigmoid", check_quantized_sigmoid, eval_quantized_sigmoid, nullptr},
    {"Tanh", "QuantizedTanh", check_quantized_sigmoid, eval_quantized_sigmoid, nullptr},
    {"HardSwish", "QuantizedHardSwish", check_quantized_hard_swish, eval_quantized_hard_swish, nullptr},
    {"Abs", "QuantizedAbs", check_quantized_relu, eval_quantized_abs, nullptr},
    {"Neg", "QuantizedNeg", check_quantized_neg, eval_quantized_neg, nullptr},
    {"Rsqrt", "QuantizedRsqrt", check_quantized_rsqrt, eval_quantized_rsqrt, nullptr},

    {"Add", "QuantizedAdd", check_quantized_add, eval_quantized_add, nullptr},
    {"Sub", "QuantizedSub", check_quantized_add, eval_quantized_add, nullptr},
    {"Mul", "QuantizedMul", check_quantized_mul, eval_quantized_mul, nullptr},
    {"SquaredDifference", "QuantizedSquaredDifference", check_quantized_squared_difference, eval_quantized_squared_difference, nullptr},
    {"PRelu", "QuantizedPRelu", check_quantized_prelu, eval_quantized_prelu, nullptr},
    {"Equal", "QuantizedEqual", check_quantized_comparison, eval_quantized_comparison, nullptr},
    {"Greater", "QuantizedGreater", check_quantized_comparison, eval_quantized_comparison, nullptr},
    {"GreaterOrEqual", "QuantizedGreaterOrEqual", check_quantized_comparison, eval_quantized_comparison, nullptr},
    {"Less", "QuantizedLess", check_quantized_comparison, eval_quantized_comparison, nullptr},
    {"LessOrEqual", "QuantizedLessOrEqual", check_quantized_comparison, eval_quantized_comparison, nullptr},

    {"AveragePool", "QuantizedAveragePool", check_quantized_average_pool, eval_quantized_average_pool, nullptr},
    {"ReduceMean", "QuantizedReduceMean", check_quantized_mean, eval_quantized_mean, nullptr},
    {"ReduceSum", "QuantizedReduceSum", check_quantized_mean, eval_quantized_mean, nullptr},
    {"Resize", "QuantizedResize", check_quantized_resize, eval_quantized_resize, nullptr},
    {"Softmax", "QuantizedSoftmax", check_quantized_softmax, eval_quantized_softmax, nullptr},
    {"LogSoftmax", "QuantizedLogSoftmax", check_quantized_log_softmax, eval_quantized_log_softmax, nullptr},
    {"LpNormalization", "QuantizedLpNormalization", check_quantized_l2_normalization, eval_quantized_l2_normalization, nullptr},

    {"Concat", "QuantizedConcat", check_quantized_concat, eval_quantized_concat, nullptr},
    {"Pad", "QuantizedPad", check_quantized_move, eval_quantized_pad, nullptr},
    {"ArgMax", "QuantizedArgMax", check_quantized_move, eval_quantized_move, nullptr},
    {"ArgMin", "QuantizedArgMin", check_quantized_move, eval_quantized_move, nullptr},
    {"DepthToSpace", "QuantizedDepthToSpace", check_quantized_move, eval_quantized_move, nullptr},
    {"Expand", "QuantizedExpand", check_quantized_move, eval_quantized_move, nullptr},
    {"Flatten", "QuantizedFlatten", check_quantized_move, eval_quantized_move, nullptr},
    {"Gather", "QuantizedGather", check_quantized_move, eval_quantized_move, nullptr},
    {"GatherElements", "QuantizedGatherElements", check_quantized_move, eval_quantized_move, nullptr},
    {"GatherND", "QuantizedGatherND", check_quantized_move, eval_quantized_move, nullptr},
    {"Max", "QuantizedMax", check_quantized_move, eval_quantized_move, nullptr},
    {"MaxPool", "QuantizedMaxPool", check_quantized_move, eval_quantized_move, nullptr},
    {"Min", "QuantizedMin", check_quantized_move, eval_quantized_move, nullptr},
    {"ReduceMax", "QuantizedReduceMax", check_quantized_move, eval_quantized_move, nullptr},
    {"ReduceMin", "QuantizedReduceMin", check_quantized_move, eval_quantized_move, nullptr},
    {"Reshape", "QuantizedReshape", check_quantized_move, eval_quantized_move, nullptr},
    {"ReverseSequence", "QuantizedReverseSequence", check_quantized_move, eval_quantized_move, nullptr},
    {"ScatterND", "QuantizedScatterND", check_quantized_move, eval_quantized_move, nullptr},
    {"Slice", "QuantizedSlice", check_quantized_move, eval_quantized_move, nullptr},
    {"SpaceToDepth", "QuantizedSpaceToDepth", check_quantized_move, eval_quantized_move, nullptr},
    {"Split", "QuantizedSplit", check_quantized_move, eval_quantized_move, nullptr},
    {"Squeeze", "QuantizedSqueeze", check_quantized_move, eval_quantized_move, nullptr},
    {"Tile", "QuantizedTile", check_quantized_move, eval_quantized_move, nullptr},
    {"TopK", "QuantizedTopK", check_quantized_move, eval_quantized_move, nullptr},
    {"Transpose", "QuantizedTranspose", check_quantized_move, eval_quantized_move, nullptr},
    {"Unsqueeze", "QuantizedUnsqueeze", check_quantized_move, eval_quantized_move, nullptr},
    {"Where", "QuantizedWhere", check_quantized_move, eval_quantized_move, nullptr},
};
// clang-format on

}  // namespace

const QuantizedKind* quantized_kind(std::string_view op) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const QuantizedKind*> map;
    for (const QuantizedKind& kind : kKinds) map.emplace(kind.op, &kind);
    return map;
  }();
  const auto found = by_name.find(op);
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace pochade
