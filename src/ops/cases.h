#pragma once
// One list of generated cases an operator: correctness against the oracle on every ISA and backend, and the
// micro-benchmark.

#include <deque>

#include "graph/op.h"

namespace pochade {

/// A tensor to be filled from a seed: uniform floats in [low, high], or integers in the same range.
struct InputSpec {
  DType dtype = DType::kF32;
  Shape shape;
  double low = -1;
  double high = 1;
  bool constant = false;  ///< known when the step is lowered, as weights are
  Tensor given;           ///< these values instead of random ones
};

inline InputSpec f32(const Shape& shape, double low = -1, double high = 1) {
  return {DType::kF32, shape, low, high, false, {}};
}
inline InputSpec ints(DType dtype, const Shape& shape, double low, double high) {
  return {dtype, shape, low, high, false, {}};
}
inline InputSpec absent() {
  return {DType::kF32, {}, 0, 0, false, {}};
}

struct Case {
  std::string name;
  OpPtr op;
  std::vector<InputSpec> inputs;
  double relative_tolerance = 1e-5;
  double absolute_tolerance = 1e-5;

  /// A value that the step does not know beforehand.
  Case& input(InputSpec spec) {
    inputs.push_back(std::move(spec));
    return *this;
  }
  /// A value that it does: weights, or `given` shapes and axes.
  Case& weight(InputSpec spec) {
    spec.constant = true;
    inputs.push_back(std::move(spec));
    return *this;
  }
  Case& weight(Tensor values) {
    inputs.push_back({values.dtype(), values.shape(), 0, 0, true, values});
    return *this;
  }
  Case& no_input() {
    inputs.push_back(absent());
    inputs.back().constant = true;
    return *this;
  }
  Case& tolerance(double relative, double absolute) {
    relative_tolerance = relative;
    absolute_tolerance = absolute;
    return *this;
  }
};

class Cases {
 public:
  /// cases.add("c{}_k{}", op, channels, kernel).input(f32({1, 5, 5, 3})).weight(f32({8, 3, 3, 3}))
  template <typename D, typename... Args>
  Case& add(std::string_view pattern, D op, const Args&... args) {
    list_.push_back({format("{}/{}", D::kName, format(pattern, args...)), make_op(std::move(op)), {}});
    return list_.back();
  }
  const std::deque<Case>& list() const { return list_; }
  void append(Cases other) { list_.insert(list_.end(), other.list_.begin(), other.list_.end()); }

 private:
  std::deque<Case> list_;  // references from add() stay valid
};

/// Inputs of a case, the same for the same seed on every machine. An absent input is an undefined tensor.
Tensors make_inputs(const Case& test, uint64_t seed);
/// What a step knows of them: the tensors themselves of constants, of others type and shape.
Facts facts_of_inputs(const Case& test, const Tensors& inputs);

/// Every case of every operator with a kernel.
Cases all_cases();

}  // namespace pochade
