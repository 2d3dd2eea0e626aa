#pragma once
// Flags of the verbs around a network's task: how pictures and sounds enter, what the outputs are called.

#include <functional>

#include "cli/common.h"
#include "tasks/network.h"

namespace pochade {

struct TaskFlags {
  std::string preprocess, channels, labels;
  bool verbose = false;
  RunFlags run;
  void add_to(CLI::App& verb);
  /// The network; warnings of its import, and with --verbose every decision, go to stderr. From here on
  /// Ctrl-C ends its runs, and each_file(), between two steps.
  Network open(const std::string& model) const;
};

/// Runs a verb on its files: prints the list of what it returns for each as JSON, or nothing more if the verb
/// printed by itself. A broken file among several does not stop the others; the exit code tells.
void each_file(const std::vector<std::string>& files, bool json,
               const std::function<nlohmann::ordered_json(const std::string&)>& one);

}  // namespace pochade
