#include "cli/task_flags.h"

#include <iostream>

namespace pochade {

void TaskFlags::add_to(CLI::App& verb) {
  verb.add_option(
          "--preprocess", preprocess,
          format("How pictures and sounds enter: {}, or a card (default: the card MODEL.toml beside the "
                 "model, else what the file says)",
                 kPreprocessPresets))
      ->type_name("NAME|FILE.toml");
  verb.add_option("--channels", channels, "Order of the network's channels")
      ->check(CLI::IsMember({"rgb", "bgr"}));
  verb.add_option("--labels", labels, "Names of the outputs, one a line")->type_name("FILE");
  verb.add_flag("-v,--verbose", verbose, "Say what was decided, and from where");
  run.add_to(verb);
}

Network TaskFlags::open(const std::string& model) const {
  PreprocessFlags said;
  if (!preprocess.empty()) said.preprocess = preprocess;
  if (!channels.empty()) said.channels = channels;
  Network network = value_or_fail(Network::open(model, said, run.options()));
  if (!labels.empty()) network.set_labels(value_or_fail(read_labels(labels)));
  for (const std::string& warning : network.warnings())
    std::cerr << "pochade: warning: " << model << ": " << warning << "\n";
  if (verbose)
    for (const std::string& reason : network.reasons()) std::cerr << reason << "\n";
  return network;
}

}  // namespace pochade
