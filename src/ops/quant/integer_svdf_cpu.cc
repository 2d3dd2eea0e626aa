// Integer SVDF on the CPU: the features are dot products; the rest reads each memory once.

#include "kernels/quantized_args.h"
#include "ops/phases.h"
#include "ops/quant/fixed_point.h"
#include "ops/quant/integer_lstm.h"

namespace pochade {
namespace {

/// What every run needs.
struct SvdfPlan {
  Tensor features, time;
  std::vector<int32_t> feature_bias;  ///< F: -x_zero * the sum of a row
  std::vector<int64_t> bias;          ///< of each unit
  FixedPoint to_state, to_output;
  int64_t inputs = 0, filters = 0, memory = 0, rank = 1, y_zero = 0;

  /// Moves the memories of one sequence on, and gives its units.
  void run(const int16_t* newest, const int16_t* before, int16_t* after, int8_t* y) const {
    for (int64_t unit = 0; unit < filters / rank; ++unit) {
      int64_t sum = bias[static_cast<size_t>(unit)];
      for (int64_t f = unit * rank; f < (unit + 1) * rank; ++f) {
        int16_t* kept = after + f * memory;
        std::copy_n(before + f * memory + 1, memory - 1, kept);
        kept[memory - 1] = newest[f];
        const int16_t* weights = time.data<int16_t>().data() + f * memory;
        for (int64_t m = 0; m < memory; ++m) sum += weights[m] * kept[m];
      }
      const int64_t moved = int64_t{multiply(wrap_int32(sum), to_output)} + y_zero;
      y[unit] = static_cast<int8_t>(std::clamp<int64_t>(wrap_int32(moved), -128, 127));
    }
  }
};

}  // namespace

Result<Step> lower(const IntegerSvdf& op, const Lowering& at) {
  if (!at.in(1).is_constant() || !at.in(2).is_constant() || (at.has(3) && !at.in(3).is_constant()))
    return Lowering::reference();
  const Shape features = at.in_shape(1);
  if (features[0] == 0 || features[1] > (1 << 16)) return Lowering::reference();
  auto plan = std::make_shared<SvdfPlan>();
  plan->features = at.in(1).constant;
  plan->time = at.in(2).constant;
  plan->to_state = fixed_point(static_cast<double>(op.x_scale * op.features_scale / op.state_scale));
  plan->to_output = fixed_point(static_cast<double>(op.state_scale * op.time_scale / op.y_scale));
  plan->inputs = features[1];
  plan->filters = features[0];
  plan->memory = at.in_shape(2)[1];
  plan->rank = op.rank;
  plan->y_zero = op.y_zero;
  plan->bias.assign(static_cast<size_t>(plan->filters / op.rank), 0);
  if (at.has(3)) plan->bias = to_int64s(at.in(3).constant);
  const int8_t* weight = plan->features.data<int8_t>().data();
  for (int64_t f = 0; f < plan->filters; ++f) {
    int64_t sum = 0;
    for (int64_t i = 0; i < plan->inputs; ++i) sum -= op.x_zero * *weight++;
    plan->feature_bias.push_back(wrap_int32(sum));
  }
  Step step;
  step.kernel = "svdf_8";
  step.why = "a task is a sequence";
  step.thread_scratch_bytes = static_cast<size_t>(plan->filters) * sizeof(int16_t);
  step.phases.push_back(
      {at.in_shape(0)[0],
       [plan = std::shared_ptr<const SvdfPlan>(std::move(plan)), run = at.kernels.quantized->gate_sums](
           const StepBuffers& b, int64_t begin, int64_t end) {
         auto* newest = reinterpret_cast<int16_t*>(b.thread_scratch);
         for (int64_t n = begin; n < end; ++n) {
           run({.x = b.in<int8_t>(0) + n * plan->inputs,
                .w = plan->features.data<int8_t>().data(),
                .bias = plan->feature_bias.data(),
                .y = newest,
                .n = static_cast<size_t>(plan->filters),
                .k = static_cast<size_t>(plan->inputs),
                .scale = {plan->to_state.value, std::clamp(-plan->to_state.exponent, 0, 31)},
                .left = std::clamp(plan->to_state.exponent, 0, 31)});
           const int64_t state = n * plan->filters * plan->memory;
           plan->run(newest, b.in<int16_t>(4) + state, b.out<int16_t>(1) + state,
                     b.out<int8_t>(0) + n * (plan->filters / plan->rank));
         }
       }});
  return step;
}

}  // namespace pochade
