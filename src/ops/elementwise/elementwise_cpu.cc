#include "ops/elementwise/elementwise_cpu.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "kernels/quantized_args.h"
#include "tensor/cast.h"

namespace pochade {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct NamedUnary {
  std::string_view name;
  Unary kind;
};
constexpr NamedUnary kWithoutParameters[] = {
    {Abs::kName, Unary::kAbs},           {Acos::kName, Unary::kAcos},
    {Acosh::kName, Unary::kAcosh},       {Asin::kName, Unary::kAsin},
    {Asinh::kName, Unary::kAsinh},       {Atan::kName, Unary::kAtan},
    {Atanh::kName, Unary::kAtanh},       {Ceil::kName, Unary::kCeil},
    {Cos::kName, Unary::kCos},           {Cosh::kName, Unary::kCosh},
    {Erf::kName, Unary::kErf},           {Exp::kName, Unary::kExp},
    {Floor::kName, Unary::kFloor},       {HardSwish::kName, Unary::kHardSwish},
    {Log::kName, Unary::kLog},           {Mish::kName, Unary::kMish},
    {Neg::kName, Unary::kNeg},           {Reciprocal::kName, Unary::kReciprocal},
    {Relu::kName, Unary::kRelu},         {Round::kName, Unary::kRound},
    {Sigmoid::kName, Unary::kSigmoid},   {Sign::kName, Unary::kSign},
    {Silu::kName, Unary::kSilu},         {Sin::kName, Unary::kSin},
    {Sinh::kName, Unary::kSinh},         {Softplus::kName, Unary::kSoftplus},
    {Softsign::kName, Unary::kSoftsign}, {Sqrt::kName, Unary::kSqrt},
    {Tan::kName, Unary::kTan},           {Tanh::kName, Unary::kTanh},
};

/// The value of a bound of a Clip: what stands for an absent one, empty if it is not known beforehand.
std::optional<float> bound(std::span<const Fact> in, size_t i, float absent) {
  if (i >= in.size() || !in[i].present()) return absent;
  if (!in[i].is_constant() || in[i].constant.elements() != 1) return std::nullopt;
  return to_floats(in[i].constant)[0];
}

std::string kernel_name(const Op& op, std::string_view suffix) {
  std::string out;
  for (const char c : op.name()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !out.empty()) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return format("{}_{}", out, suffix);
}

/// Inputs of the output's own shape: their buffer may become the output's.
std::vector<int> same_shaped_inputs(const Lowering& at, size_t count) {
  std::vector<int> out;
  for (size_t i = 0; i < count; ++i)
    if (at.has(i) && at.in(i).dtype == at.out(0).dtype && at.in_shape(i) == at.out_shape(0))
      out.push_back(static_cast<int>(i));
  return out;
}

/// ((in0 op in1) op in2).., one phase each; then, for Mean, times 1/count.
Result<Step> lower_variadic(Binary kind, const Op& op, const Lowering& at, float scale) {
  if (!at.all_f32()) return Lowering::reference();
  const Shape out = at.out_shape(0);
  const int64_t elements = out.elements();
  const Kernels* kernels = &at.kernels;
  const auto last = [=](const float* x, float* y, Range r) {
    if (scale != 1) kernels->unary(Unary::kAffine, x, y, scale, 0, r);
  };
  if (at.inputs.size() == 1) {
    Step step = element_step(kernel_name(op, "f32"), "one input: copied", elements, 1,
                             [=](const StepBuffers& b, Range r) {
                               kernels->unary(Unary::kCopy, b.in<float>(0), b.out<float>(0), 0, 0, r);
                             });
    step.in_place_inputs = {0};
    return step;
  }
  Step step;
  for (size_t k = 1; k < at.inputs.size(); ++k) {
    const BinaryLoop loop(at.kernels, kind, out, k == 1 ? at.in_shape(0) : out, at.in_shape(k));
    const bool is_last = k + 1 == at.inputs.size();
    Step part =
        element_step(kernel_name(op, "f32"), loop.why(), elements, 1, [=](const StepBuffers& b, Range r) {
          float* y = b.out<float>(0);
          loop.run(k == 1 ? b.in<float>(0) : y, b.in<float>(k), y, r);
          if (is_last) last(y, y, r);
        });
    if (k == 1)
      step = std::move(part);
    else
      step.phases.push_back(std::move(part.phases[0]));
  }
  step.in_place_inputs = same_shaped_inputs(at, at.inputs.size() == 2 ? 2 : 1);
  return step;
}

}  // namespace

int64_t unary_cost(Unary kind) {
  switch (kind) {
    case Unary::kSigmoid:
    case Unary::kTanh:
    case Unary::kSilu:
    case Unary::kGelu:
    case Unary::kGeluTanh:
    case Unary::kElu:
    case Unary::kSelu:
    case Unary::kCelu:
    case Unary::kSoftplus:
    case Unary::kMish:
    case Unary::kExp:
    case Unary::kLog:
    case Unary::kErf:
      return 8;
    default:
      return kind >= Unary::kSin ? 64 : 1;
  }
}

int64_t binary_cost(Binary kind) {
  return kind == Binary::kPow ? 64 : 1;
}

std::optional<UnaryKernel> unary_kernel(const Op& op, std::span<const Fact> in) {
  for (const NamedUnary& entry : kWithoutParameters)
    if (entry.name == op.name()) return UnaryKernel{entry.kind};
  if (const auto* leaky = op_as<LeakyRelu>(op)) return UnaryKernel{Unary::kLeakyRelu, leaky->alpha, 0};
  if (const auto* elu = op_as<Elu>(op)) return UnaryKernel{Unary::kElu, elu->alpha, 0};
  if (const auto* celu = op_as<Celu>(op)) return UnaryKernel{Unary::kCelu, celu->alpha, 0};
  if (const auto* selu = op_as<Selu>(op)) return UnaryKernel{Unary::kSelu, selu->alpha, selu->gamma};
  if (const auto* hard = op_as<HardSigmoid>(op))
    return UnaryKernel{Unary::kHardSigmoid, hard->alpha, hard->beta};
  if (const auto* gelu = op_as<Gelu>(op))
    return UnaryKernel{gelu->tanh_approximation ? Unary::kGeluTanh : Unary::kGelu, 0, 0};
  if (op_as<Clip>(op) != nullptr) {
    const auto low = bound(in, 1, -kInfinity), high = bound(in, 2, kInfinity);
    if (low && high) return UnaryKernel{Unary::kClip, *low, *high};
  }
  return std::nullopt;
}

std::optional<Binary> binary_kernel(const Op& op) {
  if (op_as<Add>(op) != nullptr || op_as<Sum>(op) != nullptr) return Binary::kAdd;
  if (op_as<Sub>(op) != nullptr) return Binary::kSub;
  if (op_as<Mul>(op) != nullptr) return Binary::kMul;
  if (op_as<Div>(op) != nullptr) return Binary::kDiv;
  if (op_as<Min>(op) != nullptr) return Binary::kMin;
  if (op_as<Max>(op) != nullptr) return Binary::kMax;
  if (op_as<Pow>(op) != nullptr) return Binary::kPow;
  if (op_as<PRelu>(op) != nullptr) return Binary::kPrelu;
  return std::nullopt;
}

Result<Step> lower_unary(const Op& op, const Lowering& at) {
  const auto kernel = unary_kernel(op, at.inputs);
  if (!kernel || *at.in(0).dtype != DType::kF32) return Lowering::reference();
  const Kernels* kernels = &at.kernels;
  Step step = element_step(kernel_name(op, "f32"), "one pass", at.out_shape(0).elements(),
                           unary_cost(kernel->kind), [kernels, k = *kernel](const StepBuffers& b, Range r) {
                             kernels->unary(k.kind, b.in<float>(0), b.out<float>(0), k.a, k.b, r);
                           });
  step.in_place_inputs = {0};
  return step;
}

Step lower_binary_f32(Binary kind, const Op& op, const Lowering& at) {
  const BinaryLoop loop(at.kernels, kind, at.out_shape(0), at.in_shape(0), at.in_shape(1));
  Step step = element_step(kernel_name(op, "f32"), loop.why(), at.out_shape(0).elements(), binary_cost(kind),
                           [loop](const StepBuffers& b, Range r) {
                             loop.run(b.in<float>(0), b.in<float>(1), b.out<float>(0), r);
                           });
  step.in_place_inputs = same_shaped_inputs(at, 2);
  return step;
}

Step lower_binary_runs(const Op& op, const Lowering& at, BinaryRun run) {
  const BroadcastLoop loop = broadcast_loop(at.out_shape(0), std::array{at.in_shape(0), at.in_shape(1)});
  const auto in_size = static_cast<int64_t>(size_of(*at.in(0).dtype)),
             out_size = static_cast<int64_t>(size_of(*at.out(0).dtype));
  Step step = element_step(
      kernel_name(op, to_string(*at.in(0).dtype)), "plain loop", at.out_shape(0).elements(), 2,
      [=, run = std::move(run)](const StepBuffers& b, Range r) {
        const auto last = static_cast<size_t>(loop.rank - 1);
        for_each_run(loop, r, [&](int64_t i, int64_t n, const auto& offsets) {
          run(b.inputs[0] + offsets[0] * in_size, loop.strides[0][last], b.inputs[1] + offsets[1] * in_size,
              loop.strides[1][last], b.outputs[0] + i * out_size, n);
        });
      });
  step.in_place_inputs = same_shaped_inputs(at, 2);
  return step;
}

Result<Step> lower(const Pow& op, const Lowering& at) {
  if (!at.all_f32()) return Lowering::reference();
  return lower_binary_f32(Binary::kPow, op, at);
}

Result<Step> lower(const Min& op, const Lowering& at) {
  return lower_variadic(Binary::kMin, op, at, 1);
}
Result<Step> lower(const Max& op, const Lowering& at) {
  return lower_variadic(Binary::kMax, op, at, 1);
}
Result<Step> lower(const Sum& op, const Lowering& at) {
  return lower_variadic(Binary::kAdd, op, at, 1);
}
Result<Step> lower(const Mean& op, const Lowering& at) {
  return lower_variadic(Binary::kAdd, op, at, 1.0f / static_cast<float>(at.inputs.size()));
}

Result<Step> lower(const Clip& op, const Lowering& at) {
  return lower_unary(op, at);
}

namespace {

template <typename T>
void choose(const bool* condition, int64_t c, const std::byte* a, int64_t i, const std::byte* b, int64_t j,
            std::byte* y, int64_t n) {
  const T* from_a = reinterpret_cast<const T*>(a);
  const T* from_b = reinterpret_cast<const T*>(b);
  T* to = reinterpret_cast<T*>(y);
  for (int64_t k = 0; k < n; ++k) to[k] = condition[k * c] ? from_a[k * i] : from_b[k * j];
}

}  // namespace

Result<Step> lower(const Where& op, const Lowering& at) {
  const BroadcastLoop loop =
      broadcast_loop(at.out_shape(0), std::array{at.in_shape(0), at.in_shape(1), at.in_shape(2)});
  const auto size = static_cast<int64_t>(size_of(*at.out(0).dtype));
  auto* run = size == 1   ? choose<uint8_t>
              : size == 2 ? choose<uint16_t>
              : size == 4 ? choose<uint32_t>
                          : choose<uint64_t>;
  Step step =
      element_step(kernel_name(op, format("{}_bytes", size)), "plain loop", at.out_shape(0).elements(), 2,
                   [=](const StepBuffers& b, Range r) {
                     const auto last = static_cast<size_t>(loop.rank - 1);
                     for_each_run(loop, r, [&](int64_t i, int64_t n, const auto& offsets) {
                       run(b.in<bool>(0) + offsets[0], loop.strides[0][last], b.inputs[1] + offsets[1] * size,
                           loop.strides[1][last], b.inputs[2] + offsets[2] * size, loop.strides[2][last],
                           b.outputs[0] + i * size, n);
                     });
                   });
  step.in_place_inputs = same_shaped_inputs(at, 3);
  return step;
}

namespace {

Step lower_cast(const Op& op, const Lowering& at) {
  const DType from = *at.in(0).dtype, to = *at.out(0).dtype;
  const Kernels* kernels = &at.kernels;
  const size_t in_size = size_of(from), out_size = size_of(to);
  std::function<void(const StepBuffers&, Range)> run;
  if (from == DType::kF16 && to == DType::kF32) {
    run = [=](const StepBuffers& b, Range r) { kernels->f16_to_f32(b.in<uint16_t>(0), b.out<float>(0), r); };
  } else if (from == DType::kF32 && to == DType::kF16) {
    run = [=](const StepBuffers& b, Range r) { kernels->f32_to_f16(b.in<float>(0), b.out<uint16_t>(0), r); };
  } else if (from == DType::kBF16 && to == DType::kF32) {
    run = [=](const StepBuffers& b, Range r) { kernels->bf16_to_f32(b.in<uint16_t>(0), b.out<float>(0), r); };
  } else if (from == DType::kF32 && to == DType::kBF16) {
    run = [=](const StepBuffers& b, Range r) { kernels->f32_to_bf16(b.in<float>(0), b.out<uint16_t>(0), r); };
  } else if (from == DType::kI32 && to == DType::kF32) {
    run = [to_float = kernels->quantized->to_float](const StepBuffers& b, Range r) {
      to_float(b.in<int32_t>(0) + r.begin, b.out<float>(0) + r.begin, r.end - r.begin);
    };
  } else {
    run = [=](const StepBuffers& b, Range r) {
      cast_elements(from, b.inputs[0] + r.begin * in_size, to, b.outputs[0] + r.begin * out_size,
                    r.end - r.begin);
    };
  }
  Step step = element_step(format("{}_{}", kernel_name(op, to_string(from)), to_string(to)), "one pass",
                           at.out_shape(0).elements(), 2, std::move(run));
  if (in_size == out_size) step.in_place_inputs = {0};
  return step;
}

}  // namespace

Result<Step> lower(const Cast& op, const Lowering& at) {
  return lower_cast(op, at);
}
Result<Step> lower(const CastLike& op, const Lowering& at) {
  return lower_cast(op, at);
}

}  // namespace pochade
