#pragma once
// Session: runs one model. Keeps its weights packed, and a plan for each of the last few sets of input
// shapes.

#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "plan/plan.h"

namespace pochade {

struct SessionOptions {
  int threads = 0;         ///< 0: POCHADE_THREADS, else the CPUs that this process may use
  std::optional<Isa> isa;  ///< empty: POCHADE_ISA, else the best
  bool optimise = true;    ///< run the passes; without, the graph runs as it was read
  /// Most bytes that arena, scratch and packed weights may take; 0: what the machine has available.
  int64_t memory_limit_bytes = 0;
};

/// Time of one step in one run.
struct StepTime {
  const PlannedStep* step = nullptr;
  double milliseconds = 0;
};

class Session {
 public:
  /// Optimises the graph. Plans are made when shapes are known: by prepare(), or by the first run().
  static Result<Session> create(Graph graph, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// The optimised graph: inputs and outputs have the names and facts of the file.
  const Graph& graph() const;
  int threads() const;
  Isa isa() const;

  /// Makes (or finds) the plan for these input shapes, in the order of graph().inputs(). Stays valid until
  /// the next prepare() or run().
  Result<const Plan*> prepare(std::span<const Shape> input_shapes);

  /// Runs with tensors; outputs in the order of graph().outputs(). A wrong dtype or shape names the input.
  Result<Tensors> run(std::span<const Tensor> inputs);
  /// Runs on the caller's memory and allocates nothing, if the shapes are those of the last prepare() and no
  /// step is data-dependent.
  Status run(std::span<const TensorView> inputs, std::span<const TensorView> outputs);

  /// Sets all states to their initial contents.
  void reset_state();
  /// Time of every step of the next runs is added up here; null stops it.
  void profile(std::vector<StepTime>* times);
  /// Called after each step of the next runs with (steps done, all steps); false ends the run with
  /// kCancelled. Null stops it.
  void on_step(std::function<bool(size_t, size_t)> callback);
  /// Bytes held now: arena, scratch, packed weights.
  int64_t held_bytes() const;

 private:
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pochade
