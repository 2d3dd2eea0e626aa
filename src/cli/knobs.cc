#include "base/knobs.h"

#include <iostream>

#include "cli/common.h"
#include "cli/verbs.h"

namespace pochade {

void add_knobs(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("knobs", "List every setting that is read from the environment");
  verb->footer("Example: POCHADE_ISA=avx2 pochade bench candy.onnx");
  verb->add_flag("--json", *json, "For machines");
  verb->callback([json] {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const Knob& k : knobs()) {
      if (*json) {
        out.push_back({{"name", k.name},
                       {"values", k.values},
                       {"default", k.normal},
                       {"meaning", k.meaning},
                       {"now", knob(k.name)}});
        continue;
      }
      const std::string now = knob(k.name);
      std::cout << k.name << "=" << (now.empty() ? "" : now) << "\n    " << k.meaning
                << "\n    values: " << k.values << "; without it: " << k.normal << "\n";
    }
    if (*json) print_json(out);
  });
}

}  // namespace pochade
