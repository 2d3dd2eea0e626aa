#include "cli/verify_data.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "cli/progress.h"
#include "cli/verdict.h"
#include "tasks/agreement.h"

namespace pochade {

void VerifyDataFlags::add_to(CLI::App& verb) {
  CLI::Option* on_data =
      verb.add_option("--data", data,
                      "Compare on real pictures or sounds: a data set as eval takes it, or a folder of files")
          ->type_name("DIR|FILE.bin");
  verb.add_option("--preprocess", preprocess,
                  format("With --data: how they enter: {}, or a card", kPreprocessPresets))
      ->needs(on_data)
      ->type_name("NAME|FILE.toml");
  verb.add_option("--channels", channels, "With --data: order of the networks' channels")
      ->needs(on_data)
      ->check(CLI::IsMember({"rgb", "bgr"}));
  verb.add_option("--agreement", agreement,
                  "With --data: same if so large a share of samples has its largest value in the same place")
      ->needs(on_data)
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("SHARE");
  verb.add_option("--limit", limit, "With --data: at most so many samples, spread evenly")
      ->needs(on_data)
      ->check(CLI::Range(int64_t{1}, INT64_MAX))
      ->type_name("N");
}

void verify_on_data(const std::string& a, const std::string& b, const VerifyDataFlags& flags,
                    const RunFlags& run, double tolerance, bool json) {
  TaskFlags task;
  task.preprocess = flags.preprocess;
  task.channels = flags.channels;
  task.run = run;
  Network na = task.open(a), nb = task.open(b);
  const auto result = [&] {
    Progress progress("comparing");
    return agreement_on(na, nb, flags.data, flags.limit, std::ref(progress));
  }();
  const Agreement found = value_or_fail(result);
  const bool close = std::ranges::all_of(
      found.worst, [&](const Difference& d) { return d.mismatch.empty() && d.max_relative <= tolerance; });
  const bool same = flags.agreement >= 0 ? found.top1_agreement() >= flags.agreement : close;
  if (found.broken > 0) std::cerr << "pochade: warning: " << found.broken << " samples could not be used\n";
  if (json) {
    nlohmann::ordered_json out = {{"a", a},
                                  {"b", b},
                                  {"data", flags.data},
                                  {"samples", found.n},
                                  {"broken", found.broken},
                                  {"tolerance", tolerance},
                                  {"top1_agreement", found.top1_agreement()},
                                  {"verdict", same ? "same" : "different"},
                                  {"outputs", differences_json(found.worst)}};
    print_json(out);
  } else {
    print_differences(found.worst);
    std::printf("The largest value is in the same place for %.1f%% of %lld samples\n%s\n",
                100 * found.top1_agreement(), static_cast<long long>(found.n), same ? "Same" : "Different");
  }
  if (!same) throw VerbFailure{format("{} and {} differ", a, b), "", 1};
}

}  // namespace pochade
