#include "engine/benchmark.h"

#include <algorithm>
#include <chrono>

namespace pochade {
namespace {

/// Inputs and outputs bound once, so that a run measures the network and no allocation.
struct Bound {
  std::vector<TensorView> inputs, outputs;
  Tensors storage;
  bool data_dependent = false;
};

Result<Bound> bind(Session& session, std::span<const Tensor> inputs) {
  Bound out;
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs) {
    shapes.push_back(t.shape());
    out.inputs.push_back({t.dtype(), t.shape(), const_cast<std::byte*>(t.bytes())});
  }
  TRY(const Plan* const plan, session.prepare(shapes));
  for (const GraphOutput& o : plan->graph.outputs()) {
    const Fact& fact = plan->graph.fact(o.value);
    if (!fact.shape()) {
      out.data_dependent = true;
      return out;
    }
    TRY(Tensor tensor, Tensor::make(*fact.dtype, *fact.shape()));
    out.outputs.push_back({tensor.dtype(), tensor.shape(), tensor.mutable_bytes()});
    out.storage.push_back(std::move(tensor));
  }
  return out;
}

Status run_once(Session& session, const Bound& bound, std::span<const Tensor> inputs) {
  if (!bound.data_dependent) return session.run(bound.inputs, bound.outputs);
  TRY(session.run(inputs));
  return {};
}

LayerTime describe(const Graph& graph, const PlannedStep& planned) {
  LayerTime layer;
  layer.name = planned.name;
  layer.op = planned.op->name();
  layer.kernel = planned.step.is_reference() ? "reference" : planned.step.kernel;
  layer.why = planned.data_dependent        ? "its size depends on the data"
              : planned.step.is_reference() ? "no kernel for this operator and type"
                                            : planned.step.why;
  const Facts in = graph.facts(planned.inputs), out = graph.facts(planned.outputs);
  layer.output = out.empty() ? "" : to_string(out[0]);
  if (!planned.data_dependent) layer.macs = planned.op->cost(in, out).macs;
  return layer;
}

}  // namespace

Result<Latency> measure_latency(Session& session, std::span<const Tensor> inputs, double seconds,
                                int least_runs) {
  using Clock = std::chrono::steady_clock;
  TRY(const Bound bound, bind(session, inputs));
  for (int i = 0; i < 2; ++i) TRY(run_once(session, bound, inputs));
  std::vector<double> times;
  const auto start = Clock::now();
  while (static_cast<int>(times.size()) < least_runs ||
         std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    const auto begin = Clock::now();
    TRY(run_once(session, bound, inputs));
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  const size_t n = times.size();
  return Latency{times[0], n % 2 != 0 ? times[n / 2] : (times[n / 2 - 1] + times[n / 2]) / 2,
                 times[std::min(n - 1, n * 95 / 100)], static_cast<int>(n)};
}

Result<std::vector<LayerTime>> measure_layers(Session& session, std::span<const Tensor> inputs, int runs) {
  TRY(const Bound bound, bind(session, inputs));
  for (int i = 0; i < 2; ++i) TRY(run_once(session, bound, inputs));
  std::vector<StepTime> times;
  session.profile(&times);
  Status status;
  for (int i = 0; i < runs && status; ++i) status = run_once(session, bound, inputs);
  session.profile(nullptr);
  TRY(std::move(status));
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs) shapes.push_back(t.shape());
  TRY(const Plan* const plan, session.prepare(shapes));
  std::vector<LayerTime> out;
  for (const StepTime& time : times) {
    if (time.step == nullptr) continue;
    out.push_back(describe(plan->graph, *time.step));
    out.back().milliseconds = time.milliseconds / runs;
  }
  return out;
}

std::vector<LayerTime> describe_plan(const Plan& plan) {
  std::vector<LayerTime> out;
  for (const PlannedStep& step : plan.steps) out.push_back(describe(plan.graph, step));
  return out;
}

}  // namespace pochade
