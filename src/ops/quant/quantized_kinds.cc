#include "ops/quant/quantized_kinds.h"

#include <unordered_map>

namespace pochade {
namespace {

// clang-format off
constexpr QuantizedKind kKinds[] = {
    {"Conv", "QuantizedConv", check_quantized_conv, eval_quantized_conv, lower_quantized_conv},
    {"ConvTranspose", "QuantizedConvTranspose", check_quantized_conv_transpose, eval_quantized_conv_transpose, lower_quantized_conv_transpose},
    {"Gemm", "QuantizedGemm", check_quantized_gemm, eval_quantized_gemm, lower_quantized_dense},
    {"MatMul", "QuantizedMatMul", check_quantized_matmul, eval_quantized_gemm, lower_quantized_matmul},

    {"Identity", "QuantizedIdentity", check_quantized_identity, eval_quantized_identity, lower_quantized_identity},
    {"Relu", "QuantizedRelu", check_quantized_relu, eval_quantized_relu, lower_quantized_table},
    {"Clip", "QuantizedClip", check_quantized_relu, eval_quantized_relu, lower_quantized_table},
    {"LeakyRelu", "QuantizedLeakyRelu", check_quantized_relu, eval_quantized_leaky_relu, lower_quantized_table},
    {"Elu", "QuantizedElu", check_quantized_table, eval_quantized_table, lower_quantized_table},
    {"Exp", "QuantizedExp", check_quantized_table, eval_quantized_table, lower_quantized_table},
    {"Log", "QuantizedLog", check_quantized_table, eval_quantized_table, lower_quantized_table},
    {"Gelu", "QuantizedGelu", check_quantized_table, eval_quantized_table, lower_quantized_table},
    {"Sigmoid", "QuantizedSigmoid", check_quantized_sigmoid, eval_quantized_sigmoid, lower_quantized_table},
    {"Tanh", "QuantizedTanh", check_quantized_sigmoid, eval_quantized_sigmoid, lower_quantized_table},
    {"HardSwish", "QuantizedHardSwish", check_quantized_hard_swish, eval_quantized_hard_swish, lower_quantized_table},
    {"Abs", "QuantizedAbs", check_quantized_relu, eval_quantized_abs, lower_quantized_table},
    {"Neg", "QuantizedNeg", check_quantized_neg, eval_quantized_neg, lower_quantized_table},
    {"Rsqrt", "QuantizedRsqrt", check_quantized_rsqrt, eval_quantized_rsqrt, lower_quantized_table},

    {"Add", "QuantizedAdd", check_quantized_add, eval_quantized_add, lower_quantized_add},
    {"Sub", "QuantizedSub", check_quantized_add, eval_quantized_add, lower_quantized_add},
    {"Mul", "QuantizedMul", check_quantized_mul, eval_quantized_mul, lower_quantized_mul},
    {"SquaredDifference", "QuantizedSquaredDifference", check_quantized_squared_difference, eval_quantized_squared_difference, lower_quantized_pairs},
    {"PRelu", "QuantizedPRelu", check_quantized_prelu, eval_quantized_prelu, lower_quantized_pairs},
    {"Equal", "QuantizedEqual", check_quantized_comparison, eval_quantized_comparison, lower_quantized_comparison},
    {"Greater", "QuantizedGreater", check_quantized_comparison, eval_quantized_comparison, lower_quantized_comparison},
    {"GreaterOrEqual", "QuantizedGreaterOrEqual", check_quantized_comparison, eval_quantized_comparison, lower_quantized_comparison},
    {"Less", "QuantizedLess", check_quantized_comparison, eval_quantized_comparison, lower_quantized_comparison},
    {"LessOrEqual", "QuantizedLessOrEqual", check_quantized_comparison, eval_quantized_comparison, lower_quantized_comparison},

    {"AveragePool", "QuantizedAveragePool", check_quantized_average_pool, eval_quantized_average_pool, lower_quantized_average_pool},
    {"ReduceMean", "QuantizedReduceMean", check_quantized_mean, eval_quantized_mean, lower_quantized_mean},
    {"ReduceSum", "QuantizedReduceSum", check_quantized_mean, eval_quantized_mean, lower_quantized_mean},
    {"Resize", "QuantizedResize", check_quantized_resize, eval_quantized_resize, lower_quantized_resize},
    {"Softmax", "QuantizedSoftmax", check_quantized_softmax, eval_quantized_softmax, lower_quantized_softmax},
    {"LogSoftmax", "QuantizedLogSoftmax", check_quantized_log_softmax, eval_quantized_log_softmax, lower_quantized_log_softmax},
    {"LpNormalization", "QuantizedLpNormalization", check_quantized_l2_normalization, eval_quantized_l2_normalization, lower_quantized_l2_normalization},

    {"Concat", "QuantizedConcat", check_quantized_concat, eval_quantized_concat, lower_quantized_concat},
    {"Pad", "QuantizedPad", check_quantized_move, eval_quantized_pad, lower_quantized_pad},
    {"ArgMax", "QuantizedArgMax", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"ArgMin", "QuantizedArgMin", check_quantized_move, eval_quantized_move, nullptr},
    {"DepthToSpace", "QuantizedDepthToSpace", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Expand", "QuantizedExpand", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Flatten", "QuantizedFlatten", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Gather", "QuantizedGather", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"GatherElements", "QuantizedGatherElements", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"GatherND", "QuantizedGatherND", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Max", "QuantizedMax", check_quantized_move, eval_quantized_move, lower_quantized_either},
    {"MaxPool", "QuantizedMaxPool", check_quantized_move, eval_quantized_move, lower_quantized_max_pool},
    {"Min", "QuantizedMin", check_quantized_move, eval_quantized_move, lower_quantized_either},
    {"ReduceMax", "QuantizedReduceMax", check_quantized_move, eval_quantized_move, lower_quantized_extreme},
    {"ReduceMin", "QuantizedReduceMin", check_quantized_move, eval_quantized_move, lower_quantized_extreme},
    {"Reshape", "QuantizedReshape", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"ReverseSequence", "QuantizedReverseSequence", check_quantized_move, eval_quantized_move, nullptr},
    {"ScatterND", "QuantizedScatterND", check_quantized_move, eval_quantized_move, nullptr},
    {"Slice", "QuantizedSlice", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"SpaceToDepth", "QuantizedSpaceToDepth", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Split", "QuantizedSplit", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Squeeze", "QuantizedSqueeze", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Tile", "QuantizedTile", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"TopK", "QuantizedTopK", check_quantized_move, eval_quantized_move, lower_quantized_top_k},
    {"Transpose", "QuantizedTranspose", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Unsqueeze", "QuantizedUnsqueeze", check_quantized_move, eval_quantized_move, lower_quantized_move},
    {"Where", "QuantizedWhere", check_quantized_move, eval_quantized_move, lower_quantized_move},
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
