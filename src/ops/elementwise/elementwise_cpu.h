#pragma once
// Elementwise operators as steps.

#include "ops/broadcast_loop.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"

namespace pochade {

/// The kernel of a float operator of one input, with its parameters.
struct UnaryKernel {
  Unary kind = Unary::kCopy;
  float a = 0;
  float b = 0;
};
/// Empty if there is none; `in` may hold the constant bounds of a Clip.
std::optional<UnaryKernel> unary_kernel(const Op& op, std::span<const Fact> in);
/// The kernel of a float operator of two inputs; Min, Max and Sum count as one of two.
std::optional<Binary> binary_kernel(const Op& op);

/// Rough operations an element, for the size of tasks.
int64_t unary_cost(Unary kind);
int64_t binary_cost(Binary kind);

Result<Step> lower_unary(const Op& op, const Lowering& at);
template <typename F>
Result<Step> lower(const UnaryOp<F>& op, const Lowering& at) {
  return lower_unary(op, at);
}

/// y[i] = f(a[i * a_stride], b[i * b_stride]) for i < n; strides are 0 or 1. In elements.
using BinaryRun = std::function<void(const std::byte* a, int64_t a_stride, const std::byte* b,
                                     int64_t b_stride, std::byte* y, int64_t n)>;
Step lower_binary_f32(Binary kind, const Op& op, const Lowering& at);
Step lower_binary_runs(const Op& op, const Lowering& at, BinaryRun run);

template <typename F, typename T, typename Y>
BinaryRun binary_run(const F& function) {
  using Wide = std::conditional_t<std::is_same_v<T, float>, float,
                                  std::conditional_t<std::is_same_v<T, uint8_t>, uint64_t, int64_t>>;
  return [function](const std::byte* a, int64_t a_stride, const std::byte* b, int64_t b_stride, std::byte* y,
                    int64_t n) {
    const T* from_a = reinterpret_cast<const T*>(a);
    const T* from_b = reinterpret_cast<const T*>(b);
    Y* to = reinterpret_cast<Y*>(y);
    for (int64_t i = 0; i < n; ++i)
      to[i] = static_cast<Y>(
          function(static_cast<Wide>(from_a[i * a_stride]), static_cast<Wide>(from_b[i * b_stride])));
  };
}

/// Float arithmetic by its kernel; int32, int64 and bool, and comparisons of them and of floats, by the
/// operator's own function.
template <typename F>
Result<Step> lower(const BinaryOp<F>& op, const Lowering& at) {
  const DType dtype = *at.in(0).dtype;
  if (dtype == DType::kF32)
    if (const auto kind = binary_kernel(op)) return lower_binary_f32(*kind, op, at);
  const F& function = op;
  if constexpr ((F::kTypes & kFloatTypes) != 0 && F::kGivesBool)
    if (dtype == DType::kF32) return lower_binary_runs(op, at, binary_run<F, float, bool>(function));
  if constexpr ((F::kTypes & kSignedTypes) != 0) {
    if (dtype == DType::kI64)
      return lower_binary_runs(
          op, at, binary_run<F, int64_t, std::conditional_t<F::kGivesBool, bool, int64_t>>(function));
    if (dtype == DType::kI32)
      return lower_binary_runs(
          op, at, binary_run<F, int32_t, std::conditional_t<F::kGivesBool, bool, int32_t>>(function));
  }
  if constexpr ((F::kTypes & kBoolType) != 0)
    if (dtype == DType::kBool) return lower_binary_runs(op, at, binary_run<F, uint8_t, bool>(function));
  return Lowering::reference();
}

Result<Step> lower(const Pow& op, const Lowering& at);
Result<Step> lower(const Min& op, const Lowering& at);
Result<Step> lower(const Max& op, const Lowering& at);
Result<Step> lower(const Sum& op, const Lowering& at);
Result<Step> lower(const Mean& op, const Lowering& at);
Result<Step> lower(const Clip& op, const Lowering& at);
Result<Step> lower(const Where& op, const Lowering& at);
Result<Step> lower(const Cast& op, const Lowering& at);
Result<Step> lower(const CastLike& op, const Lowering& at);

}  // namespace pochade
