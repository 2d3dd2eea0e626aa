#include "cli/task_flags.h"

#include <iostream>

#include "cli/progress.h"

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
  run.add_engine_to(verb);
}

Network TaskFlags::open(const std::string& model) const {
  PreprocessFlags said;
  if (!preprocess.empty()) said.preprocess = preprocess;
  if (!channels.empty()) said.channels = channels;
  catch_interrupts();
  Network network = value_or_fail(Network::open(model, said, run.options()));
  network.session().on_step([](size_t, size_t) { return !interrupted(); });
  if (!labels.empty()) network.set_labels(value_or_fail(read_labels(labels)));
  for (const std::string& warning : network.warnings())
    std::cerr << "pochade: warning: " << model << ": " << warning << "\n";
  if (verbose)
    for (const std::string& reason : network.reasons()) std::cerr << reason << "\n";
  return network;
}

void each_file(const std::vector<std::string>& files, bool json,
               const std::function<nlohmann::ordered_json(const std::string&)>& one) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  size_t broken = 0;
  for (const std::string& file : files) {
    check_interrupt();
    try {
      all.push_back(one(file));
    } catch (const VerbFailure& failure) {
      if (files.size() == 1 || interrupted()) throw;
      std::cout.flush();
      std::cerr << "pochade: " << failure.line << "\n";
      all.push_back({{"file", file}, {"error", failure.line}});
      ++broken;
    }
  }
  if (json) print_json(all);
  if (broken > 0) throw VerbFailure{format("{} of {} files failed", broken, files.size()), "", 1};
}

}  // namespace pochade
