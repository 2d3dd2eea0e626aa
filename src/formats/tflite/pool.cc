// Pools and normalisations.

#include "formats/tflite/windows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/unary.h"
#include "ops/elementwise/variadic.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/reduce/reduce.h"

namespace pochade::tflite {
namespace {

template <typename D>
Result<D> read_pool(NodeScope& node) {
  D op;
  TRY(op.window, read_window(node, {"h", "w"}));
  for (const std::string_view size : {"filter_height", "filter_width"}) {
    TRY(const int64_t kernel, node.integer(size, 0));
    if (kernel < 1) return Error::invalid_model("{} is {}, expected at least 1", size, kernel);
    op.kernel.push_back(kernel);
  }
  return op;
}

template <typename D>
Status pool(NodeScope& node) {
  TRY(D op, read_pool<D>(node));
  TRY(const Activation act, node.activation());
  TRY(const ValueId x, node.required(0));
  return node.emit(std::move(op), {x}, act);
}

/// sqrt of the mean of the squares that lie inside.
Status l2_pool_2d(NodeScope& node) {
  TRY(AveragePool op, read_pool<AveragePool>(node));
  TRY(const Activation act, node.activation());
  TRY(const ValueId x, node.required(0));
  if (node.is_quantized(x)) return Error::not_supported("it computes on integers, only floats are supported");
  TRY(const ValueId squares, node.add(Mul{}, {x, x}));
  TRY(const ValueId mean, node.add(std::move(op), {squares}));
  return node.emit(Sqrt{}, {mean}, act);
}

Status softmax(NodeScope& node) {
  TRY(const float beta, node.number("beta", 0));
  TRY(ValueId x, node.required(0));
  if (beta != 1) {
    if (node.is_quantized(x))
      return Error::not_supported("beta is {}, on integers only 1 is supported", beta);
    TRY(x, node.add(Mul{}, {x, node.scalar(beta)}));
  }
  return node.emit(Softmax{}, {x});
}

Status log_softmax(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  return node.emit(LogSoftmax{}, {x});
}

/// x / max(sqrt(sum of x^2 over the channels), 1e-6)
Status l2_normalization(NodeScope& node) {
  TRY(const Activation act, node.activation());
  TRY(const ValueId x, node.required(0));
  if (node.is_quantized(x)) return node.emit(LpNormalization{}, {x}, act);
  ReduceL2 norm;
  norm.keep_dims = true;
  TRY(const ValueId length, node.add(norm, {x, node.integers_value({-1})}));
  TRY(const ValueId divisor, node.add(Max{}, {length, node.scalar(1e-6f)}));
  return node.emit(Div{}, {x, divisor}, act);
}

/// x / (bias + alpha * sum of x^2 over radius channels on both sides)^beta
Status local_response_normalization(NodeScope& node) {
  TRY(const int64_t radius, node.integer("radius", 0));
  TRY(const float alpha, node.number("alpha", 0));
  if (radius < 0 || radius > 65536) return Error::invalid_model("radius is {}", radius);
  Lrn op;
  op.size = 2 * radius + 1;
  op.alpha = alpha * static_cast<float>(op.size);
  TRY(op.bias, node.number("bias", 0));
  TRY(op.beta, node.number("beta", 0));
  TRY(const ValueId x, node.required(0));
  return node.emit(op, {x});
}

constexpr Row kPoolRows[] = {
    {"AVERAGE_POOL_2D", pool<AveragePool>},
    {"L2_NORMALIZATION", l2_normalization},
    {"L2_POOL_2D", l2_pool_2d},
    {"LOCAL_RESPONSE_NORMALIZATION", local_response_normalization},
    {"LOG_SOFTMAX", log_softmax},
    {"MAX_POOL_2D", pool<MaxPool>},
    {"SOFTMAX", softmax},
};

}  // namespace

std::span<const Row> pool_rows() {
  return kPoolRows;
}

}  // namespace pochade::tflite
