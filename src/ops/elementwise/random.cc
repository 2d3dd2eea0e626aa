#include "ops/elementwise/random.h"

#include <cmath>
#include <numbers>

#include "ops/elementwise/wide.h"

namespace pochade {

double random_uniform(int64_t seed, uint64_t counter) {
  uint64_t z = static_cast<uint64_t>(seed) * 0xd1342543de82ef95u + (counter + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

namespace {

/// Box and Muller (1958).
double normal(int64_t seed, uint64_t counter) {
  const double radius = std::sqrt(-2 * std::log(1 - random_uniform(seed, 2 * counter)));
  return radius * std::cos(2 * std::numbers::pi * random_uniform(seed, 2 * counter + 1));
}

Result<Fact> random_fact(DType dtype, std::optional<Dims> dims) {
  if (!is_float(dtype)) return Error::invalid_model("random values of {}", to_string(dtype));
  return Fact(dtype, std::move(dims));
}

Result<Facts> infer_shaped(std::span<const Fact> in, DType dtype, std::span<const int64_t> shape) {
  TRY(expect_inputs(in, 0, 0));
  if (shape.size() > kMaxRank || !Shape(shape).checked_elements())
    return Error::invalid_model("the shape {}", join(shape, "x"));
  TRY(Fact out, random_fact(dtype, Dims(shape.begin(), shape.end())));
  return Facts{std::move(out)};
}

Result<Facts> infer_like(std::span<const Fact> in, std::optional<DType> dtype) {
  TRY(expect_inputs(in, 1, 1));
  TRY(Fact out, random_fact(dtype.value_or(*in[0].dtype), in[0].dims));
  return Facts{std::move(out)};
}

template <typename F>
Result<Tensors> generate(const Shape& shape, DType dtype, F&& value) {
  TRY(Tensor wide, Tensor::make(dtype == DType::kF64 ? dtype : DType::kF32, shape));
  visit_wide<kFloatTypes>(wide.dtype(), [&]<typename T>() {
    const auto to = wide.mutable_data<T>();
    for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(value(i));
  });
  TRY(Tensor out, wide.cast(dtype));
  return Tensors{std::move(out)};
}

auto uniform_of(const RandomFields& fields) {
  return [&fields](uint64_t i) {
    const double low = static_cast<double>(fields.first), high = static_cast<double>(fields.second);
    return low + (high - low) * random_uniform(fields.seed, i);
  };
}

auto normal_of(const RandomFields& fields) {
  return [&fields](uint64_t i) {
    return static_cast<double>(fields.first) + static_cast<double>(fields.second) * normal(fields.seed, i);
  };
}

}  // namespace

Result<Facts> RandomUniform::infer(std::span<const Fact> in) const {
  return infer_shaped(in, dtype, shape);
}
Result<Facts> RandomNormal::infer(std::span<const Fact> in) const {
  return infer_shaped(in, dtype, shape);
}
Result<Facts> RandomUniformLike::infer(std::span<const Fact> in) const {
  return infer_like(in, dtype);
}
Result<Facts> RandomNormalLike::infer(std::span<const Fact> in) const {
  return infer_like(in, dtype);
}

Result<Tensors> RandomUniform::eval(std::span<const Tensor>) const {
  return generate(Shape(shape), dtype, uniform_of(*this));
}
Result<Tensors> RandomNormal::eval(std::span<const Tensor>) const {
  return generate(Shape(shape), dtype, normal_of(*this));
}
Result<Tensors> RandomUniformLike::eval(std::span<const Tensor> in) const {
  return generate(in[0].shape(), dtype.value_or(in[0].dtype()), uniform_of(*this));
}
Result<Tensors> RandomNormalLike::eval(std::span<const Tensor> in) const {
  return generate(in[0].shape(), dtype.value_or(in[0].dtype()), normal_of(*this));
}

Result<Facts> Bernoulli::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", kFloatTypes));
  return Facts{Fact(dtype.value_or(*in[0].dtype), in[0].dims)};
}

Result<Tensors> Bernoulli::eval(std::span<const Tensor> in) const {
  TRY(const Tensor x, in[0].cast(DType::kF64));
  TRY(Tensor drawn, Tensor::make(DType::kU8, x.shape()));
  const auto to = drawn.mutable_data<uint8_t>();
  for (size_t i = 0; i < to.size(); ++i) to[i] = random_uniform(seed, i) < x.data<double>()[i];
  TRY(Tensor out, drawn.cast(dtype.value_or(in[0].dtype())));
  return Tensors{std::move(out)};
}

Result<Facts> Multinomial::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", kFloatTypes));
  TRY(expect_rank(in[0], "the input", 2, 2));
  if (samples < 1) return Error::invalid_model("{} samples", samples);
  if (dtype != DType::kI32 && dtype != DType::kI64)
    return Error::invalid_model("classes of {}", to_string(dtype));
  if (in[0].rank_known() && in[0].dim(1).is(0)) return Error::invalid_model("there are no classes");
  return Facts{Fact(dtype, Dims{in[0].rank_known() ? in[0].dim(0) : Dim(), Dim(samples)})};
}

Result<Tensors> Multinomial::eval(std::span<const Tensor> in) const {
  TRY(const Tensor x, in[0].cast(DType::kF64));
  const int64_t batch = x.shape()[0], classes = x.shape()[1];
  TRY(Tensor drawn, Tensor::make(DType::kI64, Shape{batch, samples}));
  for (int64_t n = 0; n < batch; ++n) {
    const double* logits = x.data<double>().data() + n * classes;
    double largest = logits[0], total = 0;
    for (int64_t c = 1; c < classes; ++c) largest = std::fmax(largest, logits[c]);
    for (int64_t c = 0; c < classes; ++c) total += std::exp(logits[c] - largest);
    for (int64_t s = 0; s < samples; ++s) {
      double rest = random_uniform(seed, static_cast<uint64_t>(n * samples + s)) * total;
      int64_t chosen = 0;
      for (; chosen < classes - 1; ++chosen) {
        rest -= std::exp(logits[chosen] - largest);
        if (rest < 0) break;
      }
      drawn.mutable_data<int64_t>()[static_cast<size_t>(n * samples + s)] = chosen;
    }
  }
  TRY(Tensor out, drawn.cast(dtype));
  return Tensors{std::move(out)};
}

}  // namespace pochade
