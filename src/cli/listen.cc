#include <algorithm>
#include <cstdio>

#include "cli/common.h"
#include "cli/task_flags.h"
#include "cli/verbs.h"
#include "data/metrics.h"
#include "tasks/draw.h"
#include "tasks/evaluate.h"
#include "tasks/listen.h"

namespace pochade {
namespace {

using Json = nlohmann::ordered_json;

struct ListenFlags {
  std::string model;
  std::vector<std::string> files;
  TaskFlags network;
  size_t top = 3;
  double threshold = -1;
  bool json = false;
};

/// Each stretch with its best words.
Json words(const std::vector<Heard>& all, const ListenFlags& flags, const Network& network) {
  const double threshold = flags.threshold >= 0 ? flags.threshold : network.task().threshold.value_or(0);
  Json out = Json::array();
  for (const Heard& heard : all) {
    const std::vector<float> scores = probabilities(heard.scores);
    const std::vector<std::string> labels = labels_for(network.labels(), scores.size());
    Json best = Json::array();
    std::string line;
    for (const size_t i : top_scores(scores, flags.top)) {
      if (scores[i] < threshold) break;
      best.push_back({{"index", i}, {"label", label_name(labels, i)}, {"score", json_number(scores[i])}});
      char percent[16];
      std::snprintf(percent, sizeof(percent), " %.1f%%", 100 * double{scores[i]});
      line += (line.empty() ? "" : ", ") + label_name(labels, i) + percent;
    }
    out.push_back({{"start", heard.start_seconds}, {"seconds", heard.seconds}, {"words", best}});
    if (!flags.json)
      std::printf("  %6.2f s  %s\n", heard.start_seconds, line.empty() ? "nothing" : line.c_str());
  }
  return {{"heard", out}};
}

/// The mean error over all stretches, against the threshold if there is one.
Json anomaly(const std::vector<Heard>& all, const ListenFlags& flags, const Network& network) {
  double sum = 0, worst = 0;
  for (const Heard& heard : all) {
    sum += heard.anomaly;
    worst = std::max(worst, heard.anomaly);
  }
  const double mean = sum / static_cast<double>(std::max<size_t>(all.size(), 1));
  const auto threshold = flags.threshold >= 0 ? std::optional(flags.threshold) : network.task().threshold;
  Json out = {{"anomaly", json_number(mean)}, {"worst", json_number(worst)}, {"windows", all.size()}};
  if (threshold) out["anomalous"] = mean > *threshold;
  if (!flags.json)
    std::printf("  anomaly %.4g (worst %.4g, %zu windows)%s\n", mean, worst, all.size(),
                !threshold          ? ""
                : mean > *threshold ? ": not normal"
                                    : ": normal");
  return out;
}

}  // namespace

void add_listen(CLI::App& app) {
  auto flags = std::make_shared<ListenFlags>();
  CLI::App* verb = app.add_subcommand("listen", "Hear words, or strange noises, in WAV files");
  verb->footer(
      "A card's section [audio] says how sound enters (docs/tasks.md). Sound of another rate is resampled.\n"
      "Long recordings are heard in stretches that overlap by half.\n"
      "Examples:\n"
      "  pochade listen words.tflite yes.wav --preprocess words.toml\n"
      "  pochade listen machine.tflite pump.wav --preprocess machine.toml --threshold 12 --json");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  verb->add_option("FILE", flags->files, "WAV files, or - for standard input")->required();
  flags->network.add_to(*verb);
  verb->add_option("--top", flags->top, "The best so many words")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->type_name("K");
  verb->add_option("--threshold", flags->threshold, "Least score of a word; largest error of a normal sound")
      ->check(CLI::Range(0.0, 1e9))
      ->type_name("SCORE");
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] {
    Network network = flags->network.open(flags->model);
    value_or_fail(expect_sound(network));
    each_file(flags->files, flags->json, [&](const std::string& file) -> Json {
      const Sound sound = value_or_fail(read_wav(file));
      const std::vector<Heard> heard = value_or_fail(listen(network, sound).context("{}", file));
      if (!flags->json) std::printf("%s\n", file.c_str());
      Json out = {{"file", file}, {"seconds", sound.seconds()}, {"rate", sound.rate}};
      out.update(is_anomaly_network(network) ? anomaly(heard, *flags, network)
                                             : words(heard, *flags, network));
      return out;
    });
  });
}

}  // namespace pochade
