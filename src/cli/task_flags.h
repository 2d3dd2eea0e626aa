#pragma once
// Flags of the verbs around a network's task: how pictures and sounds enter, what the outputs are called.

#include "cli/common.h"
#include "tasks/network.h"

namespace pochade {

struct TaskFlags {
  std::string preprocess, channels, labels;
  bool verbose = false;
  RunFlags run;
  void add_to(CLI::App& verb);
  /// The network; warnings of its import, and with --verbose every decision, go to stderr.
  Network open(const std::string& model) const;
};

}  // namespace pochade
