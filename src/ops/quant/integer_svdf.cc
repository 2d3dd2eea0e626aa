#include <cmath>

#include "ops/eval.h"
#include "ops/quant/fixed_point.h"
#include "ops/quant/integer_lstm.h"

namespace pochade {
namespace {

enum Input : size_t { kX, kFeatures, kTime, kBias, kState };

Fact quantized_fact(const Fact& fact, float scale, int64_t zero) {
  Fact out = fact;
  out.quantization =
      std::make_shared<const Quantization>(Quantization{{scale}, {static_cast<int32_t>(zero)}, -1, 0});
  return out;
}

}  // namespace

Result<Facts> IntegerSvdf::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 5));
  if (in.size() != 5) return Error::invalid_model("it has {} inputs, expected 5", in.size());
  for (const size_t i : {kX, kFeatures}) TRY(expect_dtype(in[i], "x and features", {DType::kI8}));
  for (const size_t i : {kTime, kState}) TRY(expect_dtype(in[i], "time and state", {DType::kI16}));
  if (in[kBias].present()) TRY(expect_dtype(in[kBias], "bias", {DType::kI32}));
  const auto features = in[kFeatures].shape(), time = in[kTime].shape(), state = in[kState].shape();
  if (!features || !time || !state || features->rank() != 2 || time->rank() != 2 || state->rank() != 2)
    return Error::invalid_model("features are {}, time {}, the state {}, expected two sizes of each",
                                in[kFeatures], in[kTime], in[kState]);
  TRY(expect_rank(in[kX], "x", 2, 2));
  const int64_t filters = (*features)[0], memory = (*time)[1], batch = (*state)[0];
  const auto is = [](const Dim& dim, int64_t size) { return !dim.is_number() || dim.is(size); };
  if (rank < 1 || filters % rank != 0 || (*time)[0] != filters || memory < 1 ||
      (*state)[1] != filters * memory || !is(in[kX].dim(0), batch) || !is(in[kX].dim(1), (*features)[1]))
    return Error::invalid_model("x is {}, features {}, time {}, the state {}, the rank {}", in[kX], *features,
                                *time, *state, rank);
  const int64_t units = filters / rank;
  if (in[kBias].present() && in[kBias].shape() != Shape{units})
    return Error::invalid_model("the bias is {}, expected {} values", in[kBias], units);
  for (const float scale : {x_scale, features_scale, time_scale, state_scale, y_scale})
    if (!std::isfinite(scale) || scale <= 0)
      return Error::invalid_model("a scale is {}, expected a finite number above 0", scale);
  for (const int64_t zero : {x_zero, y_zero})
    if (zero < -128 || zero > 127) return Error::invalid_model("the zero point {} does not fit int8", zero);
  return Facts{quantized_fact(Fact(DType::kI8, Shape{batch, units}), y_scale, y_zero),
               quantized_fact(Fact(DType::kI16, *state), state_scale, 0)};
}

Cost IntegerSvdf::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  const auto state = in[kState].shape(), features = in[kFeatures].shape();
  const int64_t batch = (*state)[0];
  return {batch * features->elements() + state->elements(), bytes_of(in) + bytes_of(out)};
}

/// Each filter's memory moves on by one, and ends with the newest feature; a unit adds up the weighted
/// memories of its filters.
Result<Tensors> IntegerSvdf::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const int64_t batch = in[kX].shape()[0], inputs = in[kX].shape()[1];
  const int64_t filters = in[kFeatures].shape()[0], memory = in[kTime].shape()[1], units = filters / rank;
  const FixedPoint to_state = fixed_point(static_cast<double>(x_scale * features_scale / state_scale));
  const FixedPoint to_output = fixed_point(static_cast<double>(state_scale * time_scale / y_scale));
  const int16_t* before = in[kState].data<int16_t>().data();
  int16_t* after = out[1].mutable_data<int16_t>().data();
  for (int64_t n = 0; n < batch; ++n) {
    const int8_t* x = in[kX].data<int8_t>().data() + n * inputs;
    for (int64_t u = 0; u < units; ++u) {
      int64_t sum = in[kBias].defined() ? in[kBias].data<int32_t>()[static_cast<size_t>(u)] : 0;
      for (int64_t f = u * rank; f < (u + 1) * rank; ++f) {
        const int8_t* feature = in[kFeatures].data<int8_t>().data() + f * inputs;
        int64_t newest = 0;
        for (int64_t i = 0; i < inputs; ++i) newest += feature[i] * (x[i] - x_zero);
        int16_t* kept = after + (n * filters + f) * memory;
        std::copy_n(before + (n * filters + f) * memory + 1, memory - 1, kept);
        kept[memory - 1] =
            static_cast<int16_t>(std::clamp(multiply(wrap_int32(newest), to_state), -32768, 32767));
        const int16_t* weights = in[kTime].data<int16_t>().data() + f * memory;
        for (int64_t m = 0; m < memory; ++m) sum += weights[m] * kept[m];
      }
      const int64_t y = int64_t{multiply(wrap_int32(sum), to_output)} + y_zero;
      out[0].mutable_data<int8_t>()[static_cast<size_t>(n * units + u)] =
          static_cast<int8_t>(std::clamp<int64_t>(wrap_int32(y), -128, 127));
    }
  }
  return out;
}

}  // namespace pochade
