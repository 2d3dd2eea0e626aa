#pragma once
// How steps walk over operands that broadcast to one output shape.

#include <array>
#include <functional>

#include "kernels/kernels.h"
#include "ops/eval.h"
#include "ops/phases.h"

namespace pochade {

constexpr size_t kMaxLoopOperands = 3;

/// The axes of an output with the strides of its operands, joined as far as every operand allows: the last
/// axis is the longest run that each operand either reads contiguously (stride 1) or as one value (stride 0).
struct BroadcastLoop {
  int rank = 0;  ///< at least 1
  std::array<int64_t, kMaxRank> dims{};
  std::array<std::array<int64_t, kMaxRank>, kMaxLoopOperands> strides{};  ///< [operand][axis]

  int64_t columns() const { return dims[static_cast<size_t>(rank - 1)]; }
};
BroadcastLoop broadcast_loop(const Shape& out, std::span<const Shape> operands);

/// Calls f(at, n, offsets) for runs that cover the output's elements: n of them from index `at` on, which
/// operand k reads from offsets[k] on with stride loop.strides[k][last].
template <typename F>
void for_each_run(const BroadcastLoop& loop, Range elements, F&& f) {
  const auto end = static_cast<int64_t>(elements.end);
  const int64_t columns = loop.columns();
  for (auto at = static_cast<int64_t>(elements.begin); at < end;) {
    const int64_t column = at % columns;
    int64_t rest = at / columns;
    std::array<int64_t, kMaxLoopOperands> offsets{};
    const auto add = [&](size_t axis, int64_t index) {
      for (size_t k = 0; k < kMaxLoopOperands; ++k) offsets[k] += index * loop.strides[k][axis];
    };
    add(static_cast<size_t>(loop.rank - 1), column);
    for (int axis = loop.rank - 2; axis >= 0; --axis) {
      const int64_t size = loop.dims[static_cast<size_t>(axis)];
      add(static_cast<size_t>(axis), rest % size);
      rest /= size;
    }
    const int64_t n = std::min(columns - column, end - at);
    f(at, n, offsets);
    at += n;
  }
}

/// A step that computes `elements` outputs by run(buffers, Range of them), divided by their cost.
Step element_step(std::string kernel, std::string why, int64_t elements, int64_t cost,
                  std::function<void(const StepBuffers&, Range)> run);

/// kernels.binary() over any broadcast: the two innermost axes are the kernel's rows and columns, the others
/// are walked here.
class BinaryLoop {
 public:
  BinaryLoop(const Kernels& kernels, Binary op, const Shape& out, const Shape& a, const Shape& b);
  /// y[i] = a[..] op b[..] for these elements of the output. y may be an operand of the output's own shape.
  void run(const float* a, const float* b, float* y, Range elements) const;
  /// How the operands are read: "same shape", "one by scalar", "one by row, block by block".
  std::string why() const;

 private:
  const Kernels* kernels_;
  Binary op_;
  int64_t rows_ = 1, columns_ = 1;
  Repeat repeat_a_ = Repeat::kNone, repeat_b_ = Repeat::kNone;
  BroadcastLoop blocks_;  ///< without the rows and columns; rank 0: one block
};

}  // namespace pochade
