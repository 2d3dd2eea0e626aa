#include "kernels/families.h"
#include "kernels/libm.h"
#include "kernels/math.h"
#include "kernels/tile.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

template <typename Function>
POCHADE_INLINE void map(const float* x, float* y, Range range, Function function) {
  size_t i = range.begin;
  for (; i + kLanes <= range.end; i += kLanes) store(y + i, function(load(x + i)));
  if (i < range.end) store_first(y + i, function(load_first(x + i, range.end - i)), range.end - i);
}

POCHADE_INLINE F32 gelu_tanh(F32 x) {
  const F32 inner = broadcast(0.79788456f) * fma(x * x * x, broadcast(0.044715f), x);
  return broadcast(0.5f) * x * (broadcast(1.0f) + tanh(inner));
}

POCHADE_INLINE F32 sign(F32 x) {
  return select(less(x, zero()), broadcast(-1.0f), select(less(zero(), x), broadcast(1.0f), x));
}

}  // namespace

void unary(Unary op, const float* x, float* y, float a_value, float b_value, Range r) {
  const F32 a = broadcast(a_value), b = broadcast(b_value), one = broadcast(1.0f);
  switch (op) {
    case Unary::kCopy:
      return map(x, y, r, [](F32 v) { return v; });
    case Unary::kRelu:
      return map(x, y, r, [](F32 v) { return relu(v); });
    case Unary::kClip:
      return map(x, y, r, [=](F32 v) { return clip(v, a, b); });
    case Unary::kLeakyRelu:
      return map(x, y, r, [=](F32 v) { return select(less(v, zero()), a * v, v); });
    case Unary::kSigmoid:
      return map(x, y, r, [](F32 v) { return sigmoid(v); });
    case Unary::kTanh:
      return map(x, y, r, [](F32 v) { return tanh(v); });
    case Unary::kHardSigmoid:
      return map(x, y, r, [=](F32 v) { return hard_sigmoid(v, a, b); });
    case Unary::kHardSwish:
      return map(x, y, r, [](F32 v) { return hard_swish(v); });
    case Unary::kSilu:
      return map(x, y, r, [](F32 v) { return v * sigmoid(v); });
    case Unary::kGelu:
      return map(x, y, r, [](F32 v) { return gelu(v); });
    case Unary::kGeluTanh:
      return map(x, y, r, [](F32 v) { return gelu_tanh(v); });
    case Unary::kElu:
      return map(x, y, r, [=](F32 v) { return elu(v, a); });
    case Unary::kSelu:
      return map(x, y, r, [=](F32 v) { return b * elu(v, a); });
    case Unary::kCelu:
      return map(x, y, r, [=](F32 v) {
        return select(less(v, zero()), a * expm1_nonpositive(min(zero(), v / a)), v);
      });
    case Unary::kSoftplus:
      return map(x, y, r, [](F32 v) { return softplus(v); });
    case Unary::kSoftsign:
      return map(x, y, r, [=](F32 v) { return v / (one + abs(v)); });
    case Unary::kMish:
      return map(x, y, r, [](F32 v) { return v * tanh(softplus(v)); });
    case Unary::kExp:
      return map(x, y, r, [](F32 v) { return exp(v); });
    case Unary::kLog:
      return map(x, y, r, [](F32 v) { return log(v); });
    case Unary::kSqrt:
      return map(x, y, r, [](F32 v) { return sqrt(v); });
    case Unary::kAbs:
      return map(x, y, r, [](F32 v) { return abs(v); });
    case Unary::kNeg:
      return map(x, y, r, [](F32 v) { return neg(v); });
    case Unary::kReciprocal:
      return map(x, y, r, [=](F32 v) { return one / v; });
    case Unary::kFloor:
      return map(x, y, r, [](F32 v) { return floor(v); });
    case Unary::kCeil:
      return map(x, y, r, [](F32 v) { return ceil(v); });
    case Unary::kRound:
      return map(x, y, r, [](F32 v) { return round(v); });
    case Unary::kSign:
      return map(x, y, r, [](F32 v) { return sign(v); });
    case Unary::kErf:
      return map(x, y, r, [](F32 v) { return erf(v); });
    case Unary::kAffine:
      return map(x, y, r, [=](F32 v) { return fma(a, v, b); });
    default:
      return libm_unary(op, x + r.begin, y + r.begin, r.end - r.begin);
  }
}

void activate(const Activation& activation, const float* x, float* y, Range r) {
  Unary op = Unary::kCopy;
  switch (activation.kind) {
    case ActivationKind::kNone:
      if (x == y) return;
      break;
    case ActivationKind::kRelu:
      op = Unary::kRelu;
      break;
    case ActivationKind::kClip:
      op = Unary::kClip;
      break;
    case ActivationKind::kLeakyRelu:
      op = Unary::kLeakyRelu;
      break;
    case ActivationKind::kSigmoid:
      op = Unary::kSigmoid;
      break;
    case ActivationKind::kTanh:
      op = Unary::kTanh;
      break;
    case ActivationKind::kHardSigmoid:
      op = Unary::kHardSigmoid;
      break;
    case ActivationKind::kHardSwish:
      op = Unary::kHardSwish;
      break;
    case ActivationKind::kSilu:
      op = Unary::kSilu;
      break;
    case ActivationKind::kGelu:
      op = Unary::kGelu;
      break;
    case ActivationKind::kElu:
      op = Unary::kElu;
      break;
  }
  unary(op, x, y, activation.a, activation.b, r);
}

void activate_in_place(const Activation& activation, float* y, size_t n) {
  activate(activation, y, y, {0, n});
}

void multiply_add(const float* a, const float* b, const float* c, float* y, Range r) {
  size_t i = r.begin;
  for (; i + kLanes <= r.end; i += kLanes) store(y + i, fma(load(a + i), load(b + i), load(c + i)));
  const size_t n = r.end - i;
  if (n > 0) store_first(y + i, fma(load_first(a + i, n), load_first(b + i, n), load_first(c + i, n)), n);
}

void fill(float value, float* y, Range r) {
  const F32 v = broadcast(value);
  size_t i = r.begin;
  for (; i + kLanes <= r.end; i += kLanes) store(y + i, v);
  if (i < r.end) store_first(y + i, v, r.end - i);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
