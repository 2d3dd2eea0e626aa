#pragma once
// How far two models agree on real pictures or sounds.

#include <functional>

#include "data/compare.h"
#include "tasks/network.h"

namespace pochade {

struct Agreement {
  int64_t n = 0;
  int64_t same_top1 = 0;  ///< samples for which the largest value of the first output is in the same place
  std::vector<Difference> worst;  ///< of each output in real numbers, over all samples; A's names
  int64_t broken = 0;             ///< samples that could not be read
  double top1_agreement() const {
    return n == 0 ? 0 : static_cast<double>(same_top1) / static_cast<double>(n);
  }
};

/// Runs both on every picture (or sound, if A's card has [audio]) of a data set, or of a folder without any
/// labels. Each takes it in its own type and size; outputs are compared by position, or by name where both
/// have it, dequantized. `limit`: at most so many; 0: all. `progress` as in EvaluationOptions. Errors: no
/// pictures there, inputs that take none, no sample that can be read (the first one's reason), different
/// numbers of outputs, kCancelled.
Result<Agreement> agreement_on(Network& a, Network& b, const std::filesystem::path& data, int64_t limit,
                               const std::function<bool(int64_t, int64_t)>& progress = nullptr);

}  // namespace pochade
