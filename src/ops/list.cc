#include "ops/list.h"

#include <unordered_map>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/chain.h"
#include "ops/elementwise/elementwise_cpu.h"
#include "ops/index/gather_cpu.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/integer_lstm.h"
#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantize_rows.h"
#include "ops/quant/quantized.h"
#include "ops/reduce/reduce_cpu.h"
#include "ops/resize/resize.h"
#include "ops/shape/shape_cpu.h"

namespace pochade {
namespace {

using LowerFunction = Result<Step> (*)(const Op&, const Lowering&);

struct Entry {
  std::string_view name;
  LowerFunction lower;
};

/// D's folder declares `Result<Step> lower(const D&, const Lowering&)` beside the operator.
template <typename D>
constexpr Entry entry() {
  return {D::kName, [](const Op& op, const Lowering& at) { return lower(static_cast<const D&>(op), at); }};
}

// clang-format off
// One line an operator, one paragraph a folder.
constexpr Entry kEntries[] = {
    // elementwise/
    entry<Abs>(),
    entry<Acos>(),
    entry<Acosh>(),
    entry<Add>(),
    entry<And>(),
    entry<Asin>(),
    entry<Asinh>(),
    entry<Atan>(),
    entry<Atanh>(),
    entry<Cast>(),
    entry<CastLike>(),
    entry<Ceil>(),
    entry<Celu>(),
    entry<Chain>(),
    entry<Clip>(),
    entry<Cos>(),
    entry<Cosh>(),
    entry<Div>(),
    entry<Elu>(),
    entry<Equal>(),
    entry<Erf>(),
    entry<Exp>(),
    entry<Floor>(),
    entry<Gelu>(),
    entry<Greater>(),
    entry<GreaterOrEqual>(),
    entry<HardSigmoid>(),
    entry<HardSwish>(),
    entry<LeakyRelu>(),
    entry<Less>(),
    entry<LessOrEqual>(),
    entry<Log>(),
    entry<Max>(),
    entry<Mean>(),
    entry<Min>(),
    entry<Mish>(),
    entry<Mod>(),
    entry<Mul>(),
    entry<Neg>(),
    entry<Or>(),
    entry<PRelu>(),
    entry<Pow>(),
    entry<Reciprocal>(),
    entry<Relu>(),
    entry<Round>(),
    entry<Selu>(),
    entry<Sigmoid>(),
    entry<Sign>(),
    entry<Silu>(),
    entry<Sin>(),
    entry<Sinh>(),
    entry<Softplus>(),
    entry<Softsign>(),
    entry<Sqrt>(),
    entry<Sub>(),
    entry<Sum>(),
    entry<Tan>(),
    entry<Tanh>(),
    entry<Where>(),
    entry<Xor>(),

    // reduce/
    entry<ArgMax>(),
    entry<ArgMin>(),
    entry<ReduceL1>(),
    entry<ReduceL2>(),
    entry<ReduceLogSum>(),
    entry<ReduceMax>(),
    entry<ReduceMean>(),
    entry<ReduceMin>(),
    entry<ReduceProd>(),
    entry<ReduceSum>(),
    entry<ReduceSumSquare>(),

    // shape/
    entry<Concat>(),
    entry<DepthToSpace>(),
    entry<Expand>(),
    entry<Pad>(),
    entry<Slice>(),
    entry<SpaceToDepth>(),
    entry<Split>(),
    entry<Tile>(),
    entry<Transpose>(),

    // index/
    entry<Gather>(),

    // matrix/
    entry<Gemm>(),
    entry<MatMul>(),

    // conv/
    entry<Conv>(),
    entry<ConvTranspose>(),

    // pool/
    entry<AveragePool>(),
    entry<GlobalAveragePool>(),
    entry<GlobalMaxPool>(),
    entry<MaxPool>(),

    // norm/
    entry<BatchNormalization>(),
    entry<GroupNormalization>(),
    entry<InstanceNormalization>(),
    entry<LayerNormalization>(),
    entry<LogSoftmax>(),
    entry<Lrn>(),
    entry<Softmax>(),

    // resize/
    entry<Resize>(),

    // quant/
    entry<ConvInteger>(),
    entry<DynamicQuantizeLinear>(),
    entry<IntegerLstm>(),
    entry<IntegerSvdf>(),
    entry<MatMulInteger>(),
    entry<QuantizeRows>(),

    // recurrent/

    // detect/
};
// clang-format on

}  // namespace

Result<Step> lower_op(const Op& op, const Lowering& at) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, LowerFunction> map;
    for (const Entry& e : kEntries) map.emplace(e.name, e.lower);
    return map;
  }();
  // Its name is that of what it wraps.
  if (const auto* quantized = op_as<Quantized>(op)) return lower(*quantized, at);
  const auto found = by_name.find(op.name());
  return found == by_name.end() ? Lowering::reference() : found->second(op, at);
}

}  // namespace pochade
