#pragma once

#include "engine/session.h"

namespace pochade {

struct Latency {
  double min_ms = 0;
  double median_ms = 0;
  double p95_ms = 0;
  int runs = 0;
};

struct LayerTime {
  std::string name;
  std::string_view op;
  std::string kernel;
  std::string why;
  std::string output;
  double milliseconds = 0;  ///< mean of all runs
  int64_t macs = 0;
};

/// Runs for at least `seconds` and `least_runs` times after a warm-up.
Result<Latency> measure_latency(Session& session, std::span<const Tensor> inputs, double seconds,
                                int least_runs);

/// Mean time of every step, in the order of execution.
Result<std::vector<LayerTime>> measure_layers(Session& session, std::span<const Tensor> inputs, int runs);

/// The steps of a plan without times: what `why` prints.
std::vector<LayerTime> describe_plan(const Plan& plan);

}  // namespace pochade
