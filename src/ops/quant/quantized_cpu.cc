// Elementwise quantized operators on the CPU. What a kernel computes in fewer steps than the oracle is tried
// for all 256 or 65536 operands beforehand, and taken only where every result is the same.

#include <cmath>
#include <cstring>
#include <optional>

#include "kernels/quantized_args.h"
#include "ops/broadcast_loop.h"
#include "ops/elementwise/binary.h"
#include "ops/list.h"
#include "ops/norm/batch_normalization.h"
#include "ops/phases.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/quant/tflite_parts.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

/// The value of a byte in memory.
int32_t value_of(int byte, bool is_signed) {
  return is_signed ? static_cast<int8_t>(static_cast<uint8_t>(byte)) : byte;
}

// Functions of one value: tables.
// ------------------------------------------------------------------------------------------------------

using Table = std::array<uint8_t, 256>;

/// What the oracle makes of every 8-bit value of input `variable`; empty if other inputs are not single
/// constants.
Result<std::optional<Table>> table_of(const Quantized& quantized, const Lowering& at, size_t variable) {
  Tensors in;
  TRY(Tensor every, Tensor::make(*at.in(variable).dtype, Shape{256}));
  for (int i = 0; i < 256; ++i) every.mutable_bytes()[i] = static_cast<std::byte>(i);
  for (size_t i = 0; i < at.inputs.size(); ++i) {
    const bool is_single = !at.has(i) || (at.in(i).is_constant() && at.in(i).constant.elements() == 1);
    if (i != variable && !is_single) return std::optional<Table>();
    in.push_back(i == variable ? every : at.in(i).constant);
  }
  TRY(const Tensors out, quantized.eval(in));
  Table table;
  std::memcpy(table.data(), out[0].bytes(), table.size());
  return std::optional<Table>(table);
}

/// Whether y = x ^ bits for all x.
std::optional<uint8_t> flipped_bits(const Table& table) {
  for (size_t i = 0; i < table.size(); ++i)
    if (table[i] != (i ^ table[0])) return std::nullopt;
  return table[0];
}

/// The line that gives the table, where there is one: of x * m / 2^shift.
std::optional<QuantizedSum> line_of(const Quantized& quantized, const Table& table) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  if (x.dtype != y.dtype || !x.quantization || !y.quantization) return std::nullopt;
  const double ratio = static_cast<double>(x.scale()) / static_cast<double>(y.scale());
  QuantizedSum line;
  line.is_signed = x.dtype == DType::kI8;
  line.shift = static_cast<int32_t>(std::floor(30 - std::log2(256 * ratio + 1)));
  if (line.shift < 1) return std::nullopt;
  line.shift = std::min(line.shift, 22);
  const auto nearest = static_cast<int32_t>(std::lround(ratio * std::exp2(line.shift)));
  const auto bounds = std::minmax_element(table.begin(), table.end(), [&](uint8_t a, uint8_t b) {
    return value_of(a, line.is_signed) < value_of(b, line.is_signed);
  });
  line.zero = y.zero_point();
  line.low = value_of(*bounds.first, line.is_signed);
  line.high = value_of(*bounds.second, line.is_signed);
  for (const int32_t nudge : {0, 1, -1}) {
    line.multiplier_a = nearest + nudge;
    line.offset = -x.zero_point() * line.multiplier_a;
    bool same = true;
    for (int i = 0; i < 256 && same; ++i) {
      const int32_t sum = value_of(i, line.is_signed) * line.multiplier_a + line.offset;
      const int32_t result = divide_by_power(sum, line.shift) + line.zero;
      same =
          std::clamp(result, line.low, line.high) == value_of(table[static_cast<size_t>(i)], line.is_signed);
    }
    if (same) return line;
  }
  return std::nullopt;
}

Step table_step(const Lowering& at, const Quantized& quantized, size_t variable, const Table& table,
                bool may_be_line) {
  const int64_t elements = at.out_shape(0).elements();
  const QuantizedKernels* kernels = at.kernels.quantized;
  Step step;
  const auto line = may_be_line ? line_of(quantized, table) : std::nullopt;
  if (const auto bits = flipped_bits(table)) {
    step = element_step("flip_8", "the same integers but for the sign bit", elements, 1,
                        [kernels, bits, variable](const StepBuffers& b, Range r) {
                          kernels->flip(*bits, b.in<uint8_t>(variable) + r.begin, b.out<uint8_t>(0) + r.begin,
                                        r.end - r.begin);
                        });
  } else if (line) {
    step = element_step("line_8", "a straight line", elements, 1,
                        [kernels, line, variable](const StepBuffers& b, Range r) {
                          const uint8_t* x = b.in<uint8_t>(variable) + r.begin;
                          kernels->sum(*line, {x, 1, x, 0, b.out<uint8_t>(0) + r.begin, r.end - r.begin});
                        });
  } else {
    step = element_step("table_8", "256 entries", elements, 2,
                        [kernels, table, variable](const StepBuffers& b, Range r) {
                          kernels->look_up(table.data(), b.in<uint8_t>(variable) + r.begin,
                                           b.out<uint8_t>(0) + r.begin, r.end - r.begin);
                        });
  }
  step.in_place_inputs = {static_cast<int>(variable)};
  return step;
}

bool has_one_scale(const Type& type) {
  return type.quantization && type.quantization->axis < 0;
}

// Sums and products.
// ------------------------------------------------------------------------------------------------------

constexpr int64_t kLongRun = 256;

/// The operand that is one short row, the same for every row of the other one and of the output, as a value
/// for each channel is.
std::optional<size_t> short_row(const BroadcastLoop& loop) {
  if (loop.rank != 2 || loop.columns() >= kLongRun) return std::nullopt;
  for (const size_t k : {size_t{0}, size_t{1}}) {
    const auto &row = loop.strides[k], &other = loop.strides[1 - k];
    if (row[0] == 0 && row[1] == 1 && other[0] == loop.columns() && other[1] == 1) return k;
  }
  return std::nullopt;
}

/// f over the elements of r, where operand `k` is a row of `columns` values. It is repeated in scratch, up to
/// `length` values, so that f has long runs.
template <typename F>
void for_repeated_row(const StepBuffers& b, Range r, size_t k, size_t columns, size_t length, const F& f) {
  auto* row = reinterpret_cast<uint8_t*>(b.thread_scratch);
  const size_t filled = std::min(length, r.end - r.begin);
  for (size_t i = 0; i < std::min(columns, filled); ++i) row[i] = b.in<uint8_t>(k)[(r.begin + i) % columns];
  for (size_t i = columns; i < filled; i += columns) std::memcpy(row + i, row, std::min(columns, filled - i));
  for (size_t at = r.begin; at < r.end; at += length) {
    const uint8_t* other = b.in<uint8_t>(1 - k) + at;
    f({k == 0 ? row : other, 1, k == 1 ? row : other, 1, b.out<uint8_t>(0) + at,
       std::min(length, r.end - at)});
  }
}

/// f of runs of bytes.
Step runs_step(const Lowering& at, std::string kernel, std::string why, int64_t cost,
               std::function<void(const QuantizedRun&)> f) {
  const Shape out = at.out_shape(0);
  const Shape operands[] = {at.in_shape(0), at.in_shape(1)};
  const BroadcastLoop loop = broadcast_loop(out, operands);
  Step step;
  if (const auto k = short_row(loop)) {
    const auto columns = static_cast<size_t>(loop.columns());
    const size_t length = (static_cast<size_t>(kLongRun) / columns + 1) * columns;
    step = element_step(std::move(kernel), why + ", a row repeated", out.elements(), cost,
                        [=, k = *k, f = std::move(f)](const StepBuffers& b, Range r) {
                          for_repeated_row(b, r, k, columns, length, f);
                        });
    step.thread_scratch_bytes = length;
  } else {
    const auto last = static_cast<size_t>(loop.rank - 1);
    step = element_step(std::move(kernel), std::move(why), out.elements(), cost,
                        [loop, last, f = std::move(f)](const StepBuffers& b, Range r) {
                          for_each_run(loop, r, [&](int64_t i, int64_t n, const auto& offsets) {
                            f({b.in<uint8_t>(0) + offsets[0], static_cast<size_t>(loop.strides[0][last]),
                               b.in<uint8_t>(1) + offsets[1], static_cast<size_t>(loop.strides[1][last]),
                               b.out<uint8_t>(0) + i, static_cast<size_t>(n)});
                          });
                        });
  }
  for (size_t i = 0; i < 2; ++i)
    if (operands[i] == out) step.in_place_inputs.push_back(static_cast<int>(i));
  return step;
}

/// What the oracle makes of every pair of bytes: a * 256 + b.
using PairTable = std::vector<uint8_t>;

Result<PairTable> pairs_of(const Quantized& quantized) {
  TRY(Tensor a, Tensor::make(*quantized.in[0].dtype, Shape{256, 1}));
  TRY(Tensor b, Tensor::make(*quantized.in[1].dtype, Shape{1, 256}));
  for (int i = 0; i < 256; ++i) a.mutable_bytes()[i] = b.mutable_bytes()[i] = static_cast<std::byte>(i);
  TRY(const Tensors out, quantized.eval(Tensors{a, b}));
  PairTable pairs(256 * 256);
  std::memcpy(pairs.data(), out[0].bytes(), pairs.size());
  return pairs;
}

/// All pairs by a kernel, row by row: each(a, results of a and every byte), until that is false.
template <typename F, typename Each>
bool each_row(const F& kernel, const Each& each) {
  std::array<uint8_t, 256> every, results;
  for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<uint8_t>(i);
  return std::all_of(every.begin(), every.end(), [&](const uint8_t& a) {
    kernel(QuantizedRun{&a, 0, every.data(), 1, results.data(), results.size()});
    return each(a, results);
  });
}

/// What pairs_of() gives, by a kernel that takes the oracle's steps.
template <typename F>
PairTable pairs_by(const F& kernel) {
  PairTable pairs(256 * 256);
  each_row(kernel, [&](uint8_t a, const auto& results) {
    std::memcpy(pairs.data() + size_t{a} * 256, results.data(), results.size());
    return true;
  });
  return pairs;
}

template <typename F>
bool agrees(const PairTable& pairs, const F& kernel) {
  return each_row(kernel, [&](uint8_t a, const auto& results) {
    return std::memcmp(pairs.data() + size_t{a} * 256, results.data(), results.size()) == 0;
  });
}

/// Addition and subtraction in one multiplication each.
std::optional<QuantizedSum> short_sum(const Quantized& quantized, const PairTable& pairs,
                                      const QuantizedKernels& kernels) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const double ratio_a = static_cast<double>(a.scale()) / static_cast<double>(y.scale());
  const double ratio_b = (op_as<Sub>(*quantized.op) != nullptr ? -1 : 1) * static_cast<double>(b.scale()) /
                         static_cast<double>(y.scale());
  QuantizedSum sum;
  const IntegerBounds bounds = output_bounds(quantized);
  sum.is_signed = y.dtype == DType::kI8;
  sum.zero = y.zero_point();
  sum.low = bounds.low;
  sum.high = bounds.high;
  sum.shift = static_cast<int32_t>(std::floor(30 - std::log2(256 * (ratio_a + std::fabs(ratio_b)) + 1)));
  if (sum.shift < 1) return std::nullopt;
  sum.shift = std::min(sum.shift, 22);
  const auto nearest_a = static_cast<int32_t>(std::lround(ratio_a * std::exp2(sum.shift)));
  const auto nearest_b = static_cast<int32_t>(std::lround(ratio_b * std::exp2(sum.shift)));
  struct Nudge {
    int32_t a, b, offset;
  };
  constexpr Nudge kNudges[] = {{0, 0, 0},  {0, 1, 0},   {0, -1, 0},  {1, 0, 0},   {1, 1, 0},  {1, -1, 0},
                               {-1, 0, 0}, {-1, 1, 0},  {-1, -1, 0}, {0, 0, -10}, {0, 0, 10}, {0, 0, -20},
                               {0, 0, 20}, {0, 0, -40}, {0, 0, 40},  {0, 0, -80}, {0, 0, 80}};
  for (const Nudge& nudge : kNudges) {
    sum.multiplier_a = nearest_a + nudge.a;
    sum.multiplier_b = nearest_b + nudge.b;
    sum.offset = nudge.offset - a.zero_point() * sum.multiplier_a - b.zero_point() * sum.multiplier_b;
    if (agrees(pairs, [&](const QuantizedRun& run) { kernels.sum(sum, run); })) return sum;
  }
  return std::nullopt;
}

std::optional<QuantizedProduct> short_product(const Quantized& quantized, const PairTable& pairs,
                                              const QuantizedKernels& kernels) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  QuantizedProduct product{.is_signed = y.dtype == DType::kI8,
                           .zero_a = a.zero_point(),
                           .zero_b = b.zero_point(),
                           .scale = 1,
                           .zero = y.zero_point(),
                           .low = bounds.low,
                           .high = bounds.high};
  float scale = a.scale() * b.scale() / y.scale();
  for (int i = 0; i < 2; ++i) scale = std::nextafter(scale, 0.0f);
  for (int i = 0; i < 5; ++i, scale = std::nextafter(scale, std::numeric_limits<float>::infinity())) {
    product.scale = scale;
    if (agrees(pairs, [&](const QuantizedRun& run) { kernels.product(product, run); })) return product;
  }
  return std::nullopt;
}

bool fits(const FixedPoint& scale) {
  return scale.value >= 0 && scale.exponent <= 0 && scale.exponent >= -31;
}
QuantizedScale kernel_scale(const FixedPoint& scale) {
  return {scale.value, -scale.exponent};
}

/// ONNX's sum, computed as it is defined but for the scales, which are divided beforehand.
QuantizedRealSum real_sum(const Quantized& quantized) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  const float sign = op_as<Sub>(*quantized.op) != nullptr ? -1 : 1;
  return {.is_signed = y.dtype == DType::kI8,
          .zero_a = a.zero_point(),
          .zero_b = b.zero_point(),
          .scale_a = a.scale() / y.scale(),
          .scale_b = sign * (b.scale() / y.scale()),
          .zero = y.zero_point(),
          .low = bounds.low,
          .high = bounds.high};
}

QuantizedProduct real_product(const Quantized& quantized) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const IntegerBounds bounds = output_bounds(quantized);
  return {.is_signed = y.dtype == DType::kI8,
          .to_even = true,
          .zero_a = a.zero_point(),
          .zero_b = b.zero_point(),
          .scale = a.scale() * b.scale() / y.scale(),
          .zero = y.zero_point(),
          .low = bounds.low,
          .high = bounds.high};
}

/// TFLite's own steps. They are as long as the kernel's only where nothing is shifted left after the inputs.
std::optional<QuantizedExactSum> exact_sum(const Quantized& quantized) {
  const CommonScale scale = common_scale(quantized, 20, false);
  if (quantized.rounding != Rounding::kTflite || !fits(scale.a) || !fits(scale.b) || !fits(scale.out))
    return std::nullopt;
  const IntegerBounds bounds = output_bounds(quantized);
  return QuantizedExactSum{.is_signed = quantized.out[0].dtype == DType::kI8,
                           .zero_a = quantized.in[0].zero_point(),
                           .zero_b = quantized.in[1].zero_point(),
                           .sign = op_as<Sub>(*quantized.op) != nullptr ? -1 : 1,
                           .scale_a = kernel_scale(scale.a),
                           .scale_b = kernel_scale(scale.b),
                           .scale = kernel_scale(scale.out),
                           .zero = quantized.out[0].zero_point(),
                           .low = bounds.low,
                           .high = bounds.high};
}

std::optional<QuantizedExactProduct> exact_product(const Quantized& quantized) {
  const Type &a = quantized.in[0], &b = quantized.in[1], &y = quantized.out[0];
  const FixedPoint scale = fixed_point(static_cast<double>(a.scale() * b.scale() / y.scale()));
  if (quantized.rounding != Rounding::kTflite || !fits(scale)) return std::nullopt;
  const IntegerBounds bounds = output_bounds(quantized);
  return QuantizedExactProduct{.is_signed = y.dtype == DType::kI8,
                               .zero_a = a.zero_point(),
                               .zero_b = b.zero_point(),
                               .scale = kernel_scale(scale),
                               .zero = y.zero_point(),
                               .low = bounds.low,
                               .high = bounds.high};
}

/// Every pair from a table of 64 kB.
Step pair_step(const Lowering& at, PairTable pairs) {
  return runs_step(at, "pairs_8", "a table of all pairs", 4,
                   [bytes = std::move(pairs)](const QuantizedRun& run) {
                     const auto* a = static_cast<const uint8_t*>(run.a);
                     const auto* b = static_cast<const uint8_t*>(run.b);
                     auto* y = static_cast<uint8_t*>(run.y);
                     for (size_t i = 0; i < run.n; ++i)
                       y[i] = bytes[static_cast<size_t>(a[i * run.a_stride]) * 256 + b[i * run.b_stride]];
                   });
}

/// Whether all that varies is one input of ONNX's operator.
bool is_onnx_function(const Quantized& quantized, const Lowering& at) {
  if (quantized.rounding != Rounding::kOnnx || !quantized.op->elementwise()) return false;
  int varying = 0;
  for (size_t i = 0; i < at.inputs.size(); ++i) varying += at.has(i) && !at.in(i).is_constant();
  return varying == 1;
}

bool is_bound(const Activation& act) {
  using Kind = Activation::Kind;
  return act.kind == Kind::kNone || act.kind == Kind::kRelu || act.kind == Kind::kClip;
}

bool is_plain_binary(const Quantized& quantized, const Lowering& at) {
  return quantized.in.size() == 2 && is_bound(quantized.act) && quantized.out[0].quantization &&
         is_byte(quantized.in[0]) && quantized.in[1].dtype == quantized.in[0].dtype &&
         quantized.out[0].dtype == quantized.in[0].dtype && has_one_scale(quantized.in[0]) &&
         has_one_scale(quantized.in[1]) && at.out_shape(0).elements() > 0;
}

}  // namespace

bool is_byte(const Type& type) {
  return type.dtype == DType::kI8 || type.dtype == DType::kU8;
}

bool is_plain_bytes(const Quantized& quantized, const Lowering& at) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  return is_bound(quantized.act) && is_byte(x) && x.dtype == y.dtype && has_one_scale(x) &&
         has_one_scale(y) && at.in_shape(0).elements() > 0 && at.out_shape(0).elements() > 0;
}

Result<Step> lower_quantized_table(const Quantized& quantized, const Lowering& at) {
  if (quantized.in[0].dtype == DType::kI16 || quantized.out[0].dtype == DType::kI16)
    return lower_wide_table(quantized, at);
  size_t variable = 0;
  while (variable + 1 < at.inputs.size() && (!at.has(variable) || at.in(variable).is_constant())) ++variable;
  if (!is_byte(quantized.in[variable]) || !is_byte(quantized.out[0]) ||
      !has_one_scale(quantized.in[variable]) || at.out_shape(0) != at.in_shape(variable) ||
      at.out_shape(0).elements() == 0)
    return Lowering::reference();
  TRY(const auto table, table_of(quantized, at, variable));
  if (!table) return Lowering::reference();
  const std::string_view op = quantized.op->name();
  const bool may_be_line = variable == 0 && (op == "Identity" || op == "Relu" || op == "Clip");
  return table_step(at, quantized, variable, *table, may_be_line);
}

Result<Step> lower_quantized_identity(const Quantized& quantized, const Lowering& at) {
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const int64_t elements = at.out_shape(0).elements();
  const QuantizedKernels* kernels = at.kernels.quantized;
  if (elements == 0) return Lowering::reference();
  if (!x.dtype && is_byte(y) && has_one_scale(y) && at.in_is(0, DType::kF32) && is_bound(quantized.act)) {
    const IntegerBounds bounds = output_bounds(quantized);
    const QuantizeArgs to{.x = nullptr,
                          .y = nullptr,
                          .is_signed = y.dtype == DType::kI8,
                          .scale = y.scale(),
                          .zero = y.zero_point(),
                          .low = bounds.low,
                          .high = bounds.high,
                          .to_even = quantized.rounding == Rounding::kOnnx};
    return element_step("quantize_8", "float to 8 bits", elements, 2, [=](const StepBuffers& b, Range r) {
      QuantizeArgs args = to;
      args.x = b.in<float>(0);
      args.y = b.outputs[0];
      kernels->quantize(args, r);
    });
  }
  if (is_byte(x) && has_one_scale(x) && !y.dtype && is_none(quantized.act)) {
    const DequantizeArgs from{.x = nullptr,
                              .y = nullptr,
                              .is_signed = x.dtype == DType::kI8,
                              .scale = x.scale(),
                              .zero = x.zero_point()};
    return element_step("dequantize_8", "8 bits to float", elements, 1, [=](const StepBuffers& b, Range r) {
      DequantizeArgs args = from;
      args.x = b.inputs[0];
      args.y = b.out<float>(0);
      kernels->dequantize(args, r);
    });
  }
  if (!x.dtype || !y.dtype) return lower_wide_real(quantized, at);
  return lower_quantized_table(quantized, at);
}

Result<Step> lower_quantized_add(const Quantized& quantized, const Lowering& at) {
  if (quantized.in[0].dtype == DType::kI16) return lower_wide_add(quantized, at);
  if (is_onnx_function(quantized, at)) {
    TRY(Step table, lower_quantized_table(quantized, at));
    if (!table.is_reference() || !is_plain_binary(quantized, at)) return table;
  }
  if (!is_plain_binary(quantized, at)) return Lowering::reference();
  if (quantized.rounding == Rounding::kOnnx)
    return runs_step(at, "add_real_8", "in single precision", 1,
                     [kernels = at.kernels.quantized, sum = real_sum(quantized)](const QuantizedRun& run) {
                       kernels->real_sum(sum, run);
                     });
  const QuantizedKernels* kernels = at.kernels.quantized;
  const auto exact = exact_sum(quantized);
  const auto by_steps = [=](const QuantizedRun& run) { kernels->exact_sum(*exact, run); };
  TRY(PairTable pairs, exact ? Result<PairTable>(pairs_by(by_steps)) : pairs_of(quantized));
  if (const auto sum = short_sum(quantized, pairs, *kernels))
    return runs_step(at, "add_8", "one multiplication an operand", 1,
                     [=](const QuantizedRun& run) { kernels->sum(*sum, run); });
  return exact ? runs_step(at, "add_exact_8", "TFLite's steps", 2, by_steps)
               : pair_step(at, std::move(pairs));
}

Result<Step> lower_quantized_mul(const Quantized& quantized, const Lowering& at) {
  if (quantized.in[0].dtype == DType::kI16) return lower_wide_mul(quantized, at);
  if (is_onnx_function(quantized, at)) {
    TRY(Step table, lower_quantized_table(quantized, at));
    if (!table.is_reference() || !is_plain_binary(quantized, at)) return table;
  }
  if (!is_plain_binary(quantized, at)) return Lowering::reference();
  if (quantized.rounding == Rounding::kOnnx)
    return runs_step(at, "mul_8", "in single precision, halves to even", 1,
                     [kernels = at.kernels.quantized, product = real_product(quantized)](
                         const QuantizedRun& run) { kernels->product(product, run); });
  const QuantizedKernels* kernels = at.kernels.quantized;
  const auto exact = exact_product(quantized);
  const auto by_steps = [=](const QuantizedRun& run) { kernels->exact_product(*exact, run); };
  TRY(PairTable pairs, exact ? Result<PairTable>(pairs_by(by_steps)) : pairs_of(quantized));
  if (const auto product = short_product(quantized, pairs, *kernels))
    return runs_step(at, "mul_8", "in single precision", 1,
                     [=](const QuantizedRun& run) { kernels->product(*product, run); });
  return exact ? runs_step(at, "mul_exact_8", "TFLite's steps", 2, by_steps)
               : pair_step(at, std::move(pairs));
}

Result<Step> lower_quantized_batch_normalization(const Quantized& quantized, const Lowering& at) {
  const auto& op = static_cast<const BatchNormalization&>(*quantized.op);
  const Type &x = quantized.in[0], &y = quantized.out[0];
  const Shape shape = at.in_shape(0);
  if (quantized.rounding != Rounding::kOnnx || !is_bound(quantized.act) || !is_byte(x) ||
      x.dtype != y.dtype || !has_one_scale(x) || shape.elements() == 0)
    return Lowering::reference();
  for (size_t i = 1; i < 5; ++i)
    if (!at.has(i) || !at.in(i).is_constant() || at.in(i).dtype != DType::kF32) return Lowering::reference();
  const auto parameter = [&](size_t i) { return at.in(i).constant.data<float>(); };
  std::vector<float> scale, shift;
  for (size_t c = 0; c < static_cast<size_t>(shape.back()); ++c) {
    const double gain = static_cast<double>(parameter(1)[c]) /
                        std::sqrt(static_cast<double>(parameter(4)[c]) + static_cast<double>(op.epsilon));
    const double offset = static_cast<double>(parameter(2)[c]) - static_cast<double>(parameter(3)[c]) * gain;
    const auto unit = static_cast<double>(y.scale());
    scale.push_back(static_cast<float>(gain * static_cast<double>(x.scale()) / unit));
    shift.push_back(static_cast<float>(offset / unit));
  }
  const size_t channels = scale.size(), repeat = 255 / channels + 1;
  for (size_t i = channels; i < repeat * channels; ++i) {
    scale.push_back(scale[i - channels]);
    shift.push_back(shift[i - channels]);
  }
  const IntegerBounds bounds = output_bounds(quantized);
  const QuantizedChannelLine line{.x = nullptr,
                                  .y = nullptr,
                                  .is_signed = x.dtype == DType::kI8,
                                  .channels = channels,
                                  .x_zero = x.zero_point(),
                                  .zero = y.zero_point(),
                                  .low = bounds.low,
                                  .high = bounds.high,
                                  .scale = nullptr,
                                  .shift = nullptr,
                                  .repeat = repeat};
  Step step;
  step.kernel = "channel_lines_8";
  step.why = "a straight line for each channel, in single precision";
  step.phases.push_back(divided(shape.elements() / shape.back(), shape.back(),
                                [line, scale = std::move(scale), shift = std::move(shift),
                                 kernels = at.kernels.quantized](const StepBuffers& b, Range rows) {
                                  QuantizedChannelLine args = line;
                                  args.x = b.inputs[0];
                                  args.y = b.outputs[0];
                                  args.scale = scale.data();
                                  args.shift = shift.data();
                                  kernels->channel_line(args, rows);
                                }));
  step.in_place_inputs = {0};
  return step;
}

Result<Step> lower_quantized_pairs(const Quantized& quantized, const Lowering& at) {
  if (is_onnx_function(quantized, at)) {
    TRY(Step table, lower_quantized_table(quantized, at));
    if (!table.is_reference() || !is_plain_binary(quantized, at)) return table;
  }
  if (!is_plain_binary(quantized, at)) return Lowering::reference();
  TRY(PairTable pairs, pairs_of(quantized));
  return pair_step(at, std::move(pairs));
}

Result<Step> lower(const Quantized& quantized, const Lowering& at) {
  // 16 bits have kernels of TFLite's arithmetic only.
  const bool wide = !quantized.in.empty() && quantized.in[0].dtype == DType::kI16;
  if (wide && quantized.rounding == Rounding::kOnnx) return Lowering::reference();
  const QuantizedKind* kind = quantized_kind(quantized.op->name());
  if (kind != nullptr && kind->lower != nullptr) {
    TRY(Step step, kind->lower(quantized, at));
    if (!step.is_reference()) return step;
  }
  if (op_as<BatchNormalization>(*quantized.op) != nullptr)
    return lower_quantized_batch_normalization(quantized, at);
  return is_onnx_function(quantized, at) ? lower_quantized_table(quantized, at) : Lowering::reference();
}

}  // namespace pochade
