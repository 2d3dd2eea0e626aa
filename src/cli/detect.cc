#include <algorithm>
#include <cstdio>
#include <iostream>

#include "cli/common.h"
#include "cli/task_flags.h"
#include "cli/task_output.h"
#include "cli/verbs.h"
#include "data/dataset.h"
#include "media/decode.h"
#include "tasks/draw.h"

namespace pochade {
namespace {

using Json = nlohmann::ordered_json;

struct DetectFlags {
  std::string model, output;
  std::vector<std::string> files;
  TaskFlags network;
  double threshold = -1;
  bool json = false, force = false;
};

Json keypoints_json(std::span<const Keypoint> keypoints) {
  Json out = Json::array();
  for (const Keypoint& k : keypoints)
    out.push_back({{"name", k.name},
                   {"x", json_number(k.x)},
                   {"y", json_number(k.y)},
                   {"score", json_number(k.score)}});
  return out;
}

Json boxes(Network& network, const Image& picture, Image* drawn, const DetectFlags& flags, FILE* lines) {
  const auto threshold = flags.threshold >= 0 ? std::optional(flags.threshold) : std::nullopt;
  const std::vector<Detection> found = value_or_fail(detect(network, picture, threshold));
  Json out = Json::array();
  for (const Detection& d : found) {
    const std::string name = label_name(network.labels(), d.label);
    out.push_back({{"label", name},
                   {"index", d.label},
                   {"score", json_number(d.score)},
                   {"box", {d.box.left, d.box.top, d.box.right, d.box.bottom}}});
    if (!d.keypoints.empty()) out.back()["keypoints"] = keypoints_json(d.keypoints);
    if (lines != nullptr)
      std::fprintf(lines, "  %5.1f%%  %-20s %5.0f,%-5.0f to %5.0f,%-5.0f\n", 100 * d.score, name.c_str(),
                   d.box.left, d.box.top, d.box.right, d.box.bottom);
  }
  if (found.empty() && lines != nullptr) std::fprintf(lines, "  nothing\n");
  if (drawn != nullptr) draw_detections(*drawn, found, network.labels());
  return {{"detections", out}};
}

Json pose(Network& network, const Image& picture, Image* drawn, const DetectFlags& flags, FILE* lines) {
  const std::vector<Keypoint> found = value_or_fail(find_pose(network, picture));
  const double threshold = flags.threshold >= 0 ? flags.threshold : network.task().threshold.value_or(0.3);
  size_t shown = 0;
  for (const Keypoint& k : found)
    if (k.score >= threshold && ++shown > 0 && lines != nullptr)
      std::fprintf(lines, "  %5.1f%%  %-16s %5.0f,%-5.0f\n", 100 * k.score, k.name.c_str(), k.x, k.y);
  if (shown == 0 && lines != nullptr) std::fprintf(lines, "  nothing\n");
  if (drawn != nullptr) draw_pose(*drawn, found, threshold);
  return {{"keypoints", keypoints_json(found)}};
}

Json mask(Network& network, const Image& picture, Image* drawn, FILE* lines) {
  const Mask found = value_or_fail(segment(network, picture));
  std::array<int64_t, 256> counts{};
  for (const uint8_t label : found.classes) ++counts[label];
  std::vector<size_t> order;
  for (size_t label = 0; label < counts.size(); ++label)
    if (counts[label] > 0) order.push_back(label);
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  Json out = Json::array();
  for (const size_t label : order) {
    const double share = static_cast<double>(counts[label]) / static_cast<double>(found.classes.size());
    const std::string name = label_name(network.labels(), label);
    out.push_back({{"label", name}, {"index", label}, {"share", share}});
    if (lines != nullptr) std::fprintf(lines, "  %5.1f%%  %s\n", 100 * share, name.c_str());
  }
  if (drawn != nullptr) {
    value_or_fail(draw_mask(*drawn, found, 0.6));
    int line = 0;
    for (const size_t label : order) {
      if (label == 0) continue;
      const int scale = std::max(1, std::max(picture.width(), picture.height()) / 450);
      const std::string name = label_name(network.labels(), label);
      draw_label(*drawn, name, scale, scale + line++ * label_size(name, scale)[1], voc_colour(label), scale);
    }
  }
  return {{"classes", out}};
}

Json look_at(const std::string& file, TaskKind kind, const DetectFlags& flags, const PictureOutput& output,
             Network& network) {
  const DecodedImage decoded = value_or_fail(read_image(file));
  std::optional<Image> drawn;
  if (output.wanted()) drawn = value_or_fail(decoded.image.clone());
  Image* to = drawn ? &*drawn : nullptr;
  FILE* lines = flags.json ? nullptr : output.lines();
  if (lines != nullptr) std::fprintf(lines, "%s\n", file.c_str());
  Json out = {{"file", file}, {"width", decoded.image.width()}, {"height", decoded.image.height()}};
  out.update(kind == TaskKind::kSegment ? mask(network, decoded.image, to, lines)
             : kind == TaskKind::kPose  ? pose(network, decoded.image, to, flags, lines)
                                        : boxes(network, decoded.image, to, flags, lines));
  if (drawn) output.write(file, *drawn);
  return out;
}

void add_verb(CLI::App& app, const char* name, const char* description, const char* footer,
              std::optional<TaskKind> kind) {
  auto flags = std::make_shared<DetectFlags>();
  CLI::App* verb = app.add_subcommand(name, description);
  verb->footer(footer);
  verb->add_option("MODEL", flags->model, "Model file")->required();
  verb->add_option("FILE", flags->files, "Pictures, or - for standard input")->required();
  flags->network.add_to(*verb);
  if (!kind)
    verb->add_option("--threshold", flags->threshold,
                     "Least score, 0 to 1 (default: the card's, else 0.5; keypoints 0.3)")
        ->check(CLI::Range(0.0, 1.0))
        ->type_name("SCORE");
  verb->add_option("-o,--output", flags->output,
                   "The picture with what was found on it, or a folder for several")
      ->type_name("OUT|DIR");
  verb->add_flag("--force", flags->force, "Replace existing files");
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags, kind] {
    const PictureOutput output(flags->output, flags->files, flags->force, flags->json);
    Network network = flags->network.open(flags->model);
    value_or_fail(network.picture_input());
    const TaskKind found = kind ? *kind : value_or_fail(task_kind(network));
    each_file(flags->files, flags->json,
              [&](const std::string& file) { return look_at(file, found, *flags, output, network); });
  });
}

}  // namespace

void add_detect(CLI::App& app) {
  add_verb(
      app, "detect", "Find things, faces and poses on pictures",
      "A card says how the network's numbers become boxes (docs/tasks.md); the outputs of\n"
      "TFLite_Detection_PostProcess, finished boxes with scores, MoveNet's keypoints and masks need none.\n"
      "Examples:\n"
      "  pochade detect faces.onnx party.jpg --preprocess faces.toml -o found.png\n"
      "  pochade detect ssd.tflite *.jpg --threshold 0.6 --json",
      std::nullopt);
}

void add_segment(CLI::App& app) {
  add_verb(app, "segment", "Colour pictures by what every pixel belongs to",
           "Colours are PASCAL VOC's, class by class.\n"
           "Example: pochade segment deeplab.tflite street.jpg -o coloured.png",
           TaskKind::kSegment);
}

}  // namespace pochade
