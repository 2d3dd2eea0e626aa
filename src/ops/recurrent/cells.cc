#include "ops/recurrent/cells.h"

#include <algorithm>

namespace pochade {

Result<Facts> Rnn::infer(std::span<const Fact> in) const {
  return infer_recurrent(recurrence, in, 1, 1, false);
}

Result<Tensors> Rnn::eval(std::span<const Tensor> in) const {
  TRY(RecurrentRun run, RecurrentRun::prepare(recurrence, in, 1, false));
  const int64_t hidden = recurrence.hidden_size;
  std::vector<double> next(static_cast<size_t>(hidden));
  return run.run([&](int d, const double* x, double* h, double*) {
    for (int64_t j = 0; j < hidden; ++j)
      next[static_cast<size_t>(j)] = recurrence.apply(d, 0, 1, run.preactivation(d, j, x, h));
    std::copy(next.begin(), next.end(), h);
  });
}

Result<Facts> Gru::infer(std::span<const Fact> in) const {
  return infer_recurrent(recurrence, in, 3, 2, false);
}

Result<Tensors> Gru::eval(std::span<const Tensor> in) const {
  TRY(RecurrentRun run, RecurrentRun::prepare(recurrence, in, 3, false));
  const int64_t hidden = recurrence.hidden_size;
  std::vector<double> z(static_cast<size_t>(hidden)), r(z), reset_h(z), next(z);
  return run.run([&](int d, const double* x, double* h, double*) {
    for (int64_t j = 0; j < hidden; ++j) {
      const auto i = static_cast<size_t>(j);
      z[i] = recurrence.apply(d, 0, 2, run.preactivation(d, j, x, h));
      r[i] = recurrence.apply(d, 0, 2, run.preactivation(d, hidden + j, x, h));
      reset_h[i] = r[i] * h[j];
    }
    for (int64_t j = 0; j < hidden; ++j) {
      const auto i = static_cast<size_t>(j);
      const int64_t row = 2 * hidden + j;
      const double from_state =
          linear_before_reset ? r[i] * run.from_state(d, row, h) : run.from_state(d, row, reset_h.data());
      next[i] = (1 - z[i]) * recurrence.apply(d, 1, 2, run.from_input(d, row, x) + from_state) + z[i] * h[j];
    }
    std::copy(next.begin(), next.end(), h);
  });
}

Result<Facts> Lstm::infer(std::span<const Fact> in) const {
  return infer_recurrent(recurrence, in, 4, 3, true);
}

Result<Tensors> Lstm::eval(std::span<const Tensor> in) const {
  TRY(RecurrentRun run, RecurrentRun::prepare(recurrence, in, 4, true));
  const int64_t hidden = recurrence.hidden_size;
  std::vector<double> next(static_cast<size_t>(hidden));
  return run.run([&](int d, const double* x, double* h, double* c) {
    for (int64_t j = 0; j < hidden; ++j) {
      const auto gate = [&](int64_t k) { return run.preactivation(d, k * hidden + j, x, h); };
      const double i = recurrence.apply(d, 0, 3, gate(0) + run.peephole(d, j) * c[j]);
      const double f =
          input_forget ? 1 - i : recurrence.apply(d, 0, 3, gate(2) + run.peephole(d, 2 * hidden + j) * c[j]);
      c[j] = f * c[j] + i * recurrence.apply(d, 1, 3, gate(3));
      const double o = recurrence.apply(d, 0, 3, gate(1) + run.peephole(d, hidden + j) * c[j]);
      next[static_cast<size_t>(j)] = o * recurrence.apply_unclipped(d, 2, 3, c[j]);
    }
    std::copy(next.begin(), next.end(), h);
  });
}

}  // namespace pochade
