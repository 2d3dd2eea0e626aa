#pragma once
// Pieces that most lowerings are made of.

#include <algorithm>
#include <utility>

#include "kernels/kernels.h"
#include "plan/step.h"

namespace pochade {

inline Range range(int64_t begin, int64_t end) {
  return {static_cast<size_t>(begin), static_cast<size_t>(end)};
}

/// A phase that cuts `units` of about `unit_cost` operations each into tasks: f(buffers, Range of units).
/// Tasks begin at multiples of `multiple` units.
template <typename F>
Phase divided(int64_t units, int64_t unit_cost, F f, int64_t multiple = 1) {
  const int64_t size = (task_size(units, unit_cost) + multiple - 1) / multiple * multiple;
  return {(units + size - 1) / size,
          [units, size, f = std::move(f)](const StepBuffers& buffers, int64_t begin, int64_t end) {
            f(buffers, range(begin * size, std::min(end * size, units)));
          }};
}

/// Floats of the shared scratch, `offset` of them from its start.
inline float* shared_floats(const StepBuffers& buffers, size_t offset = 0) {
  return reinterpret_cast<float*>(buffers.shared_scratch) + offset;
}

}  // namespace pochade
