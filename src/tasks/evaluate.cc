#include "tasks/evaluate.h"

#include <algorithm>

#include "media/decode.h"

namespace pochade {
namespace {

constexpr std::string_view kTaskNames[] = {"classify", "detect", "segment", "keyword", "restore"};

/// Which of the samples are taken, and what is said on the way.
class Run {
 public:
  Run(const EvaluationOptions& options, int64_t size, Evaluation& out)
      : options_(options), size_(size), out_(out) {
    wanted_ = options.limit > 0 ? std::min(options.limit, size) : size;
  }

  /// `one` for every sample that is taken; its faults are counted if they are the sample's.
  template <typename Load, typename Use>
  Status sample(const std::string& name, Load&& load, Use&& use) {
    const int64_t at = seen_++;
    // Sample k is taken when k * wanted / size steps up: evenly spread, the same ones every time.
    if (at * wanted_ / size_ == (at - 1) * wanted_ / size_ && at > 0) return {};
    auto loaded = load();
    if (loaded) {
      TRY(use(*loaded, static_cast<size_t>(done_)).context("{}", name));
    } else {
      ++out_.broken;
      if (out_.broken_names.size() < 10)
        out_.broken_names.push_back(format("{}: {}", name, loaded.error().text()));
    }
    ++done_;
    if (options_.progress && !options_.progress(done_, wanted_))
      return Error::make(ErrorCode::kCancelled, "stopped after {} of {} samples", done_, wanted_);
    return {};
  }

 private:
  const EvaluationOptions& options_;
  int64_t size_, wanted_ = 0, seen_ = 0, done_ = 0;
  Evaluation& out_;
};

Status evaluate_labels(Network& network, const std::filesystem::path& data, const EvaluationOptions& options,
                       Evaluation& out) {
  TRY(const LabelledSet set, LabelledSet::open(data, LabelledSet::Kind::kPictures));
  out.layout = set.layout_text();
  out.class_names = set.classes();
  out.output_names = network.labels();
  TRY(network.picture_input());
  Run run(options, set.size(), out);
  return set.each([&](const Sample& sample) -> Status {
    return run.sample(
        sample.name, [&] { return sample_picture(sample); },
        [&](const Image& picture, size_t index) -> Status {
          TRY(const Tensor scores, classify_scores(network, picture));
          if (out.class_outputs.empty()) {
            out.output_count = static_cast<size_t>(scores.elements());
            TRY(out.class_outputs,
                outputs_of_classes(set.classes(), set.has_indexes(), network.labels(), out.output_count));
          }
          const size_t truth = out.class_outputs[sample.label];
          out.classification.add(truth, scores.data<float>());
          out.folds[index % out.folds.size()].add(truth, scores.data<float>());
          return {};
        });
  });
}

}  // namespace

std::optional<EvaluationTask> evaluation_task(std::string_view name) {
  const auto at = std::ranges::find(kTaskNames, name);
  if (at == std::end(kTaskNames)) return std::nullopt;
  return static_cast<EvaluationTask>(at - std::begin(kTaskNames));
}

Result<Tensor> classify_scores(Network& network, const Image& picture) {
  TRY(const PlacedPicture placed, network.enter(picture, Fit::kCrop));
  TRY(const auto outputs, network.run(placed.tensor));
  if (outputs.empty() || outputs[0].values.elements() == 0)
    return Error::not_supported("the model gives no scores");
  return outputs[0].values;
}

Result<Evaluation> evaluate(Network& network, const std::filesystem::path& data, EvaluationTask task,
                            const EvaluationOptions& options) {
  Evaluation out;
  out.task = task;
  if (task != EvaluationTask::kClassify)
    return Error::not_supported("the task {}", kTaskNames[static_cast<size_t>(task)]);
  out.folds.resize(static_cast<size_t>(std::max(options.folds, 1)));
  TRY(evaluate_labels(network, data, options, out));
  return out;
}

}  // namespace pochade
