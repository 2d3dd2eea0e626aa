#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "cli/common.h"
#include "cli/task_flags.h"
#include "cli/task_output.h"
#include "cli/verbs.h"
#include "media/decode.h"
#include "tasks/draw.h"
#include "tasks/evaluate.h"

namespace pochade {
namespace {

struct ClassifyFlags {
  std::string model, output;
  std::vector<std::string> files;
  TaskFlags network;
  size_t top = 5;
  double threshold = -1;
  bool json = false, force = false;
};

nlohmann::ordered_json classify_one(const std::string& file, const ClassifyFlags& flags,
                                    const PictureOutput& output, Network& network) {
  const DecodedImage decoded = value_or_fail(read_image(file));
  const Tensor result = value_or_fail(classify_scores(network, decoded.image).context("{}", file));
  const std::vector<float> scores = probabilities(result.data<float>());
  const std::vector<std::string> labels = labels_for(network.labels(), scores.size());
  const double threshold = flags.threshold >= 0 ? flags.threshold : network.task().threshold.value_or(0);
  nlohmann::ordered_json classes = nlohmann::ordered_json::array();
  std::vector<std::string> lines;
  for (const size_t i : top_scores(scores, flags.top)) {
    if (scores[i] < threshold) break;
    classes.push_back({{"index", i}, {"label", label_name(labels, i)}, {"score", json_number(scores[i])}});
    char line[32];
    std::snprintf(line, sizeof(line), "%5.1f%%  ", 100 * double{scores[i]});
    lines.push_back(line + label_name(labels, i));
  }
  if (!flags.json) {
    std::fprintf(output.lines(), "%s\n", file.c_str());
    for (const std::string& line : lines) std::fprintf(output.lines(), "  %s\n", line.c_str());
  }
  if (output.wanted()) {
    Image drawn = value_or_fail(decoded.image.clone());
    draw_lines(drawn, lines);
    output.write(file, drawn);
  }
  return {{"file", file}, {"classes", classes}};
}

}  // namespace

void add_classify(CLI::App& app) {
  auto flags = std::make_shared<ClassifyFlags>();
  CLI::App* verb = app.add_subcommand("classify", "Say what is on pictures");
  verb->footer(
      "Labels come from --labels, a card, or the model file itself.\n"
      "Examples:\n"
      "  pochade classify mobilenet.tflite cat.jpg\n"
      "  pochade classify squeezenet.onnx *.jpg --preprocess bgr_mean --labels imagenet.txt --top 3 --json\n"
      "  pochade classify mobilenet.tflite cat.jpg -o named.png");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  verb->add_option("FILE", flags->files, "Pictures, or - for standard input")->required();
  flags->network.add_to(*verb);
  verb->add_option("--top", flags->top, "The best so many")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->type_name("K");
  verb->add_option("--threshold", flags->threshold, "Least score, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("SCORE");
  verb->add_option("-o,--output", flags->output, "The picture with its classes, or a folder for several")
      ->type_name("OUT|DIR");
  verb->add_flag("--force", flags->force, "Replace existing files");
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] {
    const PictureOutput output(flags->output, flags->files, flags->force, flags->json);
    Network network = flags->network.open(flags->model);
    each_file(flags->files, flags->json,
              [&](const std::string& file) { return classify_one(file, *flags, output, network); });
  });
}

}  // namespace pochade
