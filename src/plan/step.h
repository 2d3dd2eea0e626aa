#pragma once
// Step: one kernel call of a plan, ready to run; Lowering: what an operator knows when it makes one.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace pochade {

struct Kernels;  // kernels/kernels.h

/// Where a step reads and writes: dense tensors of the facts it was lowered for; null for an absent optional
/// one.
struct StepBuffers {
  const std::byte* const* inputs = nullptr;
  std::byte* const* outputs = nullptr;
  std::byte* shared_scratch = nullptr;  ///< lives through all phases of the step
  std::byte* thread_scratch = nullptr;  ///< of the calling thread

  template <typename T>
  const T* in(size_t i) const {
    return reinterpret_cast<const T*>(inputs[i]);
  }
  template <typename T>
  T* out(size_t i) const {
    return reinterpret_cast<T*>(outputs[i]);
  }
};

/// Work that can be divided: `run(buffers, begin, end)` computes tasks [begin, end). Tasks write disjoint
/// outputs and give the same bits however they are divided.
struct Phase {
  int64_t tasks = 1;
  std::function<void(const StepBuffers&, int64_t begin, int64_t end)> run;
};

struct Step {
  std::string kernel;  ///< "conv_gemm_f32", as `bench --layers` prints it; empty: no kernel, the oracle runs
  std::string why;     ///< one clause on why this kernel, as `why` prints it
  std::vector<Phase> phases;  ///< one after the other
  size_t shared_scratch_bytes = 0;
  size_t thread_scratch_bytes = 0;
  /// Inputs whose buffer output 0 may take if nobody else needs it (same size, read before written element by
  /// element).
  std::vector<int> in_place_inputs;

  bool is_reference() const { return kernel.empty(); }
};

/// Weights packed once for all plans of one model. Not thread-safe: the session locks.
class PackedWeights {
 public:
  using Buffer = std::shared_ptr<const std::byte>;
  /// `make(out)` fills `bytes` bytes (aligned to 64, zeroed) the first time that `key` is asked for. `key`
  /// names the tensor and the packing: see Lowering::pack.
  Result<Buffer> get(const std::string& key, const Tensor& source, size_t bytes,
                     const std::function<void(std::byte*)>& make);
  size_t total_bytes() const { return total_bytes_; }

 private:
  struct Entry {
    Tensor source;  // keeps its address, which is part of the key, from being given to another tensor
    Buffer packed;
  };
  std::map<std::string, Entry> entries_;
  size_t total_bytes_ = 0;
};

/// What an operator knows when it chooses its kernel. All facts are concrete; `in(i).constant` holds weights.
struct Lowering {
  const Kernels& kernels;
  std::span<const Fact> inputs;
  std::span<const Fact> outputs;
  PackedWeights& weights;

  bool has(size_t i) const { return i < inputs.size() && inputs[i].present(); }
  const Fact& in(size_t i) const { return inputs[i]; }
  const Fact& out(size_t i) const { return outputs[i]; }
  Shape in_shape(size_t i) const { return *inputs[i].shape(); }
  Shape out_shape(size_t i) const { return *outputs[i].shape(); }
  bool in_is(size_t i, DType dtype) const { return has(i) && inputs[i].dtype == dtype; }
  /// All present inputs and outputs are float32.
  bool all_f32() const;
  /// Packs `tensor` once: `packing` tells this layout from others ("gemm 14x32 K=27").
  Result<PackedWeights::Buffer> pack(const Tensor& tensor, std::string_view packing, size_t bytes,
                                     const std::function<void(std::byte*)>& make) const;
  /// No kernel for these facts: the oracle runs.
  static Step reference() { return {}; }
};

/// How many tasks to cut `units` of output into, when one unit costs about `unit_cost` operations: enough for
/// any number of threads, never so many that a task is shorter than the price of handing it out. Depends on
/// the shape alone.
int64_t task_size(int64_t units, int64_t unit_cost);

}  // namespace pochade
