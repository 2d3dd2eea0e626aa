#pragma once
// Whether two models compute the same, by running both on the same random inputs.

#include <functional>

#include "data/compare.h"
#include "engine/session.h"

namespace pochade {

struct VerifyOptions {
  int samples = 3;
  uint64_t seed = 1;
  double tolerance = 1e-3;  ///< largest difference, as a part of the largest value
  SessionOptions session;
  std::map<std::string, Shape> shapes;  ///< of inputs whose size is open, by name
  int64_t open_size = 0;                ///< what other open sizes are; 0: they are an error
  std::function<bool()> go_on;          ///< asked after every step; false ends the comparison with kCancelled
};

/// The shapes of a's inputs, with open_size where the model and the caller leave one open.
Result<std::vector<Shape>> verify_shapes(const Graph& a, const VerifyOptions& options);

struct Verdict {
  bool same = false;
  std::vector<Difference> outputs;  ///< the worst of all samples, in the order of a's outputs
  std::optional<Difference> first;  ///< if they differ: the first value that both name and that differs
};

/// What one step of a's integers is in the value: 1 if it is of 8-bit integers or has a quantization, the
/// scale if it was dequantized (and perhaps moved) from them; 0: neither.
double integer_step(const Graph& a, ValueId value);

/// `a` is right, `b` is judged. Outputs are matched by name, else by position. Errors: other numbers of
/// inputs or outputs, sizes that are open, a model that does not run.
Result<Verdict> verify_models(const Graph& a, const Graph& b, const VerifyOptions& options);

}  // namespace pochade
