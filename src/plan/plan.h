#pragma once
// Plan: one machine, one set of shapes, one precision. Data only; engine/ makes and runs it.

#include "plan/step.h"

namespace pochade {

/// Where a value lives while a plan runs.
struct Location {
  enum class Kind : uint8_t {
    kAbsent,    ///< an absent optional input or output
    kArena,     ///< `offset` bytes into the arena
    kConstant,  ///< the Fact's tensor
    kInput,     ///< the caller's input number `index`
    kOutput,    ///< the caller's output number `index`
    kState,     ///< the session's copy of state number `index`
    kDynamic,   ///< its size depends on the data: a tensor made while running
  };
  Kind kind = Kind::kAbsent;
  size_t offset = 0;
  size_t index = 0;
};

struct PlannedStep {
  Step step;
  OpPtr op;
  std::string name;  ///< the node's
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  size_t shared_scratch_offset = 0;
  bool data_dependent =
      false;  ///< allocates while running: an input's or output's size is not known beforehand
};

struct Plan {
  Graph graph;                      ///< specialised: every Fact that can be concrete is
  std::vector<Location> locations;  ///< one a value of the graph
  std::vector<PlannedStep> steps;
  size_t arena_bytes = 0;
  size_t thread_scratch_bytes = 0;  ///< of each thread
  /// Lower bound of arena_bytes: the largest sum of buffers that live at one time.
  size_t live_bytes = 0;
};

/// One buffer of the arena: needed from step `first` to step `last`, both included.
struct BufferLife {
  size_t bytes = 0;
  int first = 0;
  int last = 0;
  size_t offset = 0;  ///< the result
};

/// Gives every buffer an offset (multiples of 64) so that no two that live at the same time overlap. Best
/// fit, largest first (Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference",
/// greedy by size). Returns the bytes needed.
size_t assign_offsets(std::vector<BufferLife>& buffers);

/// The largest sum of bytes that live at one time.
size_t largest_live_bytes(const std::vector<BufferLife>& buffers);

}  // namespace pochade
