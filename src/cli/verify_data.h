#pragma once
// `verify --data`: two models on real pictures or sounds.

#include "cli/task_flags.h"

namespace pochade {

struct VerifyDataFlags {
  std::string data, preprocess, channels;
  double agreement =
      -1;  ///< least share of samples with the same largest value; below 0: the tolerance decides
  int64_t limit = 0;
  void add_to(CLI::App& verb);
};

/// Compares, prints, and ends the verb if the models differ.
void verify_on_data(const std::string& a, const std::string& b, const VerifyDataFlags& flags,
                    const RunFlags& run, double tolerance, bool json);

}  // namespace pochade
