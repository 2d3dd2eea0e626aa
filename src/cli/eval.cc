#include <cmath>
#include <cstdio>
#include <iostream>

#include "cli/common.h"
#include "cli/progress.h"
#include "cli/task_flags.h"
#include "cli/verbs.h"
#include "tasks/evaluate.h"

namespace pochade {
namespace {

struct EvalFlags {
  std::string model, data, task = "classify";
  TaskFlags network;
  int folds = 1;
  int64_t limit = 0;
  bool json = false;
};

nlohmann::ordered_json interval_json(const Interval& interval) {
  return nlohmann::ordered_json::array({interval.low, interval.high});
}

nlohmann::ordered_json accuracy_json(const Classification& c) {
  return {{"top1", c.top1()}, {"top5", c.top5()}, {"n", c.n()}, {"ci95", interval_json(c.ci95())}};
}

/// What an output is called: by the model, by the data set, or by its number.
std::string output_name(const Evaluation& result, size_t output) {
  if (output < result.output_names.size() && !result.output_names[output].empty())
    return result.output_names[output];
  for (size_t i = 0; i < result.class_outputs.size(); ++i)
    if (result.class_outputs[i] == output && !result.class_names[i].empty()) return result.class_names[i];
  return format("{}", output);
}

/// A full matrix up to 64 outputs; else the pairs that were confused most.
nlohmann::ordered_json confusion_json(const Evaluation& result) {
  constexpr size_t kLargestMatrix = 64, kMostPairs = 50;
  nlohmann::ordered_json out;
  if (result.output_count <= kLargestMatrix) {
    nlohmann::ordered_json labels = nlohmann::ordered_json::array();
    for (size_t i = 0; i < result.output_count; ++i) labels.push_back(output_name(result, i));
    std::vector<std::vector<int64_t>> matrix(result.output_count, std::vector<int64_t>(result.output_count));
    for (const auto& [pair, count] : result.classification.confusion())
      matrix[pair.first][pair.second] = count;
    return {{"labels", labels}, {"matrix", matrix}};
  }
  std::vector<std::pair<int64_t, std::pair<size_t, size_t>>> pairs;
  for (const auto& [pair, count] : result.classification.confusion())
    if (pair.first != pair.second) pairs.push_back({count, pair});
  std::ranges::stable_sort(pairs, [](const auto& a, const auto& b) { return a.first > b.first; });
  if (pairs.size() > kMostPairs) pairs.resize(kMostPairs);
  out["most_confused"] = nlohmann::ordered_json::array();
  for (const auto& [count, pair] : pairs)
    out["most_confused"].push_back({{"truth", output_name(result, pair.first)},
                                    {"answer", output_name(result, pair.second)},
                                    {"count", count}});
  return out;
}

void add_labels_json(const Evaluation& result, nlohmann::ordered_json& out) {
  out.update(accuracy_json(result.classification));
  out["ci95_method"] = "Wilson";
  out["confusion"] = confusion_json(result);
  if (result.folds.size() < 2) return;
  out["folds"] = nlohmann::ordered_json::array();
  double sum = 0, squares = 0;
  for (const Classification& fold : result.folds) {
    out["folds"].push_back(accuracy_json(fold));
    sum += fold.top1();
    squares += fold.top1() * fold.top1();
  }
  const auto count = static_cast<double>(result.folds.size());
  out["folds_mean"] = sum / count;
  out["folds_std"] = std::sqrt(std::max(0.0, (squares - sum * sum / count) / (count - 1)));
}

void add_detection_json(const Evaluation& result, nlohmann::ordered_json& out) {
  out["mAP"] = result.detection.mean();
  out["mAP_50_95"] = result.detection.mean_over_thresholds();
  out["n"] = result.detection.pictures();
  out["ap"] = nlohmann::ordered_json::object();
  for (const size_t label : result.detection.labels())
    out["ap"][result.class_names[label]] = {{"ap", *result.detection.of(label)},
                                            {"boxes", result.detection.true_boxes(label)}};
}

void add_segmentation_json(const Evaluation& result, nlohmann::ordered_json& out) {
  out["mIoU"] = result.segmentation.mean();
  out["pixel_accuracy"] = result.segmentation.pixel_accuracy();
  out["n"] = result.segmentation.pictures();
  out["iou"] = nlohmann::ordered_json::object();
  for (size_t label = 0; label < MeanIou::kIgnored; ++label)
    if (const auto one = result.segmentation.of(label))
      out["iou"][label < result.output_names.size() ? result.output_names[label] : format("{}", label)] =
          *one;
}

void print_result(const Evaluation& result, const EvalFlags& flags) {
  nlohmann::ordered_json out = {
      {"model", flags.model}, {"data", flags.data}, {"task", flags.task}, {"layout", result.layout}};
  const bool labels = result.task == EvaluationTask::kClassify || result.task == EvaluationTask::kKeyword;
  const auto restored = static_cast<double>(std::max<int64_t>(result.restored, 1));
  if (labels) add_labels_json(result, out);
  if (result.task == EvaluationTask::kDetect) add_detection_json(result, out);
  if (result.task == EvaluationTask::kSegment) add_segmentation_json(result, out);
  if (result.task == EvaluationTask::kRestore) {
    out["psnr_db"] = json_number(result.psnr_db_sum / restored);
    out["ssim"] = json_number(result.ssim_sum / restored);
    out["n"] = result.restored;
  }
  out["broken"] = result.broken;
  out["broken_files"] = result.broken_names;
  if (flags.json) return print_json(out);

  if (labels) {
    const Classification& c = result.classification;
    const Interval ci = c.ci95();
    std::printf("top-1  %.1f%%   (95%% interval %.1f to %.1f, Wilson)\ntop-5  %.1f%%\nn      %lld   (%s)\n",
                100 * c.top1(), 100 * ci.low, 100 * ci.high, 100 * c.top5(), static_cast<long long>(c.n()),
                result.layout.c_str());
    for (size_t i = 0; result.folds.size() > 1 && i < result.folds.size(); ++i)
      std::printf("fold %zu: top-1 %.1f%% of %lld\n", i + 1, 100 * result.folds[i].top1(),
                  static_cast<long long>(result.folds[i].n()));
  } else {
    for (const auto& [key, value] : out.items())
      if (value.is_number() && key != "broken") std::printf("%-15s%s\n", key.c_str(), value.dump().c_str());
  }
}

void eval(const EvalFlags& flags) {
  const auto task = evaluation_task(flags.task);
  if (!task)
    fail_usage(format("--task {}: no such task", flags.task), format("Known: {}.", kEvaluationTasks));
  Network network = flags.network.open(flags.model);
  const auto result = [&] {
    Progress progress("evaluating");
    EvaluationOptions options{flags.folds, flags.limit, std::ref(progress)};
    return evaluate(network, flags.data, *task, options);
  }();
  const Evaluation evaluation = value_or_fail(result);
  for (const std::string& name : evaluation.broken_names) std::cerr << "pochade: warning: " << name << "\n";
  if (evaluation.broken > 0)
    std::cerr << "pochade: warning: " << evaluation.broken << " samples could not be read\n";
  print_result(evaluation, flags);
}

}  // namespace

void add_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* verb = app.add_subcommand("eval", "Measure how well a model does its task on labelled data");
  verb->footer(
      "Data: a folder for each class; NNNN_*.jpg with labels.tsv (index, id, name); CIFAR-10 .bin files;\n"
      "PASCAL VOC boxes (Annotations, JPEGImages) or masks (SegmentationClass); sounds LABEL_*.wav;\n"
      "restore: input/NAME and target/NAME.\n"
      "Examples:\n"
      "  pochade eval mobilenet.tflite --data imagenet/ --preprocess signed\n"
      "  pochade eval faces.onnx --data voc/ --task detect --preprocess faces.toml --json\n"
      "  pochade eval words.tflite --data clips/ --task keyword --preprocess words.toml");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  verb->add_option("--data", flags->data, "The data set")->required()->type_name("DIR|FILE.bin");
  verb->add_option("--task", flags->task, format("One of {}", kEvaluationTasks))
      ->capture_default_str()
      ->type_name("TASK");
  flags->network.add_to(*verb);
  verb->add_option("--folds", flags->folds, "Report so many parts of the data one by one, and their spread")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--limit", flags->limit, "At most so many samples, spread evenly")
      ->check(CLI::Range(int64_t{1}, INT64_MAX))
      ->type_name("N");
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] { eval(*flags); });
}

}  // namespace pochade
