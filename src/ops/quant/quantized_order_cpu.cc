// Quantized operators that compare integers with each other, on the CPU.

#include <algorithm>

#include "ops/elementwise/elementwise_cpu.h"
#include "ops/index/order.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/quant/tflite_parts.h"

namespace pochade {
namespace {

enum class Relation { kEqual, kGreater, kGreaterOrEqual };

/// The values of every integer of a type, by its bits.
using Levels = std::vector<int32_t>;

Levels levels_of(const Quantized& quantized, size_t i) {
  const bool wide = quantized.in[i].dtype == DType::kI16, is_signed = quantized.in[i].dtype == DType::kI8;
  Levels out;
  for (int32_t bits = 0; bits < (wide ? 65536 : 256); ++bits) {
    const int32_t q = wide ? static_cast<int16_t>(bits) : is_signed ? static_cast<int8_t>(bits) : bits;
    out.push_back(comparable(quantized, i, q));
  }
  return out;
}

/// T: the bits of a value.
template <typename T>
BinaryRun compare_by(Relation relation, bool swapped, Levels of_a, Levels of_b) {
  return [=, of_a = std::move(of_a), of_b = std::move(of_b)](const std::byte* a, int64_t a_stride,
                                                             const std::byte* b, int64_t b_stride,
                                                             std::byte* y, int64_t n) {
    const T* from_a = reinterpret_cast<const T*>(a);
    const T* from_b = reinterpret_cast<const T*>(b);
    bool* to = reinterpret_cast<bool*>(y);
    for (int64_t i = 0; i < n; ++i) {
      int32_t left = of_a[from_a[i * a_stride]], right = of_b[from_b[i * b_stride]];
      if (swapped) std::swap(left, right);
      to[i] = relation == Relation::kEqual     ? left == right
              : relation == Relation::kGreater ? left > right
                                               : left >= right;
    }
  };
}

/// The greater of two values whose bits, once flipped, are ordered as they are.
template <typename T>
BinaryRun greater_of(T flip) {
  return [flip](const std::byte* a, int64_t a_stride, const std::byte* b, int64_t b_stride, std::byte* y,
                int64_t n) {
    const auto at = [&](const std::byte* x, int64_t i) {
      return static_cast<T>(reinterpret_cast<const T*>(x)[i] ^ flip);
    };
    for (int64_t i = 0; i < n; ++i)
      reinterpret_cast<T*>(y)[i] = static_cast<T>(std::max(at(a, i * a_stride), at(b, i * b_stride)) ^ flip);
  };
}

/// What orders the bits of 8 or 16-bit values as the values, or the other way round.
uint16_t order_flip(DType dtype, bool reversed) {
  const bool wide = dtype == DType::kI16;
  const int sign = wide ? 0x8000 : dtype == DType::kI8 ? 0x80 : 0;
  return static_cast<uint16_t>(sign ^ (!reversed ? 0 : wide ? 0xFFFF : 0xFF));
}

}  // namespace

Result<Step> lower_quantized_comparison(const Quantized& quantized, const Lowering& at) {
  const Op& op = *quantized.op;
  if (quantized.rounding != Rounding::kTflite || at.out_shape(0).elements() == 0)
    return Lowering::reference();
  const bool swapped = op_as<Less>(op) != nullptr || op_as<LessOrEqual>(op) != nullptr;
  const Relation relation = op_as<Equal>(op) != nullptr ? Relation::kEqual
                            : op_as<Greater>(op) != nullptr || op_as<Less>(op) != nullptr
                                ? Relation::kGreater
                                : Relation::kGreaterOrEqual;
  Levels a = levels_of(quantized, 0), b = levels_of(quantized, 1);
  return lower_binary_runs(op, at,
                           quantized.in[0].dtype == DType::kI16
                               ? compare_by<uint16_t>(relation, swapped, std::move(a), std::move(b))
                               : compare_by<uint8_t>(relation, swapped, std::move(a), std::move(b)));
}

Result<Step> lower_quantized_either(const Quantized& quantized, const Lowering& at) {
  const std::optional<DType> dtype = quantized.in[0].dtype;
  const bool moves = quantized.rounding == Rounding::kTflite ||
                     (quantized.in[0] == quantized.out[0] && quantized.in[1] == quantized.out[0]);
  if (at.inputs.size() != 2 || !moves || !is_none(quantized.act) || quantized.in[1].dtype != dtype ||
      quantized.out[0].dtype != dtype || at.out_shape(0).elements() == 0)
    return Lowering::reference();
  const bool wide = dtype == DType::kI16;
  if (!wide && dtype != DType::kI8 && dtype != DType::kU8) return Lowering::reference();
  const uint16_t flip = order_flip(*dtype, op_as<Min>(*quantized.op) != nullptr);
  return lower_binary_runs(
      *quantized.op, at, wide ? greater_of<uint16_t>(flip) : greater_of<uint8_t>(static_cast<uint8_t>(flip)));
}

Result<Step> lower_quantized_top_k(const Quantized& quantized, const Lowering& at) {
  const auto& op = static_cast<const TopK&>(*quantized.op);
  const Shape xs = at.in_shape(0);
  const std::optional<DType> dtype = quantized.in[0].dtype;
  const bool wide = dtype == DType::kI16;
  const bool fits = wide || dtype == DType::kI8 || dtype == DType::kU8;
  if (!fits || quantized.rounding != Rounding::kTflite || !is_none(quantized.act) ||
      quantized.out[0].dtype != dtype || normal_axis(op.axis, xs.rank()) != xs.rank() - 1 ||
      at.out_shape(0).elements() == 0 || xs.back() > INT32_MAX)
    return Lowering::reference();
  const auto depth = static_cast<size_t>(xs.back()), k = static_cast<size_t>(at.out_shape(0).back());
  const uint32_t flip = order_flip(*dtype, !op.largest);
  Step step;
  step.kernel = wide ? "top_k_16" : "top_k_8";
  step.why = "values and places in one key";
  step.thread_scratch_bytes = depth * sizeof(uint64_t);
  step.phases.push_back(
      divided(xs.elements() / xs.back(), 8 * xs.back(), [=](const StepBuffers& b, Range rows) {
        auto* keys = reinterpret_cast<uint64_t*>(b.thread_scratch);
        for (size_t row = rows.begin; row < rows.end; ++row) {
          for (size_t i = 0; i < depth; ++i) {
            const size_t place = row * depth + i;
            const uint32_t bits = wide ? b.in<uint16_t>(0)[place] : b.in<uint8_t>(0)[place];
            keys[i] = static_cast<uint64_t>(bits ^ flip) << 32 | (UINT32_MAX - i);  // of equal ones the first
          }
          std::partial_sort(keys, keys + k, keys + depth, std::greater<>());
          for (size_t i = 0; i < k; ++i) {
            const auto bits = static_cast<uint32_t>(keys[i] >> 32) ^ flip;
            if (wide)
              b.out<uint16_t>(0)[row * k + i] = static_cast<uint16_t>(bits);
            else
              b.out<uint8_t>(0)[row * k + i] = static_cast<uint8_t>(bits);
            b.out<int64_t>(1)[row * k + i] =
                static_cast<int64_t>(UINT32_MAX - static_cast<uint32_t>(keys[i]));
          }
        }
      }));
  return step;
}

}  // namespace pochade
